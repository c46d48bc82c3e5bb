#include <array>

#include "kube/object.h"
#include "restore/action.h"

namespace lateen::restore {

void act_on_role_binding(Json& binding, const ActionContext& context) {
  if (context.restore.spec.namespace_mapping.empty() || array_at(binding, "subjects") == nullptr)
    return;
  for (Json& subject : ensure(binding, "subjects").as_array()) {
    const std::string ns(string_at(subject, "namespace"));
    if (!ns.empty()) ensure(subject, "namespace") = context.target_of(ns);
  }
}

void act_on_definition(Json& definition) {
  if (bool_at(definition, "spec.preserveUnknownFields") != true) return;
  // apiextensions.k8s.io/v1 says it in each schema instead.
  ensure(definition, "spec.preserveUnknownFields") = false;
  if (array_at(definition, "spec.versions") == nullptr) return;
  for (Json& version : ensure(definition, "spec.versions").as_array()) {
    ensure(version, "schema.openAPIV3Schema.x-kubernetes-preserve-unknown-fields") = true;
  }
}

void act_on_webhooks(Json& configuration) {
  if (string_at(configuration, "apiVersion") != "admissionregistration.k8s.io/v1" ||
      array_at(configuration, "webhooks") == nullptr) {
    return;
  }
  for (Json& webhook : ensure(configuration, "webhooks").as_array()) {
    const std::string_view effects = string_at(webhook, "sideEffects");
    if (effects != "None" && effects != "NoneOnDryRun") ensure(webhook, "sideEffects") = "None";
  }
}

std::string why_skip_secret(Json& secret) {
  if (string_at(secret, "type") != "kubernetes.io/service-account-token") return {};
  const std::string_view account =
      kube::annotation_of(secret, "kubernetes.io/service-account.name");
  if (!account.empty() && kube::name_of(secret).starts_with(fmt::format("{}-token-", account))) {
    return "a token that the cluster makes by itself";
  }
  kube::remove_annotation(secret, "kubernetes.io/service-account.uid");
  if (object_at(secret, "data") != nullptr) {
    JsonObject& data = ensure(secret, "data").as_object();
    erase(data, JsonKey{"token"});
    erase(data, JsonKey{"ca.crt"});
  }
  return {};
}

}  // namespace lateen::restore
