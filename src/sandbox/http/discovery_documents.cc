#include "sandbox/http/discovery_documents.h"

#include <utility>

#include <fmt/format.h>

#include "base/json.h"

namespace lateen::sandbox {

namespace {

std::string group_version(const std::string& group, const std::string& version) {
  return group.empty() ? version : group + "/" + version;
}

JsonObject kind_of(std::string_view group, std::string_view version, std::string_view kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

// A built-in subresource may speak a kind of another group (autoscaling/v1 Scale), which is then
// named.
const schema::Subresource* foreign_subresource(const ServedType& type, std::string_view name) {
  const schema::Subresource* sub =
      type.builtin != nullptr ? type.builtin->find_subresource(name) : nullptr;
  if (sub == nullptr) return nullptr;
  return sub->group == type.builtin->group && sub->version == type.builtin->version ? nullptr : sub;
}

JsonObject subresource_kind(const ServedType& type, const kube::Subresource& sub) {
  if (const schema::Subresource* foreign = foreign_subresource(type, sub.name)) {
    return kind_of(foreign->group, foreign->version, foreign->kind);
  }
  if (!type.custom) return kind_of("", "", sub.kind);
  if (sub.name == "scale") return kind_of("autoscaling", "v1", "Scale");
  return kind_of(type.group(), type.type.gvr.version, sub.kind);
}

JsonObject aggregated_resource(const ServedType& type) {
  JsonObject out;
  out["resource"] = type.resource();
  out["responseKind"] = type.custom ? kind_of(type.group(), type.type.gvr.version, type.kind())
                                    : kind_of("", "", type.kind());
  out["scope"] = type.type.namespaced ? "Namespaced" : "Cluster";
  out["singularResource"] = type.type.singular;
  out["verbs"] = texts_json(type.type.verbs);
  if (!type.type.short_names.empty()) out["shortNames"] = texts_json(type.type.short_names);
  if (!type.type.categories.empty()) out["categories"] = texts_json(type.type.categories);
  JsonArray subresources;
  for (const kube::Subresource& sub : type.type.subresources) {
    JsonObject entry;
    entry["subresource"] = sub.name;
    entry["responseKind"] = subresource_kind(type, sub);
    entry["verbs"] = texts_json(sub.verbs);
    subresources.push_back(std::move(entry));
  }
  if (!subresources.empty()) out["subresources"] = std::move(subresources);
  return out;
}

JsonObject group_entry(const ServedGroup& group) {
  JsonArray versions;
  for (const ServedVersion& version : group.versions) {
    versions.push_back({{"groupVersion", group_version(group.name, version.version)},
                        {"version", version.version}});
  }
  JsonObject out;
  out["name"] = group.name;
  out["preferredVersion"] = versions.front();
  out["versions"] = std::move(versions);
  return out;
}

JsonObject plain_resource(const ServedType& type) {
  JsonObject out;
  out["name"] = type.resource();
  out["singularName"] = type.type.singular;
  out["namespaced"] = type.type.namespaced;
  out["kind"] = type.kind();
  out["verbs"] = texts_json(type.type.verbs);
  if (!type.type.short_names.empty()) out["shortNames"] = texts_json(type.type.short_names);
  if (!type.type.categories.empty()) out["categories"] = texts_json(type.type.categories);
  return out;
}

JsonObject plain_subresource(const ServedType& type, const kube::Subresource& sub) {
  JsonObject out;
  out["name"] = type.resource() + "/" + sub.name;
  out["singularName"] = "";
  out["namespaced"] = type.type.namespaced;
  if (const schema::Subresource* foreign = foreign_subresource(type, sub.name)) {
    out["group"] = foreign->group;
    out["version"] = foreign->version;
  } else if (type.custom && sub.name == "scale") {
    out["group"] = "autoscaling";
    out["version"] = "v1";
  }
  out["kind"] = sub.kind;
  out["verbs"] = texts_json(sub.verbs);
  return out;
}

}  // namespace

Bytes aggregated_discovery(const Registry& registry, bool core, std::string_view version) {
  JsonArray items;
  for (const ServedGroup& group : registry.groups()) {
    if (group.name.empty() != core) continue;
    JsonArray versions;
    for (const ServedVersion& served : group.versions) {
      JsonArray resources;
      for (const ServedTypePtr& type : served.types)
        resources.push_back(aggregated_resource(*type));
      JsonObject entry;
      entry["version"] = served.version;
      entry["resources"] = std::move(resources);
      entry["freshness"] = "Current";
      versions.push_back(std::move(entry));
    }
    JsonObject metadata;
    if (!core) metadata["name"] = group.name;
    JsonObject item;
    item["metadata"] = std::move(metadata);
    item["versions"] = std::move(versions);
    items.push_back(std::move(item));
  }
  JsonObject out;
  out["kind"] = "APIGroupDiscoveryList";
  out["apiVersion"] = fmt::format("apidiscovery.k8s.io/{}", version);
  out["metadata"] = JsonObject{};
  out["items"] = std::move(items);
  return write_json_unsorted(out);
}

Bytes api_versions(std::string_view server_address) {
  const JsonObject address = {{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", server_address}};
  JsonObject out;
  out["kind"] = "APIVersions";
  out["versions"] = JsonArray{Json("v1")};
  out["serverAddressByClientCIDRs"] = JsonArray{Json(address)};
  return write_json_unsorted(out);
}

Bytes api_group_list(const Registry& registry) {
  JsonArray groups;
  for (const ServedGroup& group : registry.groups()) {
    if (!group.name.empty()) groups.push_back(group_entry(group));
  }
  JsonObject out;
  out["kind"] = "APIGroupList";
  out["apiVersion"] = "v1";
  out["groups"] = std::move(groups);
  return write_json_unsorted(out);
}

Bytes api_group(const ServedGroup& group) {
  JsonObject out;
  out["kind"] = "APIGroup";
  out["apiVersion"] = "v1";
  for (auto& member : group_entry(group))
    out[member.key()] = std::move(member.value());
  return write_json_unsorted(out);
}

Bytes api_resource_list(const ServedGroup& group, const ServedVersion& version) {
  JsonArray resources;
  for (const ServedTypePtr& type : version.types) {
    resources.push_back(plain_resource(*type));
    for (const kube::Subresource& sub : type->type.subresources)
      resources.push_back(plain_subresource(*type, sub));
  }
  JsonObject out;
  out["kind"] = "APIResourceList";
  // Core's list has none in the real answer either.
  if (!group.name.empty()) out["apiVersion"] = "v1";
  out["groupVersion"] = group_version(group.name, version.version);
  out["resources"] = std::move(resources);
  return write_json_unsorted(out);
}

}  // namespace lateen::sandbox
