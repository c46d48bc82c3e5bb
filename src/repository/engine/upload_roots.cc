#include <algorithm>

#include "repository/engine/upload_run.h"

namespace lateen::repository {

// A folder on the way to what is saved, or something to be saved itself.
struct UploadRun::Lead {
  FilePath path = {};
  bool target = false;
  std::map<std::string, Lead> below = {};
};

Status UploadRun::make_single_root(const FilePath& path) {
  top_ = std::make_unique<FolderUpload>();
  const FilePath parent = path.parent_path();
  top_->path = parent == "/" ? "" : parent.native();
  // What the user names may be a link: what it leads to is meant.
  Entry entry = TRY(stat_path(path, true, trees_.needs().xattrs));
  entry.name = path.filename().native();
  root_device_ = entry.device;
  if (!trees_.stores(entry.type)) {
    return Error(Code::InvalidArgument, "{} is a {}: such cannot be saved", path.native(),
                 to_string(entry.type));
  }
  const bool is_folder = entry.type == EntryType::Directory;
  const std::shared_ptr<const UniqueFd> fd =
      std::make_shared<const UniqueFd>(TRY(open_directory(is_folder ? path : parent)));
  top_->entries.push_back({.entry = std::move(entry)});
  top_->states = std::vector<std::atomic<EntryState>>(1);
  top_->unfinished += 1;
  if (is_folder) {
    FolderUpload& root = new_folder(top_.get(), 0, path == "/" ? "" : path.native());
    root.fd = fd;
    root.before = options_.parent;
    root.in_unfinished = options_.unfinished;
    queue_.push(WorkQueue::Rank::Directory, [this, &root](Worker& w) { read_folder(root, w); });
  } else {
    top_->fd = fd;
    ++progress_.total_files;
    progress_.total_bytes += top_->entries[0].entry.size;
    ++counters_.files_new;
    push_files(*top_, {}, {0});
  }
  return {};
}

// The folder's entries are its leads; those that are targets are read as anything else is.
Status UploadRun::add_lead(FolderUpload& folder, const Lead& lead) {
  std::vector<StoredEntry> before;
  Worker worker;
  if (folder.before) {
    auto read = trees_.read_directory(folder.before->object, *parent_reader_, worker.workspace);
    if (read) before = std::move(*read);
  }
  folder.fd = std::make_shared<const UniqueFd>(TRY(open_directory(lead.path)));
  for (const auto& [name, below] : lead.below) {
    Entry entry = TRY(stat_path(below.path, !below.target, trees_.needs().xattrs));
    entry.name = name;
    folder.entries.push_back({.entry = std::move(entry)});
  }
  folder.states = std::vector<std::atomic<EntryState>>(folder.entries.size());
  folder.listed = true;
  folder.unfinished += folder.entries.size();
  std::size_t place = 0;
  for (const auto& [name, below] : lead.below) {
    const std::size_t i = place++;
    const auto old = std::find_if(before.begin(), before.end(),
                                  [&n = name](const StoredEntry& e) { return e.entry.name == n; });
    const StoredEntry* const was = old == before.end() ? nullptr : &*old;
    const Entry& entry = folder.entries[i].entry;
    if (!below.target) {
      FolderUpload& next = new_folder(&folder, i, below.path.native());
      if (was != nullptr && was->entry.type == EntryType::Directory) next.before = *was;
      TRY(add_lead(next, below));
    } else if (entry.type == EntryType::File) {
      ++progress_.total_files;
      progress_.total_bytes += entry.size;
      if (was != nullptr && reuse(folder, i, *was, worker)) {
        finish_entry(folder, i, worker);
        continue;
      }
      ++(was != nullptr ? counters_.files_changed : counters_.files_new);
      push_files(folder, {}, {i});
    } else {
      root_device_ = entry.device;
      take_entry(folder, i, {.before = was}, worker);
    }
  }
  finish_one(folder, worker);
  return {};
}

Status UploadRun::make_leads() {
  Lead root{.path = options_.keep_from};
  for (const FilePath& path : options_.paths) {
    if (!path.is_absolute()) {
      return Error(Code::InvalidArgument, "{} is not an absolute path", path.native());
    }
    const FilePath below = path.lexically_normal().lexically_relative(root.path);
    if (below.empty() || *below.begin() == "..") {
      return Error(Code::InvalidArgument, "{} is not below {}", path.native(), root.path.native());
    }
    Lead* at = &root;
    FilePath so_far = root.path;
    for (const FilePath& part : below) {
      if (part.empty() || part == ".") continue;
      so_far /= part;
      at = &at->below[part.native()];
      at->path = so_far;
      // Below another target: saved with it.
      if (at->target) break;
    }
    at->target = true;
    if (at == &root) return make_single_root(root.path);
    at->below.clear();
  }
  top_ = std::make_unique<FolderUpload>();
  top_->entries.push_back({.entry = TRY(stat_path(root.path, true, false))});
  top_->states = std::vector<std::atomic<EntryState>>(1);
  top_->unfinished += 1;
  FolderUpload& first = new_folder(top_.get(), 0, root.path == "/" ? "" : root.path.native());
  first.before = options_.parent;
  return add_lead(first, root);
}

Status UploadRun::make_roots() {
  if (options_.paths.empty()) return Error(Code::InvalidArgument, "there is nothing to save");
  if (options_.keep_paths || options_.paths.size() > 1) return make_leads();
  FilePath path = options_.paths[0].lexically_normal();
  if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  if (!path.is_absolute()) {
    return Error(Code::InvalidArgument, "{} is not an absolute path", path.native());
  }
  return make_single_root(path);
}

}  // namespace lateen::repository
