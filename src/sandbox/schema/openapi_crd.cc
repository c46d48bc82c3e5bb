// What a CustomResourceDefinition adds to the OpenAPI documents.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/hash.h"
#include "sandbox/schema/kinds_reader.h"
#include "sandbox/schema/openapi_schema.h"

namespace lateen::sandbox::schema {
namespace {

// "library.example.com" → "com.example.library".
std::string reversed_group(std::string_view group) {
  std::vector<std::string_view> parts = parts_of(group, '.');
  std::ranges::reverse(parts);
  return fmt::format("{}", fmt::join(parts, "."));
}

CustomKind custom_kind(const Json& crd, const Json& version) {
  CustomKind custom;
  custom.group = string_at(crd, "spec.group");
  custom.version = string_at(version, "name");
  custom.plural = string_at(crd, "spec.names.plural");
  custom.kind = string_at(crd, "spec.names.kind");
  custom.list_kind = string_at(crd, "spec.names.listKind");
  if (custom.list_kind.empty()) custom.list_kind = custom.kind + "List";
  custom.schema_name =
      fmt::format("{}.{}.{}", reversed_group(custom.group), custom.version, custom.kind);
  custom.namespaced = string_at(crd, "spec.scope") != "Cluster";
  custom.has_status = find(version, "subresources.status") != nullptr;
  custom.has_scale = find(version, "subresources.scale") != nullptr;
  if (const Json* schema = find(version, "schema.openAPIV3Schema")) custom.schema = *schema;
  custom.hash = hash_hex(HashAlgorithm::Sha512,
                         fmt::format("{}\n{}\n{}\n{}{}{}\n{}", custom.schema_name, custom.plural,
                                     custom.list_kind, custom.namespaced, custom.has_status,
                                     custom.has_scale, write_json(custom.schema)));
  return custom;
}

// v3 only.
constexpr std::array<std::string_view, 6> kV3Keys = {"oneOf",
                                                     "anyOf",
                                                     "not",
                                                     "nullable",
                                                     "x-kubernetes-validations",
                                                     "x-kubernetes-embedded-resource"};

void clear_content(JsonObject& schema) {
  for (const std::string_view key :
       {"type", "items", "properties", "additionalProperties", "required"}) {
    erase(schema, JsonKey{key});
  }
}

}  // namespace

std::vector<CustomKind> custom_kinds(std::span<const Json> crds) {
  std::vector<CustomKind> kinds;
  for (const Json& crd : crds) {
    const JsonArray* versions = array_at(crd, "spec.versions");
    if (versions == nullptr) continue;
    for (const Json& version : *versions) {
      if (bool_at(version, "served").value_or(false)) kinds.push_back(custom_kind(crd, version));
    }
  }
  return kinds;
}

void reduce_to_v2(Json& schema) {
  JsonObject* object = schema.if_object();
  if (object == nullptr) return;
  const auto is_set = [object](std::string_view key) {
    const Json* value = object->if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
  };
  // v2 has no word for these: a value of any form is what comes nearest.
  if (is_set("nullable") || is_set("x-kubernetes-int-or-string")) clear_content(*object);
  if (is_set("x-kubernetes-preserve-unknown-fields")) {
    for (const std::string_view key : {"items", "properties"})
      erase(*object, JsonKey{key});
  }
  // kubectl cannot cope with an array that does not say of what.
  if (!object->contains("items") && string_at(schema, "type") == "array") {
    erase(*object, JsonKey{"type"});
  }
  for (const std::string_view key : kV3Keys)
    erase(*object, JsonKey{key});
  if (Json* items = object->if_contains("items")) reduce_to_v2(*items);
  if (Json* more = object->if_contains("additionalProperties")) reduce_to_v2(*more);
  if (Json* all = object->if_contains("allOf"); all != nullptr && all->is_array()) {
    for (Json& part : all->get_array())
      reduce_to_v2(part);
  }
  Json* properties = object->if_contains("properties");
  if (properties == nullptr || !properties->is_object()) return;
  for (auto& entry : properties->get_object())
    reduce_to_v2(entry.value());
}

}  // namespace lateen::sandbox::schema
