#include "assurance/cost_model.h"

#include <cmath>

#include <gtest/gtest.h>

#include "assurance/measured_cost.h"
#include "base/time.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;

// The example that the figures below come from: 200 GB, of which 5 change in a day, 20 in a week,
// 40 in a month, as EBS snapshots.
constexpr Footprint kExample{.full = 200, .daily = 5, .weekly = 20, .monthly = 40, .yearly = 200};

SchemeCost example(std::string_view plan, CostOptions options = {}) {
  if (options.storage == StoragePrice()) options.storage.gb_month = 0.05;
  const auto scheme = Scheme::parse(plan);
  EXPECT_TRUE(scheme) << scheme.error().message();
  return cost_of(*scheme, kExample, options);
}

std::vector<std::string> money_of(const SchemeCost& cost) {
  std::vector<std::string> amounts;
  for (const CostLine& line : cost.lines)
    amounts.push_back(format_money(line.month, "USD"));
  return amounts;
}

TEST(CostModel, GivesTheSchemeOf23ToTheCent) {
  const SchemeCost cost = example("7d4w12m");
  EXPECT_EQ(money_of(cost), (std::vector<std::string>{"$10.00", "$1.50", "$4.00", "$24.00"}));
  EXPECT_EQ(format_money(cost.month, "USD"), "$39.50");
  EXPECT_EQ(cost.gb, 790);
  EXPECT_EQ(cost.backups, 23U);
  EXPECT_EQ(example("23").month, cost.month);
}

