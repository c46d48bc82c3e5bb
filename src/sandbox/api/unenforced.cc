#include "sandbox/api/unenforced.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lateen::sandbox {

namespace {

struct Kind {
  std::string_view name;
  std::string_view text;
};

// Kinds that have no effect at all.
constexpr std::array<Kind, 7> kRecordedKinds = {{
    {"ValidatingAdmissionPolicy", "the sandbox does not evaluate admission policies"},
    {"ValidatingAdmissionPolicyBinding", "the sandbox does not evaluate admission policies"},
    {"NetworkPolicy", "the sandbox has one network and does not enforce network policies"},
    {"HorizontalPodAutoscaler", "the sandbox has no metrics and does not scale by them"},
    {"Ingress", "the sandbox has no ingress controller"},
    {"APIService", "the sandbox does not hand requests on to other API servers"},
    {"CertificateSigningRequest", "the sandbox does not sign certificate requests"},
}};

bool has_key(const Json& value, std::string_view key) {
  if (value.is_array()) {
    return std::ranges::any_of(value.as_array(),
                               [key](const Json& item) { return has_key(item, key); });
  }
  if (!value.is_object()) return false;
  return std::ranges::any_of(value.as_object(), [key](const auto& member) {
    return member.key() == key || has_key(member.value(), key);
  });
}

void look_at_definition(const Json& crd, std::vector<std::string>& out) {
  const Json* versions = find(crd, "spec.versions");
  if (versions != nullptr && has_key(*versions, "x-kubernetes-validations")) {
    out.emplace_back(
        "the sandbox does not evaluate x-kubernetes-validations: objects that break these rules "
        "are accepted");
  }
  if (string_at(crd, "spec.conversion.strategy") == "Webhook") {
    out.emplace_back(
        "the sandbox does not call conversion webhooks: versions differ by their name alone");
  }
}

}  // namespace

std::vector<std::string> unenforced(const ServedType& type, const Json& object) {
  std::vector<std::string> out;
  if (type.custom) return out;
  const std::string& kind = type.kind();
  for (const Kind& recorded : kRecordedKinds) {
    if (recorded.name == kind) out.emplace_back(recorded.text);
  }
  if (kind == "CustomResourceDefinition") look_at_definition(object, out);
  const bool webhooks =
      kind == "MutatingWebhookConfiguration" || kind == "ValidatingWebhookConfiguration";
  if (webhooks && has_key(object, "matchConditions")) {
    out.emplace_back(
        "the sandbox does not evaluate matchConditions: the webhook is called as if they held");
  }
  return out;
}

}  // namespace lateen::sandbox
