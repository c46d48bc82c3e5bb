#include "sandbox/rbac/policy_rule.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace lateen::sandbox::rbac {

namespace {

using Names = std::vector<std::string>;

bool has(const Names& names, std::string_view wanted) {
  return std::ranges::find(names, wanted) != names.end();
}

bool has_or_all(const Names& names, std::string_view wanted) {
  return has(names, "*") || has(names, wanted);
}

bool resource_matches(const PolicyRule& rule,
                      const std::string& combined,
                      std::string_view subresource) {
  if (has_or_all(rule.resources, combined)) return true;
  return !subresource.empty() && has(rule.resources, fmt::format("*/{}", subresource));
}

bool url_matches(const Names& patterns, std::string_view path) {
  return std::ranges::any_of(patterns, [path](const std::string& pattern) {
    if (pattern == "*" || pattern == path) return true;
    return pattern.ends_with('*') &&
           path.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
  });
}

void append_names(std::string& out, std::string_view field, const Names& names) {
  if (names.empty()) return;
  if (out.size() > 1) out += ", ";
  out.append(field).append(":[");
  bool first = true;
  for (const std::string& name : names) {
    if (!first) out += ' ';
    first = false;
    out += quote_go(name);
  }
  out += ']';
}

// One rule for each verb, group, resource and name, or each verb and URL.
std::vector<PolicyRule> broken_down(const PolicyRule& rule) {
  std::vector<PolicyRule> out;
  for (const std::string& verb : rule.verbs) {
    for (const std::string& url : rule.non_resource_urls) {
      out.push_back({.verbs = {verb}, .non_resource_urls = {url}});
    }
    for (const std::string& group : rule.api_groups) {
      for (const std::string& resource : rule.resources) {
        PolicyRule one{.verbs = {verb}, .api_groups = {group}, .resources = {resource}};
        if (rule.resource_names.empty()) out.push_back(one);
        for (const std::string& name : rule.resource_names) {
          one.resource_names = {name};
          out.push_back(one);
        }
      }
    }
  }
  return out;
}

bool covers_resource(const PolicyRule& owner, std::string_view resource) {
  if (has_or_all(owner.resources, resource)) return true;
  const Cut parts = cut(resource, "/");
  return parts.found && has(owner.resources, fmt::format("*/{}", parts.after));
}

// `wanted` is of one verb, group, resource and name at most.
bool covers(const PolicyRule& owner, const PolicyRule& wanted) {
  if (!has_or_all(owner.verbs, wanted.verbs.front())) return false;
  if (!wanted.non_resource_urls.empty()) {
    return url_matches(owner.non_resource_urls, wanted.non_resource_urls.front());
  }
  if (!has_or_all(owner.api_groups, wanted.api_groups.front())) return false;
  if (!covers_resource(owner, wanted.resources.front())) return false;
  if (owner.resource_names.empty()) return true;
  return !wanted.resource_names.empty() && has(owner.resource_names, wanted.resource_names.front());
}

}  // namespace

std::string AccessRequest::combined_resource() const {
  return subresource.empty() ? resource : resource + "/" + subresource;
}

PolicyRule PolicyRule::from_json(const Json& rule) {
  return {.verbs = texts_at(rule, "verbs"),
          .api_groups = texts_at(rule, "apiGroups"),
          .resources = texts_at(rule, "resources"),
          .resource_names = texts_at(rule, "resourceNames"),
          .non_resource_urls = texts_at(rule, "nonResourceURLs")};
}

bool PolicyRule::allows(const AccessRequest& request) const {
  if (!has_or_all(verbs, request.verb)) return false;
  if (!request.is_resource) return url_matches(non_resource_urls, request.path);
  return has_or_all(api_groups, request.group) &&
         resource_matches(*this, request.combined_resource(), request.subresource) &&
         (resource_names.empty() || has(resource_names, request.name));
}

std::string PolicyRule::to_string() const {
  std::string out = "{";
  append_names(out, "APIGroups", api_groups);
  append_names(out, "Resources", resources);
  append_names(out, "ResourceNames", resource_names);
  append_names(out, "NonResourceURLs", non_resource_urls);
  append_names(out, "Verbs", verbs);
  return out + "}";
}

std::vector<PolicyRule> rules_of(const Json& role) {
  std::vector<PolicyRule> out;
  if (const JsonArray* rules = array_at(role, "rules")) {
    for (const Json& rule : *rules)
      out.push_back(PolicyRule::from_json(rule));
  }
  return out;
}

std::vector<PolicyRule> uncovered(std::span<const PolicyRule> owned,
                                  std::span<const PolicyRule> wanted) {
  std::vector<PolicyRule> out;
  for (const PolicyRule& rule : wanted) {
    for (PolicyRule& one : broken_down(rule)) {
      const bool have = std::ranges::any_of(
          owned, [&one](const PolicyRule& owner) { return covers(owner, one); });
      if (!have) out.push_back(std::move(one));
    }
  }
  return out;
}

std::vector<PolicyRule> compacted(std::vector<PolicyRule> rules) {
  std::vector<PolicyRule> out;
  for (PolicyRule& rule : rules) {
    const auto same = std::ranges::find_if(out, [&rule](const PolicyRule& other) {
      return other.api_groups == rule.api_groups && other.resources == rule.resources &&
             other.resource_names == rule.resource_names &&
             other.non_resource_urls == rule.non_resource_urls;
    });
    if (same == out.end()) {
      out.push_back(std::move(rule));
      continue;
    }
    for (std::string& verb : rule.verbs) {
      if (!has(same->verbs, verb)) same->verbs.push_back(std::move(verb));
    }
  }
  return out;
}

}  // namespace lateen::sandbox::rbac
