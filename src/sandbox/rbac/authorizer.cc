#include "sandbox/rbac/authorizer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/rbac/policy_rule.h"

namespace lateen::sandbox::rbac {

namespace {

constexpr std::string_view kRoles = "rbac.authorization.k8s.io/roles";
constexpr std::string_view kRoleBindings = "rbac.authorization.k8s.io/rolebindings";
constexpr std::string_view kClusterRoleBindings = "rbac.authorization.k8s.io/clusterrolebindings";

// Trees that are kept: a few KiB each. Beyond it all are forgotten and read again as needed.
constexpr std::size_t kMostTrees = 4096;

bool names_caller(const Json& subject, const Caller& caller, std::string_view binding_ns) {
  const std::string_view kind = string_at(subject, "kind");
  const std::string_view name = string_at(subject, "name");
  if (kind == "User") return caller.username == name;
  if (kind == "Group") return std::ranges::find(caller.groups, name) != caller.groups.end();
  if (kind != "ServiceAccount") return false;
  std::string_view ns = string_at(subject, "namespace");
  if (ns.empty()) ns = binding_ns;
  return !ns.empty() && caller.username == fmt::format("system:serviceaccount:{}:{}", ns, name);
}

std::string describe(const Json& subject, std::string_view binding_ns) {
  const std::string_view kind = string_at(subject, "kind");
  const std::string_view name = string_at(subject, "name");
  if (kind != "ServiceAccount") return fmt::format("{} \"{}\"", kind, name);
  std::string_view ns = string_at(subject, "namespace");
  if (ns.empty()) ns = binding_ns;
  return fmt::format("ServiceAccount \"{}/{}\"", name, ns);
}

const Json* find_subject(const Json& binding, const Caller& caller) {
  const JsonArray* subjects = array_at(binding, "subjects");
  if (subjects == nullptr) return nullptr;
  const std::string_view ns = kube::namespace_of(binding);
  const auto found = std::ranges::find_if(
      *subjects, [&](const Json& subject) { return names_caller(subject, caller, ns); });
  return found == subjects->end() ? nullptr : &*found;
}

std::string describe_binding(const Json& binding, const Json& subject) {
  const std::string_view ns = kube::namespace_of(binding);
  const std::string_view role_kind = string_at(binding, "roleRef.kind");
  const std::string_view role = string_at(binding, "roleRef.name");
  const std::string who = describe(subject, ns);
  if (ns.empty()) {
    return fmt::format("ClusterRoleBinding \"{}\" of {} \"{}\" to {}", kube::name_of(binding),
                       role_kind, role, who);
  }
  return fmt::format("RoleBinding \"{}/{}\" of {} \"{}\" to {}", kube::name_of(binding), ns,
                     role_kind, role, who);
}

}  // namespace

bool is_master(const Caller& caller) {
  return std::ranges::find(caller.groups, "system:masters") != caller.groups.end();
}

std::shared_ptr<const Json> Authorizer::parsed(std::string_view resource,
                                               const StoredPtr& object) const {
  const std::string key = fmt::format("{} {}/{}", resource, object->ns, object->name);
  {
    const Lock lock(mu_);
    const auto known = trees_.find(key);
    if (known != trees_.end() && known->second.from == object) return known->second.tree;
  }
  auto tree = parse_stored(*object);
  if (!tree) return nullptr;
  auto shared = std::make_shared<const Json>(std::move(*tree));
  const Lock lock(mu_);
  if (trees_.size() >= kMostTrees) trees_.clear();
  trees_[key] = {.from = object, .tree = shared};
  return shared;
}

Result<std::vector<PolicyRule>> Authorizer::role_rules(const Json& role_ref,
                                                       std::string_view ns) const {
  const std::string_view name = string_at(role_ref, "name");
  const bool of_cluster = string_at(role_ref, "kind") == "ClusterRole";
  const std::string_view resource = of_cluster ? kClusterRoles : kRoles;
  const StoredPtr stored = store_.find(resource, of_cluster ? "" : ns, name);
  const auto tree = stored ? parsed(resource, stored) : nullptr;
  if (!tree) {
    return Error(Code::NotFound, "{}.rbac.authorization.k8s.io \"{}\" not found",
                 of_cluster ? "clusterrole" : "role", name);
  }
  return rules_of(*tree);
}

bool Authorizer::visit_bindings(std::string_view resource,
                                std::string_view ns,
                                const Caller& caller,
                                const Look& look) const {
  const auto page = store_.list(resource, {.ns = std::string(ns)});
  if (!page) return true;
  for (const StoredPtr& stored : page->objects) {
    const auto binding = parsed(resource, stored);
    const Json* subject = binding ? find_subject(*binding, caller) : nullptr;
    const Json* role_ref = subject != nullptr ? find(*binding, "roleRef") : nullptr;
    if (role_ref == nullptr) continue;
    Found found{.binding = describe_binding(*binding, *subject), .rules = {}, .problem = {}};
    if (auto rules = role_rules(*role_ref, ns)) {
      found.rules = std::move(*rules);
    } else {
      found.problem = rules.error().message();
    }
    if (!look(found)) return false;
  }
  return true;
}

bool Authorizer::visit(const Caller& caller, std::string_view ns, const Look& look) const {
  if (!visit_bindings(kClusterRoleBindings, "", caller, look)) return false;
  return ns.empty() || visit_bindings(kRoleBindings, ns, caller, look);
}

Decision Authorizer::authorize(const Caller& caller, const AccessRequest& request) const {
  if (is_master(caller)) return {.allowed = true};
  Decision decision;
  std::vector<std::string> problems;
  visit(caller, request.is_resource ? request.ns : "", [&](const Found& found) {
    if (!found.problem.empty()) problems.push_back(found.problem);
    const bool allows = std::ranges::any_of(
        found.rules, [&](const PolicyRule& rule) { return rule.allows(request); });
    if (!allows) return true;
    decision = {.allowed = true, .reason = "RBAC: allowed by " + found.binding};
    return false;
  });
  if (!decision.allowed && problems.size() == 1) decision.reason = "RBAC: " + problems.front();
  if (!decision.allowed && problems.size() > 1)
    decision.reason = fmt::format("RBAC: [{}]", join(problems, ", "));
  return decision;
}

RulesFound Authorizer::rules_for(const Caller& caller, std::string_view ns) const {
  RulesFound out;
  visit(caller, ns, [&out](const Found& found) {
    if (!found.problem.empty()) out.problems.push_back(found.problem);
    out.rules.insert(out.rules.end(), found.rules.begin(), found.rules.end());
    return true;
  });
  return out;
}

ApiError refusal(const Caller& caller, const AccessRequest& request, const Decision& decision) {
  std::string why;
  if (!request.is_resource) {
    why = fmt::format("User {} cannot {} path {}", quote_go(caller.username), request.verb,
                      quote_go(request.path));
  } else {
    why = fmt::format(
        "User {} cannot {} resource {} in API group {} {}", quote_go(caller.username), request.verb,
        quote_go(request.combined_resource()), quote_go(request.group),
        request.ns.empty() ? "at the cluster scope" : "in the namespace " + quote_go(request.ns));
  }
  if (!decision.reason.empty()) why += ": " + decision.reason;
  if (!request.is_resource) {
    return {Error(Code::Forbidden, "forbidden: {}", why), 403, "Forbidden", {}};
  }
  return forbidden(request.group, request.resource, request.name, why);
}

}  // namespace lateen::sandbox::rbac
