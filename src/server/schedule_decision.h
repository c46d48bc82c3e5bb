// What a Schedule is to do at a moment. Pure, so that years of it can be played through in a test.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "model/backup.h"
#include "model/schedule.h"

namespace lateen::server {

// A clock may be so much behind the one that wrote a time; beyond it, that time was wrong.
inline constexpr Duration kClockTolerance = std::chrono::minutes(5);

// When the next backup is due, from what the Schedule remembers: a backup that was missed (the
// server was away) is due at once, and several that were missed are one. Nothing if the line never
// comes again (February 30th).
Result<std::optional<TimePoint>> next_run(const model::Schedule& schedule);

struct ScheduleDecision {
  // As it is to be written before anything else is done: phase, validation errors, what is skipped,
  // the next run.
  model::Schedule schedule = {};
  // A Backup is due: the moment of the cron line that it is for. Two servers that look at the same
  // Schedule find the same one, and name the Backup after it: it is there once.
  std::optional<TimePoint> run = {};
  // Moments before that one which get no backup of their own any more.
  std::size_t missed = 0;
  // What the Schedule remembers lay in the future: it goes on from now.
  bool clock_went_back = false;
};

// `under_way`: a Backup of it has not got past its own work, so that the next one waits.
// `skip_immediately`: what counts for a Schedule that does not say so itself.
ScheduleDecision decide_schedule(const model::Schedule& schedule,
                                 TimePoint now,
                                 bool under_way,
                                 bool skip_immediately = false);

// Notes on the Schedule that the decision's Backup was made at `now`.
void note_run(model::Schedule& schedule, const ScheduleDecision& decision, TimePoint now);

// The Backup that a Schedule makes for a moment of its cron line.
model::Backup backup_of(const model::Schedule& schedule, TimePoint run);

// A Backup of the schedule that has not got past its own work.
bool is_under_way(const model::Backup& backup, const model::Schedule& schedule);

// The longest that passes between two runs of a cron line, looking some runs ahead from `now`:
// three days for one of weekdays. Nothing if it never comes.
std::optional<Duration> expected_interval(const model::Schedule& schedule, TimePoint now);

}  // namespace lateen::server
