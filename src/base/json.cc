#include "base/json.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <boost/json/basic_parser_impl.hpp>

namespace lateen {

namespace {

// Builds the tree as boost's own parser does, but for doubles: Boost 1.81 computes them with an
// error of up to some units in the last place, and an object that was only relabelled would come
// back with another number.
struct TreeHandler {
  static constexpr std::size_t max_object_size = JsonObject::max_size();
  static constexpr std::size_t max_array_size = JsonArray::max_size();
  static constexpr std::size_t max_key_size = boost::json::string::max_size();
  static constexpr std::size_t max_string_size = boost::json::string::max_size();

  using View = boost::json::string_view;
  using Ec = boost::json::error_code;

  bool on_document_begin(Ec& /*ec*/) { return true; }

  bool on_document_end(Ec& /*ec*/) { return true; }

  bool on_object_begin(Ec& /*ec*/) { return true; }

  bool on_object_end(std::size_t n, Ec& /*ec*/) {
    stack.push_object(n);
    return true;
  }

  bool on_array_begin(Ec& /*ec*/) { return true; }

  bool on_array_end(std::size_t n, Ec& /*ec*/) {
    stack.push_array(n);
    return true;
  }

  bool on_key_part(View s, std::size_t /*n*/, Ec& /*ec*/) {
    stack.push_chars(s);
    return true;
  }

  bool on_key(View s, std::size_t /*n*/, Ec& /*ec*/) {
    stack.push_key(s);
    return true;
  }

  bool on_string_part(View s, std::size_t /*n*/, Ec& /*ec*/) {
    stack.push_chars(s);
    return true;
  }

  bool on_string(View s, std::size_t /*n*/, Ec& /*ec*/) {
    stack.push_string(s);
    return true;
  }

  bool on_number_part(View /*s*/, Ec& /*ec*/) { return true; }

  bool on_int64(std::int64_t i, View /*s*/, Ec& /*ec*/) {
    stack.push_int64(i);
    return true;
  }

  bool on_uint64(std::uint64_t u, View /*s*/, Ec& /*ec*/) {
    stack.push_uint64(u);
    return true;
  }

  // `s` is the whole number: the text is parsed in one piece.
  bool on_double(double /*approximate*/, View s, Ec& ec) {
    double exact = 0;
    const auto [end, failed] = std::from_chars(s.data(), s.data() + s.size(), exact);
    if (failed == std::errc::result_out_of_range) {
      // Underflow gives zero as in Go; only what is too large has no value.
      exact = std::strtod(std::string(s).c_str(), nullptr);
    }
    if (!std::isfinite(exact)) {
      ec = boost::json::make_error_code(boost::json::error::exponent_overflow);
      return false;
    }
    stack.push_double(exact);
    return true;
  }

  bool on_bool(bool b, Ec& /*ec*/) {
    stack.push_bool(b);
    return true;
  }

  bool on_null(Ec& /*ec*/) {
    stack.push_null();
    return true;
  }

  bool on_comment_part(View /*s*/, Ec& /*ec*/) { return true; }

  bool on_comment(View /*s*/, Ec& /*ec*/) { return true; }

  boost::json::value_stack stack;
};

Error not_json(std::size_t at, std::string_view why) {
  return {Code::InvalidArgument, "not valid JSON at byte {}: {}", at, why};
}

Result<Json> parse_tree(BytesView text) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::basic_parser<TreeHandler> parser(options);
  parser.handler().stack.reset();
  boost::json::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) return not_json(used, ec.message());
  if (used < text.size()) return not_json(used, "something follows the document");
  return parser.handler().stack.release();
}

}  // namespace

Result<Json> parse_json(BytesView text) {
  try {
    return parse_tree(text);
  } catch (const std::exception& e) {  // memory, or a size that boost refuses
    return Error(Code::InvalidArgument, "JSON of {} bytes cannot be read: {}", text.size(),
                 e.what());
  }
}

const Json* find(const Json& value, JsonKey key) {
  const JsonObject* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key.name);
}

const Json* find(const Json* value, JsonKey key) {
  return value == nullptr ? nullptr : find(*value, key);
}

const Json* find(const Json& value, std::string_view path) {
  const Json* at = &value;
  while (at != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    at = find(*at, JsonKey{path.substr(0, dot)});
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

const Json* find(const Json* value, std::string_view path) {
  return value == nullptr ? nullptr : find(*value, path);
}

std::string_view as_text(const Json* value) {
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::string_view string_at(const Json& value, std::string_view path) {
  return as_text(find(value, path));
}

std::optional<std::int64_t> int_at(const Json& value, std::string_view path) {
  const Json* at = find(value, path);
  if (at == nullptr) return std::nullopt;
  if (at->is_int64()) return at->get_int64();
  // Kubernetes takes 5.0 for 5. The bound is 2^63 as a double; below it the conversion is exact.
  if (at->is_double() && std::trunc(at->get_double()) == at->get_double() &&
      std::abs(at->get_double()) < 9223372036854775808.0) {
    return static_cast<std::int64_t>(at->get_double());
  }
  if (at->is_uint64() && at->get_uint64() <= std::numeric_limits<std::int64_t>::max()) {
    return static_cast<std::int64_t>(at->get_uint64());
  }
  return std::nullopt;
}

std::optional<bool> bool_at(const Json& value, std::string_view path) {
  const Json* at = find(value, path);
  if (at == nullptr || !at->is_bool()) return std::nullopt;
  return at->get_bool();
}

const JsonObject* object_at(const Json& value, std::string_view path) {
  const Json* at = find(value, path);
  return at == nullptr ? nullptr : at->if_object();
}

const JsonArray* array_at(const Json& value, std::string_view path) {
  const Json* at = find(value, path);
  return at == nullptr ? nullptr : at->if_array();
}

JsonArray texts_json(std::span<const std::string> texts) {
  return JsonArray(texts.begin(), texts.end());
}

std::vector<std::string> texts_at(const Json& value, std::string_view path) {
  std::vector<std::string> texts;
  if (const JsonArray* array = array_at(value, path)) {
    for (const Json& item : *array)
      texts.emplace_back(as_text(&item));
  }
  return texts;
}

Json& ensure(Json& value, std::string_view path) {
  Json* at = &value;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    if (!at->is_object()) at->emplace_object();
    at = &at->get_object()[path.substr(0, dot)];
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return *at;
}

bool erase(JsonObject& object, JsonKey key) {
  const auto at = object.find(key.name);
  if (at == object.end()) return false;
  object.stable_erase(at);
  return true;
}

bool erase(Json& value, std::string_view path) {
  const std::size_t dot = path.rfind('.');
  const bool nested = dot != std::string_view::npos;
  const Json* parent = nested ? find(value, path.substr(0, dot)) : &value;
  if (parent == nullptr || !parent->is_object()) return false;
  const std::string_view key = nested ? path.substr(dot + 1) : path;
  // `value` came in mutable: so is everything inside.
  return erase(const_cast<Json*>(parent)->get_object(), JsonKey{key});
}

}  // namespace lateen
