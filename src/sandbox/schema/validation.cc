#include "sandbox/schema/validation.h"

#include <algorithm>

#include <fmt/format.h>

namespace lateen::sandbox::schema {
namespace {

std::string_view type_words(FieldErrorType type) {
  switch (type) {
    case FieldErrorType::Required:
      return "Required value";
    case FieldErrorType::Invalid:
    case FieldErrorType::TypeInvalid:
      return "Invalid value";
    case FieldErrorType::NotSupported:
      return "Unsupported value";
    case FieldErrorType::Forbidden:
      return "Forbidden";
    case FieldErrorType::Duplicate:
      return "Duplicate value";
    case FieldErrorType::NotFound:
      return "Not found";
    case FieldErrorType::TooLong:
      return "Too long";
    case FieldErrorType::TooMany:
      return "Too many";
  }
  return "Invalid value";
}

bool shows_value(FieldErrorType type) {
  return type != FieldErrorType::Required && type != FieldErrorType::Forbidden &&
         type != FieldErrorType::TooLong;
}

// As Go's %q for what occurs in objects.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

std::string shown(const Json& value) {
  return value.is_string() ? quoted(value.get_string()) : write_json_unsorted(value);
}

std::string qualified_kind(std::string_view group, std::string_view kind) {
  return group.empty() ? std::string(kind) : fmt::format("{}.{}", kind, group);
}

}  // namespace

std::string FieldError::cause_message() const {
  std::string text(type_words(type));
  if (shows_value(type)) text += ": " + bad_value;
  if (!detail.empty()) text += ": " + detail;
  return text;
}

std::string FieldError::message() const {
  return fmt::format("{}: {}", field, cause_message());
}

std::string_view FieldError::cause_reason() const {
  switch (type) {
    case FieldErrorType::Required:
      return "FieldValueRequired";
    case FieldErrorType::Invalid:
      return "FieldValueInvalid";
    case FieldErrorType::NotSupported:
      return "FieldValueNotSupported";
    case FieldErrorType::Forbidden:
      return "FieldValueForbidden";
    case FieldErrorType::Duplicate:
      return "FieldValueDuplicate";
    case FieldErrorType::NotFound:
      return "FieldValueNotFound";
    case FieldErrorType::TooLong:
      return "FieldValueTooLong";
    case FieldErrorType::TooMany:
      return "FieldValueTooMany";
    case FieldErrorType::TypeInvalid:
      return "FieldValueTypeInvalid";
  }
  return "FieldValueInvalid";
}

FieldError required(std::string field, std::string detail) {
  return {.type = FieldErrorType::Required,
          .field = std::move(field),
          .bad_value = {},
          .detail = std::move(detail)};
}

FieldError invalid(std::string field, const Json& value, std::string detail) {
  return {.type = FieldErrorType::Invalid,
          .field = std::move(field),
          .bad_value = shown(value),
          .detail = std::move(detail)};
}

FieldError not_supported(std::string field,
                         const Json& value,
                         const std::vector<std::string>& supported) {
  std::vector<std::string> names;
  for (const std::string& name : supported)
    names.push_back(quoted(name));
  std::ranges::sort(names);
  const std::string detail =
      names.empty() ? std::string() : fmt::format("supported values: {}", fmt::join(names, ", "));
  return {.type = FieldErrorType::NotSupported,
          .field = std::move(field),
          .bad_value = shown(value),
          .detail = detail};
}

FieldError forbidden(std::string field, std::string detail) {
  return {.type = FieldErrorType::Forbidden,
          .field = std::move(field),
          .bad_value = {},
          .detail = std::move(detail)};
}

FieldError duplicate(std::string field, const Json& value) {
  return {.type = FieldErrorType::Duplicate,
          .field = std::move(field),
          .bad_value = shown(value),
          .detail = {}};
}

FieldError not_found(std::string field, const Json& value) {
  return {.type = FieldErrorType::NotFound,
          .field = std::move(field),
          .bad_value = shown(value),
          .detail = {}};
}

FieldError too_long(std::string field, std::size_t most_bytes) {
  return {.type = FieldErrorType::TooLong,
          .field = std::move(field),
          .bad_value = {},
          .detail = fmt::format("may not be more than {} bytes", most_bytes)};
}

std::string invalid_message(std::string_view group,
                            std::string_view kind,
                            std::string_view name,
                            const FieldErrors& errors) {
  std::vector<std::string> texts;  // each once, as Go's aggregate
  for (const FieldError& error : errors) {
    std::string text = error.message();
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
  }
  const std::string all =
      texts.size() == 1 ? texts.front() : fmt::format("[{}]", fmt::join(texts, ", "));
  return fmt::format("{} {} is invalid: {}", qualified_kind(group, kind), quoted(name), all);
}

Json invalid_status(std::string_view group,
                    std::string_view kind,
                    std::string_view name,
                    const FieldErrors& errors) {
  JsonArray causes;
  for (const FieldError& error : errors) {
    causes.push_back(JsonObject{{"reason", error.cause_reason()},
                                {"message", error.cause_message()},
                                {"field", error.field}});
  }
  JsonObject details;
  if (!name.empty()) details.emplace("name", name);
  if (!group.empty()) details.emplace("group", group);
  details.emplace("kind", kind);
  details.emplace("causes", std::move(causes));
  return JsonObject{{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", JsonObject()},
                    {"status", "Failure"},
                    {"message", invalid_message(group, kind, name, errors)},
                    {"reason", "Invalid"},
                    {"details", std::move(details)},
                    {"code", 422}};
}

}  // namespace lateen::sandbox::schema
