#include "server/backup_queue.h"

#include <algorithm>
#include <set>
#include <string>

#include "model/phases.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using Names = std::set<std::string, std::less<>>;

bool is_at_work(const Backup& backup) {
  const BackupPhase phase = backup.status.phase.value();
  return phase == BackupPhase::ReadyToStart || phase == BackupPhase::InProgress;
}

// Those that wait already, in their order, and then the new ones.
std::vector<const Backup*> in_order(const std::vector<Backup>& backups) {
  std::vector<const Backup*> queue;
  for (const Backup& backup : backups) {
    if (backup.status.phase == BackupPhase::Queued) queue.push_back(&backup);
  }
  std::stable_sort(queue.begin(), queue.end(), [](const Backup* a, const Backup* b) {
    return a->status.queue_position < b->status.queue_position;
  });
  for (const Backup& backup : backups) {
    if (model::is_new(backup.status.phase.value()) && !backup.metadata.deletion_timestamp) {
      queue.push_back(&backup);
    }
  }
  return queue;
}

// The namespaces that are taken by those before.
class Taken {
 public:
  Taken(const std::vector<backup::NamespaceFacts>& present, bool look)
      : present_(present), look_(look) {}

  // Says whether one of the backup's namespaces was taken, and takes them.
  bool take(const Backup& backup) {
    if (!look_) return false;
    bool conflict = false;
    const auto filter = backup::NamespaceFilter::resolve(backup.spec, present_);
    for (const std::string& ns : filter.selected()) {
      conflict = !names_.insert(ns).second || conflict;
    }
    return conflict;
  }

 private:
  const std::vector<backup::NamespaceFacts>& present_;
  const bool look_;
  Names names_;
};

}  // namespace

std::vector<QueueMove> plan_queue(const std::vector<Backup>& backups,
                                  const std::vector<backup::NamespaceFacts>& namespaces,
                                  std::size_t limit) {
  Taken taken(namespaces, limit > 1);
  std::size_t at_work = 0;
  for (const Backup& backup : backups) {
    if (!is_at_work(backup)) continue;
    ++at_work;
    taken.take(backup);
  }
  std::vector<QueueMove> moves;
  std::int64_t position = 0;
  for (const Backup* backup : in_order(backups)) {
    const bool conflict = taken.take(*backup);
    const bool starts = at_work < limit && !conflict;
    Backup after = *backup;
    after.status.phase = starts ? BackupPhase::ReadyToStart : BackupPhase::Queued;
    after.status.queue_position = starts ? 0 : ++position;
    if (starts) ++at_work;
    if (after != *backup) moves.push_back({.before = *backup, .after = std::move(after)});
  }
  return moves;
}

}  // namespace lateen::server
