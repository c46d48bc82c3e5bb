// The built-in API: which groups, versions and resources there are, in the order in which a real
// API server lists them. Custom resources are not here: they belong to the store.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/schema/types.h"

namespace lateen::sandbox::schema {

// Of a resource that is not told apart.
inline constexpr std::array<std::string_view, 8> kAllVerbs = {
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};

struct Subresource {
  std::string_view name;   // "status", "scale", "log", "exec", "eviction", "token" …
  std::string_view group;  // of what it speaks: autoscaling/v1 Scale for "scale"
  std::string_view version;
  std::string_view kind;
  std::vector<std::string_view> verbs;

  bool has_verb(std::string_view verb) const;
};

struct Resource {
  std::string_view group;  // "" for core
  std::string_view version;
  std::string_view resource;  // plural, "deployments"
  std::string_view singular;
  std::string_view kind;
  bool namespaced = false;
  std::vector<std::string_view>
      verbs;  // as discovery spells them: create, delete, deletecollection, get, …
  std::vector<std::string_view> short_names;
  std::vector<std::string_view> categories;
  std::vector<Subresource> subresources;

  // Never stored: TokenReview, the access reviews. Only create is served, and the answer is the
  // filled-in object.
  bool virtual_only = false;

  // Where its objects live when several versions show the same ones: autoscaling/v1 is kept as v2,
  // events of events.k8s.io as core events. Equal to group and version for all others.
  std::string_view storage_group;
  std::string_view storage_version;

  bool has_verb(std::string_view verb) const;
  const Subresource* find_subresource(std::string_view name) const;
  std::string api_version() const;  // "v1", "apps/v1"
};

struct GroupVersion {
  std::string_view group;
  std::string_view version;
  std::vector<const Resource*> resources;  // sorted by name, as the real one answers
};

// In discovery order: core first, then groups by priority; of a group's versions the preferred one
// first. snapshot.storage.k8s.io is a built-in here and comes last, where groups of CRDs begin.
std::span<const GroupVersion> group_versions();

const Resource* find_resource(std::string_view group,
                              std::string_view version,
                              std::string_view plural);
const Resource* find_kind(std::string_view group, std::string_view version, std::string_view kind);

// {"", "v1"} for "v1", {"apps", "v1"} for "apps/v1".
struct ApiVersion {
  std::string_view group;
  std::string_view version;
};

ApiVersion split_api_version(std::string_view api_version);

}  // namespace lateen::sandbox::schema
