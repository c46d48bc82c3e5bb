#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "server/listen.h"
#include "server/schedule_controller.h"

namespace lateen::server {
namespace {

using model::Schedule;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

TimePoint at(std::string_view time) {
  return parse_rfc3339(time).value();
}

Schedule nightly() {
  Schedule schedule;
  schedule.metadata.name = "nightly";
  schedule.metadata.ns = "velero";
  schedule.metadata.uid = "u1";
  schedule.metadata.creation_timestamp = at("2026-05-20T12:00:00Z");
  schedule.spec.schedule = "CRON_TZ=UTC 0 2 * * *";
  return schedule;
}

std::string next_of(const Schedule& schedule) {
  const auto next = next_run(schedule);
  if (!next) return next.error().message();
  return *next ? format_rfc3339(**next) : "never";
}

TEST(NextRun, IsTheFirstAfterTheScheduleWasMade) {
  EXPECT_EQ(next_of(nightly()), "2026-05-21T02:00:00Z");
}

// The server was away for a week: the next run is in the past, due at once, and only one.
TEST(NextRun, IsTheFirstAfterTheLastBackup) {
  Schedule schedule = nightly();
  schedule.status.last_backup = at("2026-05-21T02:00:07Z");
  EXPECT_EQ(next_of(schedule), "2026-05-22T02:00:00Z");
  schedule.status.last_backup = at("2026-05-29T09:00:00Z");
  EXPECT_EQ(next_of(schedule), "2026-05-30T02:00:00Z");
}

TEST(NextRun, IsAfterWhatWasSkipped) {
  Schedule schedule = nightly();
  schedule.status.last_backup = at("2026-05-21T02:00:07Z");
  schedule.status.last_skipped = at("2026-06-01T00:00:00Z");
  EXPECT_EQ(next_of(schedule), "2026-06-01T02:00:00Z");
  schedule.status.last_skipped = at("2026-05-01T00:00:00Z");
  EXPECT_EQ(next_of(schedule), "2026-05-22T02:00:00Z");
}

TEST(NextRun, OfADayThatNeverComesIsNever) {
  Schedule schedule = nightly();
  schedule.spec.schedule = "0 0 30 2 *";
  EXPECT_EQ(next_of(schedule), "never");
}

TEST(NextRun, SaysWhatIsWrongWithALine) {
  Schedule schedule = nightly();
  schedule.spec.schedule = " ";
  EXPECT_EQ(next_of(schedule), "Schedule must be a non-empty valid Cron expression");
  schedule.spec.schedule = "every night";
  EXPECT_THAT(next_of(schedule), testing::StartsWith("invalid schedule: "));
}

TEST(BackupOfASchedule, IsNamedAfterItsMoment) {
  EXPECT_EQ(backup_of(nightly(), at("2026-05-20T02:00:11Z")).metadata.name,
            "nightly-20260520020011");
}

TEST(BackupOfASchedule, HasTheTemplatesSpecAndTheSchedulesLabelsAndAnnotations) {
  Schedule schedule = nightly();
  schedule.spec.backup_template.included_namespaces = {"shop"};
  schedule.metadata.labels = {{"team", "a"}};
  schedule.metadata.annotations = {{"note", "n"},
                                   {"kubectl.kubernetes.io/last-applied-configuration", "{}"}};
  const model::Backup backup = backup_of(schedule, at("2026-05-20T02:00:11Z"));
  EXPECT_EQ(backup.metadata.ns, "velero");
  EXPECT_THAT(backup.spec.included_namespaces, ElementsAre("shop"));
  EXPECT_THAT(backup.metadata.labels,
              UnorderedElementsAre(Pair("team", "a"), Pair("velero.io/schedule-name", "nightly")));
  EXPECT_THAT(backup.metadata.annotations, UnorderedElementsAre(Pair("note", "n")));
  EXPECT_TRUE(backup.metadata.owner_references.empty());
}

TEST(BackupOfASchedule, TheTemplatesOwnLabelsTakeThePlaceOfTheSchedules) {
  Schedule schedule = nightly();
  schedule.metadata.labels = {{"team", "a"}};
  schedule.spec.backup_template.metadata.labels = {{"tier", "gold"}};
  EXPECT_THAT(
      backup_of(schedule, at("2026-05-20T02:00:11Z")).metadata.labels,
      UnorderedElementsAre(Pair("tier", "gold"), Pair("velero.io/schedule-name", "nightly")));
}

TEST(BackupOfASchedule, IsOwnedWhereThatWasAskedFor) {
  Schedule schedule = nightly();
  schedule.spec.use_owner_references_in_backup = true;
  const auto owners = backup_of(schedule, at("2026-05-20T02:00:11Z")).metadata.owner_references;
  ASSERT_EQ(owners.size(), 1U);
  EXPECT_EQ(owners[0].api_version, "velero.io/v1");
  EXPECT_EQ(owners[0].kind, "Schedule");
  EXPECT_EQ(owners[0].name, "nightly");
  EXPECT_EQ(owners[0].uid, "u1");
  EXPECT_EQ(owners[0].controller, true);
}

TEST(ListenAddress, IsReadAsVelerosFlagsAre) {
  struct Case {
    const char* text;
    const char* expected;
  };

  for (const Case& one : {Case{":8085", "0.0.0.0 8085"}, Case{"127.0.0.1:0", "127.0.0.1 0"},
                          Case{"localhost:6060", "127.0.0.1 6060"}, Case{"8085", "refused"},
                          Case{":", "refused"}, Case{":70000", "refused"}, Case{":x", "refused"}}) {
    const auto address = parse_listen_address(one.text);
    EXPECT_EQ(address ? fmt::format("{} {}", address->host, address->port) : "refused",
              one.expected)
        << one.text;
  }
}

}  // namespace
}  // namespace lateen::server
