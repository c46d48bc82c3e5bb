// The facts of pflag and of Velero's own flag types.
#include "cli/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/backup_spec_flags.h"
#include "cli/values.h"

namespace lateen::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::vector<FlagSpec> one_of_each() {
  return {{.name = "wait", .kind = FlagKind::Bool, .usage = "", .shorthand = "w"},
          {.name = "snapshot-volumes", .kind = FlagKind::OptionalBool, .usage = ""},
          {.name = "ttl", .kind = FlagKind::Duration, .usage = "", .value = "0s"},
          {.name = "parallel", .kind = FlagKind::Int, .usage = "", .value = "0"},
          {.name = "include", .kind = FlagKind::List, .usage = "", .value = "*"},
          {.name = "locations", .kind = FlagKind::ListAppend, .usage = ""},
          {.name = "labels", .kind = FlagKind::Map, .usage = ""},
          {.name = "mappings", .kind = FlagKind::Mappings, .usage = ""},
          {.name = "selector", .kind = FlagKind::Selector, .usage = "", .shorthand = "l"},
          {.name = "or-selector", .kind = FlagKind::OrSelector, .usage = ""}};
}

// Sets flags in order; the first that is refused is the error.
Result<Flags> given(const std::vector<std::pair<std::string, std::string>>& values) {
  Flags flags(one_of_each());
  for (const auto& [name, value] : values) {
    const FlagSpec* spec = flags.find(name);
    if (spec == nullptr) return Error(Code::NotFound, "{}", name);
    TRY(flags.set(*spec, value));
  }
  return flags;
}

TEST(Flags, AListThatIsGivenAgainReplacesTheFirst) {
  const auto flags = given({{"include", "a"}, {"include", "b, c"}});
  ASSERT_TRUE(flags);
  EXPECT_THAT(flags->list("include"), ElementsAre("b", "c"));
}

TEST(Flags, VolumeSnapshotLocationsAddUp) {
  const auto flags = given({{"locations", "a"}, {"locations", "b,c"}});
  ASSERT_TRUE(flags);
  EXPECT_THAT(flags->list("locations"), ElementsAre("a", "b", "c"));
}

TEST(Flags, MapsMergeAndTakeCsvQuotes) {
  const auto flags = given({{"labels", R"("k1=a=b,c=d",k2=v)"}, {"labels", "k2=w,k3="}});
  ASSERT_TRUE(flags);
  EXPECT_THAT(flags->map("labels"),
              UnorderedElementsAre(Pair("k1", "a=b,c=d"), Pair("k2", "w"), Pair("k3", "")));
}

TEST(Flags, NamespaceMappingsAreDividedByColons) {
  const auto flags = given({{"mappings", "src:dst,a:b"}});
  ASSERT_TRUE(flags);
  EXPECT_THAT(flags->map("mappings"), UnorderedElementsAre(Pair("src", "dst"), Pair("a", "b")));
}

TEST(Flags, AnOptionalBoolHasThreeAnswers) {
  EXPECT_EQ(given({})->tristate("snapshot-volumes"), std::nullopt);
  EXPECT_EQ(given({{"snapshot-volumes", "true"}})->tristate("snapshot-volumes"), true);
  EXPECT_EQ(given({{"snapshot-volumes", "F"}})->tristate("snapshot-volumes"), false);
}

TEST(Flags, DefaultsHoldWhileNothingIsGiven) {
  const auto flags = given({});
  EXPECT_THAT(flags->list("include"), ElementsAre("*"));
  EXPECT_EQ(flags->duration("ttl"), Duration::zero());
  EXPECT_EQ(flags->integer("parallel"), 0);
  EXPECT_FALSE(flags->is("wait"));
  EXPECT_FALSE(flags->selector("selector"));
  EXPECT_FALSE(flags->given("include"));
}

struct Refused {
  const char* flag;
  const char* value;
  const char* message;
};

