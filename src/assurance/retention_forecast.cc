#include "assurance/retention_forecast.h"

#include <algorithm>

#include "base/time.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;

constexpr std::size_t kMostBackups = 100'000;

// One schedule as it goes on.
class Playing {
 public:
  Playing(PlannedSchedule schedule, TimePoint from)
      : schedule_(std::move(schedule)), next_(schedule_.cron.next(from)) {}

  // Makes what falls before `end`, and lets go what may go by then.
  Status play_until(TimePoint end, DayForecast& day) {
    while (next_ && *next_ < end) {
      if (++made_ > kMostBackups) {
        return Error(Code::InvalidArgument, "schedule {} makes more than {} backups in this time",
                     schedule_.name, kMostBackups)
            .with_hint("Ask for fewer days.");
      }
      schedule_.present.push_back({.name = format_rfc3339(*next_), .time = *next_});
      ++day.made;
      if (schedule_.policy) let_go(*next_);
      next_ = schedule_.cron.next(*next_);
    }
    let_go(end);
    count(day);
    return {};
  }

 private:
  void let_go(TimePoint now) {
    std::vector<RetainedBackup>& present = schedule_.present;
    if (!schedule_.policy) {
      std::erase_if(present,
                    [&](const RetainedBackup& b) { return b.time + schedule_.ttl <= now; });
      return;
    }
    held_as_.clear();
    std::vector<RetainedBackup> held;
    const auto verdicts = decide_retention(*schedule_.policy, present, schedule_.cron.zone());
    for (std::size_t i = 0; i < present.size(); ++i) {
      if (!verdicts[i].held_as) continue;
      held_as_.push_back(*verdicts[i].held_as);
      held.push_back(std::move(present[i]));
    }
    present = std::move(held);
  }

  void count(DayForecast& day) const {
    day.held += schedule_.present.size();
    if (schedule_.policy) {
      for (const RetentionClass held_as : held_as_)
        ++day.by_class[std::string(to_string(held_as))];
    } else if (!schedule_.present.empty()) {
      day.by_class["ttl"] += schedule_.present.size();
    }
    for (const RetainedBackup& backup : schedule_.present)
      day.oldest = std::min(day.oldest.value_or(backup.time), backup.time);
  }

  PlannedSchedule schedule_;
  std::optional<TimePoint> next_;
  std::vector<RetentionClass> held_as_;  // of schedule_.present, when there is a policy
  std::size_t made_ = 0;
};

}  // namespace

Result<std::vector<DayForecast>> forecast_retention(std::vector<PlannedSchedule> schedules,
                                                    TimePoint from,
                                                    std::size_t days) {
  std::vector<Playing> playing;
  for (PlannedSchedule& schedule : schedules)
    playing.emplace_back(std::move(schedule), from);
  std::vector<DayForecast> forecast;
  TimePoint day = std::chrono::floor<std::chrono::days>(from);
  for (std::size_t i = 0; i < days; ++i, day += hours(24)) {
    DayForecast one{.day = day};
    for (Playing& schedule : playing)
      TRY(schedule.play_until(day + hours(24), one));
    forecast.push_back(std::move(one));
  }
  return forecast;
}

}  // namespace lateen::assurance
