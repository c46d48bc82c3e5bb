#include "backup/namespace_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lateen::backup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<NamespaceFacts> cluster() {
  return {{.name = "default", .labels = {}},
          {.name = "kube-system", .labels = {}},
          {.name = "shop", .labels = {}},
          {.name = "shop-test", .labels = {}},
          {.name = "secret-lab", .labels = {{"velero.io/exclude-from-backup", "true"}}},
          {.name = "leaving", .labels = {}, .active = false}};
}

NamespaceFilter resolve(model::StringList included, model::StringList excluded = {}) {
  model::BackupSpec spec;
  spec.included_namespaces = std::move(included);
  spec.excluded_namespaces = std::move(excluded);
  return NamespaceFilter::resolve(spec, cluster());
}

TEST(NamespaceFilter, NothingSaidMeansEveryActiveNamespaceThatIsNotLabelledOut) {
  EXPECT_THAT(resolve({}).selected(), ElementsAre("default", "kube-system", "shop", "shop-test"));
  EXPECT_THAT(resolve({"*"}).selected(),
              ElementsAre("default", "kube-system", "shop", "shop-test"));
}

TEST(NamespaceFilter, ALabelledNamespaceIsOutEvenWhenNamed) {
  EXPECT_THAT(resolve({"secret-lab"}).selected(), IsEmpty());
}

TEST(NamespaceFilter, PatternsAreResolvedAgainstWhatIsThere) {
  EXPECT_THAT(resolve({"shop*"}).selected(), ElementsAre("shop", "shop-test"));
  EXPECT_THAT(resolve({"shop?test"}).selected(), ElementsAre("shop-test"));
  EXPECT_THAT(resolve({"[ds]*"}, {"*-test"}).selected(), ElementsAre("default", "shop"));
}

TEST(NamespaceFilter, APatternThatMatchesNothingMeansNothingAndNotEverything) {
  const NamespaceFilter filter = resolve({"prod-*"});
  EXPECT_THAT(filter.selected(), IsEmpty());
  EXPECT_FALSE(filter.is_everything());
  EXPECT_THAT(filter.missing(), IsEmpty());  // a pattern names nobody
}

TEST(NamespaceFilter, ANameThatIsNotThereIsMissing) {
  EXPECT_THAT(resolve({"shop", "gone"}).missing(), ElementsAre("gone"));
}

TEST(NamespaceFilter, ATerminatingNamespaceIsPassedOverByPatternsAndTakenByName) {
  EXPECT_THAT(resolve({"leav*"}).selected(), IsEmpty());
  EXPECT_THAT(resolve({"leaving"}).selected(), ElementsAre("leaving"));
}

// Velero 1.18: an exclude, also by label, makes it less than everything.
TEST(NamespaceFilter, EverythingIsNothingSaidAStarOrEachByName) {
  const std::vector<NamespaceFacts> two = {{.name = "a", .labels = {}},
                                           {.name = "b", .labels = {}}};
  const auto everything = [&two](model::StringList included, model::StringList excluded) {
    model::BackupSpec spec;
    spec.included_namespaces = std::move(included);
    spec.excluded_namespaces = std::move(excluded);
    return NamespaceFilter::resolve(spec, two).is_everything();
  };
  EXPECT_TRUE(everything({}, {}));
  EXPECT_TRUE(everything({"*"}, {}));
  EXPECT_TRUE(everything({"a", "b"}, {}));
  EXPECT_FALSE(everything({"a"}, {}));
  EXPECT_FALSE(everything({"*"}, {"c"}));
  EXPECT_FALSE(resolve({}).is_everything());
}

}  // namespace
}  // namespace lateen::backup
