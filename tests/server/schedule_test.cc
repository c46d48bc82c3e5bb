#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "server/collection_decision.h"
#include "server/freshness.h"
#include "server/listen.h"
#include "server/schedule_decision.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::Schedule;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

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

std::string text_of(const std::optional<TimePoint>& time) {
  return time ? format_rfc3339(*time) : "never";
}

std::string next_of(const Schedule& schedule) {
  const auto next = next_run(schedule);
  return next ? text_of(*next) : next.error().message();
}

// ---- When.

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
  EXPECT_THAT(next_of(schedule), ::testing::StartsWith("invalid schedule: "));
}

// robfig/cron: the hour that summer time leaves out has no run, and the hour that comes twice has
// one for each time that the clock shows the minute anew.
TEST(NextRun, FollowsTheZoneOfItsLineThroughSummerTime) {
  Schedule schedule = nightly();
  schedule.spec.schedule = "CRON_TZ=Europe/Berlin 30 3 * * *";
  schedule.status.last_backup = at("2026-03-28T02:30:00Z");
  EXPECT_EQ(next_of(schedule), "2026-03-29T01:30:00Z");
  schedule.status.last_backup = at("2026-10-24T01:30:00Z");
  EXPECT_EQ(next_of(schedule), "2026-10-25T02:30:00Z");
}

TEST(ScheduleDecision, ARunIsForItsMomentHoweverLateItBegins) {
  const ScheduleDecision decision =
      decide_schedule(nightly(), at("2026-05-21T02:00:09Z"), /*under_way=*/false);
  EXPECT_EQ(text_of(decision.run), "2026-05-21T02:00:00Z");
  EXPECT_EQ(decision.missed, 0U);
  EXPECT_EQ(decision.schedule.status.phase, model::SchedulePhase::Enabled);
}

TEST(ScheduleDecision, AfterADowntimeOnlyTheLastMomentRunsAndTheOthersAreCounted) {
  Schedule schedule = nightly();
  schedule.status.last_backup = at("2026-05-21T02:00:07Z");
  schedule.status.next_run = at("2026-05-22T02:00:00Z");
  const TimePoint now = at("2026-05-25T09:00:00Z");
  const ScheduleDecision decision = decide_schedule(schedule, now, false);
  EXPECT_EQ(text_of(decision.run), "2026-05-25T02:00:00Z");
  EXPECT_EQ(decision.missed, 3U);
  note_run(schedule, decision, now);
  EXPECT_EQ(schedule.status.missed_runs, 3);
  EXPECT_EQ(text_of(schedule.status.next_run), "2026-05-26T02:00:00Z");
  EXPECT_EQ(decide_schedule(schedule, now, false).run, std::nullopt);
}

TEST(ScheduleDecision, WhatFellIntoAPauseIsNotMissed) {
  Schedule schedule = nightly();
  schedule.status.last_backup = at("2026-05-21T02:00:07Z");
  schedule.status.next_run = at("2026-05-22T02:00:00Z");
  schedule.spec.paused = true;
  schedule = decide_schedule(schedule, at("2026-05-21T12:00:00Z"), false).schedule;
  EXPECT_EQ(schedule.status.next_run, std::nullopt);
  schedule.spec.paused = false;
  const ScheduleDecision decision = decide_schedule(schedule, at("2026-05-25T09:00:00Z"), false);
  EXPECT_EQ(text_of(decision.run), "2026-05-25T02:00:00Z");  // as Velero: at once
  EXPECT_EQ(decision.missed, 0U);
}

TEST(ScheduleDecision, WaitsWhileABackupOfItIsUnderWay) {
  const ScheduleDecision decision =
      decide_schedule(nightly(), at("2026-05-21T02:00:09Z"), /*under_way=*/true);
  EXPECT_EQ(decision.run, std::nullopt);
  EXPECT_EQ(text_of(decision.schedule.status.next_run), "2026-05-21T02:00:00Z");
}

