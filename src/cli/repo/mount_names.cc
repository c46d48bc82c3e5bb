#include "cli/repo/mount_names.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/zone.h"

namespace lateen::cli::repo {
namespace {

using repository::Snapshot;

std::string offset_text(Duration zone, bool colon, bool letter) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(zone).count();
  if (letter && minutes == 0) return "Z";
  const auto size = std::abs(minutes);
  return fmt::format("{}{:02}{}{:02}", minutes < 0 ? '-' : '+', size / 60, colon ? ":" : "",
                     size % 60);
}

std::string format_time(const Snapshot& snapshot, std::string_view layout) {
  const CivilTime c = Zone().to_civil(snapshot.time + snapshot.zone);
  const std::array<std::pair<std::string_view, std::string>, 9> words = {
      {{"2006", fmt::format("{:04}", c.year)},
       {"Z07:00", offset_text(snapshot.zone, true, true)},
       {"-07:00", offset_text(snapshot.zone, true, false)},
       {"-0700", offset_text(snapshot.zone, false, false)},
       {"01", fmt::format("{:02}", c.month)},
       {"02", fmt::format("{:02}", c.day)},
       {"15", fmt::format("{:02}", c.hour)},
       {"04", fmt::format("{:02}", c.minute)},
       {"05", fmt::format("{:02}", c.second)}}};
  std::string out;
  while (!layout.empty()) {
    const auto word = std::ranges::find_if(
        words, [layout](const auto& pair) { return layout.starts_with(pair.first); });
    if (word == words.end()) {
      out += layout.front();
      layout.remove_prefix(1);
    } else {
      out += word->second;
      layout.remove_prefix(word->first.size());
    }
  }
  return out;
}

// One component of a path, whatever is in it.
std::string as_name(std::string text) {
  std::replace(text.begin(), text.end(), '/', '_');
  std::erase(text, '\0');
  if (text.empty() || text == ".") return "_";
  return text == ".." ? "__" : text;
}

// The template's path for each tag, and, if the template ends with the time, that.
struct SnapshotPaths {
  std::vector<std::string> paths = {};
  std::string time = {};
};

SnapshotPaths paths_of(const Snapshot& snapshot, std::string_view path, std::string_view layout) {
  SnapshotPaths out{.paths = {""}};
  const std::string time = as_name(format_time(snapshot, layout));
  const auto append = [&out](const std::string& text) {
    for (std::string& one : out.paths)
      one += text;
  };
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%' || i + 1 == path.size()) {
      append(std::string(1, path[i]));
      continue;
    }
    const char verb = path[++i];
    if (verb == 'T' && i + 1 == path.size()) {
      out.time = time;
    } else if (verb == 't') {
      std::vector<std::string> tagged;
      for (const std::string& one : out.paths) {
        for (const std::string& tag : snapshot.tags)
          tagged.push_back(one + as_name(tag));
      }
      out.paths = std::move(tagged);
    } else {
      append(verb == 'T'   ? time
             : verb == 'i' ? snapshot.id.substr(0, 8)
             : verb == 'I' ? snapshot.id
             : verb == 'u' ? as_name(snapshot.user)
             : verb == 'h' ? as_name(snapshot.host)
                           : std::string(1, verb));
    }
  }
  return out;
}

// The folder of that path, made where it is not there; null if something else is in the way.
MountEntry* folder_at(MountEntry& root, std::string_view path) {
  MountEntry* folder = &root;
  for (const std::string_view name : split(path, '/')) {
    if (name.empty() || name == ".") continue;
    folder = &folder->entries[name == ".." ? "__" : std::string(name)];
    if (!folder->is_folder()) return nullptr;
  }
  return folder;
}

std::string free_name(const MountEntry& folder, const std::string& name) {
  std::string free = name;
  for (int i = 1; folder.entries.contains(free); ++i)
    free = fmt::format("{}-{}", name, i);
  return free;
}

// What of a template is the same for all snapshots: these folders are there without any.
std::string_view fixed_part(std::string_view path) {
  const std::string_view fixed = path.substr(0, path.find('%'));
  const std::size_t slash = fixed.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : fixed.substr(0, slash);
}

}  // namespace

MountEntry lay_out_snapshots(const std::vector<Snapshot>& snapshots,
                             const MountTemplates& templates) {
  MountEntry root;
  for (const std::string& path : templates.paths)
    (void)folder_at(root, fixed_part(path));
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    for (const std::string& path_template : templates.paths) {
      const SnapshotPaths where = paths_of(snapshots[i], path_template, templates.time);
      for (const std::string& path : where.paths) {
        // With a time at the end, names are told apart by the time; else by the last component.
        const std::size_t slash = path.rfind('/');
        const std::string above = slash == std::string::npos ? "" : path.substr(0, slash);
        const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
        MountEntry* const folder = folder_at(root, above);
        if (folder == nullptr) continue;
        const std::string name = free_name(*folder, as_name(last + where.time));
        folder->entries[name] = {.snapshot = i};
        // The newest comes last.
        if (!where.time.empty() && last.empty()) folder->entries["latest"] = {.link = name};
      }
    }
  }
  return root;
}

}  // namespace lateen::cli::repo
