// The message numbers are those of gnostic's openapi.v2 package. Members that a message there does
// not have are written as vendor extensions when their names begin with "x-", and are left out
// otherwise.
#include "sandbox/schema/openapi_v2_protobuf.h"

#include <algorithm>
#include <array>

#include "sandbox/schema/protobuf_wire.h"

namespace lateen::sandbox::schema {
namespace {

// Any {yaml = 2}: values are carried as YAML text, and JSON is YAML.
std::string any(const Json& value) {
  WireWriter out;
  out.bytes(2, write_json(value));
  return std::move(out).take();
}

std::string named(std::string_view name, BytesView value) {
  WireWriter out;
  out.bytes(1, name);
  out.bytes(2, value);
  return std::move(out).take();
}

void write_extensions(const JsonObject& from, std::uint32_t tag, WireWriter& out) {
  for (const auto& [key, value] : from) {
    if (key.starts_with("x-")) out.bytes(tag, named(key, any(value)));
  }
}

void write_text(const JsonObject& from, std::string_view key, std::uint32_t tag, WireWriter& out) {
  const Json* value = from.if_contains(key);
  if (value != nullptr && value->is_string()) out.bytes(tag, value->get_string());
}

void write_flag(const JsonObject& from, std::string_view key, std::uint32_t tag, WireWriter& out) {
  const Json* value = from.if_contains(key);
  if (value != nullptr && value->is_bool() && value->get_bool()) out.number(tag, 1);
}

std::string schema_message(const Json& schema);

std::string named_schemas(const JsonObject& schemas) {
  WireWriter out;
  for (const auto& [name, schema] : schemas)
    out.bytes(1, named(name, schema_message(schema)));
  return std::move(out).take();
}

struct NumberMember {
  std::string_view key;
  std::uint32_t tag;
  bool real;
};

constexpr std::array<NumberMember, 9> kNumbers = {{{"multipleOf", 6, true},
                                                   {"maximum", 7, true},
                                                   {"minimum", 9, true},
                                                   {"maxLength", 11, false},
                                                   {"minLength", 12, false},
                                                   {"maxItems", 14, false},
                                                   {"minItems", 15, false},
                                                   {"maxProperties", 17, false},
                                                   {"minProperties", 18, false}}};

void write_numbers(const JsonObject& from, WireWriter& out) {
  for (const NumberMember& member : kNumbers) {
    const Json* value = from.if_contains(member.key);
    if (value == nullptr || !value->is_number()) continue;
    const auto real = value->to_number<double>();
    if (member.real) {
      out.real(member.tag, real);
    } else {
      out.number(member.tag, static_cast<std::uint64_t>(real));
    }
  }
}

void write_schema_lists(const JsonObject& from, WireWriter& out) {
  if (const Json* required = from.if_contains("required");
      required != nullptr && required->is_array()) {
    for (const Json& name : required->get_array())
      out.bytes(19, as_text(&name));
  }
  if (const Json* values = from.if_contains("enum"); values != nullptr && values->is_array()) {
    for (const Json& value : values->get_array())
      out.bytes(20, any(value));
  }
  if (const Json* parts = from.if_contains("allOf"); parts != nullptr && parts->is_array()) {
    for (const Json& part : parts->get_array())
      out.bytes(24, schema_message(part));
  }
}

// AdditionalPropertiesItem {schema = 1, boolean = 2}, TypeItem {value = 1}, ItemsItem {schema = 1},
// Properties.
void write_nested(const JsonObject& from, WireWriter& out) {
  if (const Json* more = from.if_contains("additionalProperties")) {
    WireWriter item;
    if (more->is_object()) item.bytes(1, schema_message(*more));
    if (more->is_bool()) item.number(2, more->get_bool() ? 1 : 0);
    out.bytes(21, item.text());
  }
  if (const Json* type = from.if_contains("type"); type != nullptr && type->is_string()) {
    WireWriter item;
    item.bytes(1, type->get_string());
    out.bytes(22, item.text());
  }
  if (const Json* items = from.if_contains("items"); items != nullptr && items->is_object()) {
    WireWriter item;
    item.bytes(1, schema_message(*items));
    out.bytes(23, item.text());
  }
  if (const Json* properties = from.if_contains("properties");
      properties != nullptr && properties->is_object()) {
    out.bytes(25, named_schemas(properties->get_object()));
  }
}

std::string schema_message(const Json& schema) {
  WireWriter out;
  const JsonObject* from = schema.if_object();
  if (from == nullptr) return {};
  write_text(*from, "$ref", 1, out);
  write_text(*from, "format", 2, out);
  write_text(*from, "title", 3, out);
  write_text(*from, "description", 4, out);
  if (const Json* value = from->if_contains("default")) out.bytes(5, any(*value));
  write_numbers(*from, out);
  write_flag(*from, "exclusiveMaximum", 8, out);
  write_flag(*from, "exclusiveMinimum", 10, out);
  write_text(*from, "pattern", 13, out);
  write_flag(*from, "uniqueItems", 16, out);
  write_schema_lists(*from, out);
  write_nested(*from, out);
  write_extensions(*from, 31, out);
  return std::move(out).take();
}

// ParametersItem {parameter = 1 {body_parameter = 1 | non_body_parameter = 2 {query = 3 | path =
// 4}}}.
std::string parameter_item(const Json& parameter) {
  const JsonObject& from = parameter.get_object();
  const std::string_view in = string_at(parameter, "in");
  WireWriter fields;
  WireWriter choice;
  if (in == "body") {
    write_text(from, "description", 1, fields);
    write_text(from, "name", 2, fields);
    write_text(from, "in", 3, fields);
    write_flag(from, "required", 4, fields);
    if (const Json* value = from.if_contains("schema")) fields.bytes(5, schema_message(*value));
    choice.bytes(1, fields.text());
  } else {
    const bool query = in == "query";
    write_flag(from, "required", 1, fields);
    write_text(from, "in", 2, fields);
    write_text(from, "description", 3, fields);
    write_text(from, "name", 4, fields);
    write_text(from, "type", query ? 6 : 5, fields);
    write_flag(from, "uniqueItems", query ? 19 : 18, fields);
    WireWriter non_body;
    non_body.bytes(query ? 3 : 4, fields.text());
    choice.bytes(2, non_body.text());
  }
  WireWriter item;
  item.bytes(1, choice.text());
  return std::move(item).take();
}

// ResponseValue {response = 1 {description = 1, schema = 2 {schema = 1}}}.
std::string response_value(const Json& response) {
  WireWriter fields;
  write_text(response.get_object(), "description", 1, fields);
  if (const Json* schema = find(response, "schema")) {
    WireWriter item;
    item.bytes(1, schema_message(*schema));
    fields.bytes(2, item.text());
  }
  WireWriter value;
  value.bytes(1, fields.text());
  return std::move(value).take();
}

std::string operation_message(const Json& operation) {
  WireWriter out;
  const JsonObject& from = operation.get_object();
  write_text(from, "description", 3, out);
  write_text(from, "operationId", 5, out);
  if (const JsonArray* parameters = array_at(operation, "parameters")) {
    for (const Json& parameter : *parameters)
      out.bytes(8, parameter_item(parameter));
  }
  if (const JsonObject* responses = object_at(operation, "responses")) {
    WireWriter codes;
    for (const auto& [code, response] : *responses)
      codes.bytes(1, named(code, response_value(response)));
    out.bytes(9, codes.text());
  }
  write_extensions(from, 13, out);
  return std::move(out).take();
}

struct Method {
  std::string_view name;
  std::uint32_t tag;
};

constexpr std::array<Method, 5> kMethods = {
    {{"get", 2}, {"put", 3}, {"post", 4}, {"delete", 5}, {"patch", 8}}};

std::string path_item(const Json& path) {
  WireWriter out;
  for (const Method& method : kMethods) {
    if (const Json* operation = find(path, JsonKey{method.name}))
      out.bytes(method.tag, operation_message(*operation));
  }
  if (const JsonArray* parameters = array_at(path, "parameters")) {
    for (const Json& parameter : *parameters)
      out.bytes(9, parameter_item(parameter));
  }
  return std::move(out).take();
}

}  // namespace

std::string encode_openapi_v2(const Json& document) {
  WireWriter out;
  out.bytes(1, string_at(document, "swagger"));
  WireWriter info;
  info.bytes(1, string_at(document, "info.title"));
  info.bytes(2, string_at(document, "info.version"));
  out.bytes(2, info.text());
  WireWriter paths;
  if (const JsonObject* all = object_at(document, "paths")) {
    for (const auto& [path, item] : *all)
      paths.bytes(2, named(path, path_item(item)));
  }
  out.bytes(8, paths.text());
  if (const JsonObject* definitions = object_at(document, "definitions"))
    out.bytes(9, named_schemas(*definitions));
  return std::move(out).take();
}

}  // namespace lateen::sandbox::schema
