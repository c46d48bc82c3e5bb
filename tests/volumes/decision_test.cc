#include "volumes/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"

namespace lateen::volumes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

class VolumeDecisions : public ::testing::TestWithParam<DecisionCase> {};

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
    ::testing::ValuesIn(std::vector<DecisionCase>{
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

Json running_pod(std::string_view phase) {
  return yaml(fmt::format(R"(
metadata: {{name: web, namespace: shop}}
spec:
  nodeName: node-1
  containers:
  - name: main
    volumeMounts: [{{name: data, mountPath: /data}}]
    volumeDevices: [{{name: raw, devicePath: /dev/raw}}]
  volumes:
  - {{name: data, persistentVolumeClaim: {{claimName: db-0}}}}
  - {{name: raw, persistentVolumeClaim: {{claimName: db-0}}}}
  - {{name: unmounted, persistentVolumeClaim: {{claimName: db-0}}}}
status: {{phase: {}}}
)",
                          phase));
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

std::vector<std::string> chosen_of(const Json& pod, const model::BackupSpec& spec) {
  std::vector<std::string> names;
  for (const Json& volume : *array_at(pod, "spec.volumes")) {
    if (is_chosen_for_file_system(pod, volume, nullptr, spec))
      names.emplace_back(string_at(volume, "name"));
  }
  return names;
}

TEST(FileSystemVolumes, AreThoseThatThePodNamesUnlessAllAreByDefault) {
  model::BackupSpec spec;
  EXPECT_THAT(chosen_of(pod(""), spec), IsEmpty());
  EXPECT_THAT(chosen_of(pod(R"("backup.velero.io/backup-volumes": "cache, data,conf")"), spec),
              ElementsAre("data", "cache"));  // a ConfigMap's are the cluster's own
  spec.default_volumes_to_fs_backup = true;
  EXPECT_THAT(chosen_of(pod(""), spec), ElementsAre("data", "cache"));
  EXPECT_THAT(chosen_of(pod(R"("backup.velero.io/backup-volumes-excludes": cache)"), spec),
              ElementsAre("data"));
}

// The user's document names an annotation that Velero does not know, on a claim.
TEST(FileSystemVolumes, AreTakenByTheAliasToo) {
  const model::BackupSpec spec;
  EXPECT_THAT(chosen_of(pod(R"("backup.velero.io/backup-volumes-includes": cache)"), spec),
              ElementsAre("cache"));
  const Json plain = running_pod("Running");
  const Json& volume = array_at(plain, "spec.volumes")->at(0);
  for (const char* value : {"'true'", "db-0", "data"}) {
    const Json claim =
        yaml(fmt::format("{{metadata: {{name: db-0, annotations: "
                         "{{backup.velero.io/backup-volumes-includes: {}}}}}}}",
                         value));
    const PodVolumeDecision decision =
        decide_pod_volume({.pod = &plain, .volume = &volume, .claim = &claim}, spec, nullptr);
    EXPECT_EQ(decision.way, PodVolumeWay::Copy) << value;
    EXPECT_THAT(decision.warning, HasSubstr("backup.velero.io/backup-volumes,")) << value;
  }
}

struct PodVolumeCase {
  const char* name;
  const char* phase = "Running";
  std::size_t volume = 0;  // data, raw, unmounted
  const char* source = "csi: {driver: d}";
  const char* policy = nullptr;
  bool by_default = true;
  bool claims_excluded = false;
  PodVolumeWay expected = PodVolumeWay::Copy;
};

class PodVolumeDecisions : public ::testing::TestWithParam<PodVolumeCase> {};

TEST_P(PodVolumeDecisions, FollowVelerosOrder) {
  const PodVolumeCase& given = GetParam();
  const Json mounting = running_pod(given.phase);
  const Json claim = yaml("{metadata: {name: db-0, namespace: shop}}");
  const Json volume = yaml(fmt::format(
      "{{metadata: {{name: pv-1}}, spec: {{storageClassName: fast, {}}}}}", given.source));
  model::BackupSpec spec;
  spec.default_volumes_to_fs_backup = given.by_default;
  std::optional<model::ResourcePolicy> rules;
  if (given.policy != nullptr) rules = policy(given.policy);
  const PodVolumeDecision decision =
      decide_pod_volume({.pod = &mounting,
                         .volume = &array_at(mounting, "spec.volumes")->at(given.volume),
                         .claim = &claim,
                         .persistent_volume = &volume,
                         .claims_excluded = given.claims_excluded},
                        spec, rules ? &*rules : nullptr);
  EXPECT_EQ(decision.way, given.expected) << decision.reason;
  EXPECT_FALSE(decision.reason.empty());
}

INSTANTIATE_TEST_SUITE_P(
    ,
    PodVolumeDecisions,
    ::testing::ValuesIn(std::vector<PodVolumeCase>{
        {.name = "ByDefault"},
        {.name = "NobodyAsks", .by_default = false, .expected = PodVolumeWay::Leave},
        {.name = "APolicyAsks", .policy = "fs-backup", .by_default = false},
        {.name = "APolicySaysSnapshot", .policy = "snapshot", .expected = PodVolumeWay::Leave},
        {.name = "APolicySaysSkip", .policy = "skip", .expected = PodVolumeWay::Leave},
        {.name = "ClaimsAreLeftOut", .claims_excluded = true, .expected = PodVolumeWay::Leave},
        {.name = "APodThatDoesNotRun", .phase = "Pending", .expected = PodVolumeWay::Impossible},
        {.name = "ABlockVolume", .volume = 1, .expected = PodVolumeWay::Impossible},
        {.name = "NoContainerMountsIt", .volume = 2, .expected = PodVolumeWay::Impossible},
        {.name = "AHostPathVolume",
         .source = "hostPath: {path: /x}",
         .expected = PodVolumeWay::Impossible},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace lateen::volumes
