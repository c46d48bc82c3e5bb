// An entry of a directory as a tree blob of restic holds it, and its JSON text, exactly as restic
// encodes it: the ID of a tree is the hash of that text, so two programs share trees only if they
// write alike.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/restic/id.h"
#include "repository/restic/node_time.h"

namespace lateen::repository::restic {

enum class NodeType : std::uint8_t {
  File,
  Dir,
  Symlink,
  Device,  // a block device
  CharDevice,
  Fifo,
  Socket,
  Unknown,  // what a later restic may know
};

std::string_view to_string(NodeType type);
NodeType parse_node_type(std::string_view text);

struct Xattr {
  std::string name = {};
  Bytes value = {};

  bool operator==(const Xattr&) const = default;
};

struct Node {
  std::string name = {};  // the file's own bytes
  NodeType type = NodeType::Unknown;
  std::uint32_t mode = 0;  // Go's os.FileMode: see go_mode()
  NodeTime mtime = {};
  NodeTime atime = {};
  NodeTime ctime = {};
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user = {};
  std::string group = {};
  std::uint64_t inode = 0;
  std::uint64_t device_id = 0;
  std::uint64_t size = 0;
  std::uint64_t links = 0;
  std::string link_target = {};  // the link's own bytes
  std::vector<Xattr> xattrs = {};
  std::string generic_attributes = {};  // JSON text, kept as it came: Windows' own
  std::uint64_t device = 0;
  bool has_content = false;  // files: true, also when they are empty
  std::vector<Id> content = {};
  std::optional<Id> subtree = {};
  std::string error = {};

  bool operator==(const Node&) const = default;
};

// st_mode in Go's bits, and back.
std::uint32_t go_mode(mode_t mode);
mode_t unix_mode(std::uint32_t go);

// Names are quoted as Go string literals before they become JSON.
void append_quoted_name(std::string& out, std::string_view name);
// Undoes the Go quoting. Corrupt if it cannot be.
Result<std::string> unquote_name(std::string_view quoted);

void append_node(std::string& out, const Node& node);

// Builds a tree blob node by node, in strictly ascending order of the names' bytes. Not
// thread-safe.
class TreeEncoder {
 public:
  TreeEncoder() : text_("{\"nodes\":[") {}

  void add(const Node& node);
  // The blob's bytes; the encoder is empty and ready for the next one after it.
  Bytes finish();

  // What it has gathered so far.
  std::size_t size() const { return text_.size(); }

 private:
  Bytes text_;
  bool first_ = true;
};

// Calls `visit` for each node of a tree blob, in order. Corrupt says which node breaks which rule:
// names in order and without '/', files with content, directories with a subtree.
Status decode_tree(BytesView blob, const std::function<Status(Node&)>& visit);
Result<std::vector<Node>> decode_tree(BytesView blob);

}  // namespace lateen::repository::restic
