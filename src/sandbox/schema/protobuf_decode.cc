// Protobuf → JSON, by the type table.
#include <bit>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/encoding.h"
#include "base/time.h"
#include "sandbox/schema/decode.h"
#include "sandbox/schema/protobuf.h"
#include "sandbox/schema/protobuf_wire.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

// Messages nest as their types do; only a CRD's schema does so without end.
constexpr int kMaxDepth = 200;

Result<JsonObject> decode_message(const Type& type, BytesView bytes, int depth);
Result<Json> decode_value(const Field& field, const WireField& wire, int depth);

Status expect_bytes(const Field& field, const WireField& wire) {
  if (wire.type == WireType::Bytes) return {};
  return Error(Code::Corrupt, "proto: wrong wireType = {} for field {}",
               static_cast<int>(wire.type), field.name);
}

// The small messages that are a number, a text or both: their members by tag.
struct SmallMessage {
  std::uint64_t number_1 = 0;
  std::uint64_t number_2 = 0;
  std::vector<BytesView> bytes_1;
  std::vector<BytesView> bytes_2;
  BytesView bytes_3;
};

Result<SmallMessage> read_small(BytesView bytes) {
  SmallMessage message;
  WireReader reader(bytes);
  while (!reader.done()) {
    const WireField field = TRY(reader.next());
    const bool is_bytes = field.type == WireType::Bytes;
    if (field.tag == 1 && is_bytes) message.bytes_1.push_back(field.bytes);
    if (field.tag == 1 && !is_bytes) message.number_1 = field.number;
    if (field.tag == 2 && is_bytes) message.bytes_2.push_back(field.bytes);
    if (field.tag == 2 && !is_bytes) message.number_2 = field.number;
    if (field.tag == 3 && is_bytes) message.bytes_3 = field.bytes;
  }
  return message;
}

Json strings_of(const std::vector<BytesView>& texts) {
  JsonArray list;
  for (const BytesView text : texts)
    list.emplace_back(text);
  return list;
}

Result<Json> decode_schema(BytesView bytes, int depth) {
  const Type* type = TypeTable::builtin().find_named(kSchemaType);
  JsonObject message = TRY(decode_message(*type, bytes, depth + 1));
  return Json(std::move(message));
}

// A CRD schema's members that are a schema or something else.
Result<Json> decode_schema_or(ValueKind kind, const SmallMessage& message, int depth) {
  if (kind == ValueKind::SchemaOrBool) {
    if (!message.bytes_2.empty()) return decode_schema(message.bytes_2.back(), depth);
    return Json(message.number_1 != 0);
  }
  if (!message.bytes_1.empty()) return decode_schema(message.bytes_1.back(), depth);
  if (kind == ValueKind::SchemaOrStrings) return strings_of(message.bytes_2);
  JsonArray list;
  for (const BytesView bytes : message.bytes_2) {
    Json schema = TRY(decode_schema(bytes, depth));
    list.push_back(std::move(schema));
  }
  return Json(std::move(list));
}

