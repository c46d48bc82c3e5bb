// The rules of `lateen check`, each turned red once, and the page that explains each id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assurance/check_rules.h"
#include "base/file.h"
#include "base/time.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TimePoint kNow = *parse_rfc3339("2026-11-22T09:00:00Z");

// "schedule-fresh nightly failed" of each.
std::vector<std::string> verdicts(const CheckResults& results) {
  std::vector<std::string> all;
  for (const CheckResult& one : results) {
    all.push_back(one.id + (one.subject.empty() ? "" : " " + one.subject) + " " +
                  std::string(to_string(one.verdict)));
  }
  return all;
}

CheckedSchedule nightly() {
  CheckedSchedule one{.interval = hours(24)};
  one.schedule.metadata.name = "nightly";
  one.schedule.spec.schedule = "0 2 * * *";
  one.schedule.status.phase = model::SchedulePhase::Enabled;
  return one;
}

model::Backup of_nightly(Duration age, Duration ttl = hours(720)) {
  model::Backup backup;
  backup.metadata.name = "nightly-1";
  backup.metadata.labels["velero.io/schedule-name"] = "nightly";
  backup.status.phase = model::BackupPhase::Completed;
  backup.status.start_timestamp = kNow - age;
  backup.status.expiration = kNow - age + ttl;
  return backup;
}

TEST(Checks, HaveEachAnAnchorOnThePage) {
  const auto page = read_file(FilePath(LATEEN_TESTDATA) / "../../docs/reference/checks.md", 1_MiB);
  ASSERT_TRUE(page) << page.error().message();
  for (const CheckInfo& info : check_catalogue())
    EXPECT_THAT(*page, HasSubstr(fmt::format("\n### {}\n", info.id)));
}

TEST(Checks, OfLocationsSayWhatTheServerSaw) {
  model::BackupStorageLocation location;
  location.metadata.name = "default";
  location.status.phase = model::LocationPhase::Available;
  EXPECT_THAT(verdicts(check_locations({location})), ElementsAre("location-available default ok"));
  location.status.phase = model::LocationPhase::Unavailable;
  location.status.message = "AccessDenied: s3:ListBucket";
  const CheckResults red = check_locations({location});
  EXPECT_THAT(verdicts(red), ElementsAre("location-available default failed"));
  EXPECT_EQ(red.front().evidence, "AccessDenied: s3:ListBucket");
  EXPECT_THAT(verdicts(check_locations({})), ElementsAre("location-available failed"));
}

TEST(Checks, OfSchedulesWantAGoodBackupYoungEnough) {
  EXPECT_THAT(verdicts(check_schedules({nightly()}, {of_nightly(hours(7))}, kNow)),
              ElementsAre("schedule-enabled nightly ok", "schedule-fresh nightly ok"));
  EXPECT_THAT(verdicts(check_schedules({nightly()}, {of_nightly(hours(26))}, kNow)),
              Contains("schedule-fresh nightly failed"));
  EXPECT_THAT(verdicts(check_schedules({nightly()}, {}, kNow)),
              Contains("schedule-fresh nightly failed"));
  CheckedSchedule paused = nightly();
  paused.schedule.spec.paused = true;
  EXPECT_THAT(verdicts(check_schedules({paused}, {}, kNow)),
              ElementsAre("schedule-enabled nightly warning"));
  EXPECT_THAT(verdicts(check_schedules({}, {}, kNow)), ElementsAre("schedule-enabled failed"));
}

TEST(Checks, OfTheLastGoodBackupFailOnceItHasExpired) {
  EXPECT_THAT(verdicts(check_last_good({nightly()}, {of_nightly(hours(7))}, kNow)),
              ElementsAre("last-good-guard nightly ok"));
  EXPECT_THAT(verdicts(check_last_good({nightly()}, {of_nightly(hours(7), hours(8))}, kNow)),
              ElementsAre("last-good-guard nightly warning"));
  EXPECT_THAT(verdicts(check_last_good({nightly()}, {of_nightly(hours(50), hours(48))}, kNow)),
              ElementsAre("last-good-guard nightly failed"));
}

