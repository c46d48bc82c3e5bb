#include "backup/backed_up_items.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "kube/object.h"

namespace lateen::backup {
namespace {

// Enough of a digest that nobody can find two names that share it, in what std::string holds
// without memory of its own.
constexpr std::size_t kClaimSize = 15;

// The kinds that other objects lead to (claims of pods, volumes of claims, roles of accounts…): an
// item action that names a new one adds it here.
bool others_lead_to(const kube::ResourceType& type) {
  static constexpr std::array<std::string_view, 12> kLedTo = {"pods",
                                                              "persistentvolumeclaims",
                                                              "persistentvolumes",
                                                              "namespaces",
                                                              "secrets",
                                                              "priorityclasses",
                                                              "clusterrolebindings",
                                                              "clusterroles",
                                                              "customresourcedefinitions",
                                                              "volumesnapshotclasses",
                                                              "volumesnapshots",
                                                              "volumesnapshotcontents"};
  return std::ranges::find(kLedTo, type.gvr.resource) != kLedTo.end();
}

}  // namespace

std::string ItemId::describe() const {
  return ns.empty() ? fmt::format("{} {}", type->group_resource(), name)
                    : fmt::format("{} {}/{}", type->group_resource(), ns, name);
}

BackedUpItems::BackedUpItems(archive::ArchiveWriter& archive, bool every_kind, ItemWitness* witness)
    : archive_(archive), every_kind_(every_kind), witness_(witness) {}

BackedUpItems::Kind& BackedUpItems::kind_of(const kube::ResourceType& type) {
  Kind*& known = by_type_[&type];
  if (known != nullptr) return *known;
  // Each version of a kind is one by itself.
  const std::string key = fmt::format("{} {}", type.group_resource(), type.gvr.version);
  const auto [at, is_new] = kinds_.try_emplace(key);
  known = &at->second;
  if (is_new) {
    known->key = key;
    known->group_resource = type.group_resource();
    known->number = names_.kind(type.gvr.api_version(), type.kind);
    known->comes_twice = every_kind_ || others_lead_to(type);
  }
  return *known;
}

std::string BackedUpItems::claim_of(const Kind& kind, std::string_view name) {
  Sha256 digest;
  digest.update(kind.key);
  digest.update(" ");
  digest.update(name);
  return digest.finish().substr(0, kClaimSize);
}

bool BackedUpItems::claim(const ItemId& item) {
  const Lock lock(mu_);
  const Kind& kind = kind_of(*item.type);
  return !kind.comes_twice ||
         claimed_.insert(claim_of(kind, kube::object_key(item.ns, item.name))).second;
}

bool BackedUpItems::is_claimed(const ItemId& item) {
  const Lock lock(mu_);
  return claimed_.count(claim_of(kind_of(*item.type), kube::object_key(item.ns, item.name))) > 0;
}

void BackedUpItems::may_come_again(const kube::ResourceType& type) {
  const Lock lock(mu_);
  Kind& kind = kind_of(type);
  if (std::exchange(kind.comes_twice, true)) return;
  // Called while the lock is held, which clang cannot see.
  names_.for_each(kind.number, [&](std::string_view name) LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    claimed_.insert(claim_of(kind, name));
  });
}

Status BackedUpItems::add(const ItemId& item, BytesView json, std::stop_token stop) {
  Kind* kind = nullptr;
  {
    const Lock lock(mu_);
    kind = &kind_of(*item.type);
  }
  Status added = archive_.add({.group_resource = kind->group_resource,
                               .ns = item.ns,
                               .name = item.name,
                               .version = item.type->gvr.version,
                               .preferred = item.type->preferred},
                              json, std::move(stop));
  if (!added) {
    return std::move(added).error().wrap("writing {} into the tarball", item.describe());
  }
  if (witness_ != nullptr) witness_->see(item, json);
  const Lock lock(mu_);
  names_.add(kind->number, item.ns, item.name);
  if (!item.ns.empty()) namespaces_.insert(item.ns);
  kind->is_populated = true;
  ++count_;
  return {};
}

std::int64_t BackedUpItems::count() const {
  const Lock lock(mu_);
  return count_;
}

model::ResourceNames BackedUpItems::take_names() {
  const Lock lock(mu_);
  return std::move(names_);
}

std::set<std::string> BackedUpItems::namespaces() const {
  const Lock lock(mu_);
  return namespaces_;
}

std::set<std::string> BackedUpItems::kinds() const {
  std::set<std::string> populated;
  const Lock lock(mu_);
  for (const auto& [key, kind] : kinds_) {
    if (kind.is_populated) populated.insert(kind.group_resource);
  }
  return populated;
}

}  // namespace lateen::backup
