#include "model/codec.h"

namespace lateen::model::codec {
namespace {

std::string_view kind_name(const Json& json) {
  switch (json.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "a boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return "a number";
    case boost::json::kind::string:
      return "a string";
    case boost::json::kind::array:
      return "a list";
    case boost::json::kind::object:
      return "an object";
  }
  return "something else";
}

}  // namespace

Failure expected(std::string_view what, const Json& got) {
  return {.what = fmt::format("expected {}, got {}", what, kind_name(got))};
}

std::string describe(const Failure& failure) {
  std::string path;
  for (auto segment = failure.path.rbegin(); segment != failure.path.rend(); ++segment) {
    if (!path.empty() && !segment->starts_with('[')) path += '.';
    path += *segment;
  }
  return path.empty() ? failure.what : path + ": " + failure.what;
}

Decoded decode(const Json& json, std::string& out) {
  if (!json.is_string()) return expected("a string", json);
  out = json.get_string();
  return {};
}

Decoded decode(const Json& json, bool& out) {
  if (!json.is_bool()) return expected("true or false", json);
  out = json.get_bool();
  return {};
}

Decoded decode(const Json& json, std::int64_t& out) {
  boost::system::error_code error;
  out = json.to_number<std::int64_t>(error);
  if (error) return expected("a whole number", json);
  return {};
}

Decoded decode(const Json& json, Duration& out) {
  if (!json.is_string()) return expected("a duration such as \"1h30m\"", json);
  Result<Duration> parsed = parse_go_duration(as_text(&json));
  if (!parsed) return Failure{.what = parsed.error().message()};
  out = *parsed;
  return {};
}

Decoded decode(const Json& json, TimePoint& out) {
  if (!json.is_string()) return expected("a time such as \"2026-11-22T10:09:21Z\"", json);
  Result<TimePoint> parsed = parse_rfc3339(as_text(&json));
  if (!parsed) return Failure{.what = parsed.error().message()};
  out = *parsed;
  return {};
}

Decoded decode(const Json& json, Json& out) {
  out = json;
  return {};
}

Decoded decode(const Json& json, JsonObject& out) {
  if (!json.is_object()) return expected("an object", json);
  out = json.get_object();
  return {};
}

Json encode(const std::string& value) {
  return Json(value);
}

Json encode(bool value) {
  return Json(value);
}

Json encode(std::int64_t value) {
  return Json(value);
}

Json encode(Duration value) {
  return Json(format_go_duration(value));
}

Json encode(TimePoint value) {
  return Json(format_rfc3339(value));
}

Json encode(const Json& value) {
  return value;
}

Json encode(const JsonObject& value) {
  return value;
}

bool is_empty(const Json& value) {
  if (value.is_array()) return value.get_array().empty();
  if (value.is_object()) return value.get_object().empty();
  return value.is_null();
}

Status check_kind(const KindInfo& kind, JsonObject& unknown) {
  const std::string api_version = kind.api_version();
  const std::pair<std::string_view, std::string_view> wanted[] = {{"apiVersion", api_version},
                                                                  {"kind", kind.kind}};
  for (const auto& [key, want] : wanted) {
    const Json* got = unknown.if_contains(key);
    if (got == nullptr) continue;
    if (as_text(got) != want && !as_text(got).empty()) {
      return Error(Code::InvalidArgument, "expected {} {}, got {} {}", key, want, key,
                   as_text(got));
    }
    erase(unknown, JsonKey{key});
  }
  return {};
}

Json with_kind(const KindInfo& kind, JsonObject object) {
  JsonObject typed;
  typed.reserve(object.size() + 2);
  typed.emplace("kind", kind.kind);
  typed.emplace("apiVersion", kind.api_version());
  for (auto& [key, value] : object)
    typed.emplace(key, std::move(value));
  return typed;
}

}  // namespace lateen::model::codec
