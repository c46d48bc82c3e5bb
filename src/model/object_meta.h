// What every Kubernetes object carries, and the small types that velero.io kinds share.
//
// Each struct lists its JSON fields once, in fields(): reading, writing and "what is unknown" all
// follow from that list. What a peer sent and we do not know stays in `unknown` of the struct it
// was in, and is written back: a read-modify-write by an older Lateen loses nothing.
//
//   Backup backup = TRY(from_json<Backup>(json));
//   backup.status.phase = BackupPhase::InProgress;
//   Json changed = to_json(backup);
//
// In fields(), visit("x", member) is left out of the JSON when empty, as Go's omitempty;
// visit.always("x", member) is written even so. A plain nested struct is always written (`hooks:
// {}`), an optional one only when set.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen::model {

// Sorted, as Go writes maps.
using StringMap = std::map<std::string, std::string, std::less<>>;
using StringList = std::vector<std::string>;

// Where a kind is served.
struct KindInfo {
  std::string_view group;
  std::string_view version;
  std::string_view kind;
  std::string_view plural;

  // "velero.io/v1"
  std::string api_version() const;
};

struct OwnerReference {
  std::string api_version = {};
  std::string kind = {};
  std::string name = {};
  std::string uid = {};
  std::optional<bool> controller = {};
  std::optional<bool> block_owner_deletion = {};
  JsonObject unknown = {};

  bool operator==(const OwnerReference&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("apiVersion", self.api_version);
    visit.always("kind", self.kind);
    visit.always("name", self.name);
    visit.always("uid", self.uid);
    visit("controller", self.controller);
    visit("blockOwnerDeletion", self.block_owner_deletion);
  }
};

// To an object of ours that controls another, as it lies in the cluster.
template <typename T>
OwnerReference controlled_by(const T& object) {
  return {.api_version = T::kKind.api_version(),
          .kind = std::string(T::kKind.kind),
          .name = object.metadata.name,
          .uid = object.metadata.uid,
          .controller = true};
}

struct ObjectMeta {
  std::string name = {};
  std::string generate_name = {};
  std::string ns = {};
  std::string uid = {};
  std::string resource_version = {};
  std::int64_t generation = 0;
  std::optional<TimePoint> creation_timestamp =
      {};  // written as null when unset, as Velero's Go does
  std::optional<TimePoint> deletion_timestamp = {};
  std::optional<std::int64_t> deletion_grace_period_seconds = {};
  StringMap labels = {};
  StringMap annotations = {};
  std::vector<OwnerReference> owner_references = {};
  StringList finalizers = {};
  Json managed_fields = {};  // kept as it came
  JsonObject unknown = {};

  bool operator==(const ObjectMeta&) const = default;

  // "" when absent.
  std::string_view label(std::string_view key) const;
  std::string_view annotation(std::string_view key) const;
  bool has_finalizer(std::string_view finalizer) const;
  void add_finalizer(std::string_view finalizer);     // once
  bool remove_finalizer(std::string_view finalizer);  // says whether it was there

  static void fields(auto& self, auto& visit) {
    visit("name", self.name);
    visit("generateName", self.generate_name);
    visit("namespace", self.ns);
    visit("uid", self.uid);
    visit("resourceVersion", self.resource_version);
    visit("generation", self.generation);
    visit.always("creationTimestamp", self.creation_timestamp);
    visit("deletionTimestamp", self.deletion_timestamp);
    visit("deletionGracePeriodSeconds", self.deletion_grace_period_seconds);
    visit("labels", self.labels);
    visit("annotations", self.annotations);
    visit("ownerReferences", self.owner_references);
    visit("finalizers", self.finalizers);
    visit("managedFields", self.managed_fields);
  }
};

// A key of a Secret in the Velero namespace.
struct SecretKeySelector {
  std::string name = {};
  std::string key = {};
  std::optional<bool> optional = {};
  JsonObject unknown = {};

  bool operator==(const SecretKeySelector&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("name", self.name);
    visit.always("key", self.key);
    visit("optional", self.optional);
  }
};

// An object in the Velero namespace: a resource policy's or a resource modifier's ConfigMap.
struct TypedLocalObjectReference {
  std::optional<std::string> api_group = {};  // written as null when unset, as Go does
  std::string kind = {};
  std::string name = {};
  JsonObject unknown = {};

  bool operator==(const TypedLocalObjectReference&) const = default;

  // Velero compares the kind without regard to case.
  bool is_config_map() const;

  static void fields(auto& self, auto& visit) {
    visit.always("apiGroup", self.api_group);
    visit.always("kind", self.kind);
    visit.always("name", self.name);
  }
};

struct ObjectReference {
  std::string kind = {};
  std::string ns = {};
  std::string name = {};
  std::string uid = {};
  std::string api_version = {};
  std::string resource_version = {};
  std::string field_path = {};
  JsonObject unknown = {};

  bool operator==(const ObjectReference&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("kind", self.kind);
    visit("namespace", self.ns);
    visit("name", self.name);
    visit("uid", self.uid);
    visit("apiVersion", self.api_version);
    visit("resourceVersion", self.resource_version);
    visit("fieldPath", self.field_path);
  }
};

// Reads a kind, a spec or a status. InvalidArgument names the field: "spec.ttl: expected a
// duration, got 5". A document of another kind is refused; one without kind and apiVersion (an item
// of a list) is taken. Defined for every struct of this room that has fields().
template <typename T>
Result<T> from_json(const Json& json);

// Writes it with Velero's fields in Velero's order; kinds start with `kind` and `apiVersion`.
template <typename T>
Json to_json(const T& value);

// The same without `kind` and `apiVersion`, as Velero's PodVolumeBackups lie in the bucket.
template <typename T>
Json to_json_untyped(const T& value);

}  // namespace lateen::model
