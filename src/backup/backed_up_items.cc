#include "backup/backed_up_items.h"

#include <algorithm>
#include <array>

namespace lateen::backup {

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
         std::find(kLedTo.begin(), kLedTo.end(), type.gvr.resource) != kLedTo.end();
}

bool BackedUpItems::claim(const ItemId& item) {
  if (!can_come_twice(*item.type)) return true;
  std::string key = fmt::format("{}\n{}\n{}", item.type->group_resource(), item.ns, item.name);
  const Lock lock(mu_);
  return claimed_.insert(std::move(key)).second;
}

Status BackedUpItems::add(const ItemId& item, BytesView json, std::stop_token stop) {
  const std::string group_resource = item.type->group_resource();
  TRY(archive_
          .add({.group_resource = group_resource,
                .ns = item.ns,
                .name = item.name,
                .version = item.type->gvr.version,
                .preferred = true},
               json, stop)
          .wrap("writing {} into the tarball", item.describe()));
  const std::string kind = fmt::format("{}/{}", item.type->gvr.api_version(), item.type->kind);
  std::string name = item.ns.empty() ? item.name : fmt::format("{}/{}", item.ns, item.name);
  const Lock lock(mu_);
  by_kind_[kind].push_back(std::move(name));
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
