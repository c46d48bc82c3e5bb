#include "sandbox/schema/openapi_schema.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

// Schemas of the values that JSON writes in a form of their own: referred to by name, as in a real
// document.
struct Leaf {
  ValueKind kind;
  std::string_view name;
  std::string_view description;
  std::string_view v2;
  std::string_view v3;
};

constexpr std::array<Leaf, 10> kLeaves = {{
    {ValueKind::Time, "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
     "A point in time, RFC 3339, to the second.", R"({"type":"string","format":"date-time"})",
     R"({"type":"string","format":"date-time"})"},
    {ValueKind::MicroTime, "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
     "A point in time, to the microsecond.", R"({"type":"string","format":"date-time"})",
     R"({"type":"string","format":"date-time"})"},
    {ValueKind::Duration, "io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
     "A duration such as 1h5m.", R"({"type":"string"})", R"({"type":"string"})"},
    {ValueKind::Quantity, "io.k8s.apimachinery.pkg.api.resource.Quantity",
     "An amount with a suffix: 500m, 1.5, 10Gi, 2k.", R"({"type":"string"})",
     R"({"oneOf":[{"type":"string"},{"type":"number"}]})"},
    {ValueKind::IntOrString, "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
     "A number or a text.", R"({"type":"string","format":"int-or-string"})",
     R"({"format":"int-or-string","oneOf":[{"type":"integer"},{"type":"string"}]})"},
    {ValueKind::RawExtension, "io.k8s.apimachinery.pkg.runtime.RawExtension",
     "An object of any kind.", R"({"type":"object"})", R"({"type":"object"})"},
    {ValueKind::AnyJson, "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
     "Any JSON value.", "{}", "{}"},
    {ValueKind::SchemaOrBool,
     "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
     "A schema, or whether anything goes.", "{}", "{}"},
    {ValueKind::SchemaOrArray,
     "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
     "A schema, or a list of them.", "{}", "{}"},
    {ValueKind::SchemaOrStrings,
     "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
     "A schema, or a list of texts.", "{}", "{}"},
}};

const Leaf* find_leaf(ValueKind kind) {
  const auto found = std::ranges::find(kLeaves, kind, &Leaf::kind);
  return found == kLeaves.end() ? nullptr : &*found;
}

Json plain(std::string_view type, std::string_view format = {}) {
  JsonObject schema;
  if (!format.empty()) schema.emplace("format", format);
  schema.emplace("type", type);
  return schema;
}

Json scalar_schema(ValueKind kind) {
  switch (kind) {
    case ValueKind::Bool:
      return plain("boolean");
    case ValueKind::Int32:
      return plain("integer", "int32");
    case ValueKind::Int64:
      return plain("integer", "int64");
    case ValueKind::Float64:
      return plain("number", "double");
    case ValueKind::Bytes:
      return plain("string", "byte");
    default:
      return plain("string");
  }
}

void add_list_rules(const Field& field, JsonObject& schema) {
  if (field.shape == Shape::List) {
    if (!field.list_keys.empty())
      schema.emplace("x-kubernetes-list-map-keys",
                     JsonArray(field.list_keys.begin(), field.list_keys.end()));
    if (field.list == ListKind::Atomic) schema.emplace("x-kubernetes-list-type", "atomic");
    if (field.list == ListKind::Set) schema.emplace("x-kubernetes-list-type", "set");
    if (field.list == ListKind::Map) schema.emplace("x-kubernetes-list-type", "map");
  }
  if (field.atomic_map) schema.emplace("x-kubernetes-map-type", "atomic");
  if (!field.merge_key.empty()) schema.emplace("x-kubernetes-patch-merge-key", field.merge_key);
  std::string strategy;
  if (field.merge) strategy = field.retain_keys ? "merge,retainKeys" : "merge";
  if (!field.merge && field.retain_keys) strategy = "retainKeys";
  if (field.replace) strategy = "replace";
  if (!strategy.empty()) schema.emplace("x-kubernetes-patch-strategy", strategy);
}

JsonObject group_version_kind(std::string_view group,
                              std::string_view version,
                              std::string_view kind) {
  return {{"group", group}, {"kind", kind}, {"version", version}};
}

// Option kinds belong to every group version; all others to their own.
JsonArray kind_names(const Type& type) {
  JsonArray names;
  if (type.group != "meta.k8s.io") {
    names.push_back(group_version_kind(type.group, type.version, type.name));
  } else if (type.name == "DeleteOptions" || type.name == "WatchEvent") {
    for (const GroupVersion& served : group_versions()) {
      names.push_back(group_version_kind(served.group, served.version, type.name));
    }
  } else {
    names.push_back(group_version_kind("", "v1", type.name));
  }
  return names;
}

}  // namespace

std::string schema_reference(OpenApiForm form, std::string_view name) {
  return fmt::format("{}{}", form == OpenApiForm::V2 ? "#/definitions/" : "#/components/schemas/",
                     name);
}

Json SchemaCollector::reference(std::string_view name) const {
  return JsonObject{{"$ref", schema_reference(form_, name)}};
}

void SchemaCollector::add(const Type& type) {
  if (schemas_.contains(type.schema_name)) return;
  schemas_.emplace(type.schema_name, nullptr);  // types may refer to themselves
  schemas_[type.schema_name] = type_schema(type);
}

