#include "archive/archive_paths.h"

#include <array>

#include <fmt/format.h>

#include "base/tar.h"

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

}  // namespace

std::string entry_name(const ItemKey& key, ItemCopy copy) {
  std::string version;
  if (copy == ItemCopy::Preferred) version = fmt::format("{}{}/", key.version, kPreferredSuffix);
  if (copy == ItemCopy::Versioned) version = fmt::format("{}/", key.version);
  const std::string scope = key.ns.empty() ? "cluster" : fmt::format("namespaces/{}", key.ns);
  return fmt::format("resources/{}/{}{}/{}{}", key.group_resource, version, scope, key.name,
                     kFileSuffix);
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
