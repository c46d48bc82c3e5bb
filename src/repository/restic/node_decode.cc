// The reading half of node.h.
#include <limits>

#include "base/encoding.h"
#include "base/text.h"
#include "base/utf8.h"
#include "repository/json_reader.h"
#include "repository/restic/node.h"

namespace lateen::repository::restic {
namespace {

Error bad_quoting(std::string_view quoted) {
  return {Code::Corrupt, "the name {} is not quoted as restic does", quote_go(quoted)};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// `width` hex digits from `at`.
Result<std::uint32_t> take_hex(std::string_view quoted, std::size_t& at, std::size_t width) {
  if (quoted.size() - at < width) return bad_quoting(quoted);
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const int digit = hex_value(quoted[at++]);
    if (digit < 0) return bad_quoting(quoted);
    value = value << 4U | static_cast<std::uint32_t>(digit);
  }
  return value;
}

// \abc: one byte in three octal digits. Go reads them, though it never writes them.
Result<char> take_octal(std::string_view quoted, std::size_t& at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 3; ++i, ++at) {
    if (at >= quoted.size() || quoted[at] < '0' || quoted[at] > '7') return bad_quoting(quoted);
    value = value * 8 + static_cast<std::uint32_t>(quoted[at] - '0');
  }
  if (value > 255) return bad_quoting(quoted);
  return static_cast<char>(value);
}

// Go's escapes of one letter.
char simple_escape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
    case '"':
      return c;
    default:
      return 0;
  }
}

// Behind a backslash at `at`.
Status unquote_escape(std::string_view quoted, std::size_t& at, std::string& out) {
  if (at >= quoted.size()) return bad_quoting(quoted);
  const char c = quoted[at];
  if (const char simple = simple_escape(c); simple != 0) {
    ++at;
    out += simple;
    return {};
  }
  if (c >= '0' && c <= '7') {
    out += TRY(take_octal(quoted, at));
    return {};
  }
  ++at;
  if (c == 'x') {
    out += static_cast<char>(TRY(take_hex(quoted, at, 2)));
    return {};
  }
  if (c != 'u' && c != 'U') return bad_quoting(quoted);
  const char32_t value = TRY(take_hex(quoted, at, c == 'u' ? 4 : 8));
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return bad_quoting(quoted);
  append_utf8(out, value);
  return {};
}

Result<std::uint32_t> read_u32(JsonReader& in) {
  const std::uint64_t value = TRY(in.read_u64());
  if (value > std::numeric_limits<std::uint32_t>::max()) {
    return Error(Code::Corrupt, "{} is more than 32 bits hold", value);
  }
  return static_cast<std::uint32_t>(value);
}

// Reads one node's JSON. Its strings are kept from node to node. Not thread-safe.
class NodeDecoder {
 public:
  explicit NodeDecoder(JsonReader& in) : in_(in) {}

  Status read(Node& node) {
    node = Node{};
    raw_target_.reset();
    TRY(in_.begin_object());
    while (TRY(in_.next_key(key_)))
      TRY(read_field(node));
    if (raw_target_) node.link_target = std::move(*raw_target_);
    return {};
  }

 private:
  Status read_field(Node& node) {
    if (in_.take_null()) return {};  // as absent, whatever the field
    if (key_ == "name") {
      TRY(in_.read_string(text_));
      node.name = TRY(unquote_name(text_));
      return {};
    }
    if (key_ == "content") return read_content(node);
    if (key_ == "extended_attributes") return read_xattrs(node);
    if (key_ == "generic_attributes") return in_.read_raw(node.generic_attributes);
    if (key_ == "type") {
      TRY(in_.read_string(text_));
      node.type = parse_node_type(text_);
      return {};
    }
    if (key_ == "subtree") {
      TRY(in_.read_string(text_));
      node.subtree = TRY(parse_id(text_).wrap("in subtree"));
      return {};
    }
    return read_text_or_number(node);
  }

  Status read_text_or_number(Node& node) {
    if (NodeTime* time = time_field(node)) {
      TRY(in_.read_string(text_));
      *time = TRY(parse_node_time(text_));
      return {};
    }
    if (std::uint32_t* number = small_field(node)) {
      *number = TRY(read_u32(in_));
      return {};
    }
    if (std::uint64_t* number = large_field(node)) {
      *number = TRY(in_.read_u64());
      return {};
    }
    if (std::string* text = text_field(node)) return in_.read_string(*text);
    if (key_ == "linktarget_raw") {
      TRY(in_.read_string(text_));
      raw_target_ = TRY(base64_decode(text_).wrap("in linktarget_raw"));
      return {};
    }
    return in_.skip();
  }