void SchemaCollector::add_leaf(std::string_view name) {
  if (schemas_.contains(name)) return;
  const auto leaf = std::ranges::find(kLeaves, name, &Leaf::name);
  Json schema =
      parse_json(form_ == OpenApiForm::V2 ? leaf->v2 : leaf->v3).value_or(Json(JsonObject()));
  schema.get_object().emplace("description", leaf->description);
  schemas_.emplace(name, std::move(schema));
}

void SchemaCollector::add_properties(const Type& type,
                                     JsonObject& properties,
                                     JsonArray& required) {
  for (const Field& field : type.fields) {
    if (field.inlined) {
      add_properties(*field.object, properties, required);
      continue;
    }
    properties.emplace(field.name, field_schema(field));
    if (field.required) required.emplace_back(field.name);
  }
}

Json SchemaCollector::type_schema(const Type& type) {
  JsonObject properties;
  JsonArray required;
  if (type.is_kind) {
    properties.emplace(
        "apiVersion",
        JsonObject{{"description", "The version of the API in which this object is written."},
                   {"type", "string"}});
    properties.emplace("kind",
                       JsonObject{{"description", "What kind of object this is, in CamelCase."},
                                  {"type", "string"}});
  }
  add_properties(type, properties, required);
  JsonObject schema;
  if (!type.description.empty()) schema.emplace("description", type.description);
  if (!properties.empty()) schema.emplace("properties", std::move(properties));
  if (!required.empty()) schema.emplace("required", std::move(required));
  schema.emplace("type", "object");
  if (type.is_kind) schema.emplace("x-kubernetes-group-version-kind", kind_names(type));
  if (type.atomic) schema.emplace("x-kubernetes-map-type", "atomic");
  return schema;
}

// Of one value of the field, without the list or map around it.
Json SchemaCollector::value_schema(const Field& field) {
  if (field.kind == ValueKind::Object) {
    add(*field.object);
    return reference(field.object->schema_name);
  }
  if (field.kind == ValueKind::StringList) {
    return JsonObject{{"items", plain("string")}, {"type", "array"}};
  }
  if (const Leaf* leaf = find_leaf(field.kind)) {
    add_leaf(leaf->name);
    return reference(leaf->name);
  }
  Json schema = scalar_schema(field.kind);
  if (!field.enum_values.empty()) {
    schema.get_object().emplace("enum",
                                JsonArray(field.enum_values.begin(), field.enum_values.end()));
  }
  return schema;
}

Json SchemaCollector::field_schema(const Field& field) {
  Json value = value_schema(field);
  JsonObject schema;
  if (field.shape == Shape::List) {
    schema = {{"items", std::move(value)}, {"type", "array"}};
  } else if (field.shape == Shape::Map) {
    schema = {{"additionalProperties", std::move(value)}, {"type", "object"}};
  } else if (form_ == OpenApiForm::V3 && value.get_object().contains("$ref")) {
    schema = {
        {"allOf", JsonArray{std::move(value)}}};  // in v3 nothing may stand beside a reference
  } else {
    schema = std::move(value.get_object());
  }
  if (!field.description.empty()) schema["description"] = field.description;
  add_list_rules(field, schema);
  return schema;
}

void SchemaCollector::add_custom(const CustomKind& custom) {
  const std::string list_name = custom.schema_name + "List";
  Json schema = custom.schema.is_object() ? custom.schema : Json(JsonObject{{"type", "object"}});
  if (form_ == OpenApiForm::V2) reduce_to_v2(schema);
  const TypeTable& table = TypeTable::builtin();
  const Type* object_meta = table.find_named(fmt::format("{}ObjectMeta", kMetaModels));
  const Type* list_meta = table.find_named(fmt::format("{}ListMeta", kMetaModels));
  add(*object_meta);
  add(*list_meta);
  const Json text = plain("string");
  Json& properties = ensure(schema, "properties");
  if (!properties.is_object()) properties.emplace_object();
  JsonObject& members = properties.get_object();
  members["apiVersion"] = text;
  members["kind"] = text;
  const auto referred = [this](const Type* type) -> Json {
    if (form_ == OpenApiForm::V2) return reference(type->schema_name);
    return JsonObject{{"allOf", JsonArray{reference(type->schema_name)}}};
  };
  members["metadata"] = referred(object_meta);
  schema.get_object()["x-kubernetes-group-version-kind"] =
      JsonArray{group_version_kind(custom.group, custom.version, custom.kind)};
  schemas_[custom.schema_name] = std::move(schema);
  schemas_[list_name] = JsonObject{
      {"description", fmt::format("{} is a list of {}", custom.list_kind, custom.kind)},
      {"properties", JsonObject{{"apiVersion", text},
                                {"items", JsonObject{{"items", reference(custom.schema_name)},
                                                     {"type", "array"}}},
                                {"kind", text},
                                {"metadata", referred(list_meta)}}},
      {"required", JsonArray{"items"}},
      {"type", "object"},
      {"x-kubernetes-group-version-kind",
       JsonArray{group_version_kind(custom.group, custom.version, custom.list_kind)}}};
}

}  // namespace lateen::sandbox::schema