// Seconds and nanoseconds since 1970; an empty message is Go's zero time: null.
Json time_of(ValueKind kind, const SmallMessage& message, bool empty) {
  if (empty) return nullptr;
  const std::chrono::seconds seconds(static_cast<std::int64_t>(message.number_1));
  if (seconds > std::chrono::seconds(9'000'000'000) ||
      seconds < std::chrono::seconds(-9'000'000'000))
    return nullptr;
  const TimePoint time =
      TimePoint(seconds) + std::chrono::nanoseconds(static_cast<std::int32_t>(message.number_2));
  return Json(kind == ValueKind::Time ? format_rfc3339(time) : format_rfc3339_micro(time));
}

Result<Json> decode_raw_json(const SmallMessage& message) {
  if (message.bytes_1.empty() || message.bytes_1.back().empty()) return Json();
  return parse_json(message.bytes_1.back());
}

// Values that are messages on the wire and something smaller in JSON.
Result<Json> decode_special(const Field& field, BytesView bytes, int depth) {
  const SmallMessage message = TRY(read_small(bytes));
  switch (field.kind) {
    case ValueKind::Time:
    case ValueKind::MicroTime:
      return time_of(field.kind, message, bytes.empty());
    case ValueKind::Duration:
      return Json(format_go_duration(Duration(static_cast<std::int64_t>(message.number_1))));
    case ValueKind::Quantity:
      return Json(message.bytes_1.empty() || message.bytes_1.back().empty()
                      ? BytesView("0")
                      : message.bytes_1.back());
    case ValueKind::IntOrString:
      if (message.number_1 == 0) return Json(static_cast<std::int32_t>(message.number_2));
      return Json(message.bytes_3);
    case ValueKind::StringList:
      return strings_of(message.bytes_1);
    case ValueKind::SchemaOrBool:
    case ValueKind::SchemaOrArray:
    case ValueKind::SchemaOrStrings:
      return decode_schema_or(field.kind, message, depth);
    default:
      return decode_raw_json(message);
  }
}

Result<Json> decode_value(const Field& field, const WireField& wire, int depth) {
  switch (field.kind) {
    case ValueKind::Bool:
      return Json(wire.number != 0);
    case ValueKind::Int32:
      return Json(static_cast<std::int32_t>(wire.number));
    case ValueKind::Int64:
      return Json(static_cast<std::int64_t>(wire.number));
    case ValueKind::Float64:
      return Json(std::bit_cast<double>(wire.number));
    default:
      break;
  }
  TRY(expect_bytes(field, wire));
  if (field.kind == ValueKind::String) return Json(wire.bytes);
  if (field.kind == ValueKind::Bytes) return Json(base64_encode(wire.bytes));
  if (field.kind == ValueKind::Object) {
    JsonObject message = TRY(decode_message(*field.object, wire.bytes, depth + 1));
    return Json(std::move(message));
  }
  return decode_special(field, wire.bytes, depth);
}

// The zero value of a map entry whose value was not sent.
Result<Json> missing_map_value(const Field& field, int depth) {
  WireField nothing;
  nothing.type = WireType::Bytes;
  return decode_value(field, nothing, depth);
}

Status decode_map_entry(const Field& field, BytesView bytes, JsonObject& map, int depth) {
  WireReader reader(bytes);
  std::string key;
  std::optional<Json> value;
  while (!reader.done()) {
    const WireField wire = TRY(reader.next());
    if (wire.tag == 1) key = wire.bytes;
    if (wire.tag == 2) value = TRY(decode_value(field, wire, depth));
  }
  if (!value) value = TRY(missing_map_value(field, depth));
  map[key] = std::move(*value);
  return {};
}

template <typename Container>
Container& ensure_container(JsonObject& out, std::string_view name) {
  Json& value = out[name];
  if constexpr (std::is_same_v<Container, JsonObject>) {
    return value.is_object() ? value.get_object() : value.emplace_object();
  } else {
    return value.is_array() ? value.get_array() : value.emplace_array();
  }
}

const Field* field_by_tag(const Type& type, std::uint32_t tag) {
  for (const Field& field : type.fields) {
    if (field.tag == tag) return &field;
  }
  return nullptr;
}

Status decode_field(const Field& field, const WireField& wire, JsonObject& out, int depth) {
  if (field.inlined) {
    TRY(expect_bytes(field, wire));
    JsonObject inner = TRY(decode_message(*field.object, wire.bytes, depth + 1));
    for (auto& [key, value] : inner)
      out[key] = std::move(value);
    return {};
  }
  if (field.shape == Shape::Single) {
    Json value = TRY(decode_value(field, wire, depth));
    out[field.name] = std::move(value);
    return {};
  }
  if (field.shape == Shape::Map) {
    TRY(expect_bytes(field, wire));
    return decode_map_entry(field, wire.bytes, ensure_container<JsonObject>(out, field.name),
                            depth);
  }
  Json item = TRY(decode_value(field, wire, depth));
  ensure_container<JsonArray>(out, field.name).push_back(std::move(item));
  return {};
}

Result<JsonObject> decode_message(const Type& type, BytesView bytes, int depth) {
  if (depth > kMaxDepth) return Error(Code::InvalidArgument, "exceeded max depth");
  JsonObject out;
  WireReader reader(bytes);
  while (!reader.done()) {
    const WireField wire = TRY(reader.next());
    const Field* field = field_by_tag(type, wire.tag);
    if (field == nullptr) continue;
    TRY(decode_field(*field, wire, out, depth));
  }
  return out;
}

struct Envelope {
  std::string api_version;
  std::string kind;
  BytesView raw;
};

Result<Envelope> open_envelope(BytesView body) {
  Envelope envelope;
  WireReader reader(body.substr(kMagic.size()));
  while (!reader.done()) {
    const WireField field = TRY(reader.next());
    if (field.type != WireType::Bytes) continue;
    if (field.tag == 2) envelope.raw = field.bytes;
    if (field.tag != 1) continue;
    const SmallMessage meta = TRY(read_small(field.bytes));
    if (!meta.bytes_1.empty()) envelope.api_version = meta.bytes_1.back();
    if (!meta.bytes_2.empty()) envelope.kind = meta.bytes_2.back();
  }
  return envelope;
}

}  // namespace

bool is_protobuf(BytesView body) {
  return body.starts_with(kMagic);
}

Result<Json> decode_protobuf(BytesView body) {
  if (!is_protobuf(body)) {
    return Error(
        Code::InvalidArgument,
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  const Result<Envelope> opened = open_envelope(body);
  if (!opened) return Error(Code::InvalidArgument, "{}", opened.error().message());
  const Envelope& envelope = *opened;
  const ApiVersion at = split_api_version(envelope.api_version);
  const Type* type = TypeTable::builtin().find(at.group, at.version, envelope.kind);
  if (type == nullptr || type->crd_born) {
    return Error(Code::Unsupported, "no kind \"{}\" is registered for version \"{}\"",
                 envelope.kind, envelope.api_version);
  }
  Result<JsonObject> message = decode_message(*type, envelope.raw, 0);
  if (!message) return Error(Code::InvalidArgument, "{}", message.error().message());
  Json object(std::move(*message));
  object.get_object()["kind"] = envelope.kind;
  object.get_object()["apiVersion"] = envelope.api_version;
  return normalized(*type, object);
}

}  // namespace lateen::sandbox::schema