// A machine's clock was a year ahead for a while. Velero would make the next backup in a year.
TEST(ScheduleDecision, ATimeOfTheFutureDoesNotHoldItUp) {
  Schedule schedule = nightly();
  schedule.status.last_backup = at("2027-05-21T02:00:07Z");
  schedule.status.last_skipped = at("2027-05-21T01:00:00Z");
  const ScheduleDecision decision = decide_schedule(schedule, at("2026-05-22T01:00:00Z"), false);
  EXPECT_TRUE(decision.clock_went_back);
  EXPECT_EQ(text_of(decision.schedule.status.next_run), "2026-05-22T02:00:00Z");
}

TEST(ExpectedInterval, IsTheLongestOfTheComingOnes) {
  Schedule schedule = nightly();
  EXPECT_EQ(expected_interval(schedule, at("2026-05-20T12:00:00Z")), hours(24));
  schedule.spec.schedule = "CRON_TZ=UTC 0 2 * * MON-FRI";
  EXPECT_EQ(expected_interval(schedule, at("2026-05-20T12:00:00Z")), hours(72));
  schedule.spec.schedule = "0 0 30 2 *";
  EXPECT_EQ(expected_interval(schedule, at("2026-05-20T12:00:00Z")), std::nullopt);
}

// ---- What.

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
  const Backup backup = backup_of(schedule, at("2026-05-20T02:00:11Z"));
  EXPECT_EQ(backup.metadata.ns, "velero");
  EXPECT_THAT(backup.spec.included_namespaces, ElementsAre("shop"));
  EXPECT_THAT(backup.metadata.labels,
              UnorderedElementsAre(Pair("team", "a"), Pair("velero.io/schedule-name", "nightly")));
  EXPECT_THAT(backup.metadata.annotations, UnorderedElementsAre(Pair("note", "n")));
  EXPECT_TRUE(backup.metadata.owner_references.empty());
}

