#include "server/backup_queue.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/phases.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<backup::NamespaceFacts>& cluster() {
  static const std::vector<backup::NamespaceFacts> kNamespaces = {{.name = "shop", .labels = {}},
                                                                  {.name = "team-a", .labels = {}},
                                                                  {.name = "team-b", .labels = {}}};
  return kNamespaces;
}

Backup backup_of(std::string name,
                 BackupPhase phase,
                 model::StringList namespaces,
                 std::int64_t position = 0) {
  Backup backup;
  backup.metadata.name = std::move(name);
  backup.spec.included_namespaces = std::move(namespaces);
  backup.status.phase = phase;
  backup.status.queue_position = position;
  return backup;
}

// "b Queued 1" of each move.
std::vector<std::string> moves_of(const std::vector<Backup>& backups, std::size_t limit) {
  std::vector<std::string> moves;
  for (const QueueMove& move : plan_queue(backups, cluster(), limit)) {
    moves.push_back(fmt::format("{} {} {}", move.after.metadata.name,
                                move.after.status.phase.text(), move.after.status.queue_position));
  }
  return moves;
}

TEST(BackupQueue, OneAtATimeByDefault) {
  EXPECT_THAT(moves_of({backup_of("a", BackupPhase::New, {"team-a"}),
                        backup_of("b", BackupPhase::New, {"team-b"})},
                       1),
              ElementsAre("a ReadyToStart 0", "b Queued 1"));
  EXPECT_THAT(moves_of({backup_of("a", BackupPhase::InProgress, {"team-a"}),
                        backup_of("b", BackupPhase::Queued, {"team-b"}, 1)},
                       1),
              IsEmpty());
}

TEST(BackupQueue, ThoseOfOtherNamespacesRunBesideEachOther) {
  EXPECT_THAT(moves_of({backup_of("a", BackupPhase::InProgress, {"team-a"}),
                        backup_of("b", BackupPhase::New, {"team-a", "shop"}),
                        backup_of("c", BackupPhase::New, {"team-b"})},
                       3),
              ElementsAre("b Queued 1", "c ReadyToStart 0"));
}

TEST(BackupQueue, NobodyOvertakesOneThatSharesANamespace) {
  EXPECT_THAT(moves_of({backup_of("a", BackupPhase::InProgress, {"team-a"}),
                        backup_of("all", BackupPhase::New, {}),
                        backup_of("c", BackupPhase::New, {"team-b"})},
                       3),
              ElementsAre("all Queued 1", "c Queued 2"));
}

TEST(BackupQueue, PatternsAreHeldAgainstTheNamespacesThatExist) {
  EXPECT_THAT(moves_of({backup_of("a", BackupPhase::InProgress, {"team-*"}),
                        backup_of("b", BackupPhase::New, {"team-b"}),
                        backup_of("c", BackupPhase::New, {"s*"})},
                       2),
              ElementsAre("b Queued 1", "c ReadyToStart 0"));
}

TEST(BackupQueue, WhoStartsLeavesHisPlaceToTheOthers) {
  EXPECT_THAT(moves_of({backup_of("b", BackupPhase::Queued, {"team-b"}, 2),
                        backup_of("a", BackupPhase::Queued, {"team-a"}, 1)},
                       1),
              ElementsAre("a ReadyToStart 0", "b Queued 1"));
}

RC_GTEST_PROP(BackupQueueLaws, NoTwoAtWorkShareANamespaceAndNobodyIsForgotten, ()) {
  std::vector<Backup> backups;
  const int count = *rc::gen::inRange(0, 8);
  for (int i = 0; i < count; ++i) {
    const auto phase = *rc::gen::element(BackupPhase::New, BackupPhase::Unset, BackupPhase::Queued,
                                         BackupPhase::Completed);
    backups.push_back(
        backup_of(fmt::format("b{}", i), phase,
                  *rc::gen::nonEmpty(rc::gen::container<model::StringList>(
                      rc::gen::element<std::string>("shop", "team-a", "team-b", "team-*", "gone"))),
                  phase == BackupPhase::Queued ? i + 1 : 0));
  }
  const auto limit = static_cast<std::size_t>(*rc::gen::inRange(2, 5));
  std::map<std::string, Backup> after;
  for (const Backup& one : backups)
    after.insert_or_assign(one.metadata.name, one);
  for (QueueMove& move : plan_queue(backups, cluster(), limit))
    after.insert_or_assign(move.after.metadata.name, std::move(move.after));
  std::set<std::string> taken;
  std::set<std::int64_t> positions;
  std::size_t at_work = 0;
  std::int64_t waiting = 0;
  for (const auto& [name, one] : after) {
    const BackupPhase phase = one.status.phase.value();
    RC_ASSERT(!model::is_new(phase));
    if (phase == BackupPhase::Queued) {
      ++waiting;
      positions.insert(one.status.queue_position);
    }
    if (phase != BackupPhase::ReadyToStart) continue;
    ++at_work;
    const auto filter = backup::NamespaceFilter::resolve(one.spec, cluster());
    for (const std::string& ns : filter.selected()) {
      RC_ASSERT(taken.insert(ns).second);
    }
  }
  RC_ASSERT(at_work <= limit);
  RC_ASSERT(std::ssize(positions) == waiting);
  RC_ASSERT(positions.empty() || (*positions.begin() == 1 && *positions.rbegin() == waiting));
  RC_ASSERT(at_work > 0U || waiting == 0);
}

}  // namespace
}  // namespace lateen::server
