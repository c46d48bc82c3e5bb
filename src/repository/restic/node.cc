#include "repository/restic/node.h"

#include <array>
#include <charconv>
#include <utility>

#include <sys/stat.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

namespace lateen::repository::restic {
namespace {

constexpr std::array<std::pair<NodeType, std::string_view>, 7> kTypes = {
    {{NodeType::File, "file"},
     {NodeType::Dir, "dir"},
     {NodeType::Symlink, "symlink"},
     {NodeType::Device, "dev"},
     {NodeType::CharDevice, "chardev"},
     {NodeType::Fifo, "fifo"},
     {NodeType::Socket, "socket"}}};

constexpr std::uint32_t kGoDir = 1U << 31U;
constexpr std::uint32_t kGoSymlink = 1U << 27U;
constexpr std::uint32_t kGoDevice = 1U << 26U;
constexpr std::uint32_t kGoFifo = 1U << 25U;
constexpr std::uint32_t kGoSocket = 1U << 24U;
constexpr std::uint32_t kGoSetuid = 1U << 23U;
constexpr std::uint32_t kGoSetgid = 1U << 22U;
constexpr std::uint32_t kGoCharDevice = 1U << 21U;
constexpr std::uint32_t kGoSticky = 1U << 20U;

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits = {};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_field(std::string& out, std::string_view key, std::uint64_t value) {
  out += key;
  append_number(out, value);
}

void append_optional(std::string& out, std::string_view key, std::uint64_t value) {
  if (value != 0) append_field(out, key, value);
}

void append_optional(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out += key;
  append_json_string(out, value);
}

void append_time_field(std::string& out, std::string_view key, NodeTime value) {
  out += key;
  append_time(out, value);
  out += '"';
}

void append_id(std::string& out, const Id& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  for (const std::uint8_t byte : id.bytes) {
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 0xfU];
  }
  out += '"';
}

void append_xattrs(std::string& out, const std::vector<Xattr>& xattrs) {
  if (xattrs.empty()) return;
  out += ",\"extended_attributes\":[";
  for (std::size_t i = 0; i < xattrs.size(); ++i) {
    if (i > 0) out += ',';
    out += "{\"name\":";
    append_json_string(out, xattrs[i].name);
    out += ",\"value\":\"";
    out += base64_encode(xattrs[i].value);
    out += "\"}";
  }
  out += ']';
}

void append_content(std::string& out, const Node& node) {
  if (!node.has_content) {
    out += ",\"content\":null";
    return;
  }
  out += ",\"content\":[";
  for (std::size_t i = 0; i < node.content.size(); ++i) {
    if (i > 0) out += ',';
    append_id(out, node.content[i]);
  }
  out += ']';
}

// Nothing in it that Go's quoting or JSON would change: nearly all names.
bool is_plain(std::string_view name) {
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&') {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string_view to_string(NodeType type) {
  for (const auto& [known, text] : kTypes) {
    if (known == type) return text;
  }
  return "irregular";
}

NodeType parse_node_type(std::string_view text) {
  for (const auto& [type, known] : kTypes) {
    if (known == text) return type;
  }
  return NodeType::Unknown;
}

std::uint32_t go_mode(mode_t mode) {
  std::uint32_t go = mode & 0777U;
  if ((mode & S_ISUID) != 0) go |= kGoSetuid;
  if ((mode & S_ISGID) != 0) go |= kGoSetgid;
  if ((mode & S_ISVTX) != 0) go |= kGoSticky;
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return go | kGoDir;
    case S_IFLNK:
      return go | kGoSymlink;
    case S_IFBLK:
      return go | kGoDevice;
    case S_IFCHR:
      return go | kGoDevice | kGoCharDevice;
    case S_IFIFO:
      return go | kGoFifo;
    case S_IFSOCK:
      return go | kGoSocket;
    default:
      return go;
  }
}

mode_t unix_mode(std::uint32_t go) {
  mode_t mode = go & 0777U;
  if ((go & kGoSetuid) != 0) mode |= S_ISUID;
  if ((go & kGoSetgid) != 0) mode |= S_ISGID;
  if ((go & kGoSticky) != 0) mode |= S_ISVTX;
  if ((go & kGoDir) != 0) return mode | S_IFDIR;
  if ((go & kGoSymlink) != 0) return mode | S_IFLNK;
  if ((go & kGoCharDevice) != 0) return mode | S_IFCHR;
  if ((go & kGoDevice) != 0) return mode | S_IFBLK;
  if ((go & kGoFifo) != 0) return mode | S_IFIFO;
  if ((go & kGoSocket) != 0) return mode | S_IFSOCK;
  return mode | S_IFREG;
}

void append_quoted_name(std::string& out, std::string_view name) {
  if (is_plain(name)) {
    out += '"';
    out += name;
    out += '"';
    return;
  }
  const std::string quoted = quote_go(name);
  append_json_string(out, std::string_view(quoted).substr(1, quoted.size() - 2));
}

void append_node(std::string& out, const Node& node) {
  out += "{\"name\":";
  append_quoted_name(out, node.name);
  out += ",\"type\":\"";
  out += to_string(node.type);
  out += '"';
  append_optional(out, ",\"mode\":", node.mode);
  append_time_field(out, ",\"mtime\":\"", node.mtime);
  append_time_field(out, ",\"atime\":\"", node.atime);
  append_time_field(out, ",\"ctime\":\"", node.ctime);
  append_field(out, ",\"uid\":", node.uid);
  append_field(out, ",\"gid\":", node.gid);
  append_optional(out, ",\"user\":", node.user);
  append_optional(out, ",\"group\":", node.group);
  append_optional(out, ",\"inode\":", node.inode);
  append_optional(out, ",\"device_id\":", node.device_id);
  append_optional(out, ",\"size\":", node.size);
  append_optional(out, ",\"links\":", node.links);
  append_optional(out, ",\"linktarget\":", node.link_target);
  if (!node.link_target.empty() && !is_valid_utf8(node.link_target)) {
    out += ",\"linktarget_raw\":\"";
    out += base64_encode(node.link_target);
    out += '"';
  }
  append_xattrs(out, node.xattrs);
  if (!node.generic_attributes.empty()) {
    out += ",\"generic_attributes\":";
    out += node.generic_attributes;
  }
  append_optional(out, ",\"device\":", node.device);
  append_content(out, node);
  if (node.subtree) {
    out += ",\"subtree\":";
    append_id(out, *node.subtree);
  }
  append_optional(out, ",\"error\":", node.error);
  out += '}';
}

void TreeEncoder::add(const Node& node) {
  if (!first_) text_ += ',';
  first_ = false;
  append_node(text_, node);
}

Bytes TreeEncoder::finish() {
  text_ += "]}\n";
  Bytes blob = std::exchange(text_, "{\"nodes\":[");
  first_ = true;
  return blob;
}

}  // namespace lateen::repository::restic
