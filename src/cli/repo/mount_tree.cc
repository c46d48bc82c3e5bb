#include "cli/repo/mount_tree.h"

#include <algorithm>

namespace lateen::cli::repo {
namespace {

using repository::ChunkRef;
using repository::Entry;
using repository::EntryType;
using repository::StoredEntry;
using repository::Workspace;

constexpr std::size_t kFoldersKept = 32;

// The same each time, and another for each name: FNV-1a.
std::uint64_t inode_of(std::uint64_t folder, BytesView name) {
  std::uint64_t sum = 0xcbf29ce484222325U ^ folder;
  for (const char c : name)
    sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return sum <= kRootNode ? sum + 2 : sum;
}

Error no_such(NodeNumber number) {
  return {Code::NotFound, "node {} is not known", number};
}

}  // namespace

MountTree::MountTree(repository::Repository& repo,
                     std::vector<repository::Snapshot> snapshots,
                     MountEntry layout,
                     const Options& options)
    : repo_(repo), snapshots_(std::move(snapshots)), layout_(std::move(layout)), options_(options) {
  Lock lock(mu_);
  nodes_[kRootNode] = {.place = {.above = &layout_}, .inode = kRootNode, .references = 1};
}

Result<MountTree::Place> MountTree::place_of(NodeNumber number) const {
  Lock lock(mu_);
  const auto found = nodes_.find(number);
  if (found == nodes_.end()) return no_such(number);
  return found->second.place;
}

MountTree::Place MountTree::place_at(const MountEntry& entry) const {
  if (!entry.snapshot) return {.above = &entry};
  const repository::Snapshot& snapshot = snapshots_[*entry.snapshot];
  Place place{.stored = snapshot.root};
  // A snapshot of kopia's may be a single file: it stands in a folder like all others.
  if (place.stored.entry.type != EntryType::Directory) return {.above = &entry};
  if (place.stored.entry.mtime == TimePoint()) place.stored.entry.mtime = snapshot.time;
  return place;
}

Entry MountTree::shown(const Place& place) const {
  Entry entry;
  if (place.above == nullptr) {
    entry = place.stored.entry;
  } else if (!place.above->link.empty()) {
    entry = {.type = EntryType::Symlink, .mode = 0777, .size = place.above->link.size()};
  } else {
    entry = {.type = EntryType::Directory, .mode = 0555};
    if (!snapshots_.empty()) entry.mtime = snapshots_.back().time;
  }
  if (entry.ctime == TimePoint()) entry.ctime = entry.mtime;
  if (entry.atime == TimePoint()) entry.atime = entry.mtime;
  if (options_.owner_root) entry.uid = entry.gid = 0;
  return entry;
}

Result<MountNode> MountTree::node(NodeNumber number) const {
  const Place place = TRY(place_of(number));
  Lock lock(mu_);
  const auto found = nodes_.find(number);
  if (found == nodes_.end()) return no_such(number);
  return MountNode{.number = number, .inode = found->second.inode, .entry = shown(place)};
}

Result<MountTree::Folder> MountTree::folder(const StoredEntry& stored, Workspace& workspace) {
  {
    Lock lock(mu_);
    const auto kept = std::ranges::find_if(
        folders_, [&stored](const auto& known) { return known.first == stored.object; });
    if (kept != folders_.end()) {
      folders_.splice(folders_.begin(), folders_, kept);
      return kept->second;
    }
  }
  auto entries = std::make_shared<const std::vector<StoredEntry>>(
      TRY(repo_.trees().read_directory(stored.object, repo_.reader(), workspace)));
  Lock lock(mu_);
  folders_.emplace_front(stored.object, entries);
  if (folders_.size() > kFoldersKept) folders_.pop_back();
  return entries;
}

Result<MountTree::Place> MountTree::child(const Place& folder_place,
                                          const Bytes& name,
                                          Workspace& workspace) {
  const Error missing(Code::NotFound, "{} is not there", name);
  if (folder_place.above != nullptr) {
    const MountEntry& above = *folder_place.above;
    if (above.snapshot) {  // a snapshot that is a single file
      const StoredEntry& file = snapshots_[*above.snapshot].root;
      if (name != file.entry.name) return missing;
      return Place{.stored = file};
    }
    const auto found = above.entries.find(name);
    if (found == above.entries.end()) return missing;
    return place_at(found->second);
  }
  if (folder_place.stored.entry.type != EntryType::Directory) return missing;
  const Folder entries = TRY(folder(folder_place.stored, workspace));
  const auto found = std::lower_bound(
      entries->begin(), entries->end(), name,
      [](const StoredEntry& entry, const Bytes& wanted) { return entry.entry.name < wanted; });
  if (found == entries->end() || found->entry.name != name) return missing;
  return Place{.stored = *found};
}

Result<MountNode> MountTree::look_up(NodeNumber folder_number,
                                     const Bytes& name,
                                     Workspace& workspace) {
  const MountNode parent = TRY(node(folder_number));
  const Place above = TRY(place_of(folder_number));
  Place place = TRY(child(above, name, workspace));
  MountNode found{.inode = inode_of(parent.inode, name), .entry = shown(place)};
  Lock lock(mu_);
  const std::pair key(folder_number, name);
  const auto [known, is_new] = by_name_.try_emplace(key, next_node_);
  if (is_new) ++next_node_;
  found.number = known->second;
  Known& entry = nodes_[found.number];
  if (is_new) entry = {.place = std::move(place), .inode = found.inode, .key = key};
  ++entry.references;
  return found;
}

void MountTree::forget(NodeNumber number, std::uint64_t count) {
  if (number == kRootNode) return;
  Lock lock(mu_);
  const auto found = nodes_.find(number);
  if (found == nodes_.end()) return;
  found->second.references -= std::min(count, found->second.references);
  if (found->second.references > 0) return;
  by_name_.erase(found->second.key);
  nodes_.erase(found);
}

Result<std::shared_ptr<const MountListing>> MountTree::list(NodeNumber number,
                                                            Workspace& workspace) {
  const MountNode self = TRY(node(number));
  const Place place = TRY(place_of(number));
  auto listing = std::make_shared<MountListing>();
  listing->inode = self.inode;
  const auto add = [&listing](const Bytes& name, EntryType type) {
    listing->names.push_back({.name = name, .inode = inode_of(listing->inode, name), .type = type});
  };
  if (place.above == nullptr) {
    if (place.stored.entry.type != EntryType::Directory) {
      return Error(Code::InvalidArgument, "it is no folder");
    }
    const Folder entries = TRY(folder(place.stored, workspace));
    for (const StoredEntry& stored : *entries)
      add(stored.entry.name, stored.entry.type);
  } else if (place.above->snapshot) {
    const Entry& file = snapshots_[*place.above->snapshot].root.entry;
    add(file.name, file.type);
  } else {
    for (const auto& [name, entry] : place.above->entries)
      add(name, entry.link.empty() ? EntryType::Directory : EntryType::Symlink);
  }
  return std::shared_ptr<const MountListing>(std::move(listing));
}

Result<Bytes> MountTree::link_target(NodeNumber link, Workspace& workspace) {
  const Place place = TRY(place_of(link));
  if (place.above != nullptr) {
    if (!place.above->link.empty()) return Bytes(place.above->link);
    return Error(Code::InvalidArgument, "it is no link");
  }
  return repo_.trees().link_target(place.stored, repo_.reader(), workspace);
}

Result<std::vector<repository::ExtendedAttribute>> MountTree::attributes(NodeNumber number) const {
  return TRY(place_of(number)).stored.entry.xattrs;
}

Result<std::uint64_t> MountTree::open(NodeNumber file, Workspace& workspace) {
  const Place place = TRY(place_of(file));
  if (place.above != nullptr || place.stored.entry.type != EntryType::File) {
    return Error(Code::InvalidArgument, "it is no file");
  }
  const auto opened = std::make_shared<const OpenFile>(
      OpenFile{.pieces = TRY(repo_.trees().file_pieces(place.stored, repo_.reader(), workspace))});
  Lock lock(mu_);
  files_[next_file_] = opened;
  return next_file_++;
}

void MountTree::close(std::uint64_t handle) {
  Lock lock(mu_);
  files_.erase(handle);
}

Result<MountTree::Piece> MountTree::piece(const ChunkRef& ref, Workspace& workspace) {
  {
    Lock lock(mu_);
    const auto kept =
        std::ranges::find_if(pieces_, [&ref](const auto& known) { return known.first == ref.id; });
    if (kept != pieces_.end()) {
      pieces_.splice(pieces_.begin(), pieces_, kept);
      return kept->second;
    }
  }
  auto bytes = std::make_shared<repository::Buffer>();
  TRY(repo_.reader().read(ref.id, workspace, *bytes));
  if (bytes->size() != ref.length) {
    return Error(Code::Corrupt, "content {} is {} bytes instead of {}", ref.id.text(),
                 bytes->size(), ref.length);
  }
  const Piece shared = std::move(bytes);
  Lock lock(mu_);
  pieces_.emplace_front(ref.id, shared);
  piece_bytes_ += shared->size();
  while (piece_bytes_ > options_.memory && pieces_.size() > 1) {
    piece_bytes_ -= pieces_.back().second->size();
    pieces_.pop_back();
  }
  return shared;
}

Result<Bytes> MountTree::read(std::uint64_t handle,
                              ByteCount offset,
                              std::size_t length,
                              Workspace& workspace) {
  std::shared_ptr<const OpenFile> file;
  {
    Lock lock(mu_);
    const auto found = files_.find(handle);
    if (found == files_.end()) return no_such(handle);
    file = found->second;
  }
  Bytes out;
  auto ref = std::upper_bound(
      file->pieces.begin(), file->pieces.end(), offset,
      [](ByteCount at, const ChunkRef& piece) { return at < piece.offset + piece.length; });
  for (; ref != file->pieces.end() && out.size() < length; ++ref) {
    const Piece bytes = TRY(piece(*ref, workspace));
    const ByteCount from = offset + out.size() - ref->offset;
    out += bytes->view(from, std::min<ByteCount>(length - out.size(), ref->length - from));
  }
  return out;
}

}  // namespace lateen::cli::repo
