// Years of schedules and their backups, played through the pure decisions and held against a tiny
// model: moments are counted by division, not by cron lines.
#include <algorithm>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/environment.h"
#include "base/text.h"
#include "base/time.h"
#include "model/names.h"
#include "server/collection_decision.h"
#include "server/schedule_decision.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::Schedule;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kCluster = "this-one";

TimePoint on(std::string_view time) {
  return parse_rfc3339(time).value();
}

// A schedule, its backups, and a server that looks at them when it is told to.
class World {
 public:
  World(const std::string& line, const std::string& retention, Duration ttl, TimePoint now)
      : now_(now) {
    schedule_.metadata.name = "s";
    schedule_.metadata.uid = "u";
    schedule_.metadata.creation_timestamp = now;
    schedule_.spec.schedule = line;
    schedule_.spec.backup_template.ttl = ttl;
    if (!retention.empty()) schedule_.metadata.annotations["lateen.io/retention"] = retention;
  }

  TimePoint now() const { return now_; }

  // What the server's clock shows.
  TimePoint shown() const { return now_ + skew_; }

  void pass(Duration time) { now_ += time; }

  // Which moments have run is told by the clock: those before a jump may come once more, unless
  // their Backup is there still.
  void skew(Duration by) {
    skew_ = by;
    made_.clear();
  }

  void pause(bool paused) { schedule_.spec.paused = paused; }

  const Schedule& schedule() const { return schedule_; }

  const std::vector<Backup>& backups() const { return backups_; }

  // Every name that was given since the clock was last set, as often as it was.
  const std::vector<std::string>& made() const { return made_; }

  // The schedule controller's round.
  void look(BackupPhase outcome) {
    const bool under_way = std::any_of(backups_.begin(), backups_.end(), [&](const Backup& backup) {
      return is_under_way(backup, schedule_);
    });
    const ScheduleDecision decision = decide_schedule(schedule_, shown(), under_way);
    schedule_ = decision.schedule;
    forgot_ |= decision.clock_went_back;
    if (!decision.run) return;
    Backup backup = backup_of(schedule_, *decision.run);
    note_run(schedule_, decision, shown());
    const bool there = std::any_of(backups_.begin(), backups_.end(), [&](const Backup& other) {
      return other.metadata.name == backup.metadata.name;
    });
    if (there) return;
    made_.push_back(backup.metadata.name);
    backup.metadata.annotations[std::string(model::annotations::kClusterUid)] = kCluster;
    if (skew_ != Duration::zero()) backup.metadata.annotations["by-a-wrong-clock"] = "true";
    backup.status.phase = last_outcome_ = outcome;
    backup.status.start_timestamp = shown();
    backup.status.expiration = shown() + backup.spec.ttl;
    backups_.push_back(std::move(backup));
  }

  void end_all(BackupPhase outcome) {
    for (Backup& backup : backups_) {
      if (is_under_way(backup, schedule_)) backup.status.phase = last_outcome_ = outcome;
    }
  }

  // The collector's round. It does nothing while its clock and the API server's differ.
  void collect() {
    if (std::chrono::abs(skew_) > minutes(15)) return;
    // One that a wrong clock dated cannot be told to be older than those that failed after it.
    const bool had_good = std::any_of(backups_.begin(), backups_.end(), [](const Backup& backup) {
      return backup.status.phase == BackupPhase::Completed &&
             !backup.metadata.annotations.contains("by-a-wrong-clock");
    });
    const RetentionView view = apply_retention({schedule_}, backups_, kCluster);
    const Collectable gone = decide_collection({schedule_}, backups_, view, shown(), true);
    std::erase_if(backups_, [&](const Backup& b) { return gone.contains(b.metadata.name); });
    // Only a TTL may take the last one, when nothing has been tried since.
    const bool by_ttl = schedule_.metadata.annotations.empty();
    const bool tried_since = last_outcome_ != BackupPhase::Completed && !forgot_;
    if (had_good && count(BackupPhase::Completed) == 0 && (!by_ttl || tried_since)) lost_ = true;
  }

