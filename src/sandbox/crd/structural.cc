#include "sandbox/crd/structural.h"

#include <utility>

#include <fmt/format.h>

namespace lateen::sandbox {

bool has_flag(const Json& schema, std::string_view name) {
  const Json* value = find(schema, JsonKey{name});
  return value != nullptr && value->is_bool() && value->as_bool();
}

namespace {

const Json* member_schema(const Json& schema, std::string_view name) {
  const Json* properties = find(schema, "properties");
  const Json* own = properties != nullptr ? find(properties, JsonKey{name}) : nullptr;
  if (own != nullptr) return own;
  const Json* additional = find(schema, "additionalProperties");
  return additional != nullptr && additional->is_object() ? additional : nullptr;
}

// additionalProperties: true, as opposed to a schema.
bool allows_any_member(const Json& schema) {
  const Json* additional = find(schema, "additionalProperties");
  return additional != nullptr && additional->is_bool() && additional->as_bool();
}

struct Pruner {
  std::vector<std::string> dropped = {};

  // An object at the root, or one embedded, has apiVersion, kind and metadata without saying so.
  void prune(const Json& schema, Json& value, const std::string& path, bool is_resource) {
    if (value.is_array()) {
      if (const Json* items = find(schema, "items"); items != nullptr && items->is_object()) {
        for (std::size_t i = 0; i < value.as_array().size(); ++i) {
          prune(*items, value.as_array()[i], fmt::format("{}[{}]", path, i),
                has_flag(*items, "x-kubernetes-embedded-resource"));
        }
      }
      return;
    }
    if (!value.is_object()) return;
    const bool keep =
        has_flag(schema, "x-kubernetes-preserve-unknown-fields") || allows_any_member(schema);
    JsonObject& object = value.as_object();
    std::vector<std::string> unknown;
    for (auto& member : object) {
      const std::string_view name = member.key();
      if (is_resource && (name == "apiVersion" || name == "kind" || name == "metadata")) continue;
      const std::string below = path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
      if (const Json* next = member_schema(schema, name)) {
        prune(*next, member.value(), below, has_flag(*next, "x-kubernetes-embedded-resource"));
      } else if (!keep) {
        unknown.emplace_back(name);
        dropped.push_back(below);
      }
    }
    for (const std::string& name : unknown)
      erase(object, JsonKey{name});
  }
};

void fill_in(const Json& schema, Json& value);

void fill_in_members(const JsonObject& properties, JsonObject& object) {
  for (const auto& property : properties) {
    const Json* present = object.if_contains(property.key());
    if (present != nullptr && present->is_null() && !has_flag(property.value(), "nullable")) {
      erase(object, JsonKey{property.key()});
      present = nullptr;
    }
    const Json* fallback = find(property.value(), "default");
    if (fallback != nullptr && present == nullptr) object[property.key()] = *fallback;
    if (Json* child = object.if_contains(property.key())) fill_in(property.value(), *child);
  }
}

void fill_in_others(const Json& schema, JsonObject& object) {
  std::vector<std::string> refused;
  for (auto& member : object) {
    if (member.value().is_null() && !has_flag(schema, "nullable"))
      refused.emplace_back(member.key());
    fill_in(schema, member.value());
  }
  for (const std::string& name : refused)
    erase(object, JsonKey{name});
}

void fill_in(const Json& schema, Json& value) {
  if (value.is_object()) {
    if (const JsonObject* properties = object_at(schema, "properties")) {
      fill_in_members(*properties, value.as_object());
    }
    const Json* additional = find(schema, "additionalProperties");
    if (additional != nullptr && additional->is_object()) {
      fill_in_others(*additional, value.as_object());
    }
  } else if (value.is_array()) {
    const Json* items = find(schema, "items");
    if (items == nullptr || !items->is_object()) return;
    for (Json& item : value.as_array())
      fill_in(*items, item);
  }
}

}  // namespace

std::vector<std::string> prune_unknown_fields(const Json& schema, Json& object) {
  Pruner pruner;
  pruner.prune(schema, object, "", true);
  return std::move(pruner.dropped);
}

void apply_schema_defaults(const Json& schema, Json& object) {
  fill_in(schema, object);
}

StructuralField structural_list(const Json* schema) {
  StructuralField field{.found = schema != nullptr, .schema = schema};
  if (schema == nullptr) {
    field.atomic = true;
    return field;
  }
  const std::string_view list = string_at(*schema, "x-kubernetes-list-type");
  field.is_set = list == "set";
  if (list == "map") {
    if (const JsonArray* keys = array_at(*schema, "x-kubernetes-list-map-keys")) {
      for (const Json& key : *keys)
        field.map_keys.emplace_back(as_text(&key));
    }
  }
  field.atomic = !field.is_set && field.map_keys.empty();
  return field;
}

StructuralField structural_member(const Json* schema, std::string_view name) {
  const Json* properties = schema != nullptr ? find(schema, "properties") : nullptr;
  const Json* own = properties != nullptr ? find(properties, JsonKey{name}) : nullptr;
  StructuralField field{.found = own != nullptr};
  field.schema = own;
  if (own == nullptr && schema != nullptr) {
    const Json* additional = find(schema, "additionalProperties");
    if (additional != nullptr && additional->is_object()) field.schema = additional;
  }
  if (field.schema != nullptr) {
    field.atomic = string_at(*field.schema, "x-kubernetes-map-type") == "atomic";
  }
  return field;
}

const Json* structural_item(const Json* schema) {
  return schema != nullptr ? find(schema, "items") : nullptr;
}

}  // namespace lateen::sandbox
