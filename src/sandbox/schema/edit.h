// Small edits of JSON trees that defaults, preparation and checks share. Internal to this folder.
//
// Beware: adding a member may move all members of that object (but not what lies inside them), so
// that references to them, and views of their short texts, do not outlive it.
#pragma once

#include <string_view>

#include "base/json.h"

namespace lateen::sandbox::schema {

// The member, unless it is absent or null.
Json* member(JsonObject& object, std::string_view key);
const Json* member(const JsonObject& object, std::string_view key);

// The member when it is an object, or a list; null otherwise.
JsonObject* object_member(JsonObject& object, std::string_view key);
const JsonObject* object_member(const JsonObject& object, std::string_view key);
JsonArray* array_member(JsonObject& object, std::string_view key);
const JsonArray* array_member(const JsonObject& object, std::string_view key);

// The value at a dotted path below the object; null when it is absent.
const Json* member_at(const JsonObject& object, std::string_view path);

// The text of a member; "" when it is none.
std::string_view text_member(const JsonObject& object, std::string_view key);

// Sets what is absent, null or (for texts) empty.
void set_default(JsonObject& object, std::string_view key, Json value);

// The member as an object, made when it is absent or null.
JsonObject& ensure_object(JsonObject& object, std::string_view key);

// Calls `each` with every object of a list.
template <typename Each>
void for_each_object(JsonObject& object, std::string_view key, Each each) {
  JsonArray* items = array_member(object, key);
  if (items == nullptr) return;
  for (Json& item : *items) {
    if (JsonObject* inner = item.if_object()) each(*inner);
  }
}

}  // namespace lateen::sandbox::schema