  NodeTime* time_field(Node& node) const {
    if (key_ == "mtime") return &node.mtime;
    if (key_ == "atime") return &node.atime;
    if (key_ == "ctime") return &node.ctime;
    return nullptr;
  }

  std::uint32_t* small_field(Node& node) const {
    if (key_ == "mode") return &node.mode;
    if (key_ == "uid") return &node.uid;
    if (key_ == "gid") return &node.gid;
    return nullptr;
  }

  std::uint64_t* large_field(Node& node) const {
    if (key_ == "inode") return &node.inode;
    if (key_ == "size") return &node.size;
    if (key_ == "links") return &node.links;
    if (key_ == "device_id") return &node.device_id;
    if (key_ == "device") return &node.device;
    return nullptr;
  }

  std::string* text_field(Node& node) const {
    if (key_ == "user") return &node.user;
    if (key_ == "group") return &node.group;
    if (key_ == "linktarget") return &node.link_target;
    if (key_ == "error") return &node.error;
    return nullptr;
  }

  Status read_content(Node& node) {
    node.has_content = true;
    TRY(in_.begin_array());
    while (TRY(in_.next_value())) {
      TRY(in_.read_string(text_));
      const Id id = TRY(parse_id(text_).wrap("in content"));
      node.content.push_back(id);
      if (id.is_null()) return Error(Code::Corrupt, "a null ID in content");
    }
    return {};
  }

  Status read_xattrs(Node& node) {
    TRY(in_.begin_array());
    while (TRY(in_.next_value())) {
      Xattr xattr;
      TRY(in_.begin_object());
      while (TRY(in_.next_key(key_))) {
        if (in_.take_null()) continue;
        if (key_ == "name") {
          TRY(in_.read_string(xattr.name));
        } else if (key_ == "value") {
          TRY(in_.read_string(text_));
          xattr.value = TRY(base64_decode(text_).wrap("in the value of {}", xattr.name));
        } else {
          TRY(in_.skip());
        }
      }
      node.xattrs.push_back(std::move(xattr));
    }
    return {};
  }

  JsonReader& in_;
  std::string key_;
  std::string text_;
  std::optional<Bytes> raw_target_;
};

// What must hold of a node before anyone makes a path of it.
Status check_node(const Node& node, std::string_view previous, bool first) {
  if (node.name.empty() || node.name == "." || node.name == ".." ||
      node.name.find('/') != std::string::npos || node.name.find('\0') != std::string::npos) {
    return Error(Code::Corrupt, "a node has the name {}, which no file can have",
                 quote_go(node.name));
  }
  if (!first && node.name <= previous) {
    return Error(Code::Corrupt, "node {} stands behind {}: not in order", quote_go(node.name),
                 quote_go(previous));
  }
  if (node.type == NodeType::Dir && !node.subtree) {
    return Error(Code::Corrupt, "directory {} has no subtree", quote_go(node.name));
  }
  if (node.type == NodeType::File && !node.has_content) {
    return Error(Code::Corrupt, "file {} has no content list", quote_go(node.name));
  }
  return {};
}

Status decode_nodes(JsonReader& in, const std::function<Status(Node&)>& visit) {
  NodeDecoder decoder(in);
  Node node;
  std::string previous;
  bool first = true;
  TRY(in.begin_array());
  while (TRY(in.next_value())) {
    TRY(decoder.read(node));
    TRY(check_node(node, previous, first));
    previous = node.name;
    first = false;
    TRY(visit(node));
  }
  return {};
}

}  // namespace

Result<std::string> unquote_name(std::string_view quoted) {
  std::string out;
  if (quoted.find('\\') == std::string_view::npos) return std::string(quoted);
  out.reserve(quoted.size());
  for (std::size_t at = 0; at < quoted.size();) {
    if (quoted[at] != '\\') {
      out += quoted[at++];
      continue;
    }
    ++at;
    TRY(unquote_escape(quoted, at, out));
  }
  return out;
}

Status decode_tree(BytesView blob, const std::function<Status(Node&)>& visit) {
  JsonReader in(blob);
  std::string key;
  bool found = false;
  TRY(in.begin_object());
  while (TRY(in.next_key(key))) {
    if (key != "nodes") {
      TRY(in.skip());
    } else if (!in.take_null()) {
      if (found) return Error(Code::Corrupt, "a tree with two lists of nodes");
      found = true;
      TRY(decode_nodes(in, visit));
    }
  }
  return in.end();
}

Result<std::vector<Node>> decode_tree(BytesView blob) {
  std::vector<Node> nodes;
  TRY(decode_tree(blob, [&nodes](Node& node) {
    nodes.push_back(std::move(node));
    return Status();
  }));
  return nodes;
}

}  // namespace lateen::repository::restic
