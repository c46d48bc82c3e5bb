// The part of decode.h that writes: an object as Go's encoding/json would write the value it
// decoded to.
//
// The stored form goes through protobuf in a real server, which has no empty lists and maps: those
// read back as nil (left out, or null for members without omitempty). Pointers to empty messages
// survive: emptyDir: {}.
#include <fmt/format.h>

#include "base/quantity.h"
#include "base/time.h"
#include "sandbox/schema/decode.h"

namespace lateen::sandbox::schema {
namespace {

void write_members(const Type& type, const JsonObject& from, JsonObject& to);

Json normal_object(const Type& type, const Json& value) {
  JsonObject to;
  static const JsonObject nothing;
  const JsonObject* from = value.if_object();
  write_members(type, from != nullptr ? *from : nothing, to);
  return to;
}

// A text in its canonical form; what does not parse stays as it is (check_types has refused it
// before).
Json normal_text(ValueKind kind, const Json& value) {
  if (kind == ValueKind::Quantity) {
    const Result<Quantity> quantity = value.is_string() ? Quantity::parse(value.get_string())
                                                        : Quantity::parse(write_json(value));
    return quantity ? Json(quantity->format()) : value;
  }
  if (!value.is_string()) return value;
  const Result<TimePoint> time = parse_rfc3339(value.get_string());
  if (!time) return value;
  return Json(kind == ValueKind::Time ? format_rfc3339(*time) : format_rfc3339_micro(*time));
}

// A schema, a list of schemas, or something that is none.
Json normal_schema_or(const Type& schema, const Json& value) {
  if (value.is_object()) return normal_object(schema, value);
  const JsonArray* items = value.if_array();
  if (items == nullptr) return value;
  JsonArray to;
  for (const Json& item : *items)
    to.push_back(item.is_object() ? normal_object(schema, item) : item);
  return to;
}

Json normal_value(const Field& field, const Json& value) {
  switch (field.kind) {
    case ValueKind::Object:
      return normal_object(*field.object, value);
    case ValueKind::Quantity:
    case ValueKind::Time:
    case ValueKind::MicroTime:
      return normal_text(field.kind, value);
    case ValueKind::String:
    case ValueKind::Bytes:
      return value.is_null() ? Json("") : value;
    case ValueKind::Bool:
    case ValueKind::Int32:
    case ValueKind::Int64:
    case ValueKind::Float64:
    case ValueKind::Duration:
    case ValueKind::IntOrString:
    case ValueKind::RawExtension:
    case ValueKind::AnyJson:
    case ValueKind::StringList:
      break;
    case ValueKind::SchemaOrBool:
    case ValueKind::SchemaOrArray:
    case ValueKind::SchemaOrStrings:
      return normal_schema_or(*field.object, value);
  }
  return value;
}

// What Go writes for a member that was not there, or was null, and is neither a pointer nor left
// out when empty.
Json zero_value(const Field& field) {
  if (field.pointer || field.shape != Shape::Single) return nullptr;
  switch (field.kind) {
    case ValueKind::String:
    case ValueKind::Bytes:
      return "";
    case ValueKind::Bool:
      return false;
    case ValueKind::Int32:
    case ValueKind::Int64:
    case ValueKind::Float64:
    case ValueKind::IntOrString:
      return 0;
    case ValueKind::Quantity:
      return "0";
    case ValueKind::Duration:
      return "0s";
    case ValueKind::Object:
      return normal_object(*field.object, nullptr);
    case ValueKind::Time:
    case ValueKind::MicroTime:
    case ValueKind::RawExtension:
    case ValueKind::AnyJson:
    case ValueKind::StringList:
    case ValueKind::SchemaOrBool:
    case ValueKind::SchemaOrArray:
    case ValueKind::SchemaOrStrings:
      break;
  }
  return nullptr;
}

// Go structs that omitempty does not leave out: they are never "empty" to it.
bool is_go_struct(const Field& field) {
  if (field.shape != Shape::Single || field.pointer) return false;
  switch (field.kind) {
    case ValueKind::Object:
    case ValueKind::Time:
    case ValueKind::MicroTime:
    case ValueKind::Duration:
    case ValueKind::Quantity:
    case ValueKind::IntOrString:
    case ValueKind::RawExtension:
      return true;
    default:
      return false;
  }
}

bool is_empty_value(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return true;
    case boost::json::kind::bool_:
      return !value.get_bool();
    case boost::json::kind::int64:
      return value.get_int64() == 0;
    case boost::json::kind::uint64:
      return value.get_uint64() == 0;
    case boost::json::kind::double_:
      return value.get_double() == 0;
    case boost::json::kind::string:
      return value.get_string().empty();
    case boost::json::kind::array:
      return value.get_array().empty();
    case boost::json::kind::object:
      return value.get_object().empty();
  }
  return true;
}

// A list or map, item by item; null when it is empty.
Json normal_container(const Field& field, const Json& value) {
  if (is_empty_value(value)) return nullptr;
  if (const JsonArray* items = value.if_array()) {
    JsonArray to;
    to.reserve(items->size());
    for (const Json& item : *items)
      to.push_back(normal_value(field, item));
    return to;
  }
  const JsonObject* members = value.if_object();
  if (members == nullptr) return value;
  JsonObject to;
  to.reserve(members->size());
  for (const auto& [key, item] : *members)
    to.emplace(key, normal_value(field, item));
  return to;
}

void write_absent(const Field& field, JsonObject& to) {
  if (field.omit_zero) return;
  if (field.always_written || is_go_struct(field)) to.emplace(field.name, zero_value(field));
}

void write_field(const Field& field, const Json* value, JsonObject& to) {
  if (value == nullptr || value->is_null()) return write_absent(field, to);
  if (field.shape != Shape::Single) {
    Json container = normal_container(field, *value);
    if (!container.is_null() || field.always_written) to.emplace(field.name, std::move(container));
    return;
  }
  const bool kept = field.pointer || field.always_written || is_go_struct(field);
  if (!kept && field.kind != ValueKind::AnyJson && is_empty_value(*value)) return;
  to.emplace(field.name, normal_value(field, *value));
}

void write_type_meta(const JsonObject& from, JsonObject& to) {
  for (const std::string_view key : {"kind", "apiVersion"}) {
    const Json* value = from.if_contains(key);
    if (value != nullptr && value->is_string() && !value->get_string().empty())
      to.emplace(key, *value);
  }
}

void write_members(const Type& type, const JsonObject& from, JsonObject& to) {
  if (type.is_kind) write_type_meta(from, to);
  for (const Field& field : type.fields) {
    if (field.inlined) {
      write_members(*field.object, from, to);
    } else if (type.crd_born && field.name != "metadata") {
      // A custom resource is kept as it was sent: no zero values appear in it.
      const Json* value = from.if_contains(field.name);
      if (value != nullptr && !value->is_null()) to.emplace(field.name, *value);
    } else {
      write_field(field, from.if_contains(field.name), to);
    }
  }
}

}  // namespace

Json normalized(const Type& type, const Json& object) {
  Json pruned = object;
  if (type.crd_born) prune_unknown(type, pruned);
  return normal_object(type, pruned);
}

}  // namespace lateen::sandbox::schema
