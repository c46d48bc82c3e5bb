#include "sandbox/schema/validation_parts.h"

#include <algorithm>

#include "base/json.h"

namespace lateen::sandbox::schema {
namespace {

bool is_empty(const Json* value) {
  if (value == nullptr || value->is_null()) return true;
  if (const JsonObject* object = value->if_object()) return object->empty();
  if (const JsonArray* array = value->if_array()) return array->empty();
  return value->is_string() && value->get_string().empty();
}

}  // namespace

void complain(const std::string& field,
              std::string_view value,
              const Complaints& complaints,
              FieldErrors& errors) {
  for (const std::string& complaint : complaints)
    errors.push_back(invalid(field, Json(value), complaint));
}

void check_not_negative(const Json& object, std::string_view path, FieldErrors& errors) {
  const auto number = int_at(object, path);
  if (number && *number < 0) {
    errors.push_back(
        invalid(std::string(path), Json(*number), "must be greater than or equal to 0"));
  }
}

void check_required_text(const Json& object, std::string_view path, FieldErrors& errors) {
  if (string_at(object, path).empty()) errors.push_back(required(std::string(path), ""));
}

void check_one_of(const Json& object,
                  std::string_view path,
                  const std::vector<std::string>& supported,
                  FieldErrors& errors) {
  const Json* value = find(object, path);
  if (value == nullptr || !value->is_string()) return;
  if (std::ranges::find(supported, std::string_view(value->get_string())) != supported.end())
    return;
  errors.push_back(not_supported(std::string(path), *value, supported));
}

bool same_value(const Json* left, const Json* right) {
  if (is_empty(left) || is_empty(right)) return is_empty(left) && is_empty(right);
  return *left == *right;
}

Json value_or_null(const Json* value) {
  return value != nullptr ? *value : Json();
}

void check_immutable(const Json& old_object,
                     const Json& object,
                     std::string_view path,
                     FieldErrors& errors) {
  const Json* after = find(object, path);
  if (!same_value(find(old_object, path), after)) {
    errors.push_back(invalid(std::string(path), value_or_null(after), "field is immutable"));
  }
}

void check_label_map(const Json* labels, const std::string& field, FieldErrors& errors) {
  if (labels == nullptr || !labels->is_object()) return;
  for (const auto& [key, value] : labels->get_object()) {
    complain(field, key, check_qualified_name(key), errors);
    complain(field, as_text(&value), check_label_value(as_text(&value)), errors);
  }
}

}  // namespace lateen::sandbox::schema
