#include "backup/backed_up_items.h"

#include <algorithm>
#include <array>

namespace lateen::backup {
namespace {

// As the resource list says it.
std::string kind_of(const kube::ResourceType& type) {
  return fmt::format("{}/{}", type.gvr.api_version(), type.kind);
}

std::string name_of(const ItemId& item) {
  return item.ns.empty() ? item.name : fmt::format("{}/{}", item.ns, item.name);
}

// An object is there once in each version that is backed up.
std::string key_of(const kube::ResourceType& type, std::string_view name) {
  return type.preferred ? fmt::format("{} {}", type.group_resource(), name)
                        : fmt::format("{}/{} {}", type.group_resource(), type.gvr.version, name);
}

}  // namespace

std::string ItemId::describe() const {
  return ns.empty() ? fmt::format("{} {}", type->group_resource(), name)
                    : fmt::format("{} {}/{}", type->group_resource(), ns, name);
}

BackedUpItems::BackedUpItems(archive::ArchiveWriter& archive, bool every_kind)
    : archive_(archive), every_kind_(every_kind) {}

// The kinds that other objects lead to (claims of pods, volumes of claims, roles of accounts…): an
// item action that names a new one adds it here.
bool BackedUpItems::can_come_twice(const kube::ResourceType& type) const {
  static constexpr std::array<std::string_view, 11> kLedTo = {"pods",
                                                              "persistentvolumeclaims",
                                                              "persistentvolumes",
                                                              "namespaces",
                                                              "secrets",
                                                              "priorityclasses",
                                                              "clusterrolebindings",
                                                              "clusterroles",
                                                              "customresourcedefinitions",
                                                              "volumesnapshotclasses",
                                                              "volumesnapshots"};
  return every_kind_ || type.gvr.resource == "volumesnapshotcontents" ||
         std::find(kLedTo.begin(), kLedTo.end(), type.gvr.resource) != kLedTo.end() ||
         coming_again_.count(type.group_resource()) > 0;
}

bool BackedUpItems::claim(const ItemId& item) {
  std::string key = key_of(*item.type, name_of(item));
  const Lock lock(mu_);
  return !can_come_twice(*item.type) || claimed_.insert(std::move(key)).second;
}

bool BackedUpItems::is_claimed(const ItemId& item) const {
  const std::string key = key_of(*item.type, name_of(item));
  const Lock lock(mu_);
  return claimed_.count(key) > 0;
}

void BackedUpItems::may_come_again(const kube::ResourceType& type) {
  const std::string group_resource = type.group_resource();
  const Lock lock(mu_);
  if (can_come_twice(type)) return;
  coming_again_.insert(group_resource);
  const auto taken = by_kind_.find(kind_of(type));
  if (taken == by_kind_.end()) return;
  for (const std::string& name : taken->second)
    claimed_.insert(key_of(type, name));
}

Status BackedUpItems::add(const ItemId& item, BytesView json, std::stop_token stop) {
  const std::string group_resource = item.type->group_resource();
  TRY(archive_
          .add({.group_resource = group_resource,
                .ns = item.ns,
                .name = item.name,
                .version = item.type->gvr.version,
                .preferred = item.type->preferred},
               json, stop)
          .wrap("writing {} into the tarball", item.describe()));
  const Lock lock(mu_);
  by_kind_[kind_of(*item.type)].push_back(name_of(item));
  if (!item.ns.empty()) namespaces_.insert(item.ns);
  kinds_.insert(group_resource);
  ++count_;
  return {};
}

std::int64_t BackedUpItems::count() const {
  const Lock lock(mu_);
  return count_;
}

std::map<std::string, std::vector<std::string>> BackedUpItems::resource_list() const {
  std::map<std::string, std::vector<std::string>> list;
  {
    const Lock lock(mu_);
    list = by_kind_;
  }
  for (auto& [kind, names] : list)
    std::sort(names.begin(), names.end());
  return list;
}

std::set<std::string> BackedUpItems::namespaces() const {
  const Lock lock(mu_);
  return namespaces_;
}

std::set<std::string> BackedUpItems::kinds() const {
  const Lock lock(mu_);
  return kinds_;
}

}  // namespace lateen::backup
