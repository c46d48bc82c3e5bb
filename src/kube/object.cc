#include "kube/object.h"

#include <algorithm>

#include "base/time.h"

namespace lateen::kube {
namespace {

std::optional<TimePoint> time_at(const Json& object, std::string_view path) {
  const std::string_view text = string_at(object, path);
  if (text.empty()) return std::nullopt;
  auto time = parse_rfc3339(text);
  if (!time) return std::nullopt;
  return *time;
}

std::string_view map_value(const JsonObject* map, std::string_view key) {
  if (map == nullptr) return {};
  return as_text(map->if_contains(key));
}

bool map_has(const JsonObject* map, std::string_view key) {
  return map != nullptr && map->contains(key);
}

void set_in_map(Json& object, std::string_view path, std::string_view key, std::string_view value) {
  Json& map = ensure(object, path);
  if (!map.is_object()) map = JsonObject();
  map.as_object()[key] = value;
}

bool remove_from_map(Json& object, std::string_view path, std::string_view key) {
  const JsonObject* map = object_at(object, path);
  if (!map_has(map, key)) return false;
  if (map->size() == 1) return erase(object, path);
  return erase(ensure(object, path).as_object(), JsonKey{key});
}

OwnerReference parse_owner(const Json& value) {
  return {.api_version = std::string(string_at(value, "apiVersion")),
          .kind = std::string(string_at(value, "kind")),
          .name = std::string(string_at(value, "name")),
          .uid = std::string(string_at(value, "uid")),
          .controller = bool_at(value, "controller").value_or(false),
          .block_owner_deletion = bool_at(value, "blockOwnerDeletion").value_or(false)};
}

Json to_json(const OwnerReference& owner) {
  JsonObject out;
  out["apiVersion"] = owner.api_version;
  out["kind"] = owner.kind;
  out["name"] = owner.name;
  out["uid"] = owner.uid;
  if (owner.controller) out["controller"] = true;
  if (owner.block_owner_deletion) out["blockOwnerDeletion"] = true;
  return out;
}

}  // namespace

std::string_view api_version_of(const Json& object) {
  return string_at(object, "apiVersion");
}

std::string_view kind_of(const Json& object) {
  return string_at(object, "kind");
}

std::string_view name_of(const Json& object) {
  return string_at(object, "metadata.name");
}

std::string_view namespace_of(const Json& object) {
  return string_at(object, "metadata.namespace");
}

std::string_view uid_of(const Json& object) {
  return string_at(object, "metadata.uid");
}

std::string_view resource_version_of(const Json& object) {
  return string_at(object, "metadata.resourceVersion");
}

std::optional<std::int64_t> generation_of(const Json& object) {
  return int_at(object, "metadata.generation");
}

std::optional<TimePoint> creation_time_of(const Json& object) {
  return time_at(object, "metadata.creationTimestamp");
}

std::optional<TimePoint> deletion_time_of(const Json& object) {
  return time_at(object, "metadata.deletionTimestamp");
}

std::string object_key(const Json& object) {
  return object_key(namespace_of(object), name_of(object));
}

std::string object_key(std::string_view ns, std::string_view name) {
  if (ns.empty()) return std::string(name);
  return fmt::format("{}/{}", ns, name);
}

NamespacedName parse_object_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return {.ns = {}, .name = std::string(key)};
  return {.ns = std::string(key.substr(0, slash)), .name = std::string(key.substr(slash + 1))};
}

const JsonObject* labels_of(const Json& object) {
  return object_at(object, "metadata.labels");
}

const JsonObject* annotations_of(const Json& object) {
  return object_at(object, "metadata.annotations");
}

Labels to_labels(const JsonObject* labels) {
  Labels out;
  if (labels == nullptr) return out;
  for (const auto& [key, value] : *labels)
    out.emplace(key, as_text(&value));
  return out;
}

std::string_view label_of(const Json& object, std::string_view key) {
  return map_value(labels_of(object), key);
}

std::string_view annotation_of(const Json& object, std::string_view key) {
  return map_value(annotations_of(object), key);
}

bool has_label(const Json& object, std::string_view key) {
  return map_has(labels_of(object), key);
}

bool has_annotation(const Json& object, std::string_view key) {
  return map_has(annotations_of(object), key);
}

void set_label(Json& object, std::string_view key, std::string_view value) {
  set_in_map(object, "metadata.labels", key, value);
}

void set_annotation(Json& object, std::string_view key, std::string_view value) {
  set_in_map(object, "metadata.annotations", key, value);
}

bool remove_label(Json& object, std::string_view key) {
  return remove_from_map(object, "metadata.labels", key);
}

bool remove_annotation(Json& object, std::string_view key) {
  return remove_from_map(object, "metadata.annotations", key);
}

std::vector<OwnerReference> owner_references_of(const Json& object) {
  std::vector<OwnerReference> owners;
  const JsonArray* list = array_at(object, "metadata.ownerReferences");
  if (list == nullptr) return owners;
  for (const Json& item : *list)
    owners.push_back(parse_owner(item));
  return owners;
}

std::optional<OwnerReference> controller_of(const Json& object) {
  for (OwnerReference& owner : owner_references_of(object)) {
    if (owner.controller) return std::move(owner);
  }
  return std::nullopt;
}

OwnerReference owner_reference_to(const Json& owner, bool controller) {
  return {.api_version = std::string(api_version_of(owner)),
          .kind = std::string(kind_of(owner)),
          .name = std::string(name_of(owner)),
          .uid = std::string(uid_of(owner)),
          .controller = controller,
          .block_owner_deletion = controller};
}

void add_owner_reference(Json& object, const OwnerReference& owner) {
  Json& list = ensure(object, "metadata.ownerReferences");
  if (!list.is_array()) list = JsonArray();
  for (Json& item : list.as_array()) {
    if (string_at(item, "uid") == owner.uid) {
      item = to_json(owner);
      return;
    }
  }
  list.as_array().push_back(to_json(owner));
}

bool has_finalizer(const Json& object, std::string_view finalizer) {
  const JsonArray* list = array_at(object, "metadata.finalizers");
  return list != nullptr && std::any_of(list->begin(), list->end(), [&](const Json& item) {
           return as_text(&item) == finalizer;
         });
}

bool add_finalizer(Json& object, std::string_view finalizer) {
  if (has_finalizer(object, finalizer)) return false;
  Json& list = ensure(object, "metadata.finalizers");
  if (!list.is_array()) list = JsonArray();
  list.as_array().emplace_back(finalizer);
  return true;
}

bool remove_finalizer(Json& object, std::string_view finalizer) {
  if (!has_finalizer(object, finalizer)) return false;
  JsonArray& list = ensure(object, "metadata.finalizers").as_array();
  for (auto it = list.begin(); it != list.end();) {
    it = as_text(&*it) == finalizer ? list.erase(it) : it + 1;
  }
  if (list.empty()) erase(object, "metadata.finalizers");
  return true;
}

const Json* find_condition(const Json& object, std::string_view type) {
  const JsonArray* list = array_at(object, "status.conditions");
  if (list == nullptr) return nullptr;
  for (const Json& item : *list) {
    if (string_at(item, "type") == type) return &item;
  }
  return nullptr;
}

bool is_condition_true(const Json& object, std::string_view type) {
  const Json* condition = find_condition(object, type);
  return condition != nullptr && string_at(*condition, "status") == "True";
}

}  // namespace lateen::kube
