#include "repository/kopia/epoch.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace lateen::repository::kopia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr TimePoint kNoon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + hours(12);

BlobInfo blob(std::string id, Duration after = {}, ByteCount size = 100) {
  return {.id = std::move(id), .size = size, .modified = kNoon + after};
}

std::vector<std::string> ids(const std::vector<BlobInfo>& blobs) {
  std::vector<std::string> names;
  for (const BlobInfo& one : blobs)
    names.push_back(one.id);
  return names;
}

std::vector<std::string> active(const std::vector<BlobInfo>& blobs) {
  return ids(active_indexes(epoch_state(blobs)));
}

using Names = std::vector<std::string>;

TEST(KopiaEpochs, NewRepositoryIsInEpochZero) {
  const EpochState state = epoch_state({});
  EXPECT_EQ(state.write_epoch, 0);
  EXPECT_EQ(state.deletion_watermark, 0);
  EXPECT_TRUE(active_indexes(state).empty());
}

TEST(KopiaEpochs, AllBlobsOfUnsettledEpochsCountEvenOfIncompleteSets) {
  const Names all = {"xn0_a-s1-c1", "xn1_b-s2-c2", "xn2_c-s3-c1"};
  EXPECT_EQ(active({blob("xe1"), blob(all[0]), blob(all[1]), blob(all[2])}), all);
}

TEST(KopiaEpochs, BlobsTooFarAheadAreNotSeenYet) {
  EXPECT_EQ(active({blob("xn0_a-s1-c1"), blob("xn5_z-s9-c1")}), Names{"xn0_a-s1-c1"});
}

TEST(KopiaEpochs, SettledEpochIsItsMergedSetOnceThatIsComplete) {
  std::vector<BlobInfo> blobs = {blob("xe2"), blob("xn0_a-s1-c1"), blob("xn0_b-s2-c1"),
                                 blob("xn2_d-s4-c1"), blob("xs0_m-s7-c2")};
  EXPECT_EQ(active(blobs), (Names{"xn0_a-s1-c1", "xn0_b-s2-c1", "xn2_d-s4-c1"}));
  blobs.push_back(blob("xs0_n-s7-c2"));
  EXPECT_EQ(active(blobs), (Names{"xs0_m-s7-c2", "xs0_n-s7-c2", "xn2_d-s4-c1"}));
}

TEST(KopiaEpochs, UnsettledEpochIsNeverItsMergedSet) {
  EXPECT_EQ(active({blob("xe1"), blob("xn0_a-s1-c1"), blob("xs0_m-s7-c1")}), Names{"xn0_a-s1-c1"});
}

TEST(KopiaEpochs, RangesAreFollowedFromEpochZeroAsFarAsTheyReach) {
  EXPECT_EQ(active({blob("xe9"), blob("xn8_w-s1-c1"), blob("xr0_2_a-s1-c1"), blob("xr0_6_b-s2-c1"),
                    blob("xr3_7_c-s3-c1"), blob("xr9_9_x-s4-c1"), blob("xs1_s-s5-c1")}),
            (Names{"xr0_2_a-s1-c1", "xr3_7_c-s3-c1", "xn8_w-s1-c1"}));
}

TEST(KopiaEpochs, OfRangesThatReachEquallyFarTheFewestCount) {
  EXPECT_EQ(
      active({blob("xe9"), blob("xr0_2_a-s1-c1"), blob("xr0_6_b-s2-c1"), blob("xr3_6_c-s3-c1")}),
      Names{"xr0_6_b-s2-c1"});
}

TEST(KopiaEpochs, IncompleteRangeDoesNotCount) {
  EXPECT_EQ(active({blob("xe9"), blob("xn0_a-s1-c1"), blob("xr0_6_b-s2-c2")}),
            Names{"xn0_a-s1-c1"});
}

TEST(KopiaEpochs, LatestWatermarkCounts) {
  EXPECT_EQ(epoch_state(std::vector{blob("xw100"), blob("xw99"), blob("xwx")}).deletion_watermark,
            100);
}