TEST(CostModel, GivesDailiesByTheSameRule) {
  EXPECT_EQ(format_money(example("7d").month, "USD"), "$11.50");
  EXPECT_EQ(example("7d").gb, 230);
  EXPECT_EQ(format_money(example("ttl=720h").month, "USD"), "$17.25");
  EXPECT_EQ(example("ttl=720h").gb, 345);
  EXPECT_EQ(format_money(example("ttl=8760h").month, "USD"), "$101.00");
  EXPECT_EQ(example("ttl=8760h").gb, 2'020);
}

TEST(CostModel, KeepsYearliesAsFullCopiesInAnotherClass) {
  const SchemeCost cost =
      example("7d4w12m7y", {.yearlies = StoragePrice{.gb_month = 0.00099, .minimum_days = 180}});
  // 790 GB as before, and 7 x 200 GB in Deep Archive.
  EXPECT_EQ(cost.gb, 790 + 1'400);
  EXPECT_EQ(format_money(cost.lines.back().month, "USD"), "$1.39");
  EXPECT_EQ(format_money(cost.month, "USD"), "$40.89");
}

TEST(CostModel, ChargesTheMinimumOfAStorageClass) {
  // Dailies that go after a week are charged for the 90 days of the class.
  const StoragePrice instant{.gb_month = 0.004, .minimum_days = 90};
  const SchemeCost cost = example("7d", {.storage = instant});
  EXPECT_EQ(cost.month, std::llround(230 * 0.004 * 90 / 7 * 1e6));
  EXPECT_EQ(example("12m", {.storage = instant}).month,
            std::llround((200 + 11 * 40) * 0.004 * 1e6));
}

TEST(CostModel, CountsASecondRegionAndTheWayThere) {
  const SchemeCost cost = example("7d", {.storage = {.gb_month = 0.05},
                                         .second_region = StoragePrice{.gb_month = 0.05},
                                         .transfer_gb = 0.02});
  // 230 GB twice, and 30 x 5 GB a month at $0.02.
  EXPECT_EQ(format_money(cost.month, "USD"), "$26.00");
  EXPECT_EQ(cost.gb, 230);
}

TEST(CostModel, SaysWhatIsWrongWithAPlan) {
  EXPECT_EQ(Scheme::parse("7x").error().code(), Code::InvalidArgument);
  EXPECT_EQ(Scheme::parse("ttl=1h").error().code(), Code::InvalidArgument);
  EXPECT_EQ(Scheme::parse("ttl=soon").error().code(), Code::InvalidArgument);
}

TEST(CostModel, PrintsMoneyToTheCent) {
  EXPECT_EQ(format_money(39'500'000, "USD"), "$39.50");
  EXPECT_EQ(format_money(5'000, "USD"), "$0.01");
  EXPECT_EQ(format_money(4'999, "EUR"), "0.00 EUR");
}

TEST(PriceBook, ReadsBackWhatItPrints) {
  const PriceBook book;
  const auto read = PriceBook::parse(write_json(book.document()));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, book);
}

TEST(PriceBook, TakesYamlAndNamesWhatItDoesNotKnow) {
  const auto read = PriceBook::parse("currency: EUR\nstorageClasses: {COLD: {gbMonth: 1}}\n");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->currency, "EUR");
  EXPECT_EQ(read->storage_class("COLD")->gb_month, 1);
  EXPECT_EQ(read->storage_class("STANDARD")->gb_month, 0.023);
  EXPECT_EQ(read->storage_class("HOT").error().code(), Code::InvalidArgument);
  for (const char* wrong : {"snapshotGBMonth: -1", "snapshot: 1", "storageClasses: {A: 1}", "[]",
                            "storageClasses: {A: {gb: 1}}", "transferGB: much"})
    EXPECT_FALSE(PriceBook::parse(wrong)) << wrong;
}

// 10 GiB that moved `moved` GiB this time.
model::BackupVolumeInfo files_volume(std::string name, std::int64_t moved) {
  constexpr std::int64_t kGiB = 1 << 30;
  model::BackupVolumeInfo info;
  info.pvc_namespace = "shop";
  info.pvc_name = std::move(name);
  info.pvb_info.emplace();
  info.pvb_info->size = 10 * kGiB;
  info.pvb_info->incremental_size = moved * kGiB;
  return info;
}

TEST(MeasuredCost, TakesTheChangeRateFromIncrementalCopies) {
  const TimePoint start = *parse_rfc3339("2026-05-20T02:00:00Z");
  std::vector<MeasuredBackup> backups;
  for (int day = 0; day < 3; ++day) {
    backups.push_back({.name = "b",
                       .schedule = "nightly",
                       .time = start + day * hours(24),
                       .bytes = 1 << 30,
                       .volumes = {files_volume("data", day == 0 ? 10 : 2)}});
  }
  const MeasuredData data = measure(backups, 0.025);
  ASSERT_EQ(data.volumes.size(), 1U);
  EXPECT_TRUE(data.volumes[0].as_files);
  EXPECT_TRUE(data.volumes[0].change_measured);
  EXPECT_EQ(data.files().full, 10);
  EXPECT_EQ(data.files().daily, 2);
  EXPECT_EQ(data.snapshots(), Footprint());
  EXPECT_EQ(data.objects_gb, 1) << "of the newest backup alone";
}

TEST(MeasuredCost, AssumesTheChangeOfSnapshotsAndCountsVolumesWithoutASize) {
  model::BackupVolumeInfo csi;
  csi.pvc_namespace = "shop";
  csi.pvc_name = "db";
  csi.csi_snapshot_info.emplace();
  csi.csi_snapshot_info->size = 200LL << 30;
  model::BackupVolumeInfo native = csi;
  native.pvc_name = "old";
  native.csi_snapshot_info.reset();
  model::BackupVolumeInfo skipped = csi;
  skipped.pvc_name = "skipped";
  skipped.skipped = true;
  const std::vector<MeasuredBackup> backups = {{.name = "b", .volumes = {csi, native, skipped}}};
  const MeasuredData data = measure(backups, 0.025);
  ASSERT_EQ(data.volumes.size(), 1U);
  EXPECT_EQ(data.volumes[0].volumes, 2U);
  EXPECT_EQ(data.volumes[0].unsized, 1U);
  EXPECT_FALSE(data.volumes[0].change_measured);
  EXPECT_EQ(data.snapshots().full, 200);
  EXPECT_EQ(data.snapshots().daily, 5);
}

}  // namespace
}  // namespace lateen::assurance
