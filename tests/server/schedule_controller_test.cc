#include "server/schedule_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "model/requests.h"
#include "server/announcer.h"
#include "server/collection_controllers.h"
#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::Schedule;
using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ScheduleControllerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.clock.set(parse_rfc3339("2026-05-20T12:00:00Z").value());
    Schedule schedule;
    schedule.metadata.name = "nightly";
    schedule.spec.schedule = "CRON_TZ=UTC 0 2 * * *";
    schedule.spec.backup_template.storage_location = "default";
    cluster_.create(schedule);
  }

  void look_at(std::string_view time) {
    cluster_.clock.set(parse_rfc3339(time).value());
    controller_->reconcile({});
  }

  void restart() { controller_ = make_schedule_controller(cluster_.context); }

  void end_backups() {
    for (const Backup& before : cluster_.list<Backup>()) {
      Backup after = before;
      after.status.phase = BackupPhase::Completed;
      cluster_.context.cluster.update(before, after).value();
    }
  }

  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const Backup& backup : cluster_.list<Backup>())
      names.push_back(backup.metadata.name);
    return names;
  }

  samples::VeleroCluster cluster_;
  std::unique_ptr<Controller> controller_ = make_schedule_controller(cluster_.context);
};

TEST_F(ScheduleControllerTest, SaysWhenItRunsNextAndCountsWhatItMissed) {
  look_at("2026-05-20T12:00:10Z");
  EXPECT_EQ(cluster_.get<Schedule>("nightly").status.next_run,
            parse_rfc3339("2026-05-21T02:00:00Z").value());
  look_at("2026-05-24T09:00:00Z");
  EXPECT_THAT(names(), ElementsAre("nightly-20260524020000"));
  const Schedule after = cluster_.get<Schedule>("nightly");
  EXPECT_EQ(after.status.missed_runs, 3);
  EXPECT_EQ(after.status.next_run, parse_rfc3339("2026-05-25T02:00:00Z").value());
  EXPECT_EQ(after.status.last_backup, parse_rfc3339("2026-05-24T09:00:00Z").value());
  EXPECT_THAT(cluster_.metrics.text(),
              HasSubstr("lateen_schedule_missed_runs_total{schedule=\"nightly\"} 3"));
}

// Killed after the Backup was created, before the Schedule remembered it.
TEST_F(ScheduleControllerTest, ARunThatWasNotNotedIsNotMadeAgain) {
  look_at("2026-05-21T02:00:05Z");
  end_backups();
  const Schedule noted = cluster_.get<Schedule>("nightly");
  Schedule forgotten = noted;
  forgotten.status.last_backup.reset();
  forgotten.status.next_run.reset();
  cluster_.context.cluster.update(noted, forgotten).value();
  restart();
  look_at("2026-05-21T02:00:40Z");
  look_at("2026-05-21T02:01:00Z");
  EXPECT_THAT(names(), ElementsAre("nightly-20260521020000"));
  EXPECT_TRUE(cluster_.get<Schedule>("nightly").status.last_backup);
}

// Its clock was a day ahead, and the run of the next day has been made already.
TEST_F(ScheduleControllerTest, ABackupThatAWrongClockMadeDoesNotStandForTheRun) {
  look_at("2026-05-21T02:00:05Z");
  end_backups();
  Backup wrong;
  wrong.metadata.name = "nightly-20260522020000";
  wrong.metadata.labels["velero.io/schedule-name"] = "nightly";
  wrong.status.phase = BackupPhase::Completed;
  cluster_.create(wrong);  // by the API server's clock, on the day before
  look_at("2026-05-22T02:00:05Z");
  EXPECT_THAT(names(), ElementsAre("nightly-20260521020000", "nightly-20260522020000",
                                   "nightly-20260522020005"));
}

TEST_F(ScheduleControllerTest, TellsOfRunsAndOfMissedOnes) {
  // Events are named after their nanosecond: the clock of those goes on.
  const SystemClock now;
  const ServerContext telling{.config = cluster_.config,
                              .cluster = cluster_.context.cluster,
                              .clock = now,
                              .rng = cluster_.rng,
                              .log = Log(),
                              .stores = cluster_.stores,
                              .snapshotters = cluster_.snapshotters,
                              .metrics = cluster_.metrics};
  auto announcer = Announcer::start(telling, nullptr);
  ServerContext context = cluster_.context;
  context.announcer = announcer.get();
  controller_ = make_schedule_controller(context);
  look_at("2026-05-20T12:00:10Z");
  look_at("2026-05-24T09:00:00Z");
  announcer.reset();  // it tells what waits
  std::vector<std::string> said;
  const Json list =
      cluster_.api.client().list({.gvr = {"", "v1", "events"}, .ns = "velero"}, {}, {}).value();
  for (const Json& event : *array_at(list, "items"))
    said.push_back(fmt::format("{}: {}", string_at(event, "reason"), string_at(event, "message")));
  EXPECT_THAT(said, ::testing::UnorderedElementsAre(
                        "BackupCreated: Created backup nightly-20260524020000",
                        "RunsMissed: 3 of its runs got no backup before 2026-05-24T02:00:00Z; "
                        "nightly-20260524020000 makes up for them"));
}

// A clock that has jumped ahead would delete backups that have months to go.
TEST_F(ScheduleControllerTest, NothingIsCollectedWhileTheClocksDiffer) {
  Backup backup;
  backup.metadata.name = "old";
  backup.spec.storage_location = "default";
  backup.status.phase = BackupPhase::Completed;
  backup.status.expiration = cluster_.clock.now() + hours(720);
  cluster_.create(backup);
  FakeClock ahead;
  ahead.set(cluster_.clock.now() + hours(721));
  const ServerContext wrong{.config = cluster_.config,
                            .cluster = cluster_.context.cluster,
                            .clock = ahead,
                            .rng = cluster_.rng,
                            .log = Log(),
                            .stores = cluster_.stores,
                            .snapshotters = cluster_.snapshotters,
                            .metrics = cluster_.metrics};
  make_gc_controller(wrong)->reconcile({});
  EXPECT_THAT(cluster_.list<model::DeleteBackupRequest>(), IsEmpty());
  cluster_.clock.set(ahead.now());
  make_gc_controller(wrong)->reconcile({});
  EXPECT_EQ(cluster_.list<model::DeleteBackupRequest>().size(), 1U);
}

}  // namespace
}  // namespace lateen::server
