// RBAC, storage, networking, policy, autoscaling, scheduling, extensions and snapshots.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sandbox/schema/validation_parts.h"

namespace lateen::sandbox::schema {
namespace {

bool is_empty_list(const Json& object, std::string_view path) {
  const JsonArray* list = array_at(object, path);
  return list == nullptr || list->empty();
}

void check_rules(const Json& object, FieldErrors& errors) {
  const JsonArray* rules = array_at(object, "rules");
  if (rules == nullptr) return;
  for (std::size_t i = 0; i < rules->size(); ++i) {
    const Json& rule = (*rules)[i];
    const std::string at = fmt::format("rules[{}]", i);
    if (is_empty_list(rule, "verbs"))
      errors.push_back(required(at + ".verbs", "verbs must contain at least one value"));
    if (!is_empty_list(rule, "nonResourceURLs")) continue;
    if (is_empty_list(rule, "apiGroups")) {
      errors.push_back(
          required(at + ".apiGroups", "resource rules must supply at least one api group"));
    }
    if (is_empty_list(rule, "resources")) {
      errors.push_back(
          required(at + ".resources", "resource rules must supply at least one resource"));
    }
  }
}

void check_subject(const Json& subject,
                   const std::string& at,
                   bool in_namespace,
                   FieldErrors& errors) {
  const std::string_view kind = string_at(subject, "kind");
  const std::string_view name = string_at(subject, "name");
  if (name.empty()) errors.push_back(required(at + ".name", ""));
  if (kind == "ServiceAccount") {
    if (!name.empty()) complain(at + ".name", name, check_dns_subdomain(name), errors);
    const std::string_view group = string_at(subject, "apiGroup");
    if (!group.empty()) errors.push_back(not_supported(at + ".apiGroup", Json(group), {""}));
    if (string_at(subject, "namespace").empty() && !in_namespace)
      errors.push_back(required(at + ".namespace", ""));
  } else if (kind == "User" || kind == "Group") {
    const std::string_view group = string_at(subject, "apiGroup");
    if (group != "rbac.authorization.k8s.io") {
      errors.push_back(not_supported(at + ".apiGroup", Json(group), {"rbac.authorization.k8s.io"}));
    }
  } else {
    errors.push_back(not_supported(at + ".kind", Json(kind), {"ServiceAccount", "User", "Group"}));
  }
}

void check_binding(std::string_view kind, const Json& object, FieldErrors& errors) {
  const bool in_namespace = kind == "RoleBinding";
  const std::string_view group = string_at(object, "roleRef.apiGroup");
  if (group != "rbac.authorization.k8s.io") {
    errors.push_back(not_supported("roleRef.apiGroup", Json(group), {"rbac.authorization.k8s.io"}));
  }
  const std::string_view role = string_at(object, "roleRef.kind");
  if (role != "ClusterRole" && !(in_namespace && role == "Role")) {
    errors.push_back(not_supported("roleRef.kind", Json(role),
                                   in_namespace ? std::vector<std::string>{"Role", "ClusterRole"}
                                                : std::vector<std::string>{"ClusterRole"}));
  }
  check_required_text(object, "roleRef.name", errors);
  const JsonArray* subjects = array_at(object, "subjects");
  if (subjects == nullptr) return;
  for (std::size_t i = 0; i < subjects->size(); ++i) {
    // A ServiceAccount must say its namespace in either kind of binding.
    check_subject((*subjects)[i], fmt::format("subjects[{}]", i), false, errors);
  }
}

void check_storage_class(const Json& object, FieldErrors& errors) {
  check_required_text(object, "provisioner", errors);
  check_one_of(object, "reclaimPolicy", {"Delete", "Retain"}, errors);
  check_one_of(object, "volumeBindingMode", {"Immediate", "WaitForFirstConsumer"}, errors);
}

void check_backend(const Json* backend, const std::string& at, FieldErrors& errors) {
  if (backend == nullptr) return;
  const Json* service = find(*backend, "service");
  const Json* resource = find(*backend, "resource");
  if (service == nullptr && resource == nullptr) {
    errors.push_back(required(at, "port name or number is required"));
    return;
  }
  if (service == nullptr) return;
  if (string_at(*service, "name").empty()) errors.push_back(required(at + ".service.name", ""));
  const bool has_number = int_at(*service, "port.number").value_or(0) != 0;
  if (string_at(*service, "port.name").empty() && !has_number) {
    errors.push_back(required(at, "port name or number is required"));
  }
}

void check_ingress_paths(const Json& rule, const std::string& at, FieldErrors& errors) {
  const JsonArray* paths = array_at(rule, "http.paths");
  if (paths == nullptr) return;
  for (std::size_t i = 0; i < paths->size(); ++i) {
    const Json& path = (*paths)[i];
    const std::string field = fmt::format("{}.http.paths[{}]", at, i);
    const Json* type = find(path, "pathType");
    const std::string_view name = as_text(type);
    const std::string_view text = string_at(path, "path");
    if (name.empty()) {
      errors.push_back(required(field + ".pathType", "pathType must be specified"));
    } else if (name != "Exact" && name != "Prefix" && name != "ImplementationSpecific") {
      errors.push_back(
          not_supported(field + ".pathType", *type, {"Exact", "ImplementationSpecific", "Prefix"}));
    } else if (name != "ImplementationSpecific" && !text.starts_with('/')) {
      errors.push_back(invalid(field + ".path", Json(text), "must be an absolute path"));
    }
    check_backend(find(path, "backend"), field + ".backend", errors);
  }
}

void check_ingress(const Json& object, FieldErrors& errors) {
  const JsonArray* rules = array_at(object, "spec.rules");
  const Json* backend = find(object, "spec.defaultBackend");
  if ((rules == nullptr || rules->empty()) && backend == nullptr) {
    errors.push_back(invalid("spec", value_or_null(find(object, "spec")),
                             "either `defaultBackend` or `rules` must be specified"));
  }
  check_backend(backend, "spec.defaultBackend", errors);
  if (rules == nullptr) return;
  for (std::size_t i = 0; i < rules->size(); ++i)
    check_ingress_paths((*rules)[i], fmt::format("spec.rules[{}]", i), errors);
}

void check_autoscaler(const Json& object, FieldErrors& errors) {
  const std::int64_t least = int_at(object, "spec.minReplicas").value_or(1);
  const std::int64_t most = int_at(object, "spec.maxReplicas").value_or(0);
  if (least < 1)
    errors.push_back(
        invalid("spec.minReplicas", Json(least), "must be greater than or equal to 1"));
  if (most < 1) {
    errors.push_back(invalid("spec.maxReplicas", Json(most), "must be greater than 0"));
  } else if (most < least) {
    errors.push_back(
        invalid("spec.maxReplicas", Json(most), "must be greater than or equal to `minReplicas`"));
  }
  check_required_text(object, "spec.scaleTargetRef.kind", errors);
  check_required_text(object, "spec.scaleTargetRef.name", errors);
}

void check_disruption_budget(const Json& object, FieldErrors& errors) {
  const Json* least = find(object, "spec.minAvailable");
  const Json* most = find(object, "spec.maxUnavailable");
  if (least != nullptr && most != nullptr) {
    errors.push_back(invalid("spec", value_or_null(find(object, "spec")),
                             "minAvailable and maxUnavailable cannot be both set"));
  }
  check_not_negative(object, "spec.minAvailable", errors);
  check_not_negative(object, "spec.maxUnavailable", errors);
}

void check_priority_class(const Json& object, FieldErrors& errors) {
  const std::string_view name = string_at(object, "metadata.name");
  const std::int64_t value = int_at(object, "value").value_or(0);
  if (name.starts_with("system-")) {
    if (name != "system-cluster-critical" && name != "system-node-critical") {
      errors.push_back(
          forbidden("metadata.name",
                    "priority class names with 'system-' prefix are reserved for system use only"));
    }
  } else if (value > 1'000'000'000) {
    errors.push_back(
        forbidden("value", "maximum allowed value of a user defined priority is 1000000000"));
  }
  check_one_of(object, "preemptionPolicy", {"Never", "PreemptLowerPriority"}, errors);
}

void check_crd(const Json& object, FieldErrors& errors) {
  const std::string_view name = string_at(object, "metadata.name");
  const std::string wanted =
      fmt::format("{}.{}", string_at(object, "spec.names.plural"), string_at(object, "spec.group"));
  if (name != wanted) {
    errors.push_back(
        invalid("metadata.name", Json(name), "must be spec.names.plural+\".\"+spec.group"));
  }
  check_required_text(object, "spec.group", errors);
  check_one_of(object, "spec.scope", {"Cluster", "Namespaced"}, errors);
  for (const std::string_view path :
       {"spec.names.plural", "spec.names.singular", "spec.names.kind", "spec.names.listKind"}) {
    check_required_text(object, path, errors);
  }
  const JsonArray* versions = array_at(object, "spec.versions");
  std::size_t storage = 0;
  for (std::size_t i = 0; versions != nullptr && i < versions->size(); ++i) {
    const Json& version = (*versions)[i];
    if (bool_at(version, "storage").value_or(false)) ++storage;
    if (find(version, "schema.openAPIV3Schema") == nullptr) {
      errors.push_back(required(fmt::format("spec.versions[{}].schema.openAPIV3Schema", i),
                                "schemas are required"));
    }
  }
  if (storage != 1) {
    errors.push_back(invalid("spec.versions", value_or_null(find(object, "spec.versions")),
                             "must have exactly one version marked as storage version"));
  }
}

// Exactly one of two members, as the snapshot CRDs' own rules say it.
void check_exactly_one(const Json& object,
                       std::string_view field,
                       std::string_view first,
                       std::string_view second,
                       FieldErrors& errors) {
  const Json* owner = find(object, field);
  const bool has_first = owner != nullptr && find(*owner, first) != nullptr;
  const bool has_second = owner != nullptr && find(*owner, second) != nullptr;
  if (has_first != has_second) return;
  errors.push_back(invalid(std::string(field), Json("object"),
                           fmt::format("exactly one of {} and {} must be set", second, first)));
}

void check_snapshot_kind(std::string_view kind, const Json& object, FieldErrors& errors) {
  if (kind == "VolumeSnapshot") {
    check_exactly_one(object, "spec.source", "persistentVolumeClaimName",
                      "volumeSnapshotContentName", errors);
  } else if (kind == "VolumeSnapshotContent") {
    check_exactly_one(object, "spec.source", "snapshotHandle", "volumeHandle", errors);
    check_required_text(object, "spec.driver", errors);
    check_required_text(object, "spec.deletionPolicy", errors);
    check_one_of(object, "spec.deletionPolicy", {"Delete", "Retain"}, errors);
    if (find(object, "spec.volumeSnapshotRef") == nullptr)
      errors.push_back(required("spec.volumeSnapshotRef", ""));
  } else if (kind == "VolumeSnapshotClass") {
    check_required_text(object, "driver", errors);
    check_required_text(object, "deletionPolicy", errors);
    check_one_of(object, "deletionPolicy", {"Delete", "Retain"}, errors);
  }
}

void check_storage_class_update(const Json& old_object, const Json& object, FieldErrors& errors) {
  for (const std::string_view name : {"parameters", "provisioner", "reclaimPolicy"}) {
    if (!same_value(find(old_object, name), find(object, name))) {
      errors.push_back(
          forbidden(std::string(name), fmt::format("updates to {} are forbidden.", name)));
    }
  }
  check_immutable(old_object, object, "volumeBindingMode", errors);
}

}  // namespace

void check_cluster_kind(std::string_view group,
                        std::string_view kind,
                        const Json& object,
                        FieldErrors& errors) {
  if (group == "snapshot.storage.k8s.io") return check_snapshot_kind(kind, object, errors);
  if (kind == "Role" || kind == "ClusterRole") check_rules(object, errors);
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") check_binding(kind, object, errors);
  if (kind == "StorageClass") check_storage_class(object, errors);
  if (kind == "Ingress") check_ingress(object, errors);
  if (kind == "HorizontalPodAutoscaler") check_autoscaler(object, errors);
  if (kind == "PodDisruptionBudget") check_disruption_budget(object, errors);
  if (kind == "PriorityClass") check_priority_class(object, errors);
  if (kind == "CustomResourceDefinition") check_crd(object, errors);
  if (kind == "MutatingWebhookConfiguration" || kind == "ValidatingWebhookConfiguration")
    check_webhook_configuration(object, errors);
}

void check_cluster_update(std::string_view kind,
                          const Json& old_object,
                          const Json& object,
                          FieldErrors& errors) {
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") {
    if (!same_value(find(old_object, "roleRef"), find(object, "roleRef"))) {
      errors.push_back(
          invalid("roleRef", value_or_null(find(object, "roleRef")), "cannot change roleRef"));
    }
  } else if (kind == "StorageClass") {
    check_storage_class_update(old_object, object, errors);
  } else if (kind == "PriorityClass") {
    if (!same_value(find(old_object, "value"), find(object, "value"))) {
      errors.push_back(forbidden("value", "may not be changed in an update."));
    }
    check_immutable(old_object, object, "preemptionPolicy", errors);
  } else if (kind == "CustomResourceDefinition") {
    for (const std::string_view path :
         {"spec.group", "spec.names.plural", "spec.scope", "spec.names.kind"}) {
      check_immutable(old_object, object, path, errors);
    }
  } else if (kind == "EndpointSlice") {
    check_immutable(old_object, object, "addressType", errors);
  } else if (kind == "VolumeSnapshot" || kind == "VolumeSnapshotContent") {
    check_immutable(old_object, object, "spec.source", errors);
  } else if (kind == "IngressClass") {
    check_immutable(old_object, object, "spec.controller", errors);
  } else if (kind == "RuntimeClass") {
    check_immutable(old_object, object, "handler", errors);
  }
}

}  // namespace lateen::sandbox::schema
