#include "repository/restic/tree_format.h"

#include <sys/stat.h>

#include "base/text.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/content_writer.h"
#include "repository/json_reader.h"
#include "repository/restic/content_format.h"

namespace lateen::repository::restic {
namespace {

struct TypePair {
  EntryType entry;
  NodeType node;
  mode_t mode;
};

constexpr std::array<TypePair, 7> kTypePairs = {
    {{EntryType::File, NodeType::File, S_IFREG},
     {EntryType::Directory, NodeType::Dir, S_IFDIR},
     {EntryType::Symlink, NodeType::Symlink, S_IFLNK},
     {EntryType::Fifo, NodeType::Fifo, S_IFIFO},
     {EntryType::Socket, NodeType::Socket, S_IFSOCK},
     {EntryType::CharDevice, NodeType::CharDevice, S_IFCHR},
     {EntryType::BlockDevice, NodeType::Device, S_IFBLK}}};

EntryType entry_type_of(NodeType type) {
  for (const TypePair& pair : kTypePairs) {
    if (pair.node == type) return pair.entry;
  }
  return EntryType::Unknown;
}

const TypePair* find_type(EntryType type) {
  for (const TypePair& pair : kTypePairs) {
    if (pair.entry == type) return &pair;
  }
  return nullptr;
}

TimePoint to_time_point(NodeTime t) {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  // What a TimePoint can say, in seconds, with room for the fraction.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
  const std::int64_t bounded = std::clamp(t.seconds, -kMost, kMost);
  return TimePoint(seconds(bounded)) + nanoseconds(t.nanoseconds);
}

NodeTime to_node_time(TimePoint t) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(t);
  return {.seconds = whole.time_since_epoch().count(),
          .nanoseconds = static_cast<std::uint32_t>((t - whole).count())};
}

// What a node has that an entry has no place for, as a node's own JSON; empty if nothing but
// account names, which are looked up again.
Bytes extra_of(const Node& node) {
  if (node.generic_attributes.empty() && node.error.empty()) return {};
  Node rest;
  rest.generic_attributes = node.generic_attributes;
  rest.error = node.error;
  rest.type = node.type;
  rest.name = "x";
  rest.has_content = true;
  rest.subtree = Id{};
  TreeEncoder encoder;
  encoder.add(rest);
  return encoder.finish();
}

Status add_extra(const StoredEntry& stored, Node& node) {
  if (stored.extra.empty()) return {};
  std::vector<Node> rest = TRY(decode_tree(stored.extra));
  if (rest.size() != 1) return {};
  node.generic_attributes = std::move(rest.front().generic_attributes);
  node.error = std::move(rest.front().error);
  return {};
}

std::uint64_t links_of(const Entry& entry) {
  switch (entry.type) {
    case EntryType::File:
    case EntryType::Symlink:
    case EntryType::CharDevice:
    case EntryType::BlockDevice:
      return entry.links;
    case EntryType::Directory:
    case EntryType::Fifo:
    case EntryType::Socket:
    case EntryType::Unknown:
      break;
  }
  return 0;
}

}  // namespace

StoredEntry to_stored_entry(Node&& node) {
  StoredEntry stored;
  stored.extra = extra_of(node);
  for (const Id& id : node.content)
    stored.object += id.view();
  if (node.subtree && node.type == NodeType::Dir) stored.object = node.subtree->view();
  const mode_t mode = unix_mode(node.mode);
  Entry& entry = stored.entry;
  entry.name = std::move(node.name);
  entry.type = entry_type_of(node.type);
  entry.mode = static_cast<std::uint16_t>(mode & 07777U);
  entry.uid = node.uid;
  entry.gid = node.gid;
  entry.size = node.size;
  entry.mtime = to_time_point(node.mtime);
  entry.ctime = to_time_point(node.ctime);
  entry.atime = to_time_point(node.atime);
  entry.inode = node.inode;
  entry.device = node.device_id;
  entry.rdevice = node.device;
  entry.links = node.links;
  entry.link_target = std::move(node.link_target);
  for (Xattr& xattr : node.xattrs)
    entry.xattrs.push_back({.name = std::move(xattr.name), .value = std::move(xattr.value)});
  return stored;
}

bool ResticTreeFormat::stores(EntryType type) const {
  return type != EntryType::Socket && type != EntryType::Unknown;
}

bool ResticTreeFormat::unchanged(const Entry& now, const StoredEntry& before) const {
  const Entry& then = before.entry;
  if (now.type != EntryType::File || then.type != EntryType::File) return false;
  if (now.size != then.size || now.mtime != then.mtime) return false;
  if (!options_.ignore_ctime && now.ctime != then.ctime) return false;
  return options_.ignore_inode || now.inode == then.inode;
}

Result<Bytes> ResticTreeFormat::write_file(std::span<const ChunkRef> pieces,
                                           ContentWriter& /*writer*/,
                                           Workspace& /*workspace*/) const {
  Bytes object;
  object.reserve(pieces.size() * Id::kSize);
  for (const ChunkRef& piece : pieces)
    object += piece.id.hash_bytes();
  return object;
}

