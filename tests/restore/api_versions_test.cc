#include "restore/api_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing/discovery.h"
#include "restore/plan.h"

namespace lateen::restore {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kScalers = "horizontalpodautoscalers.autoscaling";

// Served here as v2.
std::vector<archive::ArchivedItem> backup_of(std::string_view preferred,
                                             std::vector<std::string_view> others) {
  std::vector<archive::ArchivedItem> items = {
      {.key = {kScalers, "shop", "web", preferred, true}, .location = {}}};
  for (const std::string_view version : others)
    items.push_back({.key = {kScalers, "shop", "web", version, false}, .location = {}});
  return items;
}

std::map<std::string, std::string, std::less<>> choose(
    const std::vector<archive::ArchivedItem>& items, const VersionPreferences& preferences = {}) {
  return choose_versions(items, backup::samples::make_discovery(backup::samples::kinds()),
                         preferences);
}

TEST(ApiVersions, ABackupOfOneVersionIsTakenAsItIs) {
  EXPECT_THAT(choose(backup_of("v1", {})), IsEmpty());
}

TEST(ApiVersions, WhatTheTargetDoesNotServeIsTakenInAVersionThatItServes) {
  EXPECT_THAT(choose(backup_of("v1", {"v2", "v2beta2"})),
              ElementsAre(Pair(std::string(kScalers), "v2")));
  EXPECT_THAT(choose(backup_of("v2", {"v1"})), IsEmpty());
}

TEST(ApiVersions, AsVeleroChoosesTheTargetsPreferenceGoesFirst) {
  EXPECT_THAT(choose(backup_of("v1", {"v2"}), {.as_velero = true}),
              ElementsAre(Pair(std::string(kScalers), "v2")));
}

TEST(ApiVersions, ReadsWhatPeopleWant) {
  const auto wanted =
      parse_version_priorities("rockbands.music.example.io=v2beta1,v2beta2\n\nnonsense\na.b = v1");
  EXPECT_THAT(wanted, UnorderedElementsAre(
                          Pair("rockbands.music.example.io", ElementsAre("v2beta1", "v2beta2")),
                          Pair("a.b", ElementsAre("v1"))));
}

TEST(ApiVersions, AreOrderedAsKubernetesOrdersThem) {
  std::vector<std::string> versions = {"v1alpha1", "v10", "v1beta2", "foo", "v2", "v1", "v1beta1"};
  std::sort(versions.begin(), versions.end(),
            [](const auto& a, const auto& b) { return is_version_before(a, b); });
  EXPECT_THAT(versions, ElementsAre("v10", "v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "foo"));
}

TEST(ApiVersions, ThePlanTakesTheChosenCopyAndNoOther) {
  const auto items = backup_of("v1", {"v2"});
  const RestorePlan plan =
      plan_restore({}, items, backup::samples::make_discovery(backup::samples::kinds()));
  ASSERT_EQ(plan.total, 1U);
  EXPECT_EQ(items[plan.ranks.at(0).at(0).items.at(0).archived].key.version, "v2");
}

}  // namespace
}  // namespace lateen::restore
