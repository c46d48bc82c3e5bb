#include "sandbox/crd/validation.h"

#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sandbox/crd/format.h"
#include "sandbox/crd/pattern.h"
#include "sandbox/crd/structural.h"

namespace lateen::sandbox {

namespace {

using schema::FieldError;
using schema::FieldErrors;
using schema::FieldErrorType;

std::string_view type_name(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
      return "integer";
    case boost::json::kind::double_:
      return "number";
    case boost::json::kind::string:
      return "string";
    case boost::json::kind::array:
      return "array";
    case boost::json::kind::object:
      break;
  }
  return "object";
}

std::optional<double> number_of(const Json* value) {
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

// Code points, as JSON schema counts.
std::size_t length_of(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text)
    count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

class Validator {
 public:
  explicit Validator(FieldErrors& errors) : errors_(errors) {}

  void check(const Json& schema, const Json& value, const std::string& path, bool is_root) {
    if (value.is_null() && has_flag(schema, "nullable")) return;
    if (!check_type(schema, value, path)) return;
    check_enum(schema, value, path);
    if (value.is_string()) check_string(schema, value, path);
    if (value.is_number()) check_number(schema, value, path);
    if (value.is_array()) check_array(schema, value, path);
    if (value.is_object()) check_object(schema, value, path, is_root);
    check_combinations(schema, value, path, is_root);
  }

 private:
  static std::string name_of(const std::string& path) { return path.empty() ? "." : path; }

  void wrong(const std::string& path, const Json& value, std::string_view what) {
    errors_.push_back(
        schema::invalid(path, value, fmt::format("{} in body {}", name_of(path), what)));
  }

  bool check_type(const Json& schema, const Json& value, const std::string& path) {
    if (has_flag(schema, "x-kubernetes-int-or-string")) {
      if (value.is_string() || value.is_int64() || value.is_uint64()) return true;
      type_error(path, "integer,string", value);
      return false;
    }
    const std::string_view wanted = string_at(schema, "type");
    const std::string_view actual = type_name(value);
    if (wanted.empty() || wanted == actual || (wanted == "number" && actual == "integer"))
      return true;
    const bool whole = value.is_double() && std::floor(value.as_double()) == value.as_double();
    if (wanted == "integer" && whole) return true;
    type_error(path, wanted, value);
    return false;
  }

  void type_error(const std::string& path, std::string_view wanted, const Json& value) {
    const std::string_view actual = type_name(value);
    FieldError error = schema::invalid(
        path, Json(actual),
        fmt::format("{} in body must be of type {}: \"{}\"", name_of(path), wanted, actual));
    error.type = FieldErrorType::TypeInvalid;
    errors_.push_back(std::move(error));
  }

  void check_enum(const Json& schema, const Json& value, const std::string& path) {
    const JsonArray* allowed = array_at(schema, "enum");
    if (allowed == nullptr) return;
    std::vector<std::string> words;
    for (const Json& one : *allowed) {
      if (one == value) return;
      words.emplace_back(one.is_string() ? std::string(one.as_string()) : write_json(one));
    }
    errors_.push_back(schema::not_supported(path, value, words));
  }

  void check_string(const Json& schema, const Json& value, const std::string& path) {
    const std::string_view text = value.as_string();
    const std::size_t length = length_of(text);
    if (const auto most = int_at(schema, "maxLength");
        most && length > static_cast<std::size_t>(*most)) {
      errors_.push_back({.type = FieldErrorType::TooLong,
                         .field = path,
                         .bad_value = write_json(value),
                         .detail = fmt::format("may not be more than {} bytes", *most)});
    }
    if (const auto least = int_at(schema, "minLength");
        least && length < static_cast<std::size_t>(*least)) {
      wrong(path, value, fmt::format("should be at least {} chars long", *least));
    }
    const std::string_view expression = string_at(schema, "pattern");
    if (!expression.empty()) {
      const Pattern* pattern = cached_pattern(expression);
      if (pattern != nullptr && !pattern->found_in(text)) {
        wrong(path, value, fmt::format("should match '{}'", expression));
      }
    }
    const std::string_view format = string_at(schema, "format");
    if (!format.empty() && !has_format(format, text)) {
      wrong(path, value, fmt::format("must be of type {}: {}", format, write_json(value)));
    }
  }

  void check_number(const Json& schema, const Json& value, const std::string& path) {
    const double number = value.to_number<double>();
    if (const auto most = number_of(find(schema, "maximum"))) {
      const bool exclusive = has_flag(schema, "exclusiveMaximum");
      if (number > *most || (exclusive && number == *most)) {
        wrong(path, value,
              fmt::format("should be less than {}{}", exclusive ? "" : "or equal to ", *most));
      }
    }
    if (const auto least = number_of(find(schema, "minimum"))) {
      const bool exclusive = has_flag(schema, "exclusiveMinimum");
      if (number < *least || (exclusive && number == *least)) {
        wrong(path, value,
              fmt::format("should be greater than {}{}", exclusive ? "" : "or equal to ", *least));
      }
    }
    if (const auto step = number_of(find(schema, "multipleOf")); step && *step != 0) {
      const double times = number / *step;
      if (times != std::floor(times))
        wrong(path, value, fmt::format("should be a multiple of {}", *step));
    }
    const std::string_view format = string_at(schema, "format");
    const bool small = number >= -2147483648.0 && number <= 2147483647.0;
    if (format == "int32" && !small) {
      wrong(path, value, fmt::format("must be of type int32: {}", write_json(value)));
    }
  }

  void too_many(const std::string& path, std::size_t actual, std::int64_t most) {
    errors_.push_back({.type = FieldErrorType::TooMany,
                       .field = path,
                       .bad_value = std::to_string(actual),
                       .detail = fmt::format("must have at most {} items", most)});
  }

  void check_array(const Json& schema, const Json& value, const std::string& path) {
    const JsonArray& items = value.as_array();
    if (const auto most = int_at(schema, "maxItems");
        most && items.size() > static_cast<std::size_t>(*most)) {
      too_many(path, items.size(), *most);
    }
    if (const auto least = int_at(schema, "minItems");
        least && items.size() < static_cast<std::size_t>(*least)) {
      wrong(path, value, fmt::format("should have at least {} items", *least));
    }
    const Json* item_schema = find(schema, "items");
    if (item_schema != nullptr && item_schema->is_object()) {
      for (std::size_t i = 0; i < items.size(); ++i) {
        check(*item_schema, items[i], fmt::format("{}[{}]", path, i), false);
      }
    }
    check_list_type(schema, items, path);
  }

  void check_list_type(const Json& schema, const JsonArray& items, const std::string& path) {
    const std::string_view kind = string_at(schema, "x-kubernetes-list-type");
    if (kind != "set" && kind != "map") return;
    const JsonArray* keys = array_at(schema, "x-kubernetes-list-map-keys");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
      Json identity = items[i];
      if (kind == "map" && keys != nullptr && items[i].is_object()) {
        JsonObject chosen;
        for (const Json& key : *keys) {
          const Json* value = find(items[i], JsonKey{as_text(&key)});
          if (value != nullptr) chosen[as_text(&key)] = *value;
        }
        identity = std::move(chosen);
      }
      if (!seen.insert(write_json(identity)).second) {
        errors_.push_back(schema::duplicate(fmt::format("{}[{}]", path, i), identity));
      }
    }
  }

  void check_object(const Json& schema, const Json& value, const std::string& path, bool is_root) {
    const JsonObject& object = value.as_object();
    if (const JsonArray* required = array_at(schema, "required")) {
      for (const Json& name : *required) {
        if (object.if_contains(as_text(&name)) != nullptr) continue;
        errors_.push_back(schema::required(below(path, as_text(&name)), ""));
      }
    }
    if (const auto most = int_at(schema, "maxProperties");
        most && object.size() > static_cast<std::size_t>(*most)) {
      too_many(path, object.size(), *most);
    }
    if (const auto least = int_at(schema, "minProperties");
        least && object.size() < static_cast<std::size_t>(*least)) {
      wrong(path, value, fmt::format("should have at least {} properties", *least));
    }
    const JsonObject* properties = object_at(schema, "properties");
    const Json* additional = find(schema, "additionalProperties");
    for (const auto& member : object) {
      const std::string_view name = member.key();
      if (is_root && (name == "apiVersion" || name == "kind" || name == "metadata")) continue;
      const Json* next = properties != nullptr ? properties->if_contains(name) : nullptr;
      if (next == nullptr && additional != nullptr && additional->is_object()) next = additional;
      if (next != nullptr) check(*next, member.value(), below(path, name), false);
    }
  }

  void check_combinations(const Json& schema,
                          const Json& value,
                          const std::string& path,
                          bool is_root) {
    if (const JsonArray* all = array_at(schema, "allOf")) {
      for (const Json& one : *all)
        check(one, value, path, is_root);
    }
    if (const JsonArray* any = array_at(schema, "anyOf");
        any != nullptr && count_valid(*any, value, is_root) == 0) {
      combination(path, value, "must validate at least one schema (anyOf)");
    }
    if (const JsonArray* one = array_at(schema, "oneOf")) {
      const std::size_t valid = count_valid(*one, value, is_root);
      if (valid == 0)
        combination(path, value, "must validate one and only one schema (oneOf). Found none valid");
      if (valid > 1) {
        combination(
            path, value,
            fmt::format(
                "must validate one and only one schema (oneOf). Found {} valid alternatives",
                valid));
      }
    }
    if (const Json* forbidden = find(schema, "not")) {
      if (count_valid(JsonArray{*forbidden}, value, is_root) != 0) {
        combination(path, value, "must not validate the schema (not)");
      }
    }
  }

  void combination(const std::string& path, const Json& value, std::string_view what) {
    errors_.push_back(schema::invalid(path.empty() ? "<nil>" : path, value,
                                      fmt::format("\"{}\" {}", path, what)));
  }

  static std::size_t count_valid(const JsonArray& schemas, const Json& value, bool is_root) {
    std::size_t count = 0;
    for (const Json& one : schemas) {
      FieldErrors found;
      Validator(found).check(one, value, "", is_root);
      count += found.empty() ? 1 : 0;
    }
    return count;
  }

  static std::string below(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
  }

  FieldErrors& errors_;
};

}  // namespace

FieldErrors validate_custom_resource(const Json& schema, const Json& object) {
  FieldErrors errors;
  Validator(errors).check(schema, object, "", true);
  return errors;
}

}  // namespace lateen::sandbox
