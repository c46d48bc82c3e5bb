#include <algorithm>
#include <unordered_set>

#include "repository/engine/upload_run.h"

namespace lateen::repository {

namespace {

// A batch of small files: what one thread reads, hashes in lanes and stores in one go.
constexpr std::size_t kBatchFiles = 64;
constexpr ByteCount kBatchBytes = 512_KiB;

const StoredEntry* find_before(const std::vector<StoredEntry>& before,
                               std::size_t& at,
                               const Bytes& name) {
  while (at < before.size() && before[at].entry.name < name)
    ++at;
  return at < before.size() && before[at].entry.name == name ? &before[at] : nullptr;
}

}  // namespace

FolderUpload& UploadRun::new_folder(FolderUpload* parent, std::size_t place, std::string path) {
  auto folder = std::make_unique<FolderUpload>();
  folder->parent = parent;
  folder->place = place;
  folder->path = std::move(path);
  FolderUpload& made = *folder;
  Lock lock(mu_);
  folders_.emplace(&made, std::move(folder));
  return made;
}

void UploadRun::fail_file(FolderUpload& folder, const std::string& path, Error error) {
  ++counters_.failed;
  {
    Lock lock(folder.mu);
    ++folder.problems.failed;
    if (folder.problems.problems.size() < DirectorySummary::kMaxProblems) {
      folder.problems.problems.push_back({.path = path, .error = error.message()});
    }
  }
  if (options_.fail_fast) {
    queue_.fail(Error(error).wrap("{}", path));
  }
  progress_.problems.add(path, std::move(error));
}

void UploadRun::fail_entry(FolderUpload& folder, std::size_t place, Error error) {
  folder.failed[place] = 1;
  fail_file(folder, folder.path + "/" + folder.entries[place].entry.name, std::move(error));
}

// Entries that are not to be saved at all.
bool UploadRun::wanted(const FolderUpload& folder, const Entry& entry) {
  if (!trees_.stores(entry.type)) {
    ++counters_.passed_over;
    return false;
  }
  if (!options_.exclude || !options_.exclude(folder.path + "/" + entry.name, entry)) return true;
  if (entry.type == EntryType::Directory) {
    ++counters_.excluded_dirs;
  } else {
    ++counters_.excluded_files;
    if (entry.type == EntryType::File) counters_.excluded_bytes += entry.size;
  }
  return false;
}

Status UploadRun::list_folder(FolderUpload& folder, Worker& worker) {
  if (folder.fd == nullptr) {
    const auto& above = folder.parent->fd;
    const Bytes& name = folder.parent->entries[folder.place].entry.name;
    folder.fd = std::make_shared<const UniqueFd>(TRY(above != nullptr
                                                         ? open_directory(above->get(), name)
                                                         : open_directory(FilePath(folder.path))));
  }
  DirectoryListing listing =
      TRY(read_directory(folder.fd->get(), folder.path, trees_.needs().xattrs));
  for (auto& [name, error] : listing.failed) {
    fail_file(folder, folder.path + "/" + name, std::move(error));
  }
  for (Entry& entry : listing.entries) {
    if (!wanted(folder, entry)) continue;
    folder.entries.push_back({.entry = std::move(entry)});
  }
  folder.failed.assign(folder.entries.size(), 0);
  static_cast<void>(worker);
  return {};
}

void UploadRun::read_folder(FolderUpload& folder, Worker& worker) {
  const Status listed = list_folder(folder, worker);
  if (!listed) {
    // Left out of the folder above, as a file that cannot be read would be.
    fail_entry(*folder.parent, folder.place, listed.error());
    FolderUpload& parent = *folder.parent;
    {
      Lock lock(mu_);
      folders_.erase(&folder);
    }
    finish_one(parent, worker);
    return;
  }
  std::vector<StoredEntry> before;
  if (folder.before) {
    auto read = trees_.read_directory(folder.before->object, *parent_reader_, worker.workspace);
    // Without it everything is read again: slower, and right.
    if (read) before = std::move(*read);
  }
  folder.unfinished += folder.entries.size();
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  std::size_t at = 0;
  std::vector<std::size_t> below;
  for (std::size_t i = 0; i < folder.entries.size(); ++i) {
    const Entry& entry = folder.entries[i].entry;
    const StoredEntry* const old = find_before(before, at, entry.name);
    if (entry.type != EntryType::File) {
      take_entry(folder, i, old, worker);
      continue;
    }
    ++progress_.total_files;
    progress_.total_bytes += entry.size;
    if (old != nullptr && reuse(folder, i, *old, worker)) {
      finish_one(folder, worker);
      continue;
    }
    ++(old != nullptr ? counters_.files_changed : counters_.files_new);
    (entry.size <= small_size_ ? small : large).push_back(i);
  }
  push_files(folder, std::move(small), std::move(large));
  finish_one(folder, worker);
}

// Folders, links, devices: whatever has no bytes of its own.
void UploadRun::take_entry(FolderUpload& folder,
                           std::size_t place,
                           const StoredEntry* before,
                           Worker& worker) {
  StoredEntry& stored = folder.entries[place];
  if (stored.entry.type == EntryType::Directory) {
    FolderUpload& below = new_folder(&folder, place, folder.path + "/" + stored.entry.name);
    const bool comparable = before != nullptr && before->entry.type == EntryType::Directory;
    if (comparable) below.before = *before;
    // A mount point is kept, what is mounted on it is not.
    if (options_.one_file_system && stored.entry.device != root_device_) {
      finish_one(below, worker);
      return;
    }
    queue_.push(WorkQueue::Rank::Directory, [this, &below](Worker& w) { read_folder(below, w); });
    return;
  }
  if (stored.entry.type == EntryType::Symlink) {
    auto object = trees_.write_symlink(stored.entry, writer_, worker.workspace);
    if (!object) return queue_.fail(std::move(object).error());
    stored.object = std::move(*object);
  }
  finish_one(folder, worker);
}

bool UploadRun::reuse(FolderUpload& folder,
                      std::size_t place,
                      const StoredEntry& before,
                      Worker& worker) {
  StoredEntry& stored = folder.entries[place];
  if (before.entry.type != EntryType::File || !trees_.unchanged(stored.entry, before)) return false;
  // A parent whose contents are gone (repaired, pruned by mistake) must not be built upon.
  std::vector<ContentId> contents;
  if (!trees_.contents_of(before, *parent_reader_, worker.workspace, contents)) return false;
  const ContentIndex& index = parent_reader_->index();
  if (!std::all_of(contents.begin(), contents.end(),
                   [&index](const ContentId& id) { return index.has_live(id); })) {
    return false;
  }
  stored.object = before.object;
  stored.extra = before.extra;
  ++counters_.files_unchanged;
  ++progress_.done_files;
  progress_.done_bytes += stored.entry.size;
  counters_.bytes += stored.entry.size;
  return true;
}

void UploadRun::push_files(FolderUpload& folder,
                           std::vector<std::size_t> small,
                           std::vector<std::size_t> large) {
  // As the disk has them.
  const auto by_inode = [&folder](std::size_t a, std::size_t b) {
    return folder.entries[a].entry.inode < folder.entries[b].entry.inode;
  };
  std::sort(small.begin(), small.end(), by_inode);
  std::sort(large.begin(), large.end(), by_inode);
  for (std::size_t start = 0; start < small.size();) {
    std::size_t end = start;
    ByteCount bytes = 0;
    while (end < small.size() && end - start < kBatchFiles && bytes < kBatchBytes) {
      bytes += folder.entries[small[end++]].entry.size;
    }
    std::vector<std::size_t> batch(small.begin() + static_cast<std::ptrdiff_t>(start),
                                   small.begin() + static_cast<std::ptrdiff_t>(end));
    queue_.push(WorkQueue::Rank::File, [this, &folder, batch = std::move(batch)](Worker& w) {
      read_small_files(folder, batch, w);
    });
    start = end;
  }
  for (const std::size_t place : large) {
    queue_.push(WorkQueue::Rank::LargeFile,
                [this, &folder, place](Worker& w) { read_large_file(folder, place, w); });
  }
}

Status UploadRun::write_folder(FolderUpload& folder, Worker& worker) {
  DirectorySummary summary;
  {
    Lock lock(folder.mu);
    summary = folder.problems;
  }
  summary.dirs = 1;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < folder.entries.size(); ++i) {
    if (folder.failed[i] != 0) {
      // What failed inside it counts here, since it has no folder of its own.
      continue;
    }
    StoredEntry& stored = folder.entries[i];
    summary.max_mtime = std::max(summary.max_mtime, stored.entry.mtime);
    summary.has_entries = true;
    if (stored.entry.type == EntryType::File) {
      ++summary.files;
      summary.size += stored.entry.size;
    } else if (stored.entry.type == EntryType::Symlink) {
      ++summary.symlinks;
    } else if (stored.summary != nullptr) {
      summary.add(*stored.summary);
    }
    if (kept != i) folder.entries[kept] = std::move(stored);
    ++kept;
  }
  folder.entries.resize(kept);
  StoredEntry& self = folder.parent->entries[folder.place];
  if (!summary.has_entries) summary.max_mtime = self.entry.mtime;
  self.object = TRY(trees_.write_directory(folder.entries, summary, writer_, worker.workspace));
  self.summary = std::make_shared<const DirectorySummary>(std::move(summary));
  ++progress_.done_dirs;
  if (!folder.before) {
    ++counters_.dirs_new;
  } else {
    ++(folder.before->object == self.object ? counters_.dirs_unchanged : counters_.dirs_changed);
  }
  return {};
}

// One entry (or the reading itself) is done; the last one writes the folder, and so on upwards.
void UploadRun::finish_one(FolderUpload& folder, Worker& worker) {
  FolderUpload* at = &folder;
  while (at->unfinished.fetch_sub(1) == 1) {
    FolderUpload* const parent = at->parent;
    if (parent == nullptr) return;  // the top: what it holds is the result
    const Status written = write_folder(*at, worker);
    if (!written) return queue_.fail(written.error());
    {
      Lock lock(mu_);
      folders_.erase(at);
    }
    checkpoint_if_due();
    at = parent;
  }
}

}  // namespace lateen::repository
