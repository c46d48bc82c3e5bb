#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "server/backup_preparation.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const TimePoint kNow = parse_rfc3339("2026-11-22T10:09:21Z").value();

model::BackupStorageLocation location(std::string name) {
  model::BackupStorageLocation one;
  one.metadata.name = std::move(name);
  one.status.phase = model::LocationPhase::Available;
  return one;
}

model::VolumeSnapshotLocation snapshots(std::string name, std::string provider) {
  model::VolumeSnapshotLocation one;
  one.metadata.name = std::move(name);
  one.spec.provider = std::move(provider);
  return one;
}

class BackupPreparationTest : public ::testing::Test {
 protected:
  BackupPreparationTest() {
    around_.storage_locations = {location("default")};
    around_.git_version = "v1.33.1";
    around_.major = "1";
    around_.minor = "33";
  }

  Backup prepare() { return prepare_backup(backup_, around_, config_, kNow); }

  void expect_refused(const std::string& why) {
    const Backup prepared = prepare();
    EXPECT_EQ(prepared.status.phase, BackupPhase::FailedValidation);
    EXPECT_THAT(prepared.status.validation_errors, ElementsAre(why));
    EXPECT_FALSE(prepared.status.start_timestamp);
  }

  ServerConfig config_;
  BackupSurroundings around_;
  Backup backup_;
};

TEST_F(BackupPreparationTest, FillsInWhatWasLeftOpen) {
  const Backup prepared = prepare();
  EXPECT_EQ(prepared.status.phase, BackupPhase::InProgress);
  EXPECT_THAT(prepared.status.validation_errors, IsEmpty());
  EXPECT_EQ(prepared.status.start_timestamp, kNow);
  EXPECT_EQ(prepared.status.expiration, kNow + std::chrono::hours(720));
  EXPECT_EQ(prepared.status.version, 1);
  EXPECT_EQ(prepared.status.format_version, "1.1.0");
  EXPECT_EQ(prepared.spec.ttl, std::chrono::hours(720));
  EXPECT_EQ(prepared.spec.csi_snapshot_timeout, std::chrono::minutes(10));
  EXPECT_EQ(prepared.spec.item_operation_timeout, std::chrono::hours(4));
  EXPECT_EQ(prepared.spec.volume_group_snapshot_label_key, "velero.io/volume-group");
  EXPECT_EQ(prepared.spec.default_volumes_to_fs_backup, false);
  EXPECT_EQ(prepared.spec.snapshot_move_data, false);
  EXPECT_EQ(prepared.spec.storage_location, "default");
  EXPECT_THAT(prepared.spec.included_namespaces, ElementsAre("*"));
  EXPECT_EQ(prepared.metadata.label("velero.io/storage-location"), "default");
  const model::StringMap& notes = prepared.metadata.annotations;
  EXPECT_EQ(notes.at("velero.io/source-cluster-k8s-gitversion"), "v1.33.1");
  EXPECT_EQ(notes.at("velero.io/source-cluster-k8s-major-version"), "1");
  EXPECT_EQ(notes.at("velero.io/source-cluster-k8s-minor-version"), "33");
  EXPECT_EQ(notes.at("velero.io/resource-timeout"), "10m0s");
}

TEST_F(BackupPreparationTest, KeepsWhatWasSaid) {
  backup_.spec.ttl = std::chrono::hours(1);
  backup_.spec.default_volumes_to_restic = true;
  backup_.spec.included_namespaces = {"shop"};
  const Backup prepared = prepare();
  EXPECT_EQ(prepared.status.expiration, kNow + std::chrono::hours(1));
  EXPECT_EQ(prepared.spec.default_volumes_to_fs_backup, true);
  EXPECT_THAT(prepared.spec.included_namespaces, ElementsAre("shop"));
}

TEST_F(BackupPreparationTest, TheDefaultLocationIsTheOneThatIsMarked) {
  around_.storage_locations.push_back(location("other"));
  around_.storage_locations.back().spec.is_default = true;
  EXPECT_EQ(prepare().spec.storage_location, "other");
}

TEST_F(BackupPreparationTest, RefusesALocationThatIsNotThere) {
  backup_.spec.storage_location = "gone";
  expect_refused(
      "an existing backup storage location was not specified at backup creation time and the "
      "default gone was not found. Please address this issue (see `velero backup-location -h` for "
      "options) and create a new backup. Error: backupstoragelocations.velero.io \"gone\" not "
      "found");
}

TEST_F(BackupPreparationTest, RefusesWhenTheServersOwnDefaultIsNotThere) {
  around_.storage_locations.clear();
  expect_refused(
      "an existing backup storage location was not specified at backup creation time and the "
      "server default default does not exist. Please address this issue (see `velero "
      "backup-location -h` for options) and create a new backup. Error: "
      "backupstoragelocations.velero.io \"default\" not found");
}