TEST(KopiaEpochs, AbsurdNumbersCostNothing) {
  const EpochState state = epoch_state(
      std::vector{blob("xe2147483647"), blob("xe99999999999999999999"), blob("xn0_a-s1-c1"),
                  blob("xr0_-5_a"), blob("xn-1_b"), blob("xr"), blob("x"), blob("xn")});
  EXPECT_EQ(state.write_epoch, 2147483647);
  EXPECT_EQ(ids(active_indexes(state)), Names{"xn0_a-s1-c1"});
  EXPECT_EQ(epoch_to_compact(state), 0);
  const auto range = range_to_compact(state, {});
  ASSERT_TRUE(range);
  EXPECT_EQ(ids(indexes_of(state, *range)), Names{"xn0_a-s1-c1"});
}

TEST(KopiaEpochs, EpochEndsWhenItIsOldAndFull) {
  EpochParameters parameters{.min_epoch_duration = hours(24), .advance_on_count = 3};
  std::vector<BlobInfo> blobs = {blob("xn0_a-s1-c1"), blob("xn0_b-s2-c1", hours(23)),
                                 blob("xn0_c-s3-c1", hours(23))};
  EXPECT_FALSE(should_advance(epoch_state(blobs), parameters));
  blobs.push_back(blob("xn0_d-s4-c1", hours(24)));
  EXPECT_TRUE(should_advance(epoch_state(blobs), parameters));
  parameters.advance_on_count = 5;
  EXPECT_FALSE(should_advance(epoch_state(blobs), parameters));
  parameters.advance_on_size = 400;
  EXPECT_TRUE(should_advance(epoch_state(blobs), parameters));
}

TEST(KopiaEpochs, OldestSettledEpochWithoutAMergedIndexIsNext) {
  std::vector<BlobInfo> blobs = {blob("xe3"), blob("xn0_a-s1-c1"), blob("xn1_b-s2-c1"),
                                 blob("xn2_b-s2-c1")};
  EXPECT_EQ(epoch_to_compact(epoch_state(blobs)), 0);
  blobs.push_back(blob("xs0_a-s1-c1"));
  EXPECT_EQ(epoch_to_compact(epoch_state(blobs)), 1);
  blobs.push_back(blob("xs1_a-s1-c1"));
  EXPECT_EQ(epoch_to_compact(epoch_state(blobs)), std::nullopt);
}

TEST(KopiaEpochs, RangeIsMergedWhenEnoughEpochsAreSettled) {
  const EpochParameters parameters{.full_checkpoint_frequency = 7};
  EXPECT_FALSE(range_to_compact(epoch_state(std::vector{blob("xe8")}), parameters));
  const auto first = range_to_compact(epoch_state(std::vector{blob("xe9")}), parameters);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->first, 0);
  EXPECT_EQ(first->last, 7);
  EXPECT_FALSE(
      range_to_compact(epoch_state(std::vector{blob("xe16"), blob("xr0_7_a-s1-c1")}), parameters));
  const auto second =
      range_to_compact(epoch_state(std::vector{blob("xe17"), blob("xr0_7_a-s1-c1")}), parameters);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->first, 8);
  EXPECT_EQ(second->last, 15);
}

TEST(KopiaEpochs, WhatWasReplacedGoesOnlyAfterTheMarginOfTheStoragesClock) {
  const EpochParameters parameters{.cleanup_safety_margin = hours(4)};
  std::vector<BlobInfo> blobs = {blob("xe1"),
                                 blob("xe2"),
                                 blob("xe3"),
                                 blob("xn0_a-s1-c1"),
                                 blob("xn3_b-s2-c1", hours(4)),
                                 blob("xs0_m-s7-c1"),
                                 blob("xw5"),
                                 blob("xw6")};
  EXPECT_EQ(ids(superseded(epoch_state(blobs), parameters)), Names{"xe1"});
  blobs[4].modified = kNoon + hours(4) + minutes(1);
  EXPECT_EQ(ids(superseded(epoch_state(blobs), parameters)), (Names{"xn0_a-s1-c1", "xe1", "xw5"}));
}

TEST(KopiaEpochs, NothingGoesWithoutAClockToGoBy) {
  EXPECT_TRUE(superseded(epoch_state(std::vector{blob("xe1"), blob("xe9")}), {}).empty());
}

}  // namespace
}  // namespace lateen::repository::kopia
