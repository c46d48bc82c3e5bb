#include "sandbox/webhooks/match.h"

#include <algorithm>

#include <fmt/format.h>

#include "kube/object.h"

namespace lateen::sandbox::webhooks {

namespace {

bool has_or_all(const std::vector<std::string>& values, std::string_view wanted) {
  return std::ranges::any_of(
      values, [wanted](const std::string& value) { return value == "*" || value == wanted; });
}

// "pods", "pods/status", "pods/*", "*" (no subresources), "*/scale", "*/*".
bool resource_matches(const Rule& rule, const Target& target) {
  return std::ranges::any_of(rule.resources, [&target](std::string_view pattern) {
    const auto slash = pattern.find('/');
    const std::string_view resource = pattern.substr(0, slash);
    const std::string_view sub =
        slash == std::string_view::npos ? std::string_view() : pattern.substr(slash + 1);
    const bool whole = resource == "*" || resource == target.gvr.resource;
    return whole && (sub == target.subresource || sub == "*");
  });
}

bool scope_matches(const Rule& rule, const Target& target) {
  if (rule.scope.empty() || rule.scope == "*") return true;
  // A namespace counts as an object of the cluster.
  return (rule.scope == "Namespaced") == target.namespaced;
}

}  // namespace

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::Create:
      return "CREATE";
    case Operation::Update:
      return "UPDATE";
    case Operation::Delete:
      return "DELETE";
  }
  return "";
}

bool rule_matches(const Rule& rule, Operation operation, const Target& target) {
  return has_or_all(rule.operations, to_string(operation)) &&
         has_or_all(rule.api_groups, target.gvr.group) &&
         has_or_all(rule.api_versions, target.gvr.version) && resource_matches(rule, target) &&
         scope_matches(rule, target);
}

const kube::GroupVersionResource* matching_version(
    const Webhook& webhook,
    Operation operation,
    const Target& target,
    std::span<const kube::GroupVersionResource> served) {
  const auto concerns = [&](const kube::GroupVersionResource& gvr) {
    Target as = target;
    as.gvr = gvr;
    return std::ranges::any_of(webhook.rules,
                               [&](const Rule& rule) { return rule_matches(rule, operation, as); });
  };
  if (concerns(target.gvr)) return &target.gvr;
  if (webhook.exact_match) return nullptr;
  const auto other = std::ranges::find_if(served, concerns);
  return other == served.end() ? nullptr : &*other;
}

bool object_selected(const Webhook& webhook, const Json* object, const Json* old_object) {
  const kube::LabelSelector& selector = webhook.object_selector;
  if (selector.selects_everything()) return true;
  const auto selected = [&selector](const Json* one) {
    return one != nullptr && selector.matches(kube::labels_of(*one));
  };
  return selected(object) || selected(old_object);
}

}  // namespace lateen::sandbox::webhooks
