#include <algorithm>

#include "repository/engine/restore_run.h"

namespace lateen::repository {

namespace {

// Files and pieces of a round: about 60 MiB of plan at most.
constexpr std::size_t kRoundFiles = 100'000;
constexpr std::size_t kRoundPieces = 300'000;

std::string join_path(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

std::size_t depth(const std::string& path) {
  return path.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

}  // namespace

RestoreRun::RestoreRun(const RestoreOptions& options,
                       const TreeFormat& trees,
                       ContentReader& reader,
                       Progress& progress,
                       RestoreTarget target)
    : options_(options),
      trees_(trees),
      reader_(reader),
      progress_(progress),
      target_(std::move(target)),
      threads_(engine_threads(options.threads)) {}

MetadataOptions RestoreRun::metadata() const {
  return {.ownership = options_.ownership,
          .strict_ownership = options_.strict_ownership,
          .permissions = options_.permissions,
          .times = options_.times,
          .xattrs = options_.xattrs};
}

void RestoreRun::fail(const std::string& folder, const Bytes& name, Error error) {
  ++counters_.failed;
  progress_.problems.add("/" + join_path(folder, name), std::move(error));
}

void RestoreRun::take_folder(FolderTask task, Worker& worker) {
  {
    Lock lock(mu_);
    if (files_.size() >= kRoundFiles || pieces_.size() >= kRoundPieces) {
      postponed_.push_back(std::move(task));
      return;
    }
  }
  auto entries = trees_.read_directory(task.object, reader_, worker.workspace);
  if (!entries) return fail(task.path, "", std::move(entries).error());
  const auto folder = std::make_shared<RestoreFolder>();
  folder->path = task.path;
  for (StoredEntry& stored : *entries) {
    const Status name = check_entry_name(stored.entry.name);
    if (!name) {
      fail(task.path, "?", name.error());
      continue;
    }
    const std::string path = join_path(task.path, stored.entry.name);
    if (options_.select && !options_.select("/" + path, stored)) continue;
    if (stored.entry.type == EntryType::Directory && options_.is_on_the_way &&
        options_.is_on_the_way("/" + path)) {
      go_into({.path = path,
               .object = std::move(stored.object),
               .on_the_way = std::make_shared<FolderOnTheWay>(FolderOnTheWay{
                   .above = task.on_the_way, .path = path, .entry = std::move(stored.entry)})});
      continue;
    }
    if (task.on_the_way) {
      Status made = make_on_the_way(*task.on_the_way);
      if (!made) return fail(task.path, "", std::move(made).error());
    }
    take_entry(folder, std::move(stored), worker);
  }
}

void RestoreRun::go_into(FolderTask task) {
  queue_->push(WorkQueue::Rank::Directory,
               [this, task = std::move(task)](Worker& w) { take_folder(task, w); });
}

Status RestoreRun::make_folder(const std::string& path, Entry entry) {
  if (!options_.dry_run) TRY(target_.make_directory(path, options_.overwrite != Overwrite::Never));
  ++counters_.dirs;
  ++progress_.done_dirs;
  Lock lock(mu_);
  folders_.push_back({.path = path, .entry = std::move(entry)});
  return {};
}

// The folders above first. Two threads may come here at once: one of them finds the folder made.
Status RestoreRun::make_on_the_way(FolderOnTheWay& folder) {
  {
    Lock lock(mu_);
    if (folder.made) return {};
  }
  if (folder.above) TRY(make_on_the_way(*folder.above));
  if (!options_.dry_run) {
    TRY(target_.make_directory(folder.path, options_.overwrite != Overwrite::Never));
  }
  Lock lock(mu_);
  if (folder.made) return {};
  folder.made = true;
  ++counters_.dirs;
  ++progress_.done_dirs;
  folders_.push_back({.path = folder.path, .entry = std::move(folder.entry)});
  return {};
}

void RestoreRun::take_entry(const std::shared_ptr<RestoreFolder>& folder,
                            StoredEntry stored,
                            Worker& worker) {
  const std::string path = join_path(folder->path, stored.entry.name);
  switch (stored.entry.type) {
    case EntryType::Directory: {
      Status made = make_folder(path, std::move(stored.entry));
      if (!made) return fail(folder->path, stored.entry.name, std::move(made).error());
      return go_into({.path = path, .object = std::move(stored.object)});
    }
    case EntryType::File:
      return take_file(folder, std::move(stored), worker);
    case EntryType::Unknown:
      return fail(folder->path, stored.entry.name,
                  Error(Code::Unsupported, "is of a kind that this program does not know"));
    default:
      return take_other(folder, std::move(stored), worker);
  }
}

// Whether what is there under this name stays.
bool RestoreRun::keep_existing(int folder_fd, const Entry& entry) {
  if (options_.overwrite == Overwrite::Always) return false;
  const auto there = target_.stat(folder_fd, entry.name);
  if (!there) return false;
  switch (options_.overwrite) {
    case Overwrite::Never:
      return true;
    case Overwrite::IfNewer:
      return there->mtime >= entry.mtime;
    case Overwrite::IfChanged:
      return there->type == entry.type && there->mtime == entry.mtime &&
             (entry.type != EntryType::File || there->size == entry.size);
    case Overwrite::Always:
      break;
  }
  return false;
}

// The first name of a file is written, the others become links to it when all is there.
bool RestoreRun::is_hard_link(const RestoreFolder& folder, const Entry& entry) {
  if (entry.links < 2 || entry.inode == 0) return false;
  Lock lock(mu_);
  const auto [known, is_new] =
      inodes_.try_emplace({entry.device, entry.inode}, folder.path, entry.name);
  if (is_new) return false;
  links_.push_back({.path = folder.path,
                    .name = entry.name,
                    .existing_path = known->second.first,
                    .existing_name = known->second.second});
  return true;
}

void RestoreRun::take_file(const std::shared_ptr<RestoreFolder>& folder,
                           StoredEntry stored,
                           Worker& worker) {
  ++progress_.total_files;
  progress_.total_bytes += stored.entry.size;
  if (is_hard_link(*folder, stored.entry)) return;
  if (options_.overwrite != Overwrite::Always) {
    const auto fd = folder_fd(*folder);
    if (fd && keep_existing((*fd)->get(), stored.entry)) {
      ++counters_.skipped;
      ++progress_.done_files;
      progress_.done_bytes += stored.entry.size;
      return;
    }
  }
  auto pieces = trees_.file_pieces(stored, reader_, worker.workspace);
  if (!pieces) return fail(folder->path, stored.entry.name, std::move(pieces).error());
  auto file = std::make_unique<RestoreFile>();
  file->folder = folder;
  std::vector<RestorePiece> wanted;
  wanted.reserve(pieces->size());
  for (const ChunkRef& piece : *pieces) {
    if (piece.length == 0) continue;
    const auto found = reader_.index().find(piece.id);
    if (!found) {
      return fail(folder->path, stored.entry.name,
                  Error(Code::NotFound, "needs content {}, which is in no index", piece.id.text())
                      .with_hint("Run a check; older snapshots may have the file whole."));
    }
    wanted.push_back({.content = *found, .file_offset = piece.offset, .file = file.get()});
  }
  file->stored = std::move(stored);
  file->stored.object.clear();
  file->unfinished = static_cast<std::uint32_t>(wanted.size());
  ++folder->unfinished;
  if (wanted.empty()) return finish_file(*file);
  Lock lock(mu_);
  pieces_.insert(pieces_.end(), wanted.begin(), wanted.end());
  files_.push_back(std::move(file));
}

void RestoreRun::take_other(const std::shared_ptr<RestoreFolder>& folder,
                            StoredEntry stored,
                            Worker& worker) {
  if (is_hard_link(*folder, stored.entry)) return;
  const auto make = [&]() -> Status {
    const Entry& entry = stored.entry;
    const auto fd = TRY(folder_fd(*folder));
    if (keep_existing(fd->get(), entry)) {
      ++counters_.skipped;
      return {};
    }
    if (entry.type == EntryType::Symlink) {
      const Bytes target = TRY(trees_.link_target(stored, reader_, worker.workspace));
      if (options_.dry_run) return {};
      TRY(target_.make_symlink(fd->get(), entry.name, target));
    } else {
      if (options_.dry_run) return {};
      TRY(target_.make_special(fd->get(), entry));
    }
    return target_.set_metadata_at(fd->get(), entry, metadata());
  };
  ++counters_.others;
  Status made = make();
  if (!made) fail(folder->path, stored.entry.name, std::move(made).error());
}

Status RestoreRun::plan_round(std::stop_token stop) {
  std::vector<FolderTask> tasks;
  {
    Lock lock(mu_);
    tasks.swap(postponed_);
  }
  // The last found goes on first: what lies together stays together.
  for (FolderTask& task : tasks) {
    queue_->push(WorkQueue::Rank::Directory,
                 [this, task = std::move(task)](Worker& w) { take_folder(task, w); });
  }
  return queue_->run(threads_, std::move(stop));
}

Status RestoreRun::finish_links() {
  Lock lock(mu_);
  for (const HardLink& link : links_) {
    const auto make = [&]() -> Status {
      const UniqueFd folder = TRY(target_.open_directory(link.path));
      const UniqueFd existing = TRY(target_.open_directory(link.existing_path));
      return target_.make_hard_link(folder.get(), link.name, existing.get(), link.existing_name);
    };
    Status made = options_.dry_run ? Status() : make();
    if (made) {
      ++counters_.files;
      ++progress_.done_files;
    } else {
      fail(link.path, link.name, std::move(made).error());
    }
  }
  return {};
}

// The deepest first: a folder that its owner may not enter is closed after what is in it.
Status RestoreRun::finish_folders(std::stop_token stop) {
  std::vector<FinishedFolder> folders;
  {
    Lock lock(mu_);
    folders.swap(folders_);
  }
  std::sort(folders.begin(), folders.end(),
            [](const auto& a, const auto& b) { return depth(a.path) > depth(b.path); });
  for (std::size_t start = 0; start < folders.size() && !options_.dry_run;) {
    std::size_t end = start;
    while (end < folders.size() && depth(folders[end].path) == depth(folders[start].path))
      ++end;
    TRY(parallel_for(
        end - start, threads_,
        [&](std::size_t i, const std::stop_token& /*stop*/) -> Status {
          const FinishedFolder& folder = folders[start + i];
          auto fd = target_.open_directory(folder.path);
          Status set = fd ? target_.set_metadata(fd->get(), folder.entry, metadata())
                          : Status(std::move(fd).error());
          if (!set) fail(folder.path, "", std::move(set).error());
          return {};
        },
        stop));
    start = end;
  }
  return {};
}

Result<RestoreStats> RestoreRun::run(const StoredEntry& root, std::stop_token stop) {
  queue_ = std::make_unique<WorkQueue>(threads_, options_.pace);
  if (root.entry.type == EntryType::Directory) {
    Lock lock(mu_);
    folders_.push_back({.path = "", .entry = root.entry});
    postponed_.push_back({.path = "", .object = root.object});
  } else {
    TRY(check_entry_name(root.entry.name));
    Worker worker;
    take_entry(std::make_shared<RestoreFolder>(), root, worker);
  }
  while (true) {
    TRY(plan_round(stop));
    TRY(fill_round(stop));
    Lock lock(mu_);
    if (postponed_.empty()) break;
    queue_ = std::make_unique<WorkQueue>(threads_, options_.pace);
  }
  progress_.total_known = true;
  TRY(finish_links());
  TRY(finish_folders(stop));
  if (options_.sync && !options_.dry_run) TRY(target_.sync());
  return RestoreStats{.files = counters_.files,
                      .dirs = counters_.dirs,
                      .others = counters_.others,
                      .skipped = counters_.skipped,
                      .bytes = counters_.bytes,
                      .failed = counters_.failed};
}

Result<RestoreStats> restore_tree(const StoredEntry& root,
                                  const RestoreOptions& options,
                                  const TreeFormat& trees,
                                  ContentReader& reader,
                                  Progress& progress,
                                  std::stop_token stop) {
  RestoreTarget target = TRY(RestoreTarget::open(options.target));
  return RestoreRun(options, trees, reader, progress, std::move(target)).run(root, std::move(stop));
}

}  // namespace lateen::repository
