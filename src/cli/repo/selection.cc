#include "cli/repo/selection.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>

#include "base/text.h"
#include "cli/repo/retention.h"

namespace lateen::cli::repo {
namespace {

constexpr std::string_view kLatest = "latest";

std::string absolute_path(const std::string& path) {
  std::string clean = std::filesystem::absolute(path).lexically_normal().string();
  if (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  return clean;
}

Result<Snapshot> find_latest(const std::vector<Snapshot>& snapshots, const SnapshotFilter& filter) {
  for (auto at = snapshots.rbegin(); at != snapshots.rend(); ++at) {
    // A backup that did not come to its end is nobody's latest.
    if (at->incomplete.empty() && filter.matches(*at)) return *at;
  }
  if (filter.empty()) return Error(Code::NotFound, "there is no snapshot in this repository");
  return Error(Code::NotFound, "no snapshot fits the filter")
      .with_hint("`snapshots` lists those that there are.");
}

Result<Snapshot> find_by_id(const std::vector<Snapshot>& snapshots, std::string_view id) {
  const Snapshot* found = nullptr;
  for (const Snapshot& snapshot : snapshots) {
    if (id.empty() || !snapshot.id.starts_with(id)) continue;
    if (found != nullptr) {
      return Error(Code::InvalidArgument, "several snapshots' IDs begin with \"{}\"", id)
          .with_hint("Give more of it.");
    }
    found = &snapshot;
  }
  if (found != nullptr) return *found;
  return Error(Code::NotFound, "no snapshot's ID begins with \"{}\"", id)
      .with_hint("`snapshots` lists those that there are.");
}

}  // namespace

bool SnapshotFilter::matches(const Snapshot& snapshot) const {
  const auto contains = [](const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  };
  if (!hosts.empty() && !contains(hosts, snapshot.host)) return false;
  if (!std::all_of(paths.begin(), paths.end(),
                   [&](const std::string& path) { return contains(snapshot.paths, path); })) {
    return false;
  }
  return tags.empty() || std::any_of(tags.begin(), tags.end(), [&](const auto& list) {
           return has_tags(snapshot.tags, list);
         });
}

std::vector<FlagSpec> filter_flags() {
  return {{.name = "host",
           .kind = FlagKind::Texts,
           .usage = "Only snapshots of this host (again: or of that)",
           .shorthand = "H",
           .type_name = "host"},
          {.name = "tag",
           .kind = FlagKind::Texts,
           .usage = "Only snapshots with all of these tags, tag[,tag...] (again: or of those)",
           .type_name = "taglist"},
          {.name = "path",
           .kind = FlagKind::Texts,
           .usage = "Only snapshots of this absolute path (again: and of that)",
           .type_name = "path"}};
}

std::vector<std::vector<std::string>> tag_lists(const Flags& flags, std::string_view flag) {
  std::vector<std::vector<std::string>> lists;
  for (const std::string& text : flags.texts(flag)) {
    std::vector<std::string> list;
    for (const std::string_view tag : split(text, ','))
      list.emplace_back(trim(tag));
    lists.push_back(std::move(list));
  }
  return lists;
}

SnapshotFilter read_filter(const Flags& flags) {
  SnapshotFilter filter{.hosts = flags.texts("host"), .tags = tag_lists(flags, "tag")};
  std::erase(filter.hosts, "");
  for (const std::string& path : flags.texts("path"))
    filter.paths.push_back(absolute_path(path));
  return filter;
}

Result<std::vector<Snapshot>> select_snapshots(const std::vector<Snapshot>& snapshots,
                                               const std::vector<std::string>& names,
                                               const SnapshotFilter& filter) {
  std::vector<Snapshot> selected;
  if (names.empty()) {
    std::copy_if(snapshots.begin(), snapshots.end(), std::back_inserter(selected),
                 [&filter](const Snapshot& snapshot) { return filter.matches(snapshot); });
    return selected;
  }
  for (const std::string& name : names) {
    Snapshot found =
        name == kLatest ? TRY(find_latest(snapshots, filter)) : TRY(find_by_id(snapshots, name));
    const bool already =
        std::any_of(selected.begin(), selected.end(),
                    [&found](const Snapshot& other) { return other.id == found.id; });
    if (!already) selected.push_back(std::move(found));
  }
  return selected;
}

Result<SnapshotPath> find_snapshot(const std::vector<Snapshot>& snapshots,
                                   const std::string& name,
                                   const SnapshotFilter& filter) {
  const Cut parts = cut(name, ":");
  SnapshotPath found;
  found.snapshot = parts.before == kLatest ? TRY(find_latest(snapshots, filter))
                                           : TRY(find_by_id(snapshots, parts.before));
  if (!parts.found) return found;
  const std::string folder = "/" + std::string(parts.after);
  found.folder = std::filesystem::path(folder).lexically_normal().string();
  while (found.folder.size() > 1 && found.folder.ends_with('/'))
    found.folder.pop_back();
  if (found.folder.starts_with("//")) found.folder.erase(0, 1);
  return found;
}

Result<GroupBy> parse_group_by(std::string_view text) {
  GroupBy by;
  for (const std::string& word : split_trimmed(text, ',')) {
    if (word == "host" || word == "hosts") {
      by.host = true;
    } else if (word == "path" || word == "paths") {
      by.paths = true;
    } else if (word == "tag" || word == "tags") {
      by.tags = true;
    } else {
      return Error(Code::InvalidArgument, "snapshots cannot be grouped by \"{}\"", word)
          .with_hint("There are host, paths and tags.");
    }
  }
  return by;
}

std::string SnapshotGroup::heading(const GroupBy& by) const {
  std::vector<std::string> parts;
  if (by.host && !host.empty()) parts.push_back("host [" + host + "]");
  if (by.tags) {
    parts.push_back("tags [" + join(std::span<const std::string>(tags), ", ") + "]");
  }
  if (by.paths) {
    parts.push_back("paths [" + join(std::span<const std::string>(paths), ", ") + "]");
  }
  if (parts.empty()) return {};
  return "snapshots for (" + join(std::span<const std::string>(parts), ", ") + "):";
}

std::vector<SnapshotGroup> group_snapshots(std::vector<Snapshot> snapshots, const GroupBy& by) {
  using Key = std::tuple<std::string, std::vector<std::string>, std::vector<std::string>>;
  std::map<Key, std::vector<Snapshot>> groups;
  for (Snapshot& snapshot : snapshots) {
    Key key;
    if (by.host) std::get<0>(key) = snapshot.host;
    if (by.paths) std::get<1>(key) = snapshot.paths;
    if (by.tags) std::get<2>(key) = snapshot.tags;
    std::sort(std::get<1>(key).begin(), std::get<1>(key).end());
    std::sort(std::get<2>(key).begin(), std::get<2>(key).end());
    groups[key].push_back(std::move(snapshot));
  }
  std::vector<SnapshotGroup> out;
  for (auto& [key, members] : groups) {
    out.push_back({.host = std::get<0>(key),
                   .paths = std::get<1>(key),
                   .tags = std::get<2>(key),
                   .snapshots = std::move(members)});
  }
  return out;
}

}  // namespace lateen::cli::repo
