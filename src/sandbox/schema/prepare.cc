// What happens around defaults and validation: the parts of an object that its writer may not
// decide.
#include <algorithm>
#include <array>

#include "sandbox/schema/decode.h"
#include "sandbox/schema/defaults.h"
#include "sandbox/schema/edit.h"
#include "sandbox/schema/prepare_parts.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::array<std::string_view, 20> kWithGeneration = {"Pod",
                                                              "ReplicationController",
                                                              "Deployment",
                                                              "StatefulSet",
                                                              "DaemonSet",
                                                              "ReplicaSet",
                                                              "Job",
                                                              "CronJob",
                                                              "Ingress",
                                                              "IngressClass",
                                                              "NetworkPolicy",
                                                              "PodDisruptionBudget",
                                                              "CustomResourceDefinition",
                                                              "PriorityClass",
                                                              "EndpointSlice",
                                                              "MutatingWebhookConfiguration",
                                                              "ValidatingWebhookConfiguration",
                                                              "ValidatingAdmissionPolicy",
                                                              "ValidatingAdmissionPolicyBinding",
                                                              "VolumeSnapshot"};

// Kinds whose meaning lies outside spec.
constexpr std::array<std::string_view, 5> kWithoutSpec = {
    "EndpointSlice", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
    "VolumeSnapshotClass", "PriorityClass"};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Everything whose change raises the generation: spec, or all but metadata and status where there
// is no spec.
Json intent_of(std::string_view kind, const Json& object) {
  if (!object.is_object()) return {};
  if (!is_one_of(kWithoutSpec, kind)) {
    const Json* spec = find(object, "spec");
    return spec != nullptr ? *spec : Json();
  }
  JsonObject rest = object.get_object();
  for (const std::string_view key : {"metadata", "status", "kind", "apiVersion"})
    erase(rest, JsonKey{key});
  return rest;
}

bool intent_changed(std::string_view kind, const Json& old_object, const Json& object) {
  if (intent_of(kind, old_object) != intent_of(kind, object)) return true;
  if (kind != "Deployment") return false;
  const Json* before = find(old_object, "metadata.annotations");
  const Json* after = find(object, "metadata.annotations");
  return (before != nullptr ? *before : Json(JsonObject())) !=
         (after != nullptr ? *after : Json(JsonObject()));
}

void normalize_in_place(std::string_view group,
                        std::string_view version,
                        std::string_view kind,
                        Json& object) {
  if (const Type* type = TypeTable::builtin().find(group, version, kind))
    object = normalized(*type, object);
}

void keep_member(std::string_view key, const Json& old_object, JsonObject& object) {
  const Json* before = find(old_object, JsonKey{key});
  if (before != nullptr) {
    object[key] = *before;
  } else {
    erase(object, JsonKey{key});
  }
}

}  // namespace

bool has_generation(std::string_view group, std::string_view kind) {
  if (group == "events.k8s.io") return false;
  if (group == "snapshot.storage.k8s.io") return true;
  return is_one_of(kWithGeneration, kind);
}

bool has_status_subresource(std::string_view group,
                            std::string_view version,
                            std::string_view kind) {
  const Resource* resource = find_kind(group, version, kind);
  return resource != nullptr && resource->find_subresource("status") != nullptr;
}

void prepare_for_create(std::string_view group,
                        std::string_view version,
                        std::string_view kind,
                        Json& object) {
  JsonObject* tree = object.if_object();
  if (tree == nullptr) return;
  if (has_status_subresource(group, version, kind)) erase(*tree, JsonKey{"status"});
  if (has_generation(group, kind)) ensure_object(*tree, "metadata")["generation"] = 1;
  if (group.empty()) {
    prepare_core_kind(kind, *tree);
  } else if (group == "batch" && kind == "Job") {
    prepare_job(*tree);
  }
  normalize_in_place(group, version, kind, object);
  apply_defaults(group, version, kind, object);
}

void prepare_for_update(std::string_view group,
                        std::string_view version,
                        std::string_view kind,
                        const Json& old_object,
                        Json& object) {
  JsonObject* tree = object.if_object();
  if (tree == nullptr) return;
  if (has_status_subresource(group, version, kind)) keep_member("status", old_object, *tree);
  if (group.empty() && kind == "Service") keep_service_addresses(old_object, *tree);
  if (group.empty() && kind == "Namespace") keep_member("spec", old_object, *tree);
  normalize_in_place(group, version, kind, object);
  if (!has_generation(group, kind)) return;
  const std::int64_t before = int_at(old_object, "metadata.generation").value_or(0);
  const bool raise = kind != "PriorityClass" && intent_changed(kind, old_object, object);
  ensure_object(object.get_object(), "metadata")["generation"] = before + (raise ? 1 : 0);
  normalize_in_place(group, version, kind, object);
}

void prepare_for_status_update(std::string_view group,
                               std::string_view version,
                               std::string_view kind,
                               const Json& old_object,
                               Json& object) {
  if (!object.is_object() || !old_object.is_object()) return;
  JsonObject next = old_object.get_object();
  JsonObject& given = object.get_object();
  if (Json* status = given.if_contains("status")) {
    next["status"] = std::move(*status);
  } else {
    erase(next, JsonKey{"status"});
  }
  // Annotations and finalizers may come along with a status; labels, owners and the generation may
  // not.
  JsonObject metadata = ensure_object(given, "metadata");
  const JsonObject& before = ensure_object(next, "metadata");
  for (const std::string_view key : {"labels", "ownerReferences", "generation"}) {
    const Json* kept = before.if_contains(key);
    if (kept != nullptr) {
      metadata[key] = *kept;
    } else {
      erase(metadata, JsonKey{key});
    }
  }
  next["metadata"] = std::move(metadata);
  object = std::move(next);
  normalize_in_place(group, version, kind, object);
}

}  // namespace lateen::sandbox::schema
