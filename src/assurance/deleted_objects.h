// What backups hold and the cluster has no more.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "assurance/object_lookup.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/discovery.h"

namespace lateen::assurance {

// A backup, open. The reader outlives the call.
struct OpenBackup {
  std::string name = {};
  const archive::ArchiveReader* reader = nullptr;
};

struct DeletedObject {
  ObjectName object = {};
  std::string backup = {};  // the newest of them that holds it

  bool operator==(const DeletedObject&) const = default;
};

// `newest_first`: of the backups that hold an object the first counts. `ns` empty: of all
// namespaces, and cluster-scoped. What controllers made, and Events and the like, come back by
// themselves and are not named. By backup and object.
Result<std::vector<DeletedObject>> find_deleted(std::span<const OpenBackup> newest_first,
                                                const std::string& ns,
                                                const kube::Discovery& discovery,
                                                kube::Client& client,
                                                std::stop_token stop);

// Which backups `--since` looks into: all that were begun after the time, and of each schedule (and
// of those of none) the newest before it. In: name, schedule and time; out: indexes, newest first.
struct BackupTime {
  std::string schedule = {};
  TimePoint time = {};
};

std::vector<std::size_t> backups_since(std::span<const BackupTime> backups, TimePoint since);

}  // namespace lateen::assurance
