// Finds what the bindings of this moment allow a caller.
//
//   const Decision decision = authorizer.authorize(caller, request);
//   if (!decision.allowed) return refusal(caller, request, decision);
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/thread.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/caller.h"
#include "sandbox/rbac/policy_rule.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox::rbac {

struct Decision {
  bool allowed = false;
  // Which binding allows it; or what is wrong with the bindings that might have.
  std::string reason = {};
};

struct RulesFound {
  std::vector<PolicyRule> rules = {};
  std::vector<std::string> problems = {};  // bindings to roles that are not there
};

// Thread-safe.
class Authorizer {
 public:
  // Must outlive it.
  explicit Authorizer(const Store& store) : store_(store) {}

  Decision authorize(const Caller& caller, const AccessRequest& request) const;

  // All rules that the caller has in the namespace; "" for what holds in the whole cluster.
  RulesFound rules_for(const Caller& caller, std::string_view ns) const;

  // The rules of the role that a binding in `ns` (or of the cluster) refers to. NotFound:
  // `clusterrole.rbac.authorization.k8s.io "x" not found`.
  Result<std::vector<PolicyRule>> role_rules(const Json& role_ref, std::string_view ns) const;

 private:
  struct Parsed {
    StoredPtr from;
    std::shared_ptr<const Json> tree;
  };

  // What is looked at for each binding that names the caller; false ends the search.
  struct Found {
    std::string binding;  // `RoleBinding "name/ns" of Role "r" to User "u"`
    std::vector<PolicyRule> rules;
    std::string problem;  // instead of rules
  };

  using Look = std::function<bool(const Found&)>;

  bool visit(const Caller& caller, std::string_view ns, const Look& look) const;
  bool visit_bindings(std::string_view resource,
                      std::string_view ns,
                      const Caller& caller,
                      const Look& look) const;
  std::shared_ptr<const Json> parsed(std::string_view resource, const StoredPtr& object) const;

  const Store& store_;
  // The trees of roles and bindings that did not change since they were last looked at.
  mutable Mutex mu_;
  mutable std::unordered_map<std::string, Parsed> trees_ LATEEN_GUARDED_BY(mu_);
};

// Whether the caller is of system:masters, to whom nothing is refused.
bool is_master(const Caller& caller);

// 403 as the API server words it: `pods "x" is forbidden: User "jane" cannot get resource "pods" in
// API group "" in the namespace "shop"`.
ApiError refusal(const Caller& caller, const AccessRequest& request, const Decision& decision);

}  // namespace lateen::sandbox::rbac
