// One rule of a Role or ClusterRole, and the questions that are asked of it. All pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lateen::sandbox::rbac {

inline constexpr std::string_view kGroup = "rbac.authorization.k8s.io";
inline constexpr std::string_view kClusterRoles = "rbac.authorization.k8s.io/clusterroles";

// What someone wants to do: something with a resource, or with a path that is none.
struct AccessRequest {
  std::string verb = {};  // "get", "deletecollection"; for paths the HTTP method in small letters
  bool is_resource = true;
  std::string group = {};
  std::string version = {};
  std::string resource = {};
  std::string subresource = {};
  std::string name = {};  // "" for collections and creates
  std::string ns = {};    // "" for cluster scope
  std::string path = {};  // of what is no resource

  // "pods/log"
  std::string combined_resource() const;
};

struct PolicyRule {
  std::vector<std::string> verbs = {};
  std::vector<std::string> api_groups = {};
  std::vector<std::string> resources = {};
  std::vector<std::string> resource_names = {};
  std::vector<std::string> non_resource_urls = {};

  bool operator==(const PolicyRule&) const = default;

  static PolicyRule from_json(const Json& rule);

  bool allows(const AccessRequest& request) const;

  // {APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}: as refusals print it.
  std::string to_string() const;
};

// The rules of a Role or ClusterRole.
std::vector<PolicyRule> rules_of(const Json& role);

// What `wanted` grants beyond `owned`, cut into rules of one verb, group and resource each
// (k8s.io/component-helpers/auth/rbac/validation.Covers).
std::vector<PolicyRule> uncovered(std::span<const PolicyRule> owned,
                                  std::span<const PolicyRule> wanted);

// Rules that differ in their verbs alone become one
// (k8s.io/kubernetes/pkg/registry/rbac/validation.CompactRules), in a stable order.
std::vector<PolicyRule> compacted(std::vector<PolicyRule> rules);

}  // namespace lateen::sandbox::rbac