Result<Bytes> ResticTreeFormat::write_symlink(const Entry& /*link*/,
                                              ContentWriter& /*writer*/,
                                              Workspace& /*workspace*/) const {
  return Bytes();
}

Node ResticTreeFormat::to_node(const StoredEntry& stored) const {
  const Entry& entry = stored.entry;
  const TypePair* type = find_type(entry.type);
  Node node;
  node.name = entry.name;
  node.type = type == nullptr ? NodeType::Unknown : type->node;
  node.mode = go_mode((entry.mode & 07777U) | (type == nullptr ? 0 : type->mode));
  node.mtime = to_node_time(entry.mtime);
  node.atime = options_.with_atime ? to_node_time(entry.atime) : node.mtime;
  node.ctime = to_node_time(entry.ctime);
  node.uid = entry.uid;
  node.gid = entry.gid;
  node.user = names_.user(entry.uid);
  node.group = names_.group(entry.gid);
  node.inode = entry.inode;
  node.device_id = entry.device;
  node.links = links_of(entry);
  if (entry.type == EntryType::Symlink) node.link_target = entry.link_target;
  if (entry.type == EntryType::CharDevice || entry.type == EntryType::BlockDevice) {
    node.device = entry.rdevice;
  }
  for (const ExtendedAttribute& xattr : entry.xattrs)
    node.xattrs.push_back({.name = xattr.name, .value = xattr.value});
  if (entry.type == EntryType::File) {
    node.size = entry.size;
    node.has_content = true;
    for (std::size_t at = 0; at + Id::kSize <= stored.object.size(); at += Id::kSize)
      node.content.push_back(Id::from_raw(BytesView(stored.object).substr(at, Id::kSize)));
  } else if (entry.type == EntryType::Directory) {
    node.subtree = Id::from_raw(stored.object);
  }
  return node;
}

Result<Bytes> ResticTreeFormat::write_directory(std::span<const StoredEntry> entries,
                                                const DirectorySummary& /*summary*/,
                                                ContentWriter& writer,
                                                Workspace& workspace) const {
  TreeEncoder encoder;
  for (const StoredEntry& stored : entries) {
    Node node = to_node(stored);
    TRY(add_extra(stored, node));
    encoder.add(node);
  }
  const Bytes blob = encoder.finish();
  const ContentId id = TRY(writer.add(kTreePrefix, blob, workspace));
  return Bytes(id.hash_bytes());
}

Result<std::vector<StoredEntry>> ResticTreeFormat::read_directory(BytesView object,
                                                                  ContentReader& reader,
                                                                  Workspace& workspace) const {
  if (object.size() != Id::kSize) return Error(Code::Corrupt, "a directory without a tree");
  const Id id = Id::from_raw(object);
  const Bytes blob = TRY(reader.read(to_content_id(BlobType::Tree, id), workspace)
                             .wrap("reading tree {}", id.short_hex()));
  std::vector<StoredEntry> entries;
  TRY(decode_tree(blob, [&entries](Node& node) {
        entries.push_back(to_stored_entry(std::move(node)));
        return Status();
      }).wrap("tree {}", id.short_hex()));
  return entries;
}

Result<std::vector<ChunkRef>> ResticTreeFormat::file_pieces(const StoredEntry& file,
                                                            ContentReader& reader,
                                                            Workspace& /*workspace*/) const {
  std::vector<ChunkRef> pieces;
  pieces.reserve(file.object.size() / Id::kSize);
  ByteCount offset = 0;
  for (std::size_t at = 0; at + Id::kSize <= file.object.size(); at += Id::kSize) {
    const Id id = Id::from_raw(BytesView(file.object).substr(at, Id::kSize));
    const ContentId content = to_content_id(BlobType::Data, id);
    const auto entry = reader.index().find(content);
    if (!entry) return Error(Code::NotFound, "blob {} is in no index", id.hex());
    pieces.push_back({.id = content, .offset = offset, .length = entry->length});
    offset += entry->length;
  }
  if (offset != file.entry.size) {
    return Error(Code::Corrupt, "file {} has {} bytes, its blobs {}", quote_go(file.entry.name),
                 file.entry.size, offset);
  }
  return pieces;
}

Result<Bytes> ResticTreeFormat::link_target(const StoredEntry& link,
                                            ContentReader& /*reader*/,
                                            Workspace& /*workspace*/) const {
  return link.entry.link_target;
}

Status ResticTreeFormat::contents_of(const StoredEntry& entry,
                                     ContentReader& /*reader*/,
                                     Workspace& /*workspace*/,
                                     std::vector<ContentId>& out) const {
  if (entry.entry.type != EntryType::File && entry.entry.type != EntryType::Directory) return {};
  const BlobType type = entry.entry.type == EntryType::Directory ? BlobType::Tree : BlobType::Data;
  for (std::size_t at = 0; at + Id::kSize <= entry.object.size(); at += Id::kSize)
    out.push_back(to_content_id(type, Id::from_raw(BytesView(entry.object).substr(at, Id::kSize))));
  return {};
}

}  // namespace lateen::repository::restic