class RefusedValue : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedValue, IsRefusedInPflagsWords) {
  const auto flags = given({{GetParam().flag, GetParam().value}});
  ASSERT_FALSE(flags);
  EXPECT_TRUE(flags.error().is(Code::InvalidArgument));
  EXPECT_EQ(flags.error().message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Values,
    RefusedValue,
    ::testing::Values(
        Refused{
            "ttl", "1x",
            R"(invalid argument "1x" for "--ttl" flag: time: unknown unit "x" in duration "1x")"},
        Refused{"ttl", "soon",
                R"(invalid argument "soon" for "--ttl" flag: time: invalid duration "soon")"},
        Refused{
            "wait", "maybe",
            R"(invalid argument "maybe" for "-w, --wait" flag: strconv.ParseBool: parsing "maybe": invalid syntax)"},
        Refused{"labels", "novalue",
                R"(invalid argument "novalue" for "--labels" flag: error parsing "novalue")"}),
    [](const auto& one) { return std::string(one.param.flag) + std::to_string(one.index); });

TEST(Selectors, AreReadInKubernetesSyntax) {
  const auto selector =
      parse_selector("app=web, tier in (a, b),env notin (x),!old,new,zone!=c,k==v");
  ASSERT_TRUE(selector) << selector.error().message();
  EXPECT_THAT(selector->match_labels, UnorderedElementsAre(Pair("app", "web"), Pair("k", "v")));
  ASSERT_EQ(selector->match_expressions.size(), 5U);
  EXPECT_EQ(selector->match_expressions[0].op, "In");
  EXPECT_THAT(selector->match_expressions[0].values, ElementsAre("a", "b"));
  EXPECT_EQ(selector->match_expressions[1].op, "NotIn");
  EXPECT_EQ(selector->match_expressions[2].op, "DoesNotExist");
  EXPECT_EQ(selector->match_expressions[3].op, "Exists");
  EXPECT_EQ(selector->match_expressions[4].op, "NotIn");
  EXPECT_THAT(selector->match_expressions[4].values, ElementsAre("c"));
}

TEST(Selectors, ThatMakeNoSenseAreRefused) {
  for (const char* text :
       {"a b", "in (x)", "a in x", "a=b,,c=d", "a in (x", "!", "=v", "!=v", ","}) {
    EXPECT_FALSE(parse_selector(text)) << text;
  }
}

TEST(Selectors, AreJoinedByOr) {
  const auto selectors = parse_or_selector("app=web or app in (payments, web),tier=a");
  ASSERT_TRUE(selectors);
  ASSERT_EQ(selectors->size(), 2U);
  EXPECT_EQ(selectors->at(0).format(), "app=web");
  EXPECT_THAT(selectors->at(1).match_labels, UnorderedElementsAre(Pair("tier", "a")));
}

TEST(OrderedResources, AreDividedBySemicolons) {
  const auto ordered = parse_ordered_resources("pods=ns1/p1,ns1/p2; persistentvolumes=pv1");
  ASSERT_TRUE(ordered);
  EXPECT_THAT(*ordered, UnorderedElementsAre(Pair("pods", "ns1/p1,ns1/p2"),
                                             Pair("persistentvolumes", "pv1")));
  EXPECT_FALSE(parse_ordered_resources("pods"));
  EXPECT_FALSE(parse_ordered_resources("pods=a=b"));
}

Result<model::BackupSpec> spec_of(const std::vector<std::pair<std::string, std::string>>& values) {
  Flags flags(backup_spec_flags());
  for (const auto& [name, value] : values)
    TRY(flags.set(*flags.find(name), value));
  return backup_spec_from(flags);
}

TEST(BackupSpecFlags, SendAllNamespacesByDefault) {
  const auto spec = spec_of({});
  ASSERT_TRUE(spec);
  EXPECT_THAT(spec->included_namespaces, ElementsAre("*"));
  EXPECT_EQ(spec->ttl, Duration::zero());
  EXPECT_EQ(spec->snapshot_volumes, std::nullopt);
}

TEST(BackupSpecFlags, RefuseTwoKindsOfSelectorsAndOfFilters) {
  const auto selectors = spec_of({{"selector", "a=b"}, {"or-selector", "c=d or e=f"}});
  ASSERT_FALSE(selectors);
  EXPECT_EQ(selectors.error().message(),
            "either a 'selector' or an 'or-selector' can be specified, but not both");
  const auto filters = spec_of(
      {{"include-resources", "pods"}, {"include-cluster-scoped-resources", "storageclasses"}});
  ASSERT_FALSE(filters);
  EXPECT_EQ(filters.error().message(),
            "include-resources, exclude-resources and include-cluster-resources are old filter "
            "parameters.\n"
            "include-cluster-scoped-resources, exclude-cluster-scoped-resources, "
            "include-namespace-scoped-resources and exclude-namespace-scoped-resources are new "
            "filter parameters.\n"
            "They cannot be used together");
}

}  // namespace
}  // namespace lateen::cli
