// Tags, configuration, zones and volume ids, as Velero's plugin for AWS 1.14 treats them, and ours.
#include "volumes/ebs/ebs_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "volumes/ebs/ebs_volume_id.h"
#include "volumes/volume_zone.h"

namespace lateen::volumes::ebs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

const Tags kWanted{{"velero.io/backup", "nightly-1"},
                   {"velero.io/pv", "pv-1"},
                   {"velero.io/storage-location", "default"}};

Json yaml(std::string_view text) {
  auto parsed = parse_yaml(text);
  EXPECT_TRUE(parsed);
  return parsed ? std::move(*parsed) : Json();
}

TEST(TagProfiles, VeleroCopiesTheVolumesTagsAndItsOwnWin) {
  const Tags tags = snapshot_tags(
      TagProfile::Velero, kWanted,
      {{"Name", "db"}, {"velero.io/backup", "an-older-one"}, {"aws:cloudformation:stack", "x"}});
  EXPECT_THAT(tags, ElementsAre(Pair("Name", "db"), Pair("velero.io/backup", "nightly-1"),
                                Pair("velero.io/pv", "pv-1"),
                                Pair("velero.io/storage-location", "default")));
}

TEST(TagProfiles, OwnedSetsThePolicysTagsAndNothingElse) {
  EXPECT_THAT(
      snapshot_tags(TagProfile::Owned, kWanted, {{"Name", "db"}}),
      ElementsAre(Pair("velero.io/backup", "true"), Pair("velero.io/backup-name", "nightly-1")));
  EXPECT_THAT(
      volume_tags(TagProfile::Owned,
                  {{"velero.io/backup", "nightly-1"}, {"velero.io/restore", "r1"}},
                  {{"Name", "db"}}, std::nullopt),
      ElementsAre(Pair("velero.io/backup", "true"), Pair("velero.io/backup-name", "nightly-1"),
                  Pair("velero.io/restore", "r1")));
  EXPECT_THAT(without_backup_name(snapshot_tags(TagProfile::Owned, kWanted, {})),
              ElementsAre(Pair("velero.io/backup", "true")));
}

TEST(TagProfiles, ARestoredVolumeIsTheNewClusters) {
  const Tags of_snapshot{{"KubernetesCluster", "old"},
                         {"kubernetes.io/cluster/old", "owned"},
                         {"velero.io/backup", "b"}};
  EXPECT_THAT(
      volume_tags(TagProfile::Velero, {}, of_snapshot, "new"),
      ElementsAre(Pair("KubernetesCluster", "new"), Pair("kubernetes.io/cluster/new", "owned"),
                  Pair("velero.io/backup", "b")));
  EXPECT_EQ(volume_tags(TagProfile::Velero, {}, of_snapshot, std::nullopt), of_snapshot);
}

TEST(TagProfiles, BothAreRead) {
  EXPECT_EQ(backup_of({{"velero.io/backup", "b1"}}), "b1");
  EXPECT_EQ(backup_of({{"velero.io/backup", "true"}, {"velero.io/backup-name", "b1"}}), "b1");
  EXPECT_EQ(backup_of({{"velero.io/backup", "true"}}), "");
  EXPECT_EQ(backup_of({{"Name", "b1"}}), std::nullopt);
}

TEST(EbsConfig, TakesThePluginsKeysAndRefusesOthers) {
  const auto config = parse_config({{"region", "eu-west-1"},
                                    {"profile", "p"},
                                    {"enableSharedConfig", "true"},
                                    {"ebsKmsKeyId", "alias/k"},
                                    {"tagProfile", "owned"}});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->kms_key_id, "alias/k");
  EXPECT_EQ(config->tags, TagProfile::Owned);
  EXPECT_THAT(parse_config({{"region", "r"}, {"regoin", "x"}}).error().message(),
              HasSubstr("config has invalid keys [regoin]; valid keys are [region profile "));
  EXPECT_EQ(parse_config({}).error().message(), "missing region in aws configuration");
  EXPECT_THAT(parse_config({{"region", "r"}, {"tagProfile", "mine"}}).error().message(),
              HasSubstr("config.tagProfile is mine"));
  EXPECT_FALSE(parse_config({{"region", "eu-west-1"}, {"availabilityZone", "us-east-1a"}}));
}

