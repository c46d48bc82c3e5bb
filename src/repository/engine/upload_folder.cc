#include <algorithm>
#include <unordered_set>

#include "repository/engine/upload_run.h"

namespace lateen::repository {

namespace {

// A batch of small files: what one thread reads, hashes in lanes and stores in one go.
constexpr std::size_t kBatchFiles = 64;
constexpr ByteCount kBatchBytes = 512_KiB;

// A folder as an earlier run kept it, being walked in order.
struct Former {
  std::vector<StoredEntry> entries = {};  // sorted by name
  bool unfinished = false;
  std::size_t at = 0;
};

FormerEntries find_before(std::vector<Former>& formers, const Bytes& name) {
  FormerEntries found;
  for (Former& former : formers) {
    while (former.at < former.entries.size() && former.entries[former.at].entry.name < name)
      ++former.at;
    if (former.at == former.entries.size()) continue;
    const StoredEntry& entry = former.entries[former.at];
    if (entry.entry.name != name) continue;
    if (former.unfinished) {
      found.unfinished.push_back(&entry);
    } else {
      found.before = &entry;
    }
  }
  return found;
}

// The longest part of a large file that an unfinished run has.
void take_begun(FolderUpload& folder, std::size_t place, const std::vector<Former>& formers) {
  const Entry& file = folder.entries[place].entry;
  const std::string name = UploadRun::begun_name(file.name, file.size);
  const StoredEntry* longest = nullptr;
  for (const Former& former : formers) {
    const auto by_name = [](const StoredEntry& entry) -> const Bytes& { return entry.entry.name; };
    const auto found = std::ranges::lower_bound(former.entries, name, {}, by_name);
    if (!former.unfinished || found == former.entries.end() || found->entry.name != name) continue;
    if (longest == nullptr || found->entry.size > longest->entry.size) longest = &*found;
  }
  if (longest != nullptr) folder.begun.emplace(place, *longest);
}

}  // namespace

FolderUpload& UploadRun::new_folder(FolderUpload* parent, std::size_t place, std::string path) {
  auto folder = std::make_shared<FolderUpload>();
  folder->parent = parent;
  folder->place = place;
  folder->depth = parent->depth + 1;
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
  folder.states[place] = EntryState::LeftOut;
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
  folder.states = std::vector<std::atomic<EntryState>>(folder.entries.size());
  folder.listed = true;
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
  // What unfinished runs have is newer than the parent. Without either everything is read again:
  // slower, and right.
  std::vector<Former> formers;
  for (const StoredEntry& unfinished : folder.in_unfinished) {
    auto read = trees_.read_directory(unfinished.object, *parent_reader_, worker.workspace);
    if (read) formers.push_back({.entries = std::move(*read), .unfinished = true});
  }
  if (folder.before) {
    auto read = trees_.read_directory(folder.before->object, *parent_reader_, worker.workspace);
    if (read) formers.push_back({.entries = std::move(*read)});
  }
  folder.unfinished += folder.entries.size();
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  for (std::size_t i = 0; i < folder.entries.size(); ++i) {
    const Entry& entry = folder.entries[i].entry;
    const FormerEntries old = find_before(formers, entry.name);
    if (entry.type != EntryType::File) {
      take_entry(folder, i, old, worker);
      continue;
    }
    ++progress_.total_files;
    progress_.total_bytes += entry.size;
    const auto reused = [&](const StoredEntry* one) { return reuse(folder, i, *one, worker); };
    if (std::ranges::any_of(old.unfinished, reused) ||
        (old.before != nullptr && reused(old.before))) {
      finish_entry(folder, i, worker);
      continue;
    }
    ++(old.before != nullptr ? counters_.files_changed : counters_.files_new);
    const bool is_large = entry.size > small_size_;
    if (is_large) take_begun(folder, i, formers);
    (is_large ? large : small).push_back(i);
  }
  push_files(folder, std::move(small), std::move(large));
  finish_one(folder, worker);
}

// Folders, links, devices: whatever has no bytes of its own.
void UploadRun::take_entry(FolderUpload& folder,
                           std::size_t place,
                           const FormerEntries& old,
                           Worker& worker) {
  StoredEntry& stored = folder.entries[place];
  if (stored.entry.type == EntryType::Directory) {
    FolderUpload& below = new_folder(&folder, place, folder.path + "/" + stored.entry.name);
    const auto comparable = [](const StoredEntry* one) {
      return one != nullptr && one->entry.type == EntryType::Directory;
    };
    if (comparable(old.before)) below.before = *old.before;
    for (const StoredEntry* const one : old.unfinished) {
      if (comparable(one)) below.in_unfinished.push_back(*one);
    }
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
  finish_entry(folder, place, worker);
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

// What failed in a folder that is left out counts here, since it has no folder of its own.
DirectorySummary UploadRun::summary_of(FolderUpload& folder, std::span<const StoredEntry> entries) {
  DirectorySummary summary;
  {
    Lock lock(folder.mu);
    summary = folder.problems;
  }
  summary.dirs = 1;
  for (const StoredEntry& stored : entries) {
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
  }
  if (!summary.has_entries) summary.max_mtime = folder.parent->entries[folder.place].entry.mtime;
  return summary;
}

Status UploadRun::write_folder(FolderUpload& folder, Worker& worker) {
  const Lock writing(folder.writing);
  folder.written = true;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < folder.entries.size(); ++i) {
    if (folder.states[i] == EntryState::LeftOut) continue;
    if (kept != i) folder.entries[kept] = std::move(folder.entries[i]);
    ++kept;
  }
  folder.entries.resize(kept);
  DirectorySummary summary = summary_of(folder, folder.entries);
  StoredEntry& self = folder.parent->entries[folder.place];
  self.object = TRY(trees_.write_directory(folder.entries, summary, writer_, worker.workspace));
  self.summary = std::make_shared<const DirectorySummary>(std::move(summary));
  ++progress_.done_dirs;
  if (!folder.before) {
    ++counters_.dirs_new;
  } else {
    ++(folder.before->object == self.object ? counters_.dirs_unchanged : counters_.dirs_changed);
  }
  folder.parent->states[folder.place] = EntryState::Saved;
  return {};
}

void UploadRun::finish_entry(FolderUpload& folder, std::size_t place, Worker& worker) {
  folder.states[place] = EntryState::Saved;
  finish_one(folder, worker);
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
    at = parent;
  }
}

}  // namespace lateen::repository