// velero#2975: Argo CD took the Backups for its own, and pruned them.
TEST(BackupOfASchedule, HasNoMarksByWhichGitOpsToolsWouldPruneIt) {
  Schedule schedule = nightly();
  schedule.metadata.labels = {{"team", "a"},
                              {"app.kubernetes.io/instance", "platform"},
                              {"argocd.argoproj.io/instance", "platform"},
                              {"kustomize.toolkit.fluxcd.io/name", "platform"},
                              {"kapp.k14s.io/app", "1"}};
  schedule.metadata.annotations = {
      {"argocd.argoproj.io/tracking-id", "platform:velero.io/Schedule"},
      {"objectset.rio.cattle.io/id", "x"},
      {"config.kubernetes.io/owning-inventory", "y"}};
  const Backup backup = backup_of(schedule, at("2026-05-20T02:00:11Z"));
  EXPECT_THAT(backup.metadata.labels,
              UnorderedElementsAre(Pair("team", "a"), Pair("velero.io/schedule-name", "nightly")));
  EXPECT_THAT(backup.metadata.annotations, IsEmpty());
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

// ---- What may go.

Backup made(std::string name, std::string_view begun, BackupPhase phase = BackupPhase::Completed) {
  Backup backup;
  backup.metadata.name = std::move(name);
  backup.metadata.labels["velero.io/schedule-name"] = "nightly";
  backup.status.phase = phase;
  backup.status.start_timestamp = at(begun);
  backup.status.expiration = at(begun) + hours(48);
  return backup;
}

std::vector<std::string> collected(const std::vector<Backup>& backups,
                                   std::string_view now,
                                   bool keep_last_good = true,
                                   const std::vector<Schedule>& schedules = {}) {
  std::vector<std::string> names;
  for (const auto& [name, why] : decide_collection(schedules, backups, {}, at(now), keep_last_good))
    names.push_back(name);
  return names;
}

TEST(Collection, WhatHasExpiredGoesAsInVelero) {
  const std::vector<Backup> backups = {made("a", "2026-05-20T02:00:00Z"),
                                       made("b", "2026-05-22T02:00:00Z")};
  EXPECT_THAT(collected(backups, "2026-05-22T03:00:00Z"), ElementsAre("a"));
  EXPECT_THAT(collected(backups, "2026-06-22T03:00:00Z"), ElementsAre("a", "b"));
}

TEST(Collection, AFailingScheduleDoesNotEatItsLastGoodBackup) {
  const std::vector<Backup> backups = {
      made("a", "2026-05-20T02:00:00Z"), made("b", "2026-05-21T02:00:00Z"),
      made("c", "2026-05-22T02:00:00Z", BackupPhase::PartiallyFailed),
      made("d", "2026-05-23T02:00:00Z", BackupPhase::Failed)};
  EXPECT_THAT(collected(backups, "2026-06-22T03:00:00Z"), ElementsAre("a", "c", "d"));
  EXPECT_THAT(collected(backups, "2026-06-22T03:00:00Z", false), ElementsAre("a", "b", "c", "d"));
}

TEST(Collection, TheLastGoodBackupStaysAlsoWhenTheFailedOnesHaveGone) {
  Schedule schedule = nightly();
  schedule.status.last_backup = at("2026-05-23T02:00:05Z");
  const std::vector<Backup> backups = {made("b", "2026-05-21T02:00:00Z")};
  EXPECT_THAT(collected(backups, "2026-06-22T03:00:00Z", true, {schedule}), IsEmpty());
  schedule.status.last_backup = at("2026-05-21T02:00:00Z");
  EXPECT_THAT(collected(backups, "2026-06-22T03:00:00Z", true, {schedule}), ElementsAre("b"));
}

TEST(Collection, WhatIsAtWorkStays) {
  EXPECT_THAT(collected({made("a", "2026-05-20T02:00:00Z", BackupPhase::InProgress),
                         made("b", "2026-05-20T02:00:00Z", BackupPhase::Deleting)},
                        "2026-06-22T03:00:00Z"),
              ElementsAre("b"));
}

// ---- How fresh.

TEST(Freshness, IsTheAgeOfTheLastGoodBackupOfEachScheduleAndNamespace) {
  Backup shop = made("a", "2026-05-20T02:00:00Z");
  shop.spec.included_namespaces = {"shop-*"};
  Backup failed = made("b", "2026-05-21T02:00:00Z", BackupPhase::PartiallyFailed);
  Backup part = made("c", "2026-05-22T02:00:00Z");
  part.metadata.labels.clear();
  part.spec.label_selector.emplace();
  const Freshness fresh = look_at_freshness({nightly()}, {shop, failed, part},
                                            {"shop-eu", "kube-system"}, at("2026-05-21T03:00:00Z"));
  ASSERT_EQ(fresh.schedules.size(), 1U);
  EXPECT_EQ(text_of(fresh.schedules[0].last_good), "2026-05-20T02:00:00Z");
  ASSERT_EQ(fresh.namespaces.size(), 2U);
  EXPECT_EQ(text_of(fresh.namespaces[0].last_good), "2026-05-20T02:00:00Z");
  EXPECT_EQ(fresh.namespaces[1].last_good, std::nullopt);
}

TEST(Freshness, AScheduleIsOverdueAndThenStale) {
  Schedule schedule = nightly();
  const auto seen = [&schedule](std::string_view now) {
    return look_at_freshness({schedule}, {}, {}, at(now)).schedules[0];
  };
  EXPECT_FALSE(seen("2026-05-21T02:04:00Z").overdue);
  EXPECT_TRUE(seen("2026-05-21T02:06:00Z").overdue);
  EXPECT_FALSE(seen("2026-05-22T11:00:00Z").stale);
  EXPECT_TRUE(seen("2026-05-22T14:00:00Z").stale);
  EXPECT_EQ(why_not_well(look_at_freshness({schedule}, {}, {}, at("2026-05-21T02:06:00Z")), {}),
            "schedule nightly is overdue");
  schedule.spec.paused = true;
  EXPECT_FALSE(seen("2026-05-22T14:00:00Z").overdue);
  EXPECT_FALSE(seen("2026-05-22T14:00:00Z").stale);
}

TEST(Freshness, ALocationThatIsDownIsNotWell) {
  model::BackupStorageLocation location;
  location.metadata.name = "default";
  location.status.phase = model::LocationPhase::Unavailable;
  EXPECT_EQ(why_not_well({}, {location}), "backup storage location default is unavailable");
  location.status.phase = model::LocationPhase::Available;
  EXPECT_EQ(why_not_well({}, {location}), "");
}

// ---- Where.

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
