#include "assurance/retention.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/cron.h"
#include "base/time.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;

TimePoint at(std::string_view time) {
  return parse_rfc3339(time).value();
}

RetainedBackup backup_at(TimePoint time, BackupQuality quality = BackupQuality::Good) {
  return {.name = format_rfc3339(time), .time = time, .quality = quality};
}

std::vector<RetainedBackup> nightly(std::string_view first, int nights) {
  std::vector<RetainedBackup> backups;
  for (int i = 0; i < nights; ++i)
    backups.push_back(backup_at(at(first) + hours(24) * i));
  return backups;
}

std::vector<RetainedBackup> survivors(const RetentionPolicy& policy,
                                      const std::vector<RetainedBackup>& backups) {
  std::vector<RetainedBackup> held;
  const auto verdicts = decide_retention(policy, backups);
  for (std::size_t i = 0; i < backups.size(); ++i) {
    if (verdicts[i].held_as) held.push_back(backups[i]);
  }
  return held;
}

std::map<std::string, std::size_t> counts(const RetentionPolicy& policy,
                                          const std::vector<RetainedBackup>& backups) {
  std::map<std::string, std::size_t> counts;
  for (const RetentionVerdict& verdict : decide_retention(policy, backups)) {
    if (verdict.held_as) ++counts[std::string(to_string(*verdict.held_as))];
  }
  return counts;
}

std::set<std::string> names(const std::vector<RetainedBackup>& backups) {
  std::set<std::string> names;
  for (const RetainedBackup& backup : backups)
    names.insert(backup.name);
  return names;
}

const RetentionPolicy kScheme23{.daily = 7, .weekly = 4, .monthly = 12};

TEST(RetentionPolicy, IsReadInItsThreeForms) {
  EXPECT_EQ(RetentionPolicy::parse("23").value(), kScheme23);
  EXPECT_EQ(RetentionPolicy::parse("7d4w12m").value(), kScheme23);
  EXPECT_EQ(RetentionPolicy::parse(" daily=7, weekly=4,monthly=12").value(), kScheme23);
  EXPECT_EQ(RetentionPolicy::parse("24h7d,").error().code(), Code::InvalidArgument);
  const auto all =
      RetentionPolicy::parse("last=1,hourly=2,daily=3,weekly=4,monthly=5,yearly=6,keepAtLeast=2");
  EXPECT_EQ(all.value().size(), 21U);
  EXPECT_EQ(RetentionPolicy::parse(all->format()).value(), *all);
}

TEST(RetentionPolicy, RefusesWhatItDoesNotUnderstand) {
  for (const std::string_view text :
       {"", "7", "d7", "7x", "7d7d", "daily=-1", "daily=1,daily=2", "dayly=7", "daily",
        "daily=", "0d", "keepAtLeast=3", "daily=99999999", "7d4w12", "daily=7;weekly=4"}) {
    const auto policy = RetentionPolicy::parse(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().code(), Code::InvalidArgument) << text;
    EXPECT_NE(policy.error().hint(), "") << text;
  }
}

TEST(Retention, HoldsTwentyThreeOnceTheSchemeIsFull) {
  const auto backups = nightly("2024-01-01T02:00:00Z", 800);
  const std::map<std::string, std::size_t> expected = {
      {"daily", 7}, {"weekly", 4}, {"monthly", 12}};
  EXPECT_EQ(counts(kScheme23, backups), expected);
}

TEST(Retention, MonthliesAreTheFirstsOfTheirMonths) {
  for (const RetentionVerdict& verdict :
       decide_retention(kScheme23, nightly("2024-01-01T02:00:00Z", 800))) {
    if (verdict.held_as != RetentionClass::Monthly) continue;
    EXPECT_EQ(verdict.name.substr(7), "-01T02:00:00Z") << verdict.name;
  }
}

// Three years, leap day included, night by night: what the policy lets go is deleted at once, and
// is never missed.
TEST(Retention, DeletesNothingTooEarlyInThreeYears) {
  const auto all = nightly("2024-01-15T02:00:00Z", 3 * 366);
  std::vector<RetainedBackup> held;
  for (std::size_t night = 0; night < all.size(); ++night) {
    held.push_back(all[night]);
    held = survivors(kScheme23, held);
    ASSERT_LE(held.size(), 23U);
    ASSERT_TRUE(night < 500 || held.size() == 23U) << all[night].name;
    if (night % 50 == 0) {
      const std::vector<RetainedBackup> past(all.begin(),
                                             all.begin() + static_cast<long>(night) + 1);
      ASSERT_EQ(names(held), names(survivors(kScheme23, past)));
    }
    ASSERT_LT(all[night].time - held.front().time, kScheme23.span());
  }
}

