#include "restore/api_versions.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.h"

namespace lateen::restore {
namespace {

// How a version is written: v<major>[alpha|beta<minor>].
struct VersionParts {
  int stability = 0;  // 3: GA, 2: beta, 1: alpha, 0: something else
  std::int64_t major = 0;
  std::int64_t minor = 0;

  auto operator<=>(const VersionParts&) const = default;
};

VersionParts parts_of(std::string_view version) {
  if (!version.starts_with('v')) return {};
  version.remove_prefix(1);
  VersionParts parts{.stability = 3};
  for (const auto& [word, stability] :
       {std::pair<std::string_view, int>{"alpha", 1}, {"beta", 2}}) {
    const Cut at = cut(version, word);
    if (!at.found) continue;
    const auto minor = parse_int(at.after);
    if (!minor) return {};
    parts.stability = stability;
    parts.minor = *minor;
    version = at.before;
  }
  const auto major = parse_int(version);
  if (!major) return {};
  parts.major = *major;
  return parts;
}

struct KindVersions {
  std::set<std::string, std::less<>> in_backup = {};
  std::string preferred_there = {};  // in the backup's cluster
};

// Empty when it is to stay as it is.
std::string choose(const KindVersions& kind,
                   const std::string& name,
                   const kube::Discovery& discovery,
                   const VersionPreferences& preferences) {
  const kube::ResourceType* type = discovery.find(kube::parse_group_resource(name));
  if (type == nullptr) return {};
  const auto is_served = [&](std::string_view version) {
    return discovery.find(kube::GroupVersionResource{type->gvr.group, std::string(version),
                                                     type->gvr.resource}) != nullptr;
  };
  const auto is_common = [&](std::string_view version) {
    return kind.in_backup.count(version) > 0 && is_served(version);
  };
  if (const auto wanted = preferences.wanted.find(name); wanted != preferences.wanted.end()) {
    const auto first = std::find_if(wanted->second.begin(), wanted->second.end(), is_common);
    if (first != wanted->second.end()) return *first;
  }
  if (!preferences.as_velero && is_common(kind.preferred_there)) return {};
  if (is_common(type->gvr.version)) return type->gvr.version;
  if (is_common(kind.preferred_there)) return {};
  std::string best;
  for (const std::string& version : kind.in_backup) {
    if (is_served(version) && (best.empty() || is_version_before(version, best))) best = version;
  }
  return best;
}

}  // namespace

bool is_version_before(std::string_view a, std::string_view b) {
  const VersionParts first = parts_of(a);
  const VersionParts second = parts_of(b);
  if (first != second) return first > second;
  return a < b;
}

std::map<std::string, model::StringList, std::less<>> parse_version_priorities(
    std::string_view text) {
  std::map<std::string, model::StringList, std::less<>> wanted;
  for (const std::string& line : split_trimmed(text, '\n')) {
    const Cut parts = cut(line, "=");
    model::StringList versions = split_trimmed(parts.after, ',');
    if (!parts.found || versions.empty()) continue;
    wanted[std::string(trim(parts.before))] = std::move(versions);
  }
  return wanted;
}

std::map<std::string, std::string, std::less<>> choose_versions(
    std::span<const archive::ArchivedItem> items,
    const kube::Discovery& discovery,
    const VersionPreferences& preferences) {
  std::map<std::string, KindVersions, std::less<>> kinds;
  for (const archive::ArchivedItem& item : items) {
    if (item.key.preferred) continue;
    kinds[std::string(item.key.group_resource)].in_backup.emplace(item.key.version);
  }
  if (kinds.empty()) return {};
  for (const archive::ArchivedItem& item : items) {
    const auto kind = kinds.find(item.key.group_resource);
    if (!item.key.preferred || kind == kinds.end()) continue;
    kind->second.in_backup.emplace(item.key.version);
    kind->second.preferred_there = item.key.version;
  }
  std::map<std::string, std::string, std::less<>> chosen;
  for (const auto& [name, kind] : kinds) {
    std::string version = choose(kind, name, discovery, preferences);
    if (!version.empty() && version != kind.preferred_there) chosen[name] = std::move(version);
  }
  return chosen;
}

}  // namespace lateen::restore
