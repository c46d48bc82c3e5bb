// Which new Backups start and which wait: Velero 1.18's queue. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "backup/namespace_filter.h"
#include "model/backup.h"

namespace lateen::server {

// One Backup whose status is to be written.
struct QueueMove {
  model::Backup before;
  model::Backup after;
};

// `backups` oldest first. Of the queue, in its order, each starts as soon as fewer than `limit` are
// at work and no namespace of it is also that of one at work or before it in the queue: two backups
// of one namespace would run each other's hooks. With a limit of 1 nobody looks at the namespaces.
// The others get their positions, from 1.
std::vector<QueueMove> plan_queue(const std::vector<model::Backup>& backups,
                                  const std::vector<backup::NamespaceFacts>& namespaces,
                                  std::size_t limit);

}  // namespace lateen::server
