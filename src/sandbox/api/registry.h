// What is served at one moment: the built-in resources and those of the CustomResourceDefinitions.
// A new one is made whenever a definition changes; requests under way keep theirs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "kube/resource.h"
#include "sandbox/api/served_type.h"

namespace lateen::sandbox {

struct ServedVersion {
  std::string version = {};
  std::vector<ServedTypePtr> types = {};  // by resource name
};

struct ServedGroup {
  std::string name = {};                     // "" for core
  std::vector<ServedVersion> versions = {};  // the preferred one first
};

// Immutable, shared.
class Registry {
 public:
  static std::shared_ptr<const Registry> build(std::vector<Json> crds, std::uint64_t generation);

  // Null when it is not served.
  ServedTypePtr find(const kube::GroupVersionResource& gvr) const;
  ServedTypePtr find_kind(std::string_view api_version, std::string_view kind) const;

  const ServedGroup* find_group(std::string_view group) const;
  const ServedVersion* find_version(std::string_view group, std::string_view version) const;

  // Core first, in the order of discovery.
  const std::vector<ServedGroup>& groups() const { return groups_; }

  const std::vector<Json>& crds() const { return crds_; }

  std::uint64_t generation() const { return generation_; }

 private:
  void add(ServedTypePtr type);
  void finish();

  std::vector<ServedGroup> groups_;
  std::map<kube::GroupVersionResource, ServedTypePtr> by_gvr_;
  std::map<std::pair<std::string, std::string>, ServedTypePtr> by_kind_;
  std::vector<Json> crds_;
  std::uint64_t generation_ = 0;
};

using RegistryPtr = std::shared_ptr<const Registry>;

// The name of a CustomResourceDefinition's that another resource of its group has already; "" when
// there is none.
std::string find_name_clash(const Registry& registry, const Json& crd);

}  // namespace lateen::sandbox
