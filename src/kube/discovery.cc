#include "kube/discovery.h"

#include <algorithm>
#include <functional>

#include "base/text.h"

namespace lateen::kube {
namespace {

std::string text_at(const Json& value, std::string_view path) {
  return std::string(string_at(value, path));
}

ResourceType parse_aggregated_resource(const Json& resource, const GroupVersion& gv) {
  ResourceType type;
  type.gvr = {.group = gv.group, .version = gv.version, .resource = text_at(resource, "resource")};
  type.kind = string_at(resource, "responseKind.kind");
  type.namespaced = string_at(resource, "scope") == "Namespaced";
  type.verbs = texts_at(resource, "verbs");
  type.singular = string_at(resource, "singularResource");
  type.short_names = texts_at(resource, "shortNames");
  type.categories = texts_at(resource, "categories");
  if (const JsonArray* subresources = array_at(resource, "subresources")) {
    for (const Json& sub : *subresources) {
      type.subresources.push_back({.name = text_at(sub, "subresource"),
                                   .kind = text_at(sub, "responseKind.kind"),
                                   .verbs = texts_at(sub, "verbs")});
    }
  }
  return type;
}

void add_version(const Json& version, const std::string& group, DiscoveryParts& parts) {
  const GroupVersion gv{.group = group, .version = text_at(version, "version")};
  parts.groups.back().versions.push_back(gv.version);
  // The aggregator has lost the group's own server: what it remembers may be gone.
  if (string_at(version, "freshness") == "Stale") {
    parts.failures.push_back(
        {.group_version = gv,
         .message = fmt::format("stale GroupVersion discovery: {}", gv.api_version())});
    return;
  }
  const JsonArray* resources = array_at(version, "resources");
  if (resources == nullptr) return;
  for (const Json& resource : *resources) {
    ResourceType type = parse_aggregated_resource(resource, gv);
    // An entry without a kind only carries subresources.
    if (!type.kind.empty()) parts.types.push_back(std::move(type));
  }
}

}  // namespace

Status add_aggregated(const Json& document, DiscoveryParts& parts) {
  if (string_at(document, "kind") != "APIGroupDiscoveryList") {
    return Error(Code::Corrupt, "expected an APIGroupDiscoveryList, got \"{}\"",
                 string_at(document, "kind"));
  }
  const JsonArray* groups = array_at(document, "items");
  if (groups == nullptr) return {};
  for (const Json& group : *groups) {
    parts.groups.push_back({.name = text_at(group, "metadata.name"), .versions = {}});
    const JsonArray* versions = array_at(group, "versions");
    if (versions == nullptr) continue;
    const std::string name = parts.groups.back().name;
    for (const Json& version : *versions)
      add_version(version, name, parts);
  }
  return {};
}

Status add_resource_list(const Json& document, DiscoveryParts& parts) {
  if (string_at(document, "kind") != "APIResourceList") {
    return Error(Code::Corrupt, "expected an APIResourceList, got \"{}\"",
                 string_at(document, "kind"));
  }
  const GroupVersion gv = TRY(parse_api_version(string_at(document, "groupVersion")));
  const JsonArray* resources = array_at(document, "resources");
  if (resources == nullptr) return {};
  const std::size_t first = parts.types.size();
  for (const Json& resource : *resources) {
    const Cut name = cut(string_at(resource, "name"), "/");
    if (!name.found) {
      ResourceType type;
      type.gvr = {.group = gv.group, .version = gv.version, .resource = std::string(name.before)};
      type.kind = string_at(resource, "kind");
      type.namespaced = bool_at(resource, "namespaced").value_or(false);
      type.verbs = texts_at(resource, "verbs");
      type.singular = string_at(resource, "singularName");
      type.short_names = texts_at(resource, "shortNames");
      type.categories = texts_at(resource, "categories");
      parts.types.push_back(std::move(type));
      continue;
    }
    for (std::size_t i = first; i < parts.types.size(); ++i) {
      if (parts.types[i].gvr.resource != name.before) continue;
      parts.types[i].subresources.push_back({.name = std::string(name.after),
                                             .kind = text_at(resource, "kind"),
                                             .verbs = texts_at(resource, "verbs")});
    }
  }
  return {};
}

Discovery::Discovery(std::vector<ApiGroup> groups,
                     std::vector<ResourceType> types,
                     std::vector<DiscoveryFailure> failures)
    : groups_(std::move(groups)), types_(std::move(types)), failures_(std::move(failures)) {
  mark_preferred();
  for (std::size_t i = 0; i < types_.size(); ++i) {
    by_gvr_.emplace(types_[i].gvr, i);
    by_kind_.emplace(std::pair(types_[i].gvr.api_version(), types_[i].kind), i);
  }
}

// The first version of the group that has the resource: its preferred one, or where that lacks it,
// the next.
void Discovery::mark_preferred() {
  std::map<GroupResource, std::pair<std::size_t, ResourceType*>> best;
  for (ResourceType& type : types_) {
    type.preferred = false;
    const auto group = std::find_if(groups_.begin(), groups_.end(),
                                    [&](const ApiGroup& g) { return g.name == type.gvr.group; });
    std::size_t rank = 0;
    if (group != groups_.end()) {
      const auto& versions = group->versions;
      rank = static_cast<std::size_t>(
          std::find(versions.begin(), versions.end(), type.gvr.version) - versions.begin());
    }
    const auto [it, is_new] = best.emplace(type.gvr.group_resource(), std::pair(rank, &type));
    if (!is_new && rank < it->second.first) it->second = {rank, &type};
  }
  for (auto& [name, entry] : best)
    entry.second->preferred = true;
}

std::vector<const ResourceType*> Discovery::preferred() const {
  std::vector<const ResourceType*> out;
  for (const ResourceType& type : types_) {
    if (type.preferred) out.push_back(&type);
  }
  return out;
}

std::vector<const ResourceType*> Discovery::preferred_with_verbs(
    const std::vector<std::string_view>& verbs) const {
  std::vector<const ResourceType*> out = preferred();
  std::erase_if(out, [&](const ResourceType* type) {
    return !std::all_of(verbs.begin(), verbs.end(),
                        [&](std::string_view verb) { return type->has_verb(verb); });
  });
  return out;
}

const ResourceType* Discovery::find(const GroupVersionResource& gvr) const {
  const auto it = by_gvr_.find(gvr);
  return it == by_gvr_.end() ? nullptr : &types_[it->second];
}

const ResourceType* Discovery::find(const GroupResource& group_resource) const {
  for (const ResourceType& type : types_) {
    if (type.preferred && type.gvr.group_resource() == group_resource) return &type;
  }
  return nullptr;
}

const ResourceType* Discovery::find_kind(std::string_view api_version,
                                         std::string_view kind) const {
  const auto it = by_kind_.find(std::pair(std::string(api_version), std::string(kind)));
  return it == by_kind_.end() ? nullptr : &types_[it->second];
}

const ResourceType* Discovery::find(std::string_view name) const {
  const Cut parts = cut(name, ".");
  const std::string word = to_lower(parts.before);
  const std::string group(parts.after);
  using Matches = std::function<bool(const ResourceType&)>;
  const std::vector<Matches> by_word = {
      [&](const ResourceType& t) { return t.gvr.resource == word; },
      [&](const ResourceType& t) { return t.singular == word; },
      [&](const ResourceType& t) {
        return std::find(t.short_names.begin(), t.short_names.end(), word) != t.short_names.end();
      },
      [&](const ResourceType& t) { return to_lower(t.kind) == word; }};
  const auto first = [&](const Matches& in_group) -> const ResourceType* {
    for (const Matches& matches : by_word) {
      for (const ResourceType& type : types_) {
        if (type.preferred && in_group(type) && matches(type)) return &type;
      }
    }
    return nullptr;
  };
  if (group.empty()) return first([](const ResourceType&) { return true; });
  if (const auto* exact = first([&](const ResourceType& t) { return t.gvr.group == group; }))
    return exact;
  // "deployments.v1.apps": what follows the first dot may be a version.
  const Cut version = cut(group, ".");
  for (const ResourceType& type : types_) {
    if (type.gvr.resource == word && type.gvr.version == version.before &&
        type.gvr.group == version.after) {
      return &type;
    }
  }
  // As kubectl: the beginning of a group's name is enough ("storageclass.storage").
  return first([&](const ResourceType& t) { return t.gvr.group.starts_with(group); });
}

std::string Discovery::resolve_name(std::string_view name) const {
  const ResourceType* type = find(name);
  return type == nullptr ? std::string(name) : type->group_resource();
}

bool Discovery::serves(const GroupVersion& group_version) const {
  return std::any_of(groups_.begin(), groups_.end(), [&](const ApiGroup& group) {
    return group.name == group_version.group &&
           std::find(group.versions.begin(), group.versions.end(), group_version.version) !=
               group.versions.end();
  });
}

std::vector<const ResourceType*> Discovery::in_category(std::string_view category) const {
  std::vector<const ResourceType*> out;
  for (const ResourceType& type : types_) {
    const auto& all = type.categories;
    if (type.preferred && std::find(all.begin(), all.end(), category) != all.end())
      out.push_back(&type);
  }
  return out;
}

}  // namespace lateen::kube
