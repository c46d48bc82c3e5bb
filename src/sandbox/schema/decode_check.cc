// The part of decode.h that judges: does each value have its field's type?
#include <array>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/quantity.h"
#include "base/time.h"
#include "sandbox/schema/decode.h"

namespace lateen::sandbox::schema {
namespace {

// Go's name for what a JSON value is.
std::string go_value_name(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "bool";
    case boost::json::kind::string:
      return "string";
    case boost::json::kind::array:
      return "array";
    case boost::json::kind::object:
      return "object";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      break;
  }
  return "number";
}

std::string_view scalar_go_type(const Field& field) {
  switch (field.kind) {
    case ValueKind::Bool:
      return "bool";
    case ValueKind::Int32:
    case ValueKind::IntOrString:
      return "int32";
    case ValueKind::Int64:
      return "int64";
    case ValueKind::Float64:
      return "float64";
    case ValueKind::Bytes:
      return "[]uint8";
    case ValueKind::StringList:
      return "v1.Verbs";
    case ValueKind::Object:
      return field.object->go_name;
    case ValueKind::String:
    case ValueKind::Time:
    case ValueKind::MicroTime:
    case ValueKind::Duration:
    case ValueKind::Quantity:
    case ValueKind::RawExtension:
    case ValueKind::AnyJson:
    case ValueKind::SchemaOrBool:
    case ValueKind::SchemaOrArray:
    case ValueKind::SchemaOrStrings:
      break;
  }
  return "string";
}

// The Go type of one value: "v1.PullPolicy", "int32".
std::string_view item_go_type(const Field& field) {
  const bool scalar = field.kind == ValueKind::String || field.kind == ValueKind::StringList;
  return scalar && !field.go_type.empty() ? field.go_type : scalar_go_type(field);
}

// The Go type of the whole member: "[]v1.Container", "map[string]string", "v1.ResourceList".
std::string member_go_type(const Field& field) {
  switch (field.shape) {
    case Shape::Single:
      break;
    case Shape::List:
      return fmt::format("[]{}", item_go_type(field));
    case Shape::Map:
      if (!field.go_type.empty() && field.enum_values.empty()) return std::string(field.go_type);
      return fmt::format("map[string]{}", item_go_type(field));
  }
  return std::string(item_go_type(field));
}

// Go's words for a text that is no time: which part of the layout the rest of it does not fit.
Error bad_time(std::string_view text, std::string_view seconds) {
  const std::array<std::string_view, 12> layout = {"2006", "-", "01", "-", "02",    "T",
                                                   "15",   ":", "04", ":", seconds, "Z07:00"};
  std::string_view rest = text;
  std::string_view wanted = layout.back();
  for (const std::string_view part : layout) {
    wanted = part;
    const bool digits = part[0] >= '0' && part[0] <= '9';
    const std::string_view here = rest.substr(0, part.size());
    const bool fits = digits ? here.size() == part.size() &&
                                   here.find_first_not_of("0123456789.") == std::string_view::npos
                             : here == part;
    if (!fits) break;
    rest.remove_prefix(part.size());
  }
  return Error(
      Code::InvalidArgument,
      "parsing time \"{0}\" as \"2006-01-02T15:04:{1}Z07:00\": cannot parse \"{2}\" as \"{3}\"",
      text, seconds, rest, wanted);
}

// Walks an object beside its type and stops at the first misfit. The path has field names only:
// Go's does not name items or keys.
class TypeChecker {
 public:
  Status check_object(const Type& type, const Json& value) {
    const JsonObject* object = value.if_object();
    if (object == nullptr) return value.is_null() ? Status() : misfit(value, type.go_name);
    const Type* const outer = std::exchange(struct_, &type);
    for (const auto& [key, member] : *object) {
      if (type.is_kind && (key == "apiVersion" || key == "kind")) {
        TRY(check_text(key, member));
        continue;
      }
      const Field* field = type.find(key);
      if (field == nullptr || member.is_null()) continue;
      const std::size_t depth = path_.size();
      name_field(type, *field);
      TRY(check_member(*field, member));
      path_.resize(depth);
      struct_ = &type;
    }
    struct_ = outer;
    return {};
  }

 private:
  // Go names the embedded structs on the way: "spec.volumes.VolumeSource.emptyDir".
  void name_field(const Type& type, const Field& field) {
    for (const Field& own : type.fields) {
      if (&own == &field) break;
      if (own.inlined && own.object->find(field.name) == &field) {
        path_.push_back(own.object->name);
        return name_field(*own.object, field);
      }
    }
    path_.push_back(field.name);
  }

  Status check_text(std::string_view key, const Json& member) {
    if (member.is_string() || member.is_null()) return {};
    path_.push_back(key);
    return misfit(member, "string");
  }

