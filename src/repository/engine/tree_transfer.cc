#include "repository/engine/tree_transfer.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "repository/engine/work_queue.h"

namespace lateen::repository {
namespace {

// Deeper than any path that a kernel takes (4096 bytes, a name and a '/' each).
constexpr std::size_t kMaxDepth = 2048;

// Objects of large files are long: restic's are lists.
std::string key_of(const StoredEntry& entry) {
  return entry.object.size() <= 32 ? entry.object : hash(HashAlgorithm::Sha256, entry.object);
}

}  // namespace

std::optional<StoredEntry> TransferMemory::find(const StoredEntry& source) const {
  if (source.object.empty()) return std::nullopt;
  Lock lock(mu_);
  const auto found = copies_.find(key_of(source));
  if (found == copies_.end()) return std::nullopt;
  return StoredEntry{
      .entry = source.entry, .object = found->second.object, .summary = found->second.summary};
}

void TransferMemory::add(const StoredEntry& source, const StoredEntry& copy) {
  if (source.object.empty()) return;
  Lock lock(mu_);
  if (copies_.size() >= max_entries_) return;
  copies_.insert_or_assign(key_of(source), Copy{.object = copy.object, .summary = copy.summary});
}

// A folder whose entries are being copied.
struct TreeTransfer::Folder {
  StoredEntry source = {};
  std::string path = {};
  std::vector<StoredEntry> entries = {};
  std::vector<std::optional<StoredEntry>> copies = {};  // of `entries`, those that are done
  std::size_t next = 0;                                 // entry to look at
  bool changed = false;                                 // something was left out
};

TreeTransfer::TreeTransfer(const TreeFormat& source,
                           ContentReader& reader,
                           const TreeFormat& target,
                           ContentWriter& writer,
                           TransferMemory& memory,
                           const TransferOptions& options)
    : source_(source),
      reader_(reader),
      target_(target),
      writer_(writer),
      memory_(memory),
      options_(options),
      threads_(engine_threads(options.threads)) {}

Result<Bytes> TreeTransfer::copy_file(const StoredEntry& source,
                                      Workspaces& workspaces,
                                      Progress& progress,
                                      const std::stop_token& stop) {
  std::vector<ChunkRef> pieces = TRY(source_.file_pieces(source, reader_, workspaces.source));
  Buffer plain;
  for (ChunkRef& piece : pieces) {
    if (stop.stop_requested()) return Error(Code::Canceled, "copying was stopped");
    if (options_.known != nullptr && options_.known->has_live(piece.id)) continue;
    plain.clear();
    TRY(reader_.read(piece.id, workspaces.source, plain, stop));
    if (plain.size() != piece.length) {
      return Error(Code::Corrupt, "content {} is {} bytes instead of {}", piece.id.text(),
                   plain.size(), piece.length);
    }
    piece.id = TRY(writer_.add(0, plain.view(), workspaces.target));
    progress.done_bytes += piece.length;
  }
  return target_.write_file(pieces, writer_, workspaces.target);
}

Result<StoredEntry> TreeTransfer::copy_leaf(const StoredEntry& source,
                                            Workspaces& workspaces,
                                            Progress& progress,
                                            const std::stop_token& stop) {
  if (options_.same_repository) return source;
  StoredEntry copy = source;
  if (!options_.same_format) {
    copy.extra.clear();
    // kopia keeps one time, restic three.
    if (copy.entry.ctime == TimePoint()) copy.entry.ctime = copy.entry.mtime;
    if (copy.entry.atime == TimePoint()) copy.entry.atime = copy.entry.mtime;
  }
  if (source.entry.type == EntryType::Symlink) {
    copy.entry.link_target = TRY(source_.link_target(source, reader_, workspaces.source));
    copy.object = TRY(target_.write_symlink(copy.entry, writer_, workspaces.target));
  } else if (source.entry.type == EntryType::File) {
    if (const auto known = memory_.find(source)) {
      copy.object = known->object;
    } else {
      copy.object = TRY(copy_file(source, workspaces, progress, stop));
      memory_.add(source, copy);
    }
    ++progress.done_files;
  } else {
    copy.object.clear();
  }
  return copy;
}

// Reads it, and copies all that is no folder.
Result<TreeTransfer::Folder> TreeTransfer::open_folder(const StoredEntry& source,
                                                       const std::string& path,
                                                       Progress& progress,
                                                       const std::stop_token& stop) {
  Folder folder{.source = source, .path = path};
  auto entries = source_.read_directory(source.object, reader_, workspaces_.source);
  if (!entries) return std::move(entries).error().wrap("{}", path.empty() ? "/" : path);
  for (StoredEntry& stored : *entries) {
    const std::string below = path + "/" + stored.entry.name;
    if (options_.exclude && options_.exclude(below, stored)) {
      folder.changed = true;
    } else if (target_.stores(stored.entry.type)) {
      folder.entries.push_back(std::move(stored));
    } else {
      folder.changed = true;
      progress.problems.add(below, Error(Code::Unsupported,
                                         "{}: the target's format has no place "
                                         "for such",
                                         to_string(stored.entry.type)));
    }
  }
  folder.copies.resize(folder.entries.size());
  std::vector<std::size_t> leaves;
  for (std::size_t i = 0; i < folder.entries.size(); ++i) {
    if (folder.entries[i].entry.type != EntryType::Directory) leaves.push_back(i);
  }
  std::vector<Workspaces> workspaces(std::min(threads_, leaves.size()));
  std::atomic<std::size_t> next = 0;
  TRY(parallel_for(
      workspaces.size(), workspaces.size(),
      [&](std::size_t worker, const std::stop_token& told) -> Status {
        for (std::size_t i = next++; i < leaves.size() && !told.stop_requested(); i = next++) {
          const StoredEntry& leaf = folder.entries[leaves[i]];
          folder.copies[leaves[i]] = TRY(copy_leaf(leaf, workspaces[worker], progress, told)
                                             .wrap("{}/{}", folder.path, leaf.entry.name));
        }
        return {};
      },
      stop));
  return folder;
}

Result<StoredEntry> TreeTransfer::write_folder(StoredEntry folder,
                                               const std::vector<StoredEntry>& entries) {
  DirectorySummary summary;
  if (folder.summary != nullptr) {
    summary.failed = folder.summary->failed;
    summary.ignored = folder.summary->ignored;
    summary.problems = folder.summary->problems;
  }
  summary.dirs = 1;
  for (const StoredEntry& entry : entries)
    add_child(summary, entry);
  if (!summary.has_entries) summary.max_mtime = folder.entry.mtime;
  folder.object = TRY(target_.write_directory(entries, summary, writer_, workspaces_.target));
  folder.summary = std::make_shared<const DirectorySummary>(std::move(summary));
  return folder;
}

// As it is, byte for byte: its name stays the same, and so does what we do not know of.
Status TreeTransfer::copy_object(const StoredEntry& folder) {
  std::vector<ContentId> contents;
  TRY(source_.contents_of(folder, reader_, workspaces_.source, contents));
  Buffer plain;
  for (const ContentId& id : contents) {
    if (options_.known->has_live(id)) continue;
    plain.clear();
    TRY(reader_.read(id, workspaces_.source, plain));
    const ContentId copy = TRY(writer_.add(id.prefix, plain.view(), workspaces_.target));
    if (copy == id) continue;
    return Error(Code::Internal, "content {} came to be called {}", id.text(), copy.text());
  }
  return {};
}

Result<StoredEntry> TreeTransfer::close_folder(Folder folder) {
  if (options_.same_repository && !folder.changed) return std::move(folder.source);
  if (options_.known != nullptr && !options_.exclude) {
    TRY(copy_object(folder.source).wrap("{}", folder.path));
    memory_.add(folder.source, folder.source);
    return std::move(folder.source);
  }
  std::vector<StoredEntry> copies;
  copies.reserve(folder.copies.size());
  for (std::optional<StoredEntry>& copy : folder.copies) {
    if (copy) copies.push_back(std::move(*copy));
  }
  StoredEntry copy = folder.source;
  if (!options_.same_format) {
    copy.extra.clear();
    if (copy.entry.ctime == TimePoint()) copy.entry.ctime = copy.entry.mtime;
    if (copy.entry.atime == TimePoint()) copy.entry.atime = copy.entry.mtime;
  }
  copy = TRY(write_folder(std::move(copy), copies).wrap("{}", folder.path));
  if (!options_.exclude) memory_.add(folder.source, copy);
  return copy;
}

// Without recursion: paths in a hostile repository may be deep.
Result<StoredEntry> TreeTransfer::transfer(const StoredEntry& root,
                                           Progress& progress,
                                           std::stop_token stop) {
  if (root.entry.type != EntryType::Directory) {
    return copy_leaf(root, workspaces_, progress, stop);
  }
  std::vector<Folder> open;
  open.push_back(TRY(open_folder(root, "", progress, stop)));
  while (true) {
    if (stop.stop_requested()) return Error(Code::Canceled, "copying was stopped");
    Folder& folder = open.back();
    while (folder.next < folder.entries.size() && folder.copies[folder.next])
      ++folder.next;
    if (folder.next < folder.entries.size()) {
      const StoredEntry& below = folder.entries[folder.next];
      const std::string path = folder.path + "/" + below.entry.name;
      if (open.size() > kMaxDepth)
        return Error(Code::Corrupt, "{} is too deep", path.substr(0, 200));
      auto known = options_.exclude ? std::nullopt : memory_.find(below);
      if (known) {
        if (options_.same_format) known->extra = below.extra;
        folder.copies[folder.next] = std::move(*known);
      } else {
        open.push_back(TRY(open_folder(below, path, progress, stop)));
      }
      continue;
    }
    StoredEntry done = TRY(close_folder(std::move(folder)));
    open.pop_back();
    ++progress.done_dirs;
    if (open.empty()) return done;
    Folder& parent = open.back();
    parent.changed = parent.changed || done.object != parent.entries[parent.next].object;
    parent.copies[parent.next] = std::move(done);
  }
}

Result<StoredEntry> TreeTransfer::below(const std::string& path, StoredEntry entry) {
  std::vector<std::string> names;
  for (const std::string_view name : split(path, '/')) {
    if (!name.empty()) names.emplace_back(name);
  }
  const TimePoint mtime = entry.entry.mtime;
  while (!names.empty()) {
    entry.entry.name = names.back();
    names.pop_back();
    StoredEntry folder{.entry = {.type = EntryType::Directory,
                                 .mode = 0755,
                                 .mtime = mtime,
                                 .ctime = mtime,
                                 .atime = mtime}};
    entry = TRY(write_folder(std::move(folder), {std::move(entry)}));
  }
  return entry;
}

}  // namespace lateen::repository