TEST(Retention, KeepsTheLastGoodOneHoweverOldItIs) {
  std::vector<RetainedBackup> backups = {backup_at(at("2024-01-03T02:00:00Z"))};
  for (RetainedBackup& failed : nightly("2024-01-04T02:00:00Z", 400)) {
    failed.quality = BackupQuality::Failed;
    backups.push_back(failed);
  }
  const auto verdicts = decide_retention({.daily = 2}, backups);
  EXPECT_TRUE(verdicts.front().held_as);
  std::vector<RetainedBackup> partial = backups;
  for (std::size_t i = 1; i < partial.size(); ++i)
    partial[i].quality = BackupQuality::Partial;
  EXPECT_EQ(decide_retention({.daily = 2}, partial).front().held_as, RetentionClass::LastGood);
}

TEST(Retention, PrefersAGoodBackupToAPartialOneOfTheSameDay) {
  const auto good = backup_at(at("2024-01-03T02:00:00Z"));
  const auto partial = backup_at(at("2024-01-03T14:00:00Z"), BackupQuality::Partial);
  EXPECT_EQ(names(survivors({.daily = 7}, {good, partial})), names({good}));
  EXPECT_EQ(names(survivors({.daily = 7}, {partial})), names({partial}));
}

TEST(Retention, KeepsAFailureForAWeekAndUntilOneIsGood) {
  const auto failed = backup_at(at("2024-01-03T02:00:00Z"), BackupQuality::Failed);
  const auto soon = backup_at(at("2024-01-04T02:00:00Z"));
  const auto later = backup_at(at("2024-01-11T02:00:00Z"));
  EXPECT_EQ(survivors({.daily = 7}, {failed, soon}).size(), 2U);
  EXPECT_EQ(names(survivors({.daily = 7}, {failed, soon, later})), names({soon, later}));
}

TEST(Retention, DaysBeginAtMidnightOfTheZone) {
  const auto evening = backup_at(at("2024-06-01T21:30:00Z"));  // 23:30 in Berlin
  const auto night = backup_at(at("2024-06-01T22:30:00Z"));    // 00:30 of the next day
  const RetentionPolicy two{.daily = 2, .keep_at_least = 0};
  EXPECT_EQ(survivors(two, {evening, night}).size(), 1U);
  const auto verdicts =
      decide_retention(two, {evening, night}, Zone::find("Europe/Berlin").value());
  EXPECT_TRUE(verdicts[0].held_as && verdicts[1].held_as);
}

struct History {
  RetentionPolicy policy;
  std::vector<RetainedBackup> backups;  // oldest first
};

History random_history() {
  using rc::gen::inRange;
  History history;
  history.policy = {.last = *inRange<std::size_t>(0, 3),
                    .hourly = *inRange<std::size_t>(0, 4),
                    .daily = *inRange<std::size_t>(0, 8),
                    .weekly = *inRange<std::size_t>(0, 5),
                    .monthly = *inRange<std::size_t>(0, 5),
                    .yearly = *inRange<std::size_t>(0, 3),
                    .keep_at_least = *inRange<std::size_t>(0, 3)};
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::element(1, 1, 6, 24, 24, 24, 24, 30, 72, 400), inRange(0, 10)));
  TimePoint time = at("2023-12-20T02:00:00Z");
  for (const auto& [step, luck] : steps) {
    time += hours(step);
    const BackupQuality quality = luck < 7   ? BackupQuality::Good
                                  : luck < 9 ? BackupQuality::Partial
                                             : BackupQuality::Failed;
    history.backups.push_back(backup_at(time, quality));
  }
  return history;
}

RC_GTEST_PROP(Retention, NeverLosesTheLastGoodOne, ()) {
  History history = random_history();
  history.policy.keep_at_least = std::max<std::size_t>(history.policy.keep_at_least, 1);
  std::vector<RetainedBackup> held;
  std::string last_good;
  for (const RetainedBackup& backup : history.backups) {
    held.push_back(backup);
    if (backup.quality == BackupQuality::Good) last_good = backup.name;
    held = survivors(history.policy, held);
    RC_ASSERT(last_good.empty() || names(held).count(last_good) == 1);
  }
}

// Deleting as one goes leaves all that deciding over the whole of history would hold. (A partial
// backup stands in for its period until a good one comes; what it displaced meanwhile is gone.)
RC_GTEST_PROP(Retention, LetsNothingGoBeforeItsTurn, ()) {
  History history = random_history();
  for (RetainedBackup& backup : history.backups) {
    if (backup.quality == BackupQuality::Partial) backup.quality = BackupQuality::Good;
  }
  std::vector<RetainedBackup> held;
  std::vector<RetainedBackup> past;
  for (const RetainedBackup& backup : history.backups) {
    held.push_back(backup);
    past.push_back(backup);
    held = survivors(history.policy, held);
    const std::set<std::string> there = names(held);
    for (const RetainedBackup& wanted : survivors(history.policy, past))
      RC_ASSERT(there.count(wanted.name) == 1);
  }
}

RC_GTEST_PROP(Retention, HoldsNoMoreThanThePolicySays, ()) {
  const History history = random_history();
  std::size_t held = 0;
  for (const RetainedBackup& backup : survivors(history.policy, history.backups))
    held += backup.quality == BackupQuality::Failed ? 0U : 1U;
  RC_ASSERT(held <= history.policy.size() + history.policy.keep_at_least);
}

}  // namespace
}  // namespace lateen::assurance
