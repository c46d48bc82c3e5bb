// Which of a schedule's backups are kept: so many of the last days, weeks, months and years, as one
// pure function, so that the collector, the preview, the cost forecast and the tests agree.
//
//   RetentionPolicy: daily=7,weekly=4,monthly=12 holds 23 backups once it is a year old.
//
// The classes do not share backups. The newest backup of each of the last days is a daily; the
// first backup of each week (from Monday), month and year goes on as a weekly when it leaves the
// dailies, as a monthly when it leaves the weeklies, as a yearly when it leaves the monthlies. What
// is the first of its period stays it, so nothing that a later class needs goes before its turn.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/zone.h"

namespace lateen::assurance {

struct RetentionPolicy {
  std::size_t last = 0;  // the newest ones, whatever their age
  std::size_t hourly = 0;
  std::size_t daily = 0;
  std::size_t weekly = 0;
  std::size_t monthly = 0;
  std::size_t yearly = 0;
  // So many good backups stay, however old they are: a schedule that fails does not eat the last
  // good one.
  std::size_t keep_at_least = 1;

  bool operator==(const RetentionPolicy&) const = default;

  // "daily=7,weekly=4,monthly=12,keepAtLeast=1", the short "7d4w12m" (also h, y), or "23" for the
  // scheme of 23. InvalidArgument says what is wrong; a policy that would keep nothing is refused.
  static Result<RetentionPolicy> parse(std::string_view text);

  // The long form, without what is 0.
  std::string format() const;

  // Backups held when every class is full.
  std::size_t size() const;

  // How long the oldest backup may stay that the policy still wants: the TTL that takes none too
  // early, in a world without this policy (Velero's).
  Duration span() const;
};

enum class RetentionClass { Last, Hourly, Daily, Weekly, Monthly, Yearly, LastGood };

// "daily", …; "last good".
std::string_view to_string(RetentionClass held_as);

// How a backup ended. One that failed holds nothing, and is never counted as a daily.
enum class BackupQuality { Good, Partial, Failed };

struct RetainedBackup {
  std::string name = {};
  TimePoint time = {};  // when it was begun
  BackupQuality quality = BackupQuality::Good;
};

struct RetentionVerdict {
  std::string name = {};
  std::optional<RetentionClass> held_as = {};  // nothing: it may go
};

// In the order of `backups`. Days begin at midnight in `zone`. In a period with a good backup a
// partial one is not held. A failed one is held, for people to look at, until it is a week older
// than the newest backup and a newer one is good.
std::vector<RetentionVerdict> decide_retention(const RetentionPolicy& policy,
                                               const std::vector<RetainedBackup>& backups,
                                               const Zone& zone = {});

}  // namespace lateen::assurance
