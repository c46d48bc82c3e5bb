#include "archive/archive_paths.h"

#include <algorithm>
#include <array>

#include "base/tar.h"
#include "base/text.h"

namespace lateen::archive {

namespace {

constexpr std::string_view kPreferredSuffix = "-preferredversion";
constexpr std::string_view kFileSuffix = ".json";

// The parts between slashes; nothing if there are more than `parts` holds.
template <std::size_t N>
std::optional<std::size_t> split(std::string_view path, std::array<std::string_view, N>& parts) {
  std::size_t n = 0;
  while (true) {
    if (n == N) return std::nullopt;
    const std::size_t slash = path.find('/');
    parts[n++] = path.substr(0, slash);
    if (slash == std::string_view::npos) return n;
    path.remove_prefix(slash + 1);
  }
}

// Lower case letters and digits, and what `others` has.
bool is_lower(std::string_view text, std::string_view others) {
  return std::ranges::all_of(text, [others](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

bool is_printable(std::string_view text) {
  return is_valid_utf8(text) && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSubdomain = 253;
constexpr std::size_t kMaxName = 1024;  // most kinds have 253; RBAC's have no limit of their own

}  // namespace

std::string entry_name(const ItemKey& key, ItemCopy copy) {
  std::string name;
  append_entry_name(name, key, copy);
  return name;
}

void append_entry_name(std::string& out, const ItemKey& key, ItemCopy copy) {
  out += "resources/";
  out += key.group_resource;
  out += '/';
  if (copy != ItemCopy::Plain) {
    out += key.version;
    if (copy == ItemCopy::Preferred) out += kPreferredSuffix;
    out += '/';
  }
  if (key.ns.empty()) {
    out += "cluster/";
  } else {
    out += "namespaces/";
    out += key.ns;
    out += '/';
  }
  out += key.name;
  out += kFileSuffix;
}

std::string_view why_no_object(const ItemKey& key) {
  if (key.group_resource.size() > kMaxLabel + 1 + kMaxSubdomain ||
      !is_lower(key.group_resource, ".-")) {
    return "no resource can be called so";
  }
  if (key.version.size() > kMaxLabel || !is_lower(key.version, "-")) {
    return "no version of an API can be called so";
  }
  if (key.ns.size() > kMaxLabel) return "a namespace of more than 63 characters";
  if (!is_lower(key.ns, "-") || key.ns.starts_with('-') || key.ns.ends_with('-')) {
    return "no namespace can be called so";
  }
  if (key.name.size() > kMaxName) return "a name of more than 1024 bytes";
  if (key.name.find('%') != std::string_view::npos || !is_printable(key.name)) {
    return "no object can be called so";
  }
  return {};
}

std::optional<ParsedEntryName> parse_entry_name(std::string_view entry) {
  // What `tar -C folder .` puts before every name.
  if (entry.starts_with("./")) entry.remove_prefix(2);
  if (!is_safe_entry_name(entry)) return std::nullopt;
  // resources / group resource / [version /] (cluster | namespaces / namespace) / file
  std::array<std::string_view, 6> parts;
  const auto count = split(entry, parts);
  if (!count || *count < 4 || parts[0] != "resources") return std::nullopt;
  const std::string_view file = parts[*count - 1];
  if (file.size() <= kFileSuffix.size() || !file.ends_with(kFileSuffix)) return std::nullopt;

  ParsedEntryName parsed{.key = {.group_resource = parts[1], .ns = {}, .name = {}, .version = {}},
                         .copy = ItemCopy::Plain};
  parsed.key.name = file.substr(0, file.size() - kFileSuffix.size());
  const bool cluster =
      parts[*count - 2] == "cluster" && (*count == 4 ? parts[2] == "cluster" : *count == 5);
  const bool namespaced = *count >= 5 && parts[*count - 3] == "namespaces";
  // A namespace may be called "cluster": with "namespaces" before it, that is what it is.
  if (namespaced) {
    parsed.key.ns = parts[*count - 2];
  } else if (!cluster) {
    return std::nullopt;
  }
  const std::size_t without_version = namespaced ? 5 : 4;
  if (*count == without_version) return parsed;
  std::string_view version = parts[2];
  parsed.copy = version.ends_with(kPreferredSuffix) ? ItemCopy::Preferred : ItemCopy::Versioned;
  if (parsed.copy == ItemCopy::Preferred) version.remove_suffix(kPreferredSuffix.size());
  if (version.empty()) return std::nullopt;
  parsed.key.version = version;
  parsed.key.preferred = parsed.copy == ItemCopy::Preferred;
  return parsed;
}

}  // namespace lateen::archive
