#include "repository/tree/entry.h"

#include <algorithm>

#include <sys/stat.h>

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

mode_t type_bits(EntryType type) {
  switch (type) {
    case EntryType::Directory:
      return S_IFDIR;
    case EntryType::Symlink:
      return S_IFLNK;
    case EntryType::Fifo:
      return S_IFIFO;
    case EntryType::Socket:
      return S_IFSOCK;
    case EntryType::CharDevice:
      return S_IFCHR;
    case EntryType::BlockDevice:
      return S_IFBLK;
    case EntryType::File:
    case EntryType::Unknown:
      break;
  }
  return S_IFREG;
}

}  // namespace lateen::repository
