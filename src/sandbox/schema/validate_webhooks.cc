// MutatingWebhookConfiguration and ValidatingWebhookConfiguration.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "sandbox/schema/validation_parts.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::int64_t kMostSeconds = 30;

void check_client(const Json& webhook, const std::string& at, FieldErrors& errors) {
  const std::string_view url = string_at(webhook, "clientConfig.url");
  const Json* service = find(webhook, "clientConfig.service");
  const bool has_service = service != nullptr && service->is_object();
  if (url.empty() != has_service) {
    errors.push_back(required(at + ".clientConfig", "exactly one of url or service is required"));
    return;
  }
  if (has_service) {
    for (const std::string_view key : {"name", "namespace"}) {
      if (string_at(*service, key).empty()) {
        errors.push_back(required(fmt::format("{}.clientConfig.service.{}", at, key),
                                  fmt::format("service {} is required", key)));
      }
    }
    return;
  }
  constexpr std::string_view kForm = "; desired format: https://host[/path]";
  const std::string field = at + ".clientConfig.url";
  if (!url.starts_with("https://")) {
    errors.push_back(invalid(field, Json(cut(url, "://").before),
                             fmt::format("'https' is the only allowed URL scheme{}", kForm)));
  } else if (cut(url.substr(8), "/").before.empty()) {
    errors.push_back(invalid(field, Json(""), fmt::format("host must be specified{}", kForm)));
  }
}

void check_rule(const Json& rule, const std::string& at, FieldErrors& errors) {
  for (const std::string_view key : {"operations", "apiGroups", "apiVersions", "resources"}) {
    const JsonArray* values = array_at(rule, key);
    if (values == nullptr || values->empty())
      errors.push_back(required(fmt::format("{}.{}", at, key), ""));
  }
}

void check_webhook(const Json& webhook, const std::string& at, FieldErrors& errors) {
  const std::string_view name = string_at(webhook, "name");
  if (name.empty()) {
    errors.push_back(required(at + ".name", ""));
  } else if (std::ranges::count(name, '.') < 2) {
    errors.push_back(invalid(at + ".name", Json(name),
                             "should be a domain with at least three segments separated by dots"));
  }
  check_client(webhook, at, errors);
  if (const JsonArray* rules = array_at(webhook, "rules")) {
    for (std::size_t i = 0; i < rules->size(); ++i)
      check_rule((*rules)[i], fmt::format("{}.rules[{}]", at, i), errors);
  }
  const std::string_view effects = string_at(webhook, "sideEffects");
  if (effects.empty()) {
    errors.push_back(required(at + ".sideEffects", "must specify one of None, NoneOnDryRun"));
  } else if (effects != "None" && effects != "NoneOnDryRun") {
    errors.push_back(not_supported(at + ".sideEffects", Json(effects), {"None", "NoneOnDryRun"}));
  }
  const std::int64_t seconds = int_at(webhook, "timeoutSeconds").value_or(1);
  if (seconds < 1 || seconds > kMostSeconds) {
    errors.push_back(invalid(at + ".timeoutSeconds", Json(seconds),
                             "the timeout value must be between 1 and 30 seconds"));
  }
  const JsonArray* versions = array_at(webhook, "admissionReviewVersions");
  if (versions == nullptr || versions->empty()) {
    errors.push_back(required(at + ".admissionReviewVersions", "must specify one of v1, v1beta1"));
  } else if (std::ranges::find(*versions, Json("v1")) == versions->end()) {
    errors.push_back(
        invalid(at + ".admissionReviewVersions", Json(*versions), "the sandbox speaks v1 alone"));
  }
}

}  // namespace

void check_webhook_configuration(const Json& object, FieldErrors& errors) {
  const JsonArray* webhooks = array_at(object, "webhooks");
  if (webhooks == nullptr) return;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < webhooks->size(); ++i) {
    const std::string at = fmt::format("webhooks[{}]", i);
    check_webhook((*webhooks)[i], at, errors);
    const std::string_view name = string_at((*webhooks)[i], "name");
    if (!names.insert(name).second) errors.push_back(duplicate(at + ".name", Json(name)));
  }
}

}  // namespace lateen::sandbox::schema