  Status check_member(const Field& field, const Json& value) {
    switch (field.shape) {
      case Shape::Single:
        return check_value(field, value);
      case Shape::List:
        if (!value.is_array()) return misfit(value, member_go_type(field));
        for (const Json& item : value.get_array())
          TRY(check_value(field, item));
        return {};
      case Shape::Map:
        break;
    }
    if (!value.is_object()) return misfit(value, member_go_type(field));
    for (const auto& [key, item] : value.get_object())
      TRY(check_value(field, item));
    return {};
  }

  Status check_value(const Field& field, const Json& value) {
    if (value.is_null()) return {};
    switch (field.kind) {
      case ValueKind::String:
        return value.is_string() ? Status() : misfit(value, item_go_type(field));
      case ValueKind::Bool:
        return value.is_bool() ? Status() : misfit(value, "bool");
      case ValueKind::Int32:
        return check_integer(value, "int32", 32);
      case ValueKind::Int64:
        return check_integer(value, "int64", 64);
      case ValueKind::Float64:
        return value.is_number() ? Status() : misfit(value, "float64");
      case ValueKind::IntOrString:
        return value.is_string() ? Status() : check_integer(value, "int32", 32);
      case ValueKind::Object:
        return check_object(*field.object, value);
      case ValueKind::StringList:
        return check_strings(field, value);
      case ValueKind::RawExtension:
      case ValueKind::AnyJson:
        return {};
      case ValueKind::SchemaOrBool:
      case ValueKind::SchemaOrArray:
      case ValueKind::SchemaOrStrings:
        return value.is_object() ? check_object(*field.object, value) : Status();
      case ValueKind::Bytes:
      case ValueKind::Time:
      case ValueKind::MicroTime:
      case ValueKind::Duration:
      case ValueKind::Quantity:
        break;
    }
    return check_written_value(field, value);
  }

  Status check_strings(const Field& field, const Json& value) {
    if (!value.is_array()) return misfit(value, item_go_type(field));
    for (const Json& item : value.get_array()) {
      if (!item.is_string() && !item.is_null()) return misfit(item, "string");
    }
    return {};
  }

  // Values that are texts with a grammar of their own.
  Status check_written_value(const Field& field, const Json& value) {
    if (field.kind == ValueKind::Quantity && value.is_number()) {
      return Quantity::parse(write_json(value)) ? Status() : bad_quantity();
    }
    if (!value.is_string()) {
      if (field.kind == ValueKind::Quantity) return bad_quantity();
      return misfit(value, field.kind == ValueKind::Bytes ? "[]uint8" : "string");
    }
    const std::string_view text = value.get_string();
    switch (field.kind) {
      case ValueKind::Quantity: {
        const Result<Quantity> quantity = Quantity::parse(text);
        return quantity ? Status() : Status(quantity.error());
      }
      case ValueKind::Bytes: {
        const Result<Bytes> bytes = base64_decode(text);
        return bytes ? Status() : Status(bytes.error());
      }
      case ValueKind::Time:
        return parse_rfc3339(text) ? Status() : Status(bad_time(text, "05"));
      case ValueKind::MicroTime:
        return parse_rfc3339(text) ? Status() : Status(bad_time(text, "05.000000"));
      default:
        return {};
    }
  }

  static Error bad_quantity() {
    return Error(Code::InvalidArgument,
                 "quantities must match the regular expression "
                 "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }

  Status check_integer(const Json& value, std::string_view go_type, int bits) {
    if (!value.is_number()) return misfit(value, go_type);
    const std::int64_t* number = value.if_int64();
    const bool fits =
        number != nullptr && (bits == 64 || (*number >= INT32_MIN && *number <= INT32_MAX));
    return fits ? Status() : misfit_words(fmt::format("number {}", write_json(value)), go_type);
  }

  Status misfit(const Json& value, std::string_view go_type) {
    return misfit_words(go_value_name(value), go_type);
  }

  Status misfit_words(std::string_view what, std::string_view go_type) {
    if (struct_ == nullptr) {
      return Error(Code::InvalidArgument, "json: cannot unmarshal {} into Go value of type {}",
                   what, go_type);
    }
    return Error(Code::InvalidArgument,
                 "json: cannot unmarshal {} into Go struct field {}.{} of type {}", what,
                 struct_->name, fmt::join(path_, "."), go_type);
  }

  const Type* struct_ = nullptr;
  std::vector<std::string_view> path_;
};

}  // namespace

Status check_types(const Type& type, const Json& object) {
  return TypeChecker().check_object(type, object);
}

Result<Decoded> decode_object(const Type& type, const Json& object) {
  TRY(check_types(type, object));
  return Decoded{.object = normalized(type, object), .strict_errors = unknown_fields(type, object)};
}

std::string strict_error_message(std::string_view kind,
                                 std::string_view version,
                                 const std::vector<std::string>& errors) {
  return decode_error_message(kind, version,
                              fmt::format("strict decoding error: {}", fmt::join(errors, ", ")));
}

std::string decode_error_message(std::string_view kind,
                                 std::string_view version,
                                 std::string_view why) {
  return fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}", kind, version, why);
}

}  // namespace lateen::sandbox::schema
