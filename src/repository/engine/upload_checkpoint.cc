// The tree as far as it is done, while the rest goes on.
#include <algorithm>

#include "repository/engine/large_file_upload.h"
#include "repository/engine/upload_run.h"

namespace lateen::repository {

std::string UploadRun::begun_name(const Bytes& file, ByteCount size) {
  return fmt::format(".checkpointed.{}.{:x}", file, size);
}

void UploadRun::checkpoint_now_and_then(std::stop_token stop) {
  while (sleep_unless_stopped(options_.checkpoint_interval, stop)) {
    Status done = checkpoint(queue_.stop_token());
    if (!done && !queue_.stop_token().stop_requested()) queue_.fail(std::move(done).error());
    if (!done) return;
  }
}

// First the tree, then all that it refers to, then its name.
Status UploadRun::checkpoint(std::stop_token stop) {
  if (!options_.on_checkpoint) return writer_.checkpoint(std::move(stop));
  Worker worker;
  auto root = TRY(tree_so_far(worker));
  TRY(writer_.checkpoint(stop));
  if (!root) return {};
  return options_.on_checkpoint({.root = std::move(*root), .stats = stats()}, std::move(stop));
}

// Nothing if there is no folder that has been read.
Result<std::optional<StoredEntry>> UploadRun::tree_so_far(Worker& worker) {
  // A folder's parent is in the map as long as the folder is.
  std::vector<std::shared_ptr<FolderUpload>> open;
  {
    Lock lock(mu_);
    for (const auto& [key, folder] : folders_) {
      if (folder->listed) open.push_back(folder);
    }
  }
  std::ranges::sort(open, std::ranges::greater(), [](const auto& folder) { return folder->depth; });
  std::map<const FolderUpload*, EntriesSoFar> made;
  for (const auto& folder : open) {
    auto below = made.extract(folder.get());
    auto entry = TRY(
        folder_so_far(*folder, below.empty() ? EntriesSoFar() : std::move(below.mapped()), worker));
    if (entry) made[folder->parent].emplace(folder->place, std::move(*entry));
  }
  EntriesSoFar& root = made[top_.get()];
  if (root.empty()) return std::optional<StoredEntry>();
  return std::optional<StoredEntry>(std::move(root.begin()->second));
}

// Nothing if the folder itself is done: it is among its parent's entries then.
Result<std::optional<StoredEntry>> UploadRun::folder_so_far(FolderUpload& folder,
                                                            EntriesSoFar below,
                                                            Worker& worker) {
  const Lock writing(folder.writing);
  if (folder.written) return std::optional<StoredEntry>();
  std::vector<StoredEntry> entries;
  for (std::size_t i = 0; i < folder.states.size(); ++i) {
    const EntryState state = folder.states[i];
    if (state == EntryState::Saved) entries.push_back(folder.entries[i]);
    if (state != EntryState::Pending) continue;
    const auto part = below.find(i);
    if (part != below.end()) {
      entries.push_back(std::move(part->second));
    } else if (auto file = TRY(file_so_far(folder, i, worker))) {
      entries.push_back(std::move(*file));
    }
  }
  std::ranges::sort(entries, {},
                    [](const StoredEntry& one) -> const Bytes& { return one.entry.name; });
  DirectorySummary summary = summary_of(folder, entries);
  summary.partial = true;
  StoredEntry self{.entry = folder.parent->entries[folder.place].entry};
  self.object = TRY(trees_.write_directory(entries, summary, writer_, worker.workspace));
  self.summary = std::make_shared<const DirectorySummary>(std::move(summary));
  return std::optional<StoredEntry>(std::move(self));
}

Result<std::optional<StoredEntry>> UploadRun::file_so_far(const FolderUpload& folder,
                                                          std::size_t place,
                                                          Worker& worker) {
  std::shared_ptr<LargeFileUpload> file;
  {
    Lock lock(mu_);
    const auto found = large_files_.find({&folder, place});
    if (found == large_files_.end()) return std::optional<StoredEntry>();
    file = found->second;
  }
  auto part = file->so_far();
  if (!part) return std::optional<StoredEntry>();
  StoredEntry stored{.entry = std::move(part->entry)};
  stored.entry.name = begun_name(stored.entry.name, stored.entry.size);
  stored.entry.size = part->pieces.back().offset + part->pieces.back().length;
  stored.object = TRY(trees_.write_file(part->pieces, writer_, worker.workspace));
  return std::optional<StoredEntry>(std::move(stored));
}

}  // namespace lateen::repository
