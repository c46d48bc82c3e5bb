#include "model/crd_schema.h"

namespace lateen::model::schema {
namespace {

Json typed(std::string_view type) {
  return JsonObject{{"type", type}};
}

Json formatted(std::string_view type, std::string_view format) {
  return JsonObject{{"type", type}, {"format", format}};
}

Json with(Json schema, std::string_view key, Json value) {
  schema.get_object().emplace(key, std::move(value));
  return schema;
}

// A reference is replaced whole by server-side apply, never merged.
Json atomic(Json schema) {
  return with(std::move(schema), "x-kubernetes-map-type", "atomic");
}

Json atomic_list(Json schema) {
  return with(std::move(schema), "x-kubernetes-list-type", "atomic");
}

}  // namespace

Json text() {
  return typed("string");
}

Json boolean() {
  return typed("boolean");
}

Json integer() {
  return typed("integer");
}

Json int64() {
  return formatted("integer", "int64");
}

Json bytes() {
  return formatted("string", "byte");
}

Json time() {
  return nullable(formatted("string", "date-time"));
}

Json duration() {
  return text();
}

Json nullable(Json schema) {
  return with(std::move(schema), "nullable", true);
}

Json texts() {
  return list_of(text());
}

Json nullable_texts() {
  return nullable(texts());
}

Json text_map() {
  return JsonObject{{"type", "object"}, {"additionalProperties", text()}};
}

Json list_of(Json items) {
  return JsonObject{{"type", "array"}, {"items", std::move(items)}};
}

Json one_of(Words words) {
  JsonArray list;
  for (const std::string_view word : words)
    list.emplace_back(word);
  return with(text(), "enum", std::move(list));
}

Json object(Properties properties, Words required) {
  JsonObject schema{{"type", "object"}};
  JsonObject fields;
  for (const auto& [name, field] : properties)
    fields.emplace(name, field);
  if (!fields.empty()) schema.emplace("properties", std::move(fields));
  JsonArray names;
  for (const std::string_view name : required)
    names.emplace_back(name);
  if (!names.empty()) schema.emplace("required", std::move(names));
  return schema;
}

Json anything() {
  return with(typed("object"), "x-kubernetes-preserve-unknown-fields", true);
}

Json label_selector() {
  const Json requirement =
      object({{"key", text()}, {"operator", text()}, {"values", atomic_list(texts())}},
             {"key", "operator"});
  return atomic(object(
      {{"matchExpressions", atomic_list(list_of(requirement))}, {"matchLabels", text_map()}}));
}

Json secret_key_selector() {
  return atomic(object(
      {{"key", text()}, {"name", with(text(), "default", "")}, {"optional", boolean()}}, {"key"}));
}

Json typed_local_object_reference() {
  return atomic(
      object({{"apiGroup", text()}, {"kind", text()}, {"name", text()}}, {"kind", "name"}));
}

Json object_reference() {
  return atomic(object({{"apiVersion", text()},
                        {"fieldPath", text()},
                        {"kind", text()},
                        {"name", text()},
                        {"namespace", text()},
                        {"resourceVersion", text()},
                        {"uid", text()}}));
}

Json data_progress() {
  return object({{"bytesDone", int64()}, {"totalBytes", int64()}});
}

Json hook_status() {
  return nullable(object({{"hooksAttempted", integer()}, {"hooksFailed", integer()}}));
}

}  // namespace lateen::model::schema