TEST(Checks, OfDrillsWantOneOfTheLast90DaysWithItsAnswer) {
  model::RestoreDrill drill;
  drill.metadata.name = "quarterly";
  drill.status.last_passed = kNow - hours(24 * 30);
  model::DrillRun run;
  run.phase = model::DrillPhase::Passed;
  run.checks = {{.name = "orders", .type = "sql", .passed = true, .observed = "42"}};
  drill.status.runs = {run};
  const CheckResults green = check_drills({drill}, kNow);
  EXPECT_THAT(verdicts(green), ElementsAre("drill-fresh quarterly ok"));
  EXPECT_THAT(green.front().evidence, HasSubstr("orders: 42"));
  drill.status.last_passed = kNow - hours(24 * 91);
  EXPECT_THAT(verdicts(check_drills({drill}, kNow)), ElementsAre("drill-fresh quarterly failed"));
  EXPECT_THAT(verdicts(check_drills({}, kNow)), ElementsAre("drill-fresh failed"));
}

TEST(Checks, OfTheClockSeeAJumpEitherWay) {
  EXPECT_THAT(verdicts(check_clock(kNow, {of_nightly(hours(7))}, kNow)),
              ElementsAre("clock API server ok"));
  EXPECT_THAT(verdicts(check_clock(kNow + minutes(20), {}, kNow)),
              ElementsAre("clock API server failed"));
  EXPECT_THAT(verdicts(check_clock(kNow, {of_nightly(-hours(3))}, kNow)),
              Contains("clock backups failed"));
}

TEST(Checks, OfTheQuotaCountWhatTheSchedulesWillHold) {
  CheckedSchedule scheme = nightly();
  scheme.policy = *RetentionPolicy::parse("7d4w12m");
  const SnapshotForecast forecast = forecast_snapshots({scheme}, 4, 100'000, kNow);
  EXPECT_EQ(forecast.backups, 23U);
  EXPECT_EQ(forecast.snapshots(), 92U);
  EXPECT_THAT(verdicts(check_quota(forecast)), ElementsAre("snapshot-quota ok"));
  EXPECT_THAT(verdicts(check_quota({.backups = 23, .volumes = 4, .quota = 100})),
              ElementsAre("snapshot-quota warning"));
  EXPECT_THAT(verdicts(check_quota({.backups = 23, .volumes = 4, .quota = 92})),
              ElementsAre("snapshot-quota failed"));
}

TEST(Checks, OfTagsWantTheProfileByWhichSnapshotsAreFound) {
  model::VolumeSnapshotLocation location;
  location.metadata.name = "default";
  location.spec.provider = "aws";
  EXPECT_THAT(verdicts(check_snapshot_tags({location})),
              ElementsAre("snapshot-tags default warning"));
  location.spec.config["tagProfile"] = "owned";
  EXPECT_THAT(verdicts(check_snapshot_tags({location})), ElementsAre("snapshot-tags default ok"));
}

TEST(Checks, OfCoverageNameVolumesWithoutAPathAndNamespacesLeftOut) {
  CoverageReport report;
  report.namespaces = {{.ns = "shop", .verdict = CoverageVerdict::NotCovered},
                       {.ns = "kube-system", .verdict = CoverageVerdict::Platform}};
  report.volumes = {{.ns = "shop", .claim = "db", .path = "none", .reason = "no class"}};
  const CheckResults red = check_coverage(report);
  EXPECT_THAT(verdicts(red), ElementsAre("volume-paths failed", "exclusions failed"));
  EXPECT_EQ(red[0].evidence, "shop/db (no class)");
  EXPECT_EQ(red[1].evidence, "no schedule holds shop");
  EXPECT_THAT(verdicts(check_coverage({})), ElementsAre("volume-paths ok", "exclusions ok"));
}

TEST(Checks, AreADocumentForPrograms) {
  CheckResults results = {failed("clock", "x", "seen", "do"),
                          passed("location-available", "d", "A")};
  sort_checks(results);
  const Json document = to_json(results);
  EXPECT_EQ(
      write_json(document),
      R"({"apiVersion":"lateen.io/v1","checks":[{"doc":"docs/reference/checks.md#location-available",)"
      R"("evidence":"A","id":"location-available","row":1,"subject":"d",)"
      R"("title":"backup storage locations are Available","verdict":"ok"},)"
      R"({"doc":"docs/reference/checks.md#clock","evidence":"seen","id":"clock","next":"do",)"
      R"("subject":"x","title":"clocks agree","verdict":"failed"}],"failed":true,"kind":"CheckReport"})");
}

}  // namespace
}  // namespace lateen::assurance
