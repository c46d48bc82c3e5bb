#include "sandbox/api/registry.h"

#include <algorithm>
#include <utility>

#include "sandbox/crd/definition.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox {

namespace {

template <typename Views>
std::vector<std::string> to_strings(const Views& views) {
  return {views.begin(), views.end()};
}

std::string api_version_of(std::string_view group, std::string_view version) {
  return kube::GroupVersion{.group = std::string(group), .version = std::string(version)}
      .api_version();
}

ServedTypePtr builtin_type(const schema::Resource& resource) {
  auto served = std::make_shared<ServedType>();
  kube::ResourceType& type = served->type;
  type.gvr = {.group = std::string(resource.group),
              .version = std::string(resource.version),
              .resource = std::string(resource.resource)};
  type.kind = resource.kind;
  type.namespaced = resource.namespaced;
  type.verbs = to_strings(resource.verbs);
  type.singular = resource.singular;
  type.short_names = to_strings(resource.short_names);
  type.categories = to_strings(resource.categories);
  for (const schema::Subresource& sub : resource.subresources) {
    type.subresources.push_back({.name = std::string(sub.name),
                                 .kind = std::string(sub.kind),
                                 .verbs = to_strings(sub.verbs)});
  }
  served->list_kind = type.kind + "List";
  // Several versions of one resource share their objects: the key is without a version.
  const bool moved = resource.storage_group != resource.group;
  served->storage_key =
      resource.storage_group.empty()
          ? std::string(resource.resource)
          : std::string(resource.storage_group).append("/").append(resource.resource);
  served->storage_api_version =
      moved || resource.storage_version != resource.version
          ? api_version_of(resource.storage_group, resource.storage_version)
          : type.gvr.api_version();
  served->builtin = &resource;
  served->fields =
      schema::TypeTable::builtin().find(resource.group, resource.version, resource.kind);
  served->virtual_only = resource.virtual_only;
  return served;
}

}  // namespace

std::shared_ptr<const Registry> Registry::build(std::vector<Json> crds, std::uint64_t generation) {
  auto registry = std::make_shared<Registry>();
  registry->generation_ = generation;
  for (const schema::GroupVersion& version : schema::group_versions()) {
    for (const schema::Resource* resource : version.resources)
      registry->add(builtin_type(*resource));
  }
  std::vector<ServedTypePtr> custom;
  for (const Json& crd : crds) {
    if (!is_established(crd)) continue;
    std::ranges::move(served_types_of(crd), std::back_inserter(custom));
  }
  std::ranges::stable_sort(custom, [](const ServedTypePtr& a, const ServedTypePtr& b) {
    if (a->group() != b->group()) return a->group() < b->group();
    return a->type.gvr.version != b->type.gvr.version &&
           is_better_version(a->type.gvr.version, b->type.gvr.version);
  });
  for (ServedTypePtr& type : custom) {
    // A built-in resource is not replaced by a definition of the same name
    // (snapshot.storage.k8s.io).
    if (!registry->find(type->type.gvr)) registry->add(std::move(type));
  }
  registry->crds_ = std::move(crds);
  registry->finish();
  return registry;
}

void Registry::add(ServedTypePtr type) {
  const auto& gvr = type->type.gvr;
  by_gvr_[gvr] = type;
  by_kind_.try_emplace({gvr.api_version(), type->kind()}, type);
  auto group = std::ranges::find(groups_, gvr.group, &ServedGroup::name);
  if (group == groups_.end()) group = groups_.insert(groups_.end(), ServedGroup{.name = gvr.group});
  auto version = std::ranges::find(group->versions, gvr.version, &ServedVersion::version);
  if (version == group->versions.end()) {
    version = group->versions.insert(group->versions.end(), ServedVersion{.version = gvr.version});
  }
  version->types.push_back(std::move(type));
}

void Registry::finish() {
  for (ServedGroup& group : groups_) {
    for (ServedVersion& version : group.versions) {
      std::ranges::sort(version.types, {},
                        [](const ServedTypePtr& t) -> const std::string& { return t->resource(); });
    }
  }
}

ServedTypePtr Registry::find(const kube::GroupVersionResource& gvr) const {
  const auto found = by_gvr_.find(gvr);
  return found == by_gvr_.end() ? nullptr : found->second;
}

ServedTypePtr Registry::find_kind(std::string_view api_version, std::string_view kind) const {
  const auto found = by_kind_.find({std::string(api_version), std::string(kind)});
  return found == by_kind_.end() ? nullptr : found->second;
}

const ServedGroup* Registry::find_group(std::string_view group) const {
  const auto found = std::ranges::find(groups_, group, &ServedGroup::name);
  return found == groups_.end() ? nullptr : &*found;
}

const ServedVersion* Registry::find_version(std::string_view group,
                                            std::string_view version) const {
  const ServedGroup* in = find_group(group);
  if (in == nullptr) return nullptr;
  const auto found = std::ranges::find(in->versions, version, &ServedVersion::version);
  return found == in->versions.end() ? nullptr : &*found;
}

std::string find_name_clash(const Registry& registry, const Json& crd) {
  const std::string_view plural = string_at(crd, "spec.names.plural");
  const std::string_view kind = string_at(crd, "spec.names.kind");
  const ServedGroup* group = registry.find_group(string_at(crd, "spec.group"));
  if (group == nullptr) return {};
  for (const ServedVersion& version : group->versions) {
    for (const ServedTypePtr& type : version.types) {
      if (type->resource() != plural && type->kind() == kind) return type->kind();
    }
  }
  return {};
}

}  // namespace lateen::sandbox
