#include "volumes/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"

namespace lateen::volumes {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Json yaml(std::string_view text) {
  auto parsed = parse_yaml(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : Json();
}

model::ResourcePolicy policy(std::string_view action) {
  auto parsed = model::ResourcePolicy::parse(fmt::format(R"(
version: v1
volumePolicies:
- conditions: {{storageClass: [fast]}}
  action: {{type: {}}}
)",
                                                         action));
  EXPECT_TRUE(parsed) << parsed.error().message();
  return *parsed;
}

struct DecisionCase {
  const char* name;
  const char* source = "csi: {driver: d}";  // of the volume
  const char* storage_class = "fast";
  bool chosen = false;  // for file-system backup, by a pod
  std::optional<bool> snapshot_volumes = {};
  const char* policy = nullptr;
  VolumeMethod expected = VolumeMethod::None;
};

class VolumeDecisions : public testing::TestWithParam<DecisionCase> {};

TEST_P(VolumeDecisions, FollowVelerosOrder) {
  const DecisionCase& given = GetParam();
  const Json volume =
      yaml(fmt::format("{{metadata: {{name: pv-1}}, spec: {{storageClassName: {}, capacity: "
                       "{{storage: 1Gi}}, {}}}}}",
                       given.storage_class, given.source));
  const Json claim = yaml("{metadata: {name: data, namespace: shop}}");
  model::BackupSpec spec;
  spec.snapshot_volumes = given.snapshot_volumes;
  std::optional<model::ResourcePolicy> rules;
  if (given.policy != nullptr) rules = policy(given.policy);
  const VolumeDecision decision =
      decide({.volume = &volume, .claim = &claim, .chosen_for_file_system = given.chosen}, spec,
             rules ? &*rules : nullptr);
  EXPECT_EQ(to_string(decision.method), to_string(given.expected)) << decision.reason;
  EXPECT_FALSE(decision.reason.empty());
}

INSTANTIATE_TEST_SUITE_P(
    ,
    VolumeDecisions,
    testing::ValuesIn(std::vector<DecisionCase>{
        {.name = "ACsiVolumeIsSnapshottedByDefault", .expected = VolumeMethod::CsiSnapshot},
        {.name = "AnyOtherIsForTheNativeSnapshotter",
         .source = "awsElasticBlockStore: {volumeID: v}",
         .expected = VolumeMethod::NativeSnapshot},
        {.name = "APodsChoiceOfFileSystemBackupKeepsSnapshotsAway",
         .chosen = true,
         .expected = VolumeMethod::FileSystem},
        {.name = "SnapshotVolumesFalseMeansNothingIsSaved",
         .snapshot_volumes = false,
         .expected = VolumeMethod::None},
        {.name = "APolicyBeatsSnapshotVolumesFalse",
         .snapshot_volumes = false,
         .policy = "snapshot",
         .expected = VolumeMethod::CsiSnapshot},
        {.name = "APolicyBeatsAPodsChoice",
         .chosen = true,
         .policy = "snapshot",
         .expected = VolumeMethod::CsiSnapshot},
        {.name = "APolicyThatSkipsSkips", .policy = "skip", .expected = VolumeMethod::None},
        {.name = "APolicyMayAskForFileSystemBackup",
         .policy = "fs-backup",
         .expected = VolumeMethod::FileSystem},
        {.name = "CustomIsSomebodyElsesBusiness",
         .policy = "custom",
         .expected = VolumeMethod::None},
        {.name = "APolicyThatDoesNotMatchSaysNothing",
         .storage_class = "slow",
         .policy = "skip",
         .expected = VolumeMethod::CsiSnapshot},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(VolumeDecision, AClaimWithoutAVolumeHasNothingToSave) {
  EXPECT_EQ(decide({}, {}, nullptr),
            (VolumeDecision{VolumeMethod::None, "the claim is bound to no volume"}));
}

Json pod(std::string_view annotations) {
  return yaml(fmt::format(R"(
metadata: {{name: web, annotations: {{{}}}}}
spec:
  volumes:
  - {{name: data, persistentVolumeClaim: {{claimName: data}}}}
  - {{name: cache, emptyDir: {{}}}}
  - {{name: conf, configMap: {{name: c}}}}
  - {{name: host, hostPath: {{path: /x}}}}
  - {{name: token, projected: {{}}}}
  - {{name: default-token-x, secret: {{secretName: s}}}}
)",
                          annotations));
}

TEST(FileSystemVolumes, AreThoseThatThePodNamesUnlessAllAreByDefault) {
  model::BackupSpec spec;
  EXPECT_THAT(file_system_volumes(pod(""), spec), IsEmpty());
  EXPECT_THAT(
      file_system_volumes(pod(R"("backup.velero.io/backup-volumes": "cache, data,conf")"), spec),
      ElementsAre("data", "cache"));  // a ConfigMap's are the cluster's own
  spec.default_volumes_to_fs_backup = true;
  EXPECT_THAT(file_system_volumes(pod(""), spec), ElementsAre("data", "cache"));
  EXPECT_THAT(
      file_system_volumes(pod(R"("backup.velero.io/backup-volumes-excludes": cache)"), spec),
      ElementsAre("data"));
}

}  // namespace
}  // namespace lateen::volumes
