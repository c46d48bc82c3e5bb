// Typed access to what every Kubernetes object has: its type, its metadata, its conditions. Views
// stay valid while the tree is unchanged. Absent reads as empty; nothing here fails.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "kube/selector.h"

namespace lateen::kube {

std::string_view api_version_of(const Json& object);
std::string_view kind_of(const Json& object);
std::string_view name_of(const Json& object);
std::string_view namespace_of(const Json& object);
std::string_view uid_of(const Json& object);
std::string_view resource_version_of(const Json& object);
std::optional<std::int64_t> generation_of(const Json& object);
std::optional<TimePoint> creation_time_of(const Json& object);
std::optional<TimePoint> deletion_time_of(const Json& object);

inline bool is_being_deleted(const Json& object) {
  return !string_at(object, "metadata.deletionTimestamp").empty();
}

// "shop/db-0", or "db-0" when cluster-scoped: the key of caches, logs and results.
std::string object_key(const Json& object);
std::string object_key(std::string_view ns, std::string_view name);

// "shop/db-0" → {"shop", "db-0"}; "db-0" → {"", "db-0"}.
struct NamespacedName {
  std::string ns = {};
  std::string name = {};

  auto operator<=>(const NamespacedName&) const = default;
};

NamespacedName parse_object_key(std::string_view key);

const JsonObject* labels_of(const Json& object);       // null when absent
const JsonObject* annotations_of(const Json& object);  // null when absent
Labels to_labels(const JsonObject* labels);

// "" when absent. `has_…` tells absent from empty.
std::string_view label_of(const Json& object, std::string_view key);
std::string_view annotation_of(const Json& object, std::string_view key);
bool has_label(const Json& object, std::string_view key);
bool has_annotation(const Json& object, std::string_view key);

void set_label(Json& object, std::string_view key, std::string_view value);
void set_annotation(Json& object, std::string_view key, std::string_view value);

// Remove one; the emptied map goes too. Say whether it was there.
bool remove_label(Json& object, std::string_view key);
bool remove_annotation(Json& object, std::string_view key);

struct OwnerReference {
  std::string api_version = {};
  std::string kind = {};
  std::string name = {};
  std::string uid = {};
  bool controller = false;
  bool block_owner_deletion = false;

  bool operator==(const OwnerReference&) const = default;
};

std::vector<OwnerReference> owner_references_of(const Json& object);
std::optional<OwnerReference> controller_of(const Json& object);

// A reference to `owner` as Kubernetes' controllers make it.
OwnerReference owner_reference_to(const Json& owner, bool controller);
void add_owner_reference(Json& object,
                         const OwnerReference& owner);  // replaces one of the same uid

bool has_finalizer(const Json& object, std::string_view finalizer);
bool add_finalizer(Json& object, std::string_view finalizer);  // false when there already
bool remove_finalizer(
    Json& object, std::string_view finalizer);  // false when not there; an emptied list goes too

// status.conditions[type]; null when absent.
const Json* find_condition(const Json& object, std::string_view type);

// True when the condition's status is "True".
bool is_condition_true(const Json& object, std::string_view type);

}  // namespace lateen::kube
