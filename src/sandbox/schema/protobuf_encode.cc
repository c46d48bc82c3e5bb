// JSON → protobuf, by the type table.
#include <fmt/format.h>

#include "base/duration.h"
#include "base/encoding.h"
#include "base/time.h"
#include "sandbox/schema/protobuf.h"
#include "sandbox/schema/protobuf_wire.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

std::string encode_message(const Type& type, const JsonObject& from);
void encode_value(const Field& field, std::uint32_t tag, const Json& value, WireWriter& out);

std::uint64_t integer_of(const Json& value) {
  if (const std::int64_t* number = value.if_int64()) return static_cast<std::uint64_t>(*number);
  if (const std::uint64_t* number = value.if_uint64()) return *number;
  return 0;
}

std::string encode_time(const Json& value) {
  WireWriter out;
  const Result<TimePoint> time = parse_rfc3339(as_text(&value));
  if (!time) return {};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
  out.number(1, static_cast<std::uint64_t>(seconds.time_since_epoch().count()));
  out.number(2, static_cast<std::uint64_t>((*time - seconds).count()));
  return std::move(out).take();
}

std::string encode_schema(const Json& value) {
  const Type* type = TypeTable::builtin().find_named(kSchemaType);
  return value.is_object() ? encode_message(*type, value.get_object()) : std::string();
}

std::string encode_schema_or(ValueKind kind, const Json& value) {
  WireWriter out;
  const bool or_bool = kind == ValueKind::SchemaOrBool;
  if (or_bool) out.number(1, value.is_object() || (value.is_bool() && value.get_bool()) ? 1 : 0);
  if (value.is_object()) out.bytes(or_bool ? 2 : 1, encode_schema(value));
  if (const JsonArray* items = value.if_array()) {
    for (const Json& item : *items) {
      out.bytes(2, item.is_string() ? std::string(item.get_string()) : encode_schema(item));
    }
  }
  return std::move(out).take();
}

std::string encode_int_or_string(const Json& value) {
  WireWriter out;
  const bool text = value.is_string();
  out.number(1, text ? 1 : 0);
  out.number(2, text ? 0 : integer_of(value));
  out.bytes(3, as_text(&value));
  return std::move(out).take();
}

// What is a message on the wire and something smaller in JSON.
std::string encode_special(const Field& field, const Json& value) {
  WireWriter out;
  switch (field.kind) {
    case ValueKind::Time:
    case ValueKind::MicroTime:
      return encode_time(value);
    case ValueKind::IntOrString:
      return encode_int_or_string(value);
    case ValueKind::SchemaOrBool:
    case ValueKind::SchemaOrArray:
    case ValueKind::SchemaOrStrings:
      return encode_schema_or(field.kind, value);
    case ValueKind::Quantity:
      out.bytes(1, value.is_string() ? std::string(value.get_string()) : write_json(value));
      break;
    case ValueKind::Duration:
      if (const Result<Duration> duration = parse_go_duration(as_text(&value))) {
        out.number(1, static_cast<std::uint64_t>(duration->count()));
      }
      break;
    case ValueKind::StringList:
      if (const JsonArray* items = value.if_array()) {
        for (const Json& item : *items)
          out.bytes(1, as_text(&item));
      }
      break;
    default:
      out.bytes(1, write_json(value));
      break;
  }
  return std::move(out).take();
}

void encode_value(const Field& field, std::uint32_t tag, const Json& value, WireWriter& out) {
  switch (field.kind) {
    case ValueKind::Bool:
      out.number(tag, value.is_bool() && value.get_bool() ? 1 : 0);
      return;
    case ValueKind::Int32:
    case ValueKind::Int64:
      out.number(tag, integer_of(value));
      return;
    case ValueKind::Float64:
      out.real(tag, value.is_number() ? value.to_number<double>() : 0.0);
      return;
    case ValueKind::String:
      out.bytes(tag, as_text(&value));
      return;
    case ValueKind::Bytes:
      out.bytes(tag, base64_decode(as_text(&value)).value_or(Bytes()));
      return;
    case ValueKind::Object:
      out.bytes(tag, value.is_object() ? encode_message(*field.object, value.get_object())
                                       : std::string());
      return;
    default:
      out.bytes(tag, encode_special(field, value));
      return;
  }
}

void encode_field(const Field& field, const Json& value, WireWriter& out) {
  if (field.shape == Shape::Single) {
    encode_value(field, field.tag, value, out);
  } else if (const JsonArray* items = value.if_array()) {
    for (const Json& item : *items)
      encode_value(field, field.tag, item, out);
  } else if (const JsonObject* members = value.if_object()) {
    for (const auto& [key, item] : *members) {
      WireWriter entry;
      entry.bytes(1, key);
      encode_value(field, 2, item, entry);
      out.bytes(field.tag, entry.text());
    }
  }
}

std::string encode_message(const Type& type, const JsonObject& from) {
  WireWriter out;
  for (const Field& field : type.fields) {
    if (field.inlined) {
      out.bytes(field.tag, encode_message(*field.object, from));
      continue;
    }
    const Json* value = from.if_contains(field.name);
    if (value != nullptr && !value->is_null()) encode_field(field, *value, out);
  }
  return std::move(out).take();
}

}  // namespace

Result<std::string> encode_protobuf(const Json& object) {
  const std::string_view api_version = string_at(object, "apiVersion");
  const std::string_view kind = string_at(object, "kind");
  const ApiVersion at = split_api_version(api_version);
  const Type* type = TypeTable::builtin().find(at.group, at.version, kind);
  if (type == nullptr || type->crd_born || !object.is_object()) {
    return Error(Code::Unsupported, "kind {} of {} has no protobuf form", kind, api_version);
  }
  WireWriter meta;
  meta.bytes(1, api_version);
  meta.bytes(2, kind);
  WireWriter envelope;
  envelope.bytes(1, meta.text());
  envelope.bytes(2, encode_message(*type, object.get_object()));
  envelope.bytes(3, "");
  envelope.bytes(4, "");
  return std::string(kMagic) + envelope.text();
}

}  // namespace lateen::sandbox::schema
