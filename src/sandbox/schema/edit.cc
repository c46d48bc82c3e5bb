#include "sandbox/schema/edit.h"

#include <utility>

namespace lateen::sandbox::schema {

Json* member(JsonObject& object, std::string_view key) {
  Json* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const Json* member(const JsonObject& object, std::string_view key) {
  const Json* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

JsonObject* object_member(JsonObject& object, std::string_view key) {
  Json* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

const JsonObject* object_member(const JsonObject& object, std::string_view key) {
  const Json* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

JsonArray* array_member(JsonObject& object, std::string_view key) {
  Json* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

const JsonArray* array_member(const JsonObject& object, std::string_view key) {
  const Json* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

const Json* member_at(const JsonObject& object, std::string_view path) {
  const std::size_t dot = path.find('.');
  const Json* first = member(object, path.substr(0, dot));
  if (first == nullptr || dot == std::string_view::npos) return first;
  return first->is_object() ? member_at(first->get_object(), path.substr(dot + 1)) : nullptr;
}

std::string_view text_member(const JsonObject& object, std::string_view key) {
  return as_text(object.if_contains(key));
}

void set_default(JsonObject& object, std::string_view key, Json value) {
  Json& here = object[key];
  const bool empty_text = here.is_string() && here.get_string().empty();
  if (here.is_null() || empty_text) here = std::move(value);
}

JsonObject& ensure_object(JsonObject& object, std::string_view key) {
  Json& here = object[key];
  return here.is_object() ? here.get_object() : here.emplace_object();
}

}  // namespace lateen::sandbox::schema
