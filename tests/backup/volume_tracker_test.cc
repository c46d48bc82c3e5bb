#include "backup/volume_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/fake_clock.h"
#include "base/yaml.h"

namespace lateen::backup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class VolumeTrackerTest : public ::testing::Test {
 protected:
  static Json yaml(std::string_view text) { return parse_yaml(text).value(); }

  ChosenPodVolume chosen() const {
    return {.name = "data", .claim = claim_, .persistent_volume = volume_, .reason = "asked for"};
  }

  static model::PodVolumeBackup ended(model::DataPhase phase) {
    model::PodVolumeBackup copy;
    copy.spec.pod.ns = "shop";
    copy.spec.pod.name = "db-0";
    copy.spec.volume = "data";
    copy.spec.uploader_type = "kopia";
    copy.spec.node = "node-1";
    copy.status.phase = phase;
    copy.status.snapshot_id = "k1";
    copy.status.progress.total_bytes = 42;
    return copy;
  }

  const Json pod_ = yaml("{metadata: {name: db-0, namespace: shop}}");
  const Json claim_ = yaml("{metadata: {name: db, namespace: shop}}");
  const Json volume_ = yaml(
      "{metadata: {name: pv-1, labels: {a: b}}, spec: {persistentVolumeReclaimPolicy: Delete}}");
  FakeClock clock_;
  VolumeTracker tracker_{clock_};
};

TEST_F(VolumeTrackerTest, ACopyThatEndedWellSaysWhereItIs) {
  EXPECT_TRUE(tracker_.take_for_copy(claim_));
  EXPECT_FALSE(tracker_.take_for_copy(claim_));
  tracker_.copy_begun(pod_, chosen());
  tracker_.expect_copy(volume_, claim_);  // the claim's turn comes later
  tracker_.copied(ended(model::DataPhase::Completed));
  const auto infos = tracker_.infos();
  ASSERT_THAT(infos, SizeIs(1));
  EXPECT_EQ(infos[0].backup_method, model::VolumeBackupMethod::PodVolumeBackup);
  EXPECT_EQ(infos[0].result, model::VolumeResult::Succeeded);
  EXPECT_EQ(infos[0].pvc_name, "db");
  EXPECT_EQ(infos[0].pv_info->reclaim_policy, "Delete");
  EXPECT_EQ(infos[0].pvb_info->snapshot_handle, "k1");
  EXPECT_EQ(infos[0].pvb_info->size, 42);
  EXPECT_EQ(infos[0].pvb_info->volume_name, "data");
  EXPECT_THAT(tracker_.missed(), IsEmpty());
}

TEST_F(VolumeTrackerTest, ACopyThatNeverEndedHasFailed) {
  tracker_.copy_begun(pod_, chosen());
  ASSERT_THAT(tracker_.infos(), SizeIs(1));
  EXPECT_EQ(tracker_.infos()[0].result, model::VolumeResult::Failed);
}

// A pending pod mounts the claim too, and nothing can be copied from it.
TEST_F(VolumeTrackerTest, OfTwoPodsTheOneThatCanBeCopiedFromCounts) {
  tracker_.skip(&volume_, claim_, "podvolume: pod is not running;");
  tracker_.copy_begun(pod_, chosen());
  tracker_.copied(ended(model::DataPhase::Completed));
  ASSERT_THAT(tracker_.infos(), SizeIs(1));
  EXPECT_FALSE(tracker_.infos()[0].skipped);
}

TEST_F(VolumeTrackerTest, WhatCouldNotBeBegunIsSkippedWithItsReason) {
  tracker_.copy_begun(pod_, chosen());
  tracker_.copy_refused(pod_, chosen(), "no node agent runs on node-1");
  const auto infos = tracker_.infos();
  ASSERT_THAT(infos, SizeIs(1));
  EXPECT_TRUE(infos[0].skipped);
  EXPECT_EQ(infos[0].skipped_reason, "podvolume: no node agent runs on node-1;");
  EXPECT_FALSE(infos[0].pvb_info);
}

TEST_F(VolumeTrackerTest, AnExpectedCopyThatNoPodMakesIsMissed) {
  tracker_.expect_copy(volume_, claim_);
  EXPECT_THAT(
      tracker_.missed(),
      ElementsAre(Pair("pv-1", "no pod of the backup mounts it, so that its files could be read")));
  EXPECT_TRUE(tracker_.infos()[0].skipped);
  EXPECT_FALSE(tracker_.expects_native("pv-1"));
}

TEST_F(VolumeTrackerTest, ARehearsedVolumeIsNotMissed) {
  const Json claimed =
      yaml("{metadata: {name: pv-1}, spec: {claimRef: {namespace: shop, name: db}}}");
  tracker_.expect_native(claimed, claim_);
  tracker_.rehearsed(claimed);
  EXPECT_THAT(tracker_.missed(), IsEmpty());
  EXPECT_THAT(tracker_.infos(), IsEmpty());
}

TEST_F(VolumeTrackerTest, AVolumeWithoutClaimIsToldByItsPod) {
  tracker_.copy_begun(pod_, {.name = "data", .reason = "asked for"});
  tracker_.copied(ended(model::DataPhase::Completed));
  const auto infos = tracker_.infos();
  ASSERT_THAT(infos, SizeIs(1));
  EXPECT_TRUE(infos[0].pvc_name.empty());
  EXPECT_EQ(infos[0].pvb_info->pod_name, "db-0");
}

}  // namespace
}  // namespace lateen::backup
