#include "sandbox/rbac/escalation.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/rbac/policy_rule.h"

namespace lateen::sandbox::rbac {

namespace {

// Go's %q of a list: ["a" "b"].
std::string quoted_list(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ' ';
    out += quote_go(value);
  }
  return out + "]";
}

bool same_at(const Json* old_object, const Json& object, std::string_view path) {
  if (old_object == nullptr) return false;
  const Json* before = find(*old_object, path);
  const Json* after = find(object, path);
  if (before == nullptr || after == nullptr) return before == after;
  return *before == *after;
}

// "" when the caller has all of `wanted`.
std::string missing_rights(const Authorizer& authorizer,
                           const Caller& caller,
                           std::string_view ns,
                           std::span<const PolicyRule> wanted) {
  const RulesFound owned = authorizer.rules_for(caller, ns);
  const std::vector<PolicyRule> missing = compacted(uncovered(owned.rules, wanted));
  if (missing.empty()) return {};
  std::set<std::string> lines;
  for (const PolicyRule& rule : missing)
    lines.insert(rule.to_string());
  std::string text = fmt::format(
      "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
      quote_go(caller.username), quoted_list(caller.groups), fmt::join(lines, "\n"));
  if (!owned.problems.empty())
    text += fmt::format("; resolution errors: [{}]", join(owned.problems, ", "));
  return text;
}

AccessRequest about(const ServedType& type, const Json& object, std::string_view verb) {
  return {.verb = std::string(verb),
          .group = type.group(),
          .version = type.type.gvr.version,
          .resource = type.resource(),
          .name = std::string(kube::name_of(object)),
          .ns = std::string(kube::namespace_of(object))};
}

ApiStatus check_role(const Authorizer& authorizer,
                     const Caller& caller,
                     const ServedType& type,
                     const Json* old_object,
                     const Json& object) {
  const std::string_view ns = kube::namespace_of(object);
  const std::string_view name = kube::name_of(object);
  const bool same = same_at(old_object, object, "rules");
  const bool aggregates =
      find(object, "aggregationRule") != nullptr && !same_at(old_object, object, "aggregationRule");
  if (same && !aggregates) return {};
  if (authorizer.authorize(caller, about(type, object, "escalate")).allowed) return {};
  if (aggregates) {
    const PolicyRule everything{.verbs = {"*"}, .api_groups = {"*"}, .resources = {"*"}};
    const PolicyRule all_paths{.verbs = {"*"}, .non_resource_urls = {"*"}};
    if (!missing_rights(authorizer, caller, ns, std::vector{everything, all_paths}).empty()) {
      return forbidden(type.group(), type.resource(), name,
                       "must have cluster-admin privileges to use the aggregationRule");
    }
  }
  const std::string missing = missing_rights(authorizer, caller, ns, rules_of(object));
  if (missing.empty()) return {};
  return forbidden(type.group(), type.resource(), name, missing);
}

ApiStatus check_binding(const Authorizer& authorizer,
                        const Caller& caller,
                        const ServedType& type,
                        const Json* old_object,
                        const Json& object) {
  if (same_at(old_object, object, "roleRef") && same_at(old_object, object, "subjects")) return {};
  const Json* role_ref = find(object, "roleRef");
  if (role_ref == nullptr) return {};
  const std::string ns(kube::namespace_of(object));
  const bool of_cluster = string_at(*role_ref, "kind") == "ClusterRole";
  const AccessRequest bind{.verb = "bind",
                           .group = std::string(kGroup),
                           .version = "v1",
                           .resource = of_cluster ? "clusterroles" : "roles",
                           .name = std::string(string_at(*role_ref, "name")),
                           .ns = ns};
  if (authorizer.authorize(caller, bind).allowed) return {};
  const std::string_view name = kube::name_of(object);
  const auto wanted = authorizer.role_rules(*role_ref, ns);
  if (!wanted) {
    return not_found(kGroup, of_cluster ? "clusterroles" : "roles", string_at(*role_ref, "name"));
  }
  const std::string missing = missing_rights(authorizer, caller, ns, *wanted);
  if (missing.empty()) return {};
  return forbidden(type.group(), type.resource(), name, missing);
}

}  // namespace

ApiStatus check_escalation(const Authorizer& authorizer,
                           const Caller& caller,
                           const ServedType& type,
                           const Json* old_object,
                           const Json& object) {
  if (type.group() != kGroup || is_master(caller)) return {};
  if (type.resource() == "roles" || type.resource() == "clusterroles")
    return check_role(authorizer, caller, type, old_object, object);
  return check_binding(authorizer, caller, type, old_object, object);
}

}  // namespace lateen::sandbox::rbac
