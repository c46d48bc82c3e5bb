#include "model/spec_validation.h"

#include <gtest/gtest.h>

#include "model/include_exclude.h"

namespace lateen::model {
namespace {

TEST(IncludeExclude, TakesEverythingThatIsNotExcludedWhenNothingIsNamed) {
  const IncludeExclude namespaces({}, {"kube-*"});
  EXPECT_TRUE(namespaces.should_include("shop"));
  EXPECT_FALSE(namespaces.should_include("kube-system"));
  EXPECT_FALSE(namespaces.includes_everything());
  EXPECT_TRUE(namespaces.includes_all_but_excludes());
}

TEST(IncludeExclude, TakesOnlyWhatIsNamedByNameOrGlob) {
  const IncludeExclude namespaces({"shop", "team-?"}, {"team-x"});
  EXPECT_TRUE(namespaces.should_include("shop"));
  EXPECT_TRUE(namespaces.should_include("team-a"));
  EXPECT_FALSE(namespaces.should_include("team-x"));
  EXPECT_FALSE(namespaces.should_include("other"));
}

TEST(IncludeExclude, IncludesEverythingOnlyWithoutAnyExclude) {
  EXPECT_TRUE(IncludeExclude().includes_everything());
  EXPECT_TRUE(IncludeExclude({"*"}, {}).includes_everything());
  EXPECT_FALSE(IncludeExclude({"*"}, {"a"}).includes_everything());
  EXPECT_FALSE(IncludeExclude({"a"}, {}).includes_everything());
}

TEST(IncludeExclude, RefusesAStarBesideOthersAndAmongTheExcludes) {
  EXPECT_EQ(validate_includes_excludes({"*", "a"}, {}),
            StringList{"includes list must either contain '*' only, or a non-empty list of items"});
  EXPECT_EQ(validate_includes_excludes({}, {"*"}), StringList{"excludes list cannot contain '*'"});
  EXPECT_EQ(validate_includes_excludes({"a", "b"}, {"b"}),
            StringList{"excludes list cannot contain an item in the includes list: b"});
  EXPECT_TRUE(validate_includes_excludes({"*"}, {"a"}).empty());
}

TEST(IncludeExclude, OfScopedResourcesTakesAStarAmongTheExcludesAlone) {
  EXPECT_TRUE(validate_scoped_includes_excludes({}, {"*"}).empty());
  EXPECT_FALSE(validate_scoped_includes_excludes({"a"}, {"*"}).empty());
  EXPECT_FALSE(validate_scoped_includes_excludes({}, {"*", "a"}).empty());
}

struct NamespaceCase {
  std::string name;
  std::string pattern;
  bool valid;
};

class NamespacePattern : public ::testing::TestWithParam<NamespaceCase> {};

TEST_P(NamespacePattern, IsJudgedAsVeleroDoes) {
  EXPECT_EQ(validate_namespace_includes_excludes({GetParam().pattern}, {}).empty(),
            GetParam().valid);
}

INSTANTIATE_TEST_SUITE_P(,
                         NamespacePattern,
                         ::testing::ValuesIn(std::vector<NamespaceCase>{
                             {"AName", "shop", true},
                             {"Everything", "*", true},
                             {"APrefix", "team-*", true},
                             {"ASet", "team-[ab]", true},
                             {"UpperCase", "Shop", false},
                             {"TwoStars", "a**", false},
                             {"Alternatives", "{a,b}", false},
                             {"AnOpenBracket", "a[b", false},
                             {"AnEmptyBracket", "a[]", false},
                             {"ADashAtTheEnd", "shop-", false}}),
                         [](const auto& one) { return one.param.name; });

TEST(BackupSpecValidation, FindsNothingWrongWithAnEmptySpec) {
  EXPECT_TRUE(validate(BackupSpec()).empty());
}

TEST(BackupSpecValidation, RefusesOldAndNewFiltersTogether) {
  const BackupSpec spec = {.included_resources = {"pods"},
                           .included_namespace_scoped_resources = {"pods"}};
  const StringList errors = validate(spec);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_TRUE(errors[0].ends_with("They cannot be used together")) << errors[0];
}

TEST(BackupSpecValidation, RefusesTwoKindsOfSelectors) {
  const BackupSpec spec = {.label_selector = LabelSelector{},
                           .or_label_selectors = {LabelSelector{}}};
  EXPECT_EQ(validate(spec), StringList{"encountered labelSelector as well as orLabelSelectors in "
                                       "backup spec, only one can be specified"});
}

TEST(BackupSpecValidation, NamesTheListThatIsWrong) {
  const BackupSpec spec = {.included_namespaces = {"a"}, .excluded_namespaces = {"a"}};
  EXPECT_EQ(validate(spec), StringList{"Invalid included/excluded namespace lists: excludes list "
                                       "cannot contain an item in the includes "
                                       "list: a"});
}

TEST(RestoreSpecValidation, WantsOneSource) {
  EXPECT_EQ(validate(RestoreSpec()).size(), 1U);
  EXPECT_EQ(validate(RestoreSpec{.backup_name = "b", .schedule_name = "s"}).size(), 1U);
  EXPECT_TRUE(validate(RestoreSpec{.backup_name = "b"}).empty());
}

TEST(RestoreSpecValidation, RefusesWhatIsNeverRestored) {
  RestoreSpec spec = {.backup_name = "b", .included_resources = {"nodes"}};
  add_non_restorable_resources(spec);
  EXPECT_EQ(validate(spec), StringList{"nodes are non-restorable resources"});
}

TEST(RestoreSpecValidation, WantsNameImageAndCommandOfAnInitContainer) {
  RestoreSpec spec = {.backup_name = "b"};
  InitRestoreHook init;
  init.init_containers.push_back(JsonObject{{"name", "x"}, {"image", "y"}});
  spec.hooks.resources.push_back({.name = "h", .post_hooks = {{.init = init}}});
  EXPECT_EQ(validate(spec).size(), 1U);
}

TEST(LocationValidation, WantsThePrefixOutOfTheBucket) {
  BackupStorageLocationSpec spec = {.provider = "aws",
                                    .object_storage = ObjectStorageLocation{.bucket = "a/b"}};
  EXPECT_EQ(validate(spec).size(), 1U);
  spec.object_storage->bucket = "a";
  EXPECT_TRUE(validate(spec).empty());
}

}  // namespace
}  // namespace lateen::model