  // The last good backup is gone, and should not be.
  bool lost() const { return lost_; }

  std::size_t count(BackupPhase phase) const {
    return static_cast<std::size_t>(
        std::count_if(backups_.begin(), backups_.end(),
                      [phase](const Backup& backup) { return backup.status.phase == phase; }));
  }

 private:
  TimePoint now_;
  Duration skew_{};
  Schedule schedule_;
  std::vector<Backup> backups_;
  std::vector<std::string> made_;
  BackupPhase last_outcome_ = BackupPhase::Unset;
  bool lost_ = false;
  bool forgot_ = false;  // the Schedule, when it last ran: a clock went back
};

// ---- The user's own schemes, for three years with a leap day.

TEST(ScheduleHistory, ThreeYearsOfTheSchemeOfTwentyThreeInBerlin) {
  World world("CRON_TZ=Europe/Berlin 30 3 * * *", "23", Duration::zero(),
              on("2026-01-01T00:00:00Z"));
  const Zone berlin = Zone::find("Europe/Berlin").value();
  std::set<std::string> days;
  while (world.now() < on("2029-01-01T00:00:00Z")) {
    world.pass(hours(6));  // the server looks far more often; a run is late by as much, then
    const std::size_t before = world.made().size();
    world.look(BackupPhase::Completed);
    world.collect();
    if (world.made().size() == before) continue;
    const CivilTime ran = berlin.to_civil(
        on(fmt::format("{}-{}-{}T{}:{}:00Z", world.made().back().substr(2, 4),
                       world.made().back().substr(6, 2), world.made().back().substr(8, 2),
                       world.made().back().substr(10, 2), world.made().back().substr(12, 2))));
    EXPECT_EQ(fmt::format("{}:{}", ran.hour, ran.minute), "3:30");
    EXPECT_TRUE(days.insert(fmt::format("{}-{}-{}", ran.year, ran.month, ran.day)).second);
    EXPECT_LE(world.backups().size(), 23U);
  }
  EXPECT_EQ(days.size(), 1096U);  // 365 + 365 + 366
  EXPECT_TRUE(days.contains("2028-2-29"));
  EXPECT_EQ(world.backups().size(), 23U);
  EXPECT_EQ(world.schedule().status.missed_runs, 0);
}

// 168h, 672h and 8760h, as three Schedules: it works as it is written. A TTL of 8,760 hours holds
// twelve monthlies, and eleven on the last day of a month when a 29 February lies in between.
TEST(ScheduleHistory, ThreeYearsOfThreeSchedulesWithTtls) {
  struct Form {
    const char* line;
    int ttl_hours;
    std::size_t least;
    std::size_t most;
  };

  for (const Form& form :
       {Form{"CRON_TZ=UTC 0 2 * * *", 168, 7, 7}, Form{"CRON_TZ=UTC 0 3 * * 0", 672, 4, 4},
        Form{"CRON_TZ=UTC 0 4 1 * *", 8760, 11, 12}}) {
    World world(form.line, "", hours(form.ttl_hours), on("2026-01-01T00:00:00Z"));
    while (world.now() < on("2029-01-01T00:00:00Z")) {
      world.pass(hours(4));
      world.look(BackupPhase::Completed);
      if (world.now() < on("2027-02-01T00:00:00Z")) continue;
      world.collect();
      EXPECT_GE(world.backups().size(), form.least) << format_rfc3339(world.now());
      EXPECT_LE(world.backups().size(), form.most) << format_rfc3339(world.now());
    }
  }
}

// ---- Random histories.

struct Line {
  const char* text;
  seconds offset;  // of its first moment since 1970
  seconds period;
};

constexpr std::array<Line, 4> kLines = {
    {{"CRON_TZ=UTC 0 2 * * *", hours(2), hours(24)},
     {"CRON_TZ=UTC 30 */6 * * *", minutes(30), hours(6)},
     {"CRON_TZ=UTC 0 * * * *", seconds(0), hours(1)},
     {"CRON_TZ=UTC 0 4 * * 0", hours(3 * 24 + 4), hours(7 * 24)}}};

