#include "repository/kopia/schedule.h"

#include <gtest/gtest.h>

#include "repository/kopia/go_time.h"

namespace lateen::repository::kopia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr TimePoint kNoon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + hours(12);

TaskRun run(Duration start, Duration end, bool success = true) {
  return {.start = kNoon + start, .end = kNoon + end, .success = success};
}

TEST(KopiaSchedule, IsReadAndWrittenAsKopiaDoes) {
  const std::string text =
      R"({"nextFullMaintenance":"2026-11-23T10:00:00.5Z","nextQuickMaintenance":"0001-01-01T00:00:00Z",)"
      R"("runs":{"snapshot-gc":[{"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:01Z","success":true,"extra":[{"kind":"k","data":{"n":1}}]},)"
      R"({"start":"2026-11-21T10:00:00Z","end":"2026-11-21T10:00:01Z","error":"no"}]}})";
  const auto schedule = parse_schedule(text);
  ASSERT_TRUE(schedule) << schedule.error().message();
  EXPECT_EQ(schedule->next_quick, kNever);
  EXPECT_EQ(write_schedule(*schedule), text);
}

TEST(KopiaSchedule, IsOpenedByItsKeyAlone) {
  SystemRng rng;
  const Bytes key(32, 'k');
  Schedule schedule;
  schedule.add(task::kSnapshotGc, run(hours(0), hours(1)));
  const Bytes sealed = seal_schedule(schedule, key, rng);
  EXPECT_EQ(write_schedule(*open_schedule(sealed, key)), write_schedule(schedule));
  EXPECT_FALSE(open_schedule(sealed, Bytes(32, 'x')));
  EXPECT_FALSE(open_schedule(sealed.substr(0, 20), key));
}

TEST(KopiaSchedule, FiftyRunsAreKept) {
  Schedule schedule;
  for (int i = 0; i < 60; ++i)
    schedule.add("t", run(hours(i), hours(i)));
  EXPECT_EQ(schedule.runs["t"].size(), 50U);
  EXPECT_EQ(schedule.runs["t"].front().start, kNoon + hours(59));
}

TEST(KopiaSafety, DeletedContentsAreDroppedOnlyBehindTwoCollectionsFarApart) {
  const SafetyMargins margins;
  Schedule schedule;
  EXPECT_FALSE(safe_drop_time(schedule, margins, kNoon));
  schedule.add(task::kSnapshotGc, run(hours(0), hours(1)));
  EXPECT_FALSE(safe_drop_time(schedule, margins, kNoon));
  schedule.add(task::kSnapshotGc, run(hours(5), hours(5)));  // four hours, not more
  EXPECT_FALSE(safe_drop_time(schedule, margins, kNoon));
  schedule.add(task::kSnapshotGc, run(hours(6), hours(7), false));  // did not end well
  EXPECT_FALSE(safe_drop_time(schedule, margins, kNoon));
  schedule.add(task::kSnapshotGc, run(hours(5) + minutes(1), hours(6)));
  EXPECT_EQ(safe_drop_time(schedule, margins, kNoon), kNoon - hours(1));
}

TEST(KopiaSafety, PacksGoAnHourAfterTheLastRewrite) {
  const SafetyMargins margins;
  Schedule schedule;
  EXPECT_TRUE(may_delete_packs(schedule, margins, kNoon));
  EXPECT_TRUE(may_rewrite(schedule, margins));
  schedule.add(task::kRewriteFull, run(hours(0), hours(0)));
  EXPECT_FALSE(may_delete_packs(schedule, margins, kNoon + minutes(59)));
  EXPECT_TRUE(may_delete_packs(schedule, margins, kNoon + minutes(60)));
  EXPECT_FALSE(may_rewrite(schedule, margins));
  schedule.add(task::kDeleteFull, run(hours(2), hours(2)));
  EXPECT_TRUE(may_rewrite(schedule, margins));
}

TEST(KopiaSafety, ParametersAreReadAndWritten) {
  const MaintenanceParameters parameters{.owner = "default@default"};
  const Bytes json = write_maintenance_parameters(parameters);
  EXPECT_EQ(
      json,
      R"({"owner":"default@default","quick":{"enabled":true,"interval":3600000000000},"full":{"enabled":true,"interval":86400000000000},"logRetention":{"maxTotalSize":1073741824,"maxCount":10000,"maxAge":2592000000000000},"extendObjectLocks":false,"listParallelism":0})");
  EXPECT_EQ(parse_maintenance_parameters(json)->owner, "default@default");
}

}  // namespace
}  // namespace lateen::repository::kopia
