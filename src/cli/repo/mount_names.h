// Where snapshots stand in a mounted repository: ids/1f0a2b3c, snapshots/TIME, hosts/HOST/TIME,
// tags/TAG/TIME, as restic has them, and links to the latest. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "repository/repository.h"

namespace lateen::cli::repo {

// A folder of such names, a snapshot, or a link to one.
struct MountEntry {
  std::map<std::string, MountEntry> entries = {};
  std::optional<std::size_t> snapshot = {};  // its place in the list
  std::string link = {};                     // "2026-11-22T10:09:21Z"

  bool is_folder() const { return !snapshot && link.empty(); }
};

struct MountTemplates {
  // %i and %I the short and the long ID, %u user, %h host, %t tags, %T time.
  std::vector<std::string> paths = {"ids/%i", "snapshots/%T", "hosts/%h/%T", "tags/%t/%T"};
  // In Go's words: 2006 01 02 15 04 05 and Z07:00, -07:00 or -0700.
  std::string time = "2006-01-02T15:04:05Z07:00";
};

// `snapshots` is sorted, oldest first. Names that are taken get "-1", "-2", … behind them.
MountEntry lay_out_snapshots(const std::vector<repository::Snapshot>& snapshots,
                             const MountTemplates& templates);

}  // namespace lateen::cli::repo
