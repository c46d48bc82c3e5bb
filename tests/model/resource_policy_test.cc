#include "model/resource_policy.h"

#include <gtest/gtest.h>

#include "model/fixture.h"

namespace lateen::model {
namespace {

VolumeFacts csi_volume(std::string_view capacity, std::string storage_class) {
  return {.capacity = *Quantity::parse(capacity),
          .storage_class = std::move(storage_class),
          .volume_type = "csi",
          .csi_driver = "ebs.csi.aws.com"};
}

std::string action_of(std::string_view yaml, const VolumeFacts& volume) {
  const Result<ResourcePolicy> policy = ResourcePolicy::parse(yaml);
  if (!policy) return policy.error().message();
  const VolumePolicy* match = policy->match(volume);
  return match == nullptr ? "none" : std::string(to_string(match->action));
}

TEST(ResourcePolicy, TakesTheFirstPolicyWhoseConditionsAllHold) {
  constexpr std::string_view kYaml = R"(
version: v1
volumePolicies:
- conditions: {capacity: "0,1Mi"}
  action: {type: skip}
- conditions: {storageClass: [local-bench, gp3], volumeTypes: [csi]}
  action: {type: fs-backup}
- conditions: {csi: {}}
  action: {type: snapshot}
)";
  EXPECT_EQ(action_of(kYaml, csi_volume("512Ki", "gp3")), "skip");
  EXPECT_EQ(action_of(kYaml, csi_volume("1Mi", "gp3")), "skip");
  EXPECT_EQ(action_of(kYaml, csi_volume("10Gi", "gp3")), "fs-backup");
  EXPECT_EQ(action_of(kYaml, csi_volume("10Gi", "io2")), "snapshot");
  EXPECT_EQ(action_of(kYaml, {.capacity = *Quantity::parse("1Gi"), .volume_type = "emptyDir"}),
            "none");
}

TEST(ResourcePolicy, RefusesFieldsThatNobodyKnows) {
  EXPECT_EQ(action_of("version: v1\nvolumePolicies:\n- conditions: {storageclass: [a]}\n  action: "
                      "{type: skip}\n",
                      {}),
            "volumePolicies[0].conditions: unknown field \"storageclass\"");
  EXPECT_EQ(action_of("version: v2\n", {}),
            "incompatible version number v2 with supported version v1");
  EXPECT_EQ(action_of("version: v1\nvolumePolicies:\n- action: {type: keep}\n", {}),
            "volumePolicies[0].action: invalid action type keep");
  EXPECT_EQ(
      action_of(
          "version: v1\nvolumePolicies:\n- conditions: {capacity: 10Gi}\n  action: {type: skip}\n",
          {}),
      "volumePolicies[0].conditions.capacity: wrong format of Capacity 10Gi");
}

TEST(ResourcePolicy, MatchesNfsByServerAndPath) {
  constexpr std::string_view kYaml =
      "version: v1\nvolumePolicies:\n- conditions: {nfs: {server: a}}\n  action: {type: skip}\n";
  EXPECT_EQ(action_of(kYaml, {.volume_type = "nfs", .nfs_server = "a", .nfs_path = "/x"}), "skip");
  EXPECT_EQ(action_of(kYaml, {.volume_type = "nfs", .nfs_server = "b"}), "none");
}

TEST(ResourcePolicy, ReadsWhatAVolumeIsFromItsObjects) {
  const Json volume = parse(R"({"spec":{"capacity":{"storage":"5Gi"},"storageClassName":"fast",
    "csi":{"driver":"d","volumeAttributes":{"type":"x"}}}})");
  const Json claim = parse(R"({"metadata":{"labels":{"app":"db"}},"status":{"phase":"Bound"}})");
  const VolumeFacts facts = VolumeFacts::from(&volume, nullptr, &claim);
  EXPECT_EQ(facts.volume_type, "csi");
  EXPECT_EQ(facts.csi_driver, "d");
  EXPECT_EQ(facts.capacity->format(), "5Gi");
  const VolumeConditions conditions = {
      .csi = CsiCondition{.driver = "d", .volume_attributes = {{"type", "x"}}},
      .pvc_labels = {{"app", "db"}},
      .pvc_phases = {"Bound", "Pending"}};
  EXPECT_TRUE(conditions.match(facts));
}

TEST(ResourcePolicy, WantsExactlyOneKeyInItsConfigMap) {
  const Json two =
      parse(R"({"metadata":{"namespace":"velero","name":"p"},"data":{"a":"","b":""}})");
  EXPECT_EQ(ResourcePolicy::from_config_map(two).error().message(),
            "illegal resource policies velero/p configmap");
  const Json one =
      parse(R"({"metadata":{"namespace":"velero","name":"p"},"data":{"a":"version: v1\n"}})");
  EXPECT_TRUE(ResourcePolicy::from_config_map(one));
}

TEST(ResourcePolicy, CarriesFiltersWithoutStars) {
  const Result<ResourcePolicy> policy = ResourcePolicy::parse(
      "version: v1\nincludeExcludePolicy: {excludedNamespaceScopedResources: [secrets]}\n");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->include_exclude()->excluded_namespace_scoped_resources, StringList{"secrets"});
  EXPECT_FALSE(ResourcePolicy::parse(
      "version: v1\nincludeExcludePolicy: {includedClusterScopedResources: [\"*\"]}\n"));
}

}  // namespace
}  // namespace lateen::model