TEST_F(BackupPreparationTest, RefusesAReadOnlyLocation) {
  around_.storage_locations[0].spec.access_mode = model::AccessMode::ReadOnly;
  expect_refused(
      "backup can't be created because backup storage location default is currently in read-only "
      "mode");
}

TEST_F(BackupPreparationTest, RefusesAnUnavailableLocation) {
  around_.storage_locations[0].status.phase = model::LocationPhase::Unavailable;
  expect_refused(
      "backup can't be created because BackupStorageLocation default is in Unavailable status.");
}

TEST_F(BackupPreparationTest, ChoosesOneSnapshotLocationOfEachProvider) {
  around_.snapshot_locations = {snapshots("aws-1", "aws"), snapshots("gcp-1", "gcp"),
                                snapshots("gcp-2", "gcp"), snapshots("az-1", "azure"),
                                snapshots("az-2", "azure")};
  backup_.spec.volume_snapshot_locations = {"gcp-2"};
  config_.default_volume_snapshot_locations = {{"azure", "az-1"}};
  EXPECT_THAT(prepare().spec.volume_snapshot_locations, ElementsAre("aws-1", "az-1", "gcp-2"));
}

TEST_F(BackupPreparationTest, RefusesTwoPossibleSnapshotLocations) {
  around_.snapshot_locations = {snapshots("a", "aws"), snapshots("b", "aws")};
  expect_refused(
      "provider aws has more than one possible volume snapshot location, and none were specified "
      "explicitly or as a default");
}

TEST_F(BackupPreparationTest, RefusesTwoNamedSnapshotLocationsOfOneProvider) {
  around_.snapshot_locations = {snapshots("a", "aws"), snapshots("b", "aws")};
  backup_.spec.volume_snapshot_locations = {"a", "b"};
  expect_refused(
      "more than one VolumeSnapshotLocation name specified for provider aws: b; unexpected name "
      "was a");
}

TEST_F(BackupPreparationTest, RefusesASnapshotLocationThatIsNotThere) {
  backup_.spec.volume_snapshot_locations = {"gone"};
  expect_refused(
      "a VolumeSnapshotLocation CRD for the location gone with the name specified in the backup "
      "spec needs to be created before this snapshot can be executed. Error: "
      "volumesnapshotlocations.velero.io \"gone\" not found");
}

TEST_F(BackupPreparationTest, WithoutSnapshotsNobodyLooksForTheirLocations) {
  backup_.spec.snapshot_volumes = false;
  around_.snapshot_locations = {snapshots("a", "aws"), snapshots("b", "aws")};
  EXPECT_EQ(prepare().status.phase, BackupPhase::InProgress);
}

TEST_F(BackupPreparationTest, NamespacesThatAreLabelledOutAreExcludedByName) {
  around_.excluded_by_label = {"lab", "secret"};
  backup_.spec.excluded_namespaces = {"lab"};
  EXPECT_THAT(prepare().spec.excluded_namespaces, ElementsAre("lab", "secret"));
}

TEST_F(BackupPreparationTest, RefusesOldAndNewFiltersTogether) {
  backup_.spec.included_resources = {"pods"};
  backup_.spec.excluded_cluster_scoped_resources = {"nodes"};
  expect_refused(
      "include-resources, exclude-resources and include-cluster-resources are old filter "
      "parameters.\ninclude-cluster-scoped-resources, exclude-cluster-scoped-resources, "
      "include-namespace-scoped-resources and exclude-namespace-scoped-resources are new filter "
      "parameters.\nThey cannot be used together");
}

TEST_F(BackupPreparationTest, RefusesAPolicyThatCannotBeUsed) {
  around_.policy_error = "fail to get ResourcePolicies velero/p ConfigMap: not found";
  expect_refused("fail to get ResourcePolicies velero/p ConfigMap: not found");
}

TEST_F(BackupPreparationTest, RefusesAPolicysFiltersBesideOldOnes) {
  backup_.spec.included_resources = {"pods"};
  around_.policy_has_filters = true;
  expect_refused(
      "include-resources, exclude-resources and include-cluster-resources are old filter "
      "parameters.\nThey cannot be used with include-exclude policies.");
}

TEST_F(BackupPreparationTest, SaysEverythingThatIsWrongAtOnce) {
  around_.storage_locations.clear();
  backup_.spec.included_namespaces = {"a", "*"};
  EXPECT_EQ(prepare().status.validation_errors.size(), 2U);
}

}  // namespace
}  // namespace lateen::server