// The line's last moment that is not after `time`.
TimePoint last_moment(const Line& line, TimePoint time) {
  const auto since = std::chrono::floor<seconds>(time).time_since_epoch() - line.offset;
  return TimePoint(line.offset + since / line.period * line.period);
}

class History {
 public:
  explicit History(std::uint64_t seed)
      : random_(seed),
        line_(kLines[pick(kLines.size())]),
        retention_(std::array{"", "23", "daily=2", "last=3,keepAtLeast=2"}[pick(4)]),
        world_(line_.text, retention_, hours(48), on("2027-12-20T12:00:00Z")),
        known_until_(world_.now()) {}

  // What is wrong, or nothing.
  std::string play(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      if (const std::string wrong = what_is_wrong(); !wrong.empty()) return wrong;
    }
    return {};
  }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }

  void step() {
    switch (pick(10)) {
      case 0:  // somebody pauses it, or no more
        paused_ = !paused_;
        world_.pause(paused_);
        // Its moments are not missed; the round after the pause makes up for them at once.
        serve();
        break;
      case 1:  // the server is away
        world_.pass(minutes(pick(60 * 24 * 20)));
        serve();
        break;
      case 2:  // its clock jumps, the server works on with it, and it is set right
        world_.skew(minutes(pick(60 * 48)) * (pick(2) == 0 ? 1 : -1));
        jumped_ = true;
        world_.look(outcome());
        world_.collect();
        world_.skew(Duration::zero());
        serve();
        break;
      case 3:  // a long backup: the next waits for it
        world_.pass(line_.period);
        world_.look(BackupPhase::InProgress);
        world_.pass(line_.period * pick(3));
        world_.look(outcome());
        world_.end_all(outcome());
        serve();
        break;
      default:  // the server works
        for (std::size_t i = 0; i <= pick(3); ++i) {
          world_.pass(line_.period / 2 + minutes(pick(30)));
          serve();
        }
    }
  }

  void serve() {
    world_.look(outcome());
    world_.look(outcome());  // nothing is due twice
    world_.collect();
    const TimePoint moment = last_moment(line_, world_.now());
    if (!paused_ && !jumped_ && moment > known_until_) {
      const std::string name = model::scheduled_backup_name("s", moment);
      if (world_.made().empty() || world_.made().back() != name) {
        wrong_ = fmt::format("no run {} at {}", name, format_rfc3339(world_.now()));
      }
      known_until_ = moment;
    }
    // After a jump the Schedule goes on from now: the moment after the next one is sure again.
    if (jumped_ && !paused_) {
      jumped_ = false;
      known_until_ = world_.now() + hours(49);
    }
  }

  BackupPhase outcome() {
    constexpr std::array kOutcomes = {BackupPhase::Completed, BackupPhase::Completed,
                                      BackupPhase::Completed, BackupPhase::PartiallyFailed,
                                      BackupPhase::Failed};
    const BackupPhase phase = kOutcomes[pick(kOutcomes.size())];
    return phase;
  }

  std::string what_is_wrong() {
    if (!wrong_.empty()) return wrong_;
    const std::set<std::string> names(world_.made().begin(), world_.made().end());
    if (names.size() != world_.made().size()) return "a moment has run twice";
    if (world_.lost())
      return fmt::format("the last good backup is lost: {} {}", line_.text, retention_);
    return {};
  }

  std::mt19937_64 random_;
  const Line line_;
  const std::string retention_;
  World world_;
  bool paused_ = false;
  bool jumped_ = false;
  TimePoint known_until_;
  std::string wrong_;
};

// LATEEN_HISTORIES says how many.
TEST(ScheduleHistory, NothingRunsTwiceAndTheLastGoodBackupStays) {
  const auto asked = env("LATEEN_HISTORIES");
  const auto histories = static_cast<std::uint64_t>(parse_int(asked.value_or("200")).value());
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    const std::string wrong = History(seed).play(12);
    ASSERT_EQ(wrong, "") << "history " << seed;
  }
}

}  // namespace
}  // namespace lateen::server
