// Which snapshots a command is about: by ID, "latest", host, tags and paths; and in which groups.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/flags.h"
#include "repository/repository.h"

namespace lateen::cli::repo {

using repository::Snapshot;

struct SnapshotFilter {
  std::vector<std::string> hosts = {};
  std::vector<std::vector<std::string>> tags = {};  // one list that is wholly there is enough
  std::vector<std::string> paths = {};              // all of them

  bool empty() const { return hosts.empty() && tags.empty() && paths.empty(); }

  bool matches(const Snapshot& snapshot) const;
};

// --host (-H), --tag, --path.
std::vector<FlagSpec> filter_flags();
SnapshotFilter read_filter(const Flags& flags);
// "a,b" of each --tag or --keep-tag.
std::vector<std::vector<std::string>> tag_lists(const Flags& flags, std::string_view flag);

// Those that are named, in that order, or, if none is, those that fit the filter. `snapshots` is
// sorted, oldest first. NotFound, InvalidArgument (an ambiguous beginning of an ID).
Result<std::vector<Snapshot>> select_snapshots(const std::vector<Snapshot>& snapshots,
                                               const std::vector<std::string>& names,
                                               const SnapshotFilter& filter);

// "1f0a" or "latest", with a folder in it: "latest:/etc".
struct SnapshotPath {
  Snapshot snapshot = {};
  std::string folder = {};  // "/" or "/a/b"; empty: the root
};

Result<SnapshotPath> find_snapshot(const std::vector<Snapshot>& snapshots,
                                   const std::string& name,
                                   const SnapshotFilter& filter);

// What --group-by may say.
struct GroupBy {
  bool host = false;
  bool paths = false;
  bool tags = false;

  bool any() const { return host || paths || tags; }
};

Result<GroupBy> parse_group_by(std::string_view text);

struct SnapshotGroup {
  std::string host = {};
  std::vector<std::string> paths = {};
  std::vector<std::string> tags = {};
  std::vector<Snapshot> snapshots = {};  // oldest first

  // "snapshots for (host [a], paths [/b]):", empty if they are not grouped.
  std::string heading(const GroupBy& by) const;
};

// In the order of their keys.
std::vector<SnapshotGroup> group_snapshots(std::vector<Snapshot> snapshots, const GroupBy& by);

}  // namespace lateen::cli::repo