TEST(EbsConfig, FindsTheZoneThatAVolumeComesBackTo) {
  EXPECT_EQ(region_of_zone("us-gov-east-1b"), "us-gov-east-1");
  EXPECT_EQ(region_of_zone("us-west-2-lax-1a"), "us-west-2");
  EXPECT_EQ(region_of_zone("zone"), "");
  const EbsConfig here{.region = "eu-west-1"};
  EXPECT_EQ(target_zone("eu-west-1b", here), "eu-west-1b");
  EXPECT_EQ(target_zone("us-east-1b", here), "eu-west-1b");
  EXPECT_EQ(target_zone("us-east-1b", {.region = "eu-west-1", .az = "eu-west-1c"}), "eu-west-1c");
}

TEST(EbsVolumeIds, AreThoseOfTheDriverAndOfTheInTreeVolume) {
  EXPECT_EQ(*volume_id_of(yaml("spec: {csi: {driver: ebs.csi.aws.com, volumeHandle: vol-1}}")),
            "vol-1");
  EXPECT_EQ(*volume_id_of(yaml("spec: {csi: {driver: other, volumeHandle: vol-1}}")), "");
  EXPECT_EQ(
      *volume_id_of(yaml("spec: {awsElasticBlockStore: {volumeID: 'aws://eu-west-1a/vol-2'}}")),
      "vol-2");
  EXPECT_EQ(*volume_id_of(yaml("spec: {hostPath: {path: /x}}")), "");
  EXPECT_FALSE(volume_id_of(yaml("spec: {awsElasticBlockStore: {fsType: ext4}}")));
}

TEST(EbsVolumeIds, AreReplacedInPlace) {
  const auto csi =
      with_volume_id(yaml("spec: {csi: {driver: ebs.csi.aws.com, volumeHandle: vol-1}}"), "vol-9");
  EXPECT_EQ(string_at(*csi, "spec.csi.volumeHandle"), "vol-9");
  const auto in_tree = with_volume_id(
      yaml("metadata: {labels: {failure-domain.beta.kubernetes.io/zone: eu-west-1a}}\n"
           "spec: {awsElasticBlockStore: {volumeID: vol-1}}"),
      "vol-9");
  EXPECT_EQ(string_at(*in_tree, "spec.awsElasticBlockStore.volumeID"), "aws://eu-west-1a/vol-9");
  EXPECT_FALSE(with_volume_id(yaml("spec: {nfs: {path: /x}}"), "vol-9"));
}

constexpr std::string_view kZoned = R"(
metadata: {labels: {topology.kubernetes.io/zone: us-east-1a, topology.kubernetes.io/region: us-east-1}}
spec:
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{key: topology.ebs.csi.aws.com/zone, operator: In, values: [us-east-1a]}]
)";

TEST(VolumeZones, MoveWithTheVolume) {
  Json volume = yaml(kZoned);
  EXPECT_EQ(zone_of(volume), "us-east-1a");
  move_to_zone(volume, "us-east-1a", "eu-west-1a");
  EXPECT_EQ(zone_of(volume), "eu-west-1a");
  EXPECT_THAT(write_json(volume), Not(HasSubstr("us-east-1")));
}

TEST(VolumeZones, AreReadFromTheAffinityWhereNoLabelSaysThem) {
  Json volume = yaml(kZoned);
  erase(volume, "metadata.labels");
  EXPECT_EQ(zone_of(volume), "us-east-1a");
  EXPECT_EQ(
      zone_of(
          yaml("spec: {nodeAffinity: {required: {nodeSelectorTerms: ["
               "{matchExpressions: [{key: topology.gke.io/zone, operator: In, values: [a]}]},"
               "{matchExpressions: [{key: topology.gke.io/zone, operator: In, values: [b]}]}]}}}")),
      "a__b");
  EXPECT_EQ(zone_of(yaml("spec: {hostPath: {path: /x}}")), "");
}

}  // namespace
}  // namespace lateen::volumes::ebs
