#include "sandbox/rbac/aggregation.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kube/object.h"
#include "kube/selector.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/rbac/policy_rule.h"

namespace lateen::sandbox::rbac {

namespace {

// Roles are many, those that aggregate are few: told without parsing.
bool may_aggregate(const StoredObject& role) {
  return role.bytes.find("\"aggregationRule\"") != Bytes::npos;
}

void append_new(JsonArray& rules, const Json& role) {
  const JsonArray* more = array_at(role, "rules");
  if (more == nullptr) return;
  for (const Json& rule : *more) {
    if (std::ranges::find(rules, rule) == rules.end()) rules.push_back(rule);
  }
}

JsonArray aggregated_rules(const std::vector<StoredPtr>& roles,
                           const JsonArray& selectors,
                           std::string_view own_name) {
  JsonArray rules;
  for (const Json& one : selectors) {
    const auto selector = kube::LabelSelector::from_json(&one);
    if (!selector) continue;
    for (const StoredPtr& role : roles) {
      if (role->name == own_name || !selector->matches(role->labels)) continue;
      if (const auto tree = parse_stored(*role)) append_new(rules, *tree);
    }
  }
  return rules;
}

}  // namespace

void aggregate_cluster_roles(Api& api, const Store& store, const Log& log) {
  const auto page = store.list(kClusterRoles, {});
  if (!page) return;
  const GroupVersionResource roles{
      .group = "rbac.authorization.k8s.io", .version = "v1", .resource = "clusterroles"};
  WriteOptions options;
  options.field_manager = "clusterrole-aggregation-controller";
  for (const StoredPtr& stored : page->objects) {
    if (!may_aggregate(*stored)) continue;
    const auto tree = parse_stored(*stored);
    const JsonArray* selectors =
        tree ? array_at(*tree, "aggregationRule.clusterRoleSelectors") : nullptr;
    if (selectors == nullptr) continue;
    const Json rules = aggregated_rules(page->objects, *selectors, stored->name);
    const Json* present = find(*tree, "rules");
    if (present != nullptr ? *present == rules : rules.as_array().empty()) continue;
    const auto written = api.modify(
        roles, "", stored->name,
        [&rules](Json& role) -> Result<bool> {
          role.as_object()["rules"] = rules;
          return true;
        },
        options);
    // That write came through here again, and has seen to the others.
    if (written) return;
    if (!written.error().is(Code::NotFound))
      log.warning("Aggregating a ClusterRole failed",
                  {{"name", stored->name}, {"error", written.error().message()}});
  }
}

}  // namespace lateen::sandbox::rbac
