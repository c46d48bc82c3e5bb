#include "sandbox/webhooks/webhook.h"

#include <utility>

#include "base/encoding.h"

namespace lateen::sandbox::webhooks {

namespace {

std::vector<Rule> rules_of(const Json& webhook) {
  std::vector<Rule> out;
  if (const JsonArray* rules = array_at(webhook, "rules")) {
    for (const Json& rule : *rules) {
      out.push_back({.operations = texts_at(rule, "operations"),
                     .api_groups = texts_at(rule, "apiGroups"),
                     .api_versions = texts_at(rule, "apiVersions"),
                     .resources = texts_at(rule, "resources"),
                     .scope = std::string(string_at(rule, "scope"))});
    }
  }
  return out;
}

// An absent selector selects everything: defaulting has made it {}.
kube::LabelSelector selector_at(const Json& webhook, std::string_view path) {
  const Json* selector = find(webhook, path);
  if (selector == nullptr || selector->is_null()) return {};
  auto parsed = kube::LabelSelector::from_json(selector);
  return parsed ? std::move(*parsed) : kube::LabelSelector::nothing();
}

std::optional<ServiceTarget> service_of(const Json& webhook) {
  const Json* service = find(webhook, "clientConfig.service");
  if (service == nullptr || !service->is_object()) return std::nullopt;
  return ServiceTarget{.ns = std::string(string_at(*service, "namespace")),
                       .name = std::string(string_at(*service, "name")),
                       .path = std::string(string_at(*service, "path")),
                       .port = int_at(*service, "port").value_or(443)};
}

}  // namespace

std::vector<Webhook> webhooks_of(const Json& configuration, bool mutating) {
  std::vector<Webhook> out;
  const JsonArray* webhooks = array_at(configuration, "webhooks");
  if (webhooks == nullptr) return out;
  for (const Json& one : *webhooks) {
    const auto ca = base64_decode(string_at(one, "clientConfig.caBundle"));
    const std::string_view effects = string_at(one, "sideEffects");
    out.push_back({.name = std::string(string_at(one, "name")),
                   .mutating = mutating,
                   .url = std::string(string_at(one, "clientConfig.url")),
                   .service = service_of(one),
                   .ca_pem = ca ? std::string(*ca) : std::string(),
                   .rules = rules_of(one),
                   .ignores_failure = string_at(one, "failurePolicy") == "Ignore",
                   .exact_match = string_at(one, "matchPolicy") == "Exact",
                   .namespace_selector = selector_at(one, "namespaceSelector"),
                   .object_selector = selector_at(one, "objectSelector"),
                   .has_side_effects = effects != "None" && effects != "NoneOnDryRun",
                   .again_if_changed = string_at(one, "reinvocationPolicy") == "IfNeeded",
                   .timeout = std::chrono::seconds(int_at(one, "timeoutSeconds").value_or(10))});
  }
  return out;
}

}  // namespace lateen::sandbox::webhooks
