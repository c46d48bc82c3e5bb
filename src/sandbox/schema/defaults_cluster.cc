// Defaults of the kinds of the other groups: RBAC, networking, storage, admission, extensions.
#include <algorithm>
#include <string>

#include "sandbox/schema/defaults_parts.h"
#include "sandbox/schema/edit.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";

void default_binding(JsonObject& object) {
  set_default(ensure_object(object, "roleRef"), "apiGroup", Json(kRbacGroup));
  for_each_object(object, "subjects", [](JsonObject& subject) {
    const std::string_view kind = text_member(subject, "kind");
    if (kind == "User" || kind == "Group") set_default(subject, "apiGroup", Json(kRbacGroup));
  });
}

void default_policy_ports(JsonObject& spec, std::string_view rules) {
  for_each_object(spec, rules, [](JsonObject& rule) {
    for_each_object(rule, "ports", [](JsonObject& port) { set_default(port, "protocol", "TCP"); });
  });
}

void default_network_policy(JsonObject& spec) {
  default_policy_ports(spec, "ingress");
  default_policy_ports(spec, "egress");
  const JsonArray* types = array_member(spec, "policyTypes");
  if (types != nullptr && !types->empty()) return;
  JsonArray wanted{"Ingress"};
  const JsonArray* egress = array_member(spec, "egress");
  if (egress != nullptr && !egress->empty()) wanted.emplace_back("Egress");
  spec["policyTypes"] = std::move(wanted);
}

void default_csi_driver(JsonObject& spec) {
  set_default(spec, "attachRequired", true);
  set_default(spec, "podInfoOnMount", false);
  set_default(spec, "storageCapacity", false);
  set_default(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
  set_default(spec, "requiresRepublish", false);
  set_default(spec, "seLinuxMount", false);
  const JsonArray* modes = array_member(spec, "volumeLifecycleModes");
  if (modes == nullptr || modes->empty()) spec["volumeLifecycleModes"] = JsonArray{"Persistent"};
}

void default_service_reference(JsonObject& owner) {
  if (JsonObject* service = object_member(owner, "service")) set_default(*service, "port", 443);
}

void default_rule_scopes(JsonObject& owner, std::string_view key) {
  for_each_object(owner, key, [](JsonObject& rule) { set_default(rule, "scope", "*"); });
}

void default_webhook(JsonObject& webhook, bool mutating) {
  set_default(webhook, "failurePolicy", "Fail");
  set_default(webhook, "matchPolicy", "Equivalent");
  ensure_object(webhook, "namespaceSelector");
  ensure_object(webhook, "objectSelector");
  set_default(webhook, "timeoutSeconds", 10);
  if (mutating) set_default(webhook, "reinvocationPolicy", "Never");
  default_service_reference(ensure_object(webhook, "clientConfig"));
  default_rule_scopes(webhook, "rules");
}

void default_match_resources(JsonObject& match) {
  set_default(match, "matchPolicy", "Equivalent");
  ensure_object(match, "namespaceSelector");
  ensure_object(match, "objectSelector");
  default_rule_scopes(match, "resourceRules");
  default_rule_scopes(match, "excludeResourceRules");
}

bool default_admission_kind(std::string_view kind, JsonObject& object) {
  if (kind == "MutatingWebhookConfiguration" || kind == "ValidatingWebhookConfiguration") {
    const bool mutating = kind.starts_with("Mutating");
    for_each_object(object, "webhooks",
                    [mutating](JsonObject& webhook) { default_webhook(webhook, mutating); });
    return true;
  }
  JsonObject& spec = ensure_object(object, "spec");
  if (kind == "ValidatingAdmissionPolicy") {
    set_default(spec, "failurePolicy", "Fail");
    if (JsonObject* match = object_member(spec, "matchConstraints"))
      default_match_resources(*match);
  } else if (kind == "ValidatingAdmissionPolicyBinding") {
    if (JsonObject* match = object_member(spec, "matchResources")) default_match_resources(*match);
  }
  return true;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

void default_crd(JsonObject& object) {
  ensure_object(object, "status");
  JsonObject& spec = ensure_object(object, "spec");
  set_default(spec, "scope", "Namespaced");
  JsonObject& names = ensure_object(spec, "names");
  const std::string kind(text_member(names, "kind"));
  if (!kind.empty()) {
    set_default(names, "singular", Json(lower(kind)));
    set_default(names, "listKind", Json(kind + "List"));
  }
  JsonObject& conversion = ensure_object(spec, "conversion");
  set_default(conversion, "strategy", "None");
  if (JsonObject* webhook = object_member(conversion, "webhook")) {
    if (JsonObject* client = object_member(*webhook, "clientConfig"))
      default_service_reference(*client);
  }
  JsonObject& status = ensure_object(object, "status");
  const JsonArray* stored = array_member(status, "storedVersions");
  if (stored != nullptr && !stored->empty()) return;
  for_each_object(spec, "versions", [&status](JsonObject& version) {
    const Json* storage = member(version, "storage");
    if (storage != nullptr && *storage == Json(true)) {
      status["storedVersions"] = JsonArray{Json(text_member(version, "name"))};
    }
  });
}

void default_endpoint_ports(JsonObject& object) {
  for_each_object(object, "ports", [](JsonObject& port) {
    if (member(port, "name") == nullptr) port["name"] = "";
    set_default(port, "protocol", "TCP");
  });
}

}  // namespace

bool default_cluster_kind(std::string_view group, std::string_view kind, JsonObject& object) {
  if (group == "admissionregistration.k8s.io") return default_admission_kind(kind, object);
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") {
    default_binding(object);
  } else if (kind == "NetworkPolicy") {
    default_network_policy(ensure_object(object, "spec"));
  } else if (kind == "IngressClass") {
    JsonObject* parameters = object_member(ensure_object(object, "spec"), "parameters");
    if (parameters != nullptr) set_default(*parameters, "scope", "Cluster");
  } else if (kind == "StorageClass") {
    set_default(object, "reclaimPolicy", "Delete");
    set_default(object, "volumeBindingMode", "Immediate");
  } else if (kind == "CSIDriver") {
    default_csi_driver(ensure_object(object, "spec"));
  } else if (kind == "PriorityClass") {
    set_default(object, "preemptionPolicy", "PreemptLowerPriority");
  } else if (kind == "CustomResourceDefinition") {
    default_crd(object);
  } else if (kind == "APIService") {
    default_service_reference(ensure_object(object, "spec"));
  } else if (kind == "EndpointSlice") {
    default_endpoint_ports(object);
  } else {
    return false;
  }
  return true;
}

}  // namespace lateen::sandbox::schema
