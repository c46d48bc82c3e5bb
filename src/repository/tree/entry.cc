#include "repository/tree/entry.h"

#include <algorithm>

namespace lateen::repository {

std::string_view to_string(EntryType type) {
  switch (type) {
    case EntryType::File:
      return "file";
    case EntryType::Directory:
      return "directory";
    case EntryType::Symlink:
      return "symbolic link";
    case EntryType::Fifo:
      return "fifo";
    case EntryType::Socket:
      return "socket";
    case EntryType::CharDevice:
      return "character device";
    case EntryType::BlockDevice:
      return "block device";
    case EntryType::Unknown:
      break;
  }
  return "unknown";
}

void DirectorySummary::add(const DirectorySummary& below) {
  size += below.size;
  files += below.files;
  symlinks += below.symlinks;
  dirs += below.dirs;
  failed += below.failed;
  ignored += below.ignored;
  if (below.has_entries) max_mtime = std::max(max_mtime, below.max_mtime);
  problems.insert(problems.end(), below.problems.begin(), below.problems.end());
  const auto by_path = [](const Problem& a, const Problem& b) { return a.path < b.path; };
  std::sort(problems.begin(), problems.end(), by_path);
  if (problems.size() > kMaxProblems) problems.resize(kMaxProblems);
}

void add_child(DirectorySummary& summary, const StoredEntry& child) {
  const Entry& entry = child.entry;
  summary.has_entries = true;
  summary.max_mtime = std::max(summary.max_mtime, entry.mtime);
  if (entry.type == EntryType::Symlink) ++summary.symlinks;
  if (entry.type == EntryType::File) {
    ++summary.files;
    summary.size += entry.size;
  }
  if (entry.type == EntryType::Directory && child.summary) summary.add(*child.summary);
}

}  // namespace lateen::repository
