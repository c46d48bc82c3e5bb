// How the structs of this room become JSON and come out of it. Only this room's .cc files include
// it; each ends by instantiating from_json and to_json for its structs.
//
// A struct is read through its fields(): every field listed is looked up by name, null counts as
// absent, and what was not listed goes into `unknown`. It is written in the order listed, then what
// is unknown.
#pragma once

#include <algorithm>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "model/object_meta.h"
#include "model/open_enum.h"

namespace lateen::model::codec {

// Why a value could not be read, and where: segments innermost first.
struct Failure {
  std::string what;
  std::vector<std::string> path = {};
};

using Decoded = std::optional<Failure>;  // nothing when it went well

Failure expected(std::string_view what, const Json& got);

// "spec.hooks.resources[0].name: expected a string, got a number"
std::string describe(const Failure& failure);

Decoded decode(const Json& json, std::string& out);
Decoded decode(const Json& json, bool& out);
Decoded decode(const Json& json, std::int64_t& out);
Decoded decode(const Json& json, Duration& out);
Decoded decode(const Json& json, TimePoint& out);
Decoded decode(const Json& json, Json& out);
Decoded decode(const Json& json, JsonObject& out);

Json encode(const std::string& value);
Json encode(bool value);
Json encode(std::int64_t value);
Json encode(Duration value);
Json encode(TimePoint value);
Json encode(const Json& value);
Json encode(const JsonObject& value);

struct AnyVisitor {
  void operator()(std::string_view, auto&) {}

  void always(std::string_view, auto&) {}
};

template <typename T>
concept Described = requires(T& value, AnyVisitor& visit) { T::fields(value, visit); };

template <typename T>
concept Kind = Described<T> && requires { T::kKind.plural; };

template <Described T>
Decoded decode(const Json& json, T& out);
template <Described T>
Json encode(const T& value);

template <Worded E>
Decoded decode(const Json& json, OpenEnum<E>& out) {
  if (!json.is_string()) return expected("a string", json);
  out = OpenEnum<E>::parse(as_text(&json));
  return {};
}

template <Worded E>
Json encode(const OpenEnum<E>& value) {
  return Json(value.text());
}

template <typename T>
Decoded decode(const Json& json, std::optional<T>& out) {
  return decode(json, out.emplace());
}

template <typename T>
Json encode(const std::optional<T>& value) {
  return value ? encode(*value) : Json();
}

template <typename T>
Decoded decode(const Json& json, std::vector<T>& out) {
  if (!json.is_array()) return expected("a list", json);
  out.clear();
  out.reserve(json.get_array().size());
  for (const Json& item : json.get_array()) {
    T& element = out.emplace_back();
    if (item.is_null()) continue;
    if (Decoded failure = decode(item, element)) {
      failure->path.push_back("[" + std::to_string(out.size() - 1) + "]");
      return failure;
    }
  }
  return {};
}

// A nil list of Go's is null: this is the only empty list that we ever write.
template <typename T>
Json encode(const std::vector<T>& value) {
  if (value.empty()) return {};
  JsonArray array;
  array.reserve(value.size());
  for (const T& item : value)
    array.push_back(encode(item));
  return array;
}

template <typename T>
Decoded decode(const Json& json, std::map<std::string, T, std::less<>>& out) {
  if (!json.is_object()) return expected("an object", json);
  out.clear();
  for (const auto& [key, item] : json.get_object()) {
    T& element = out[std::string(key)];
    if (item.is_null()) continue;
    if (Decoded failure = decode(item, element)) {
      failure->path.emplace_back(key);
      return failure;
    }
  }
  return {};
}

template <typename T>
Json encode(const std::map<std::string, T, std::less<>>& value) {
  if (value.empty()) return {};
  JsonObject object;
  object.reserve(value.size());
  for (const auto& [key, item] : value)
    object.emplace(key, encode(item));
  return object;
}

// What Go's omitempty leaves out. A struct never is.
bool is_empty(const Json& value);

inline bool is_empty(bool value) {
  return !value;
}

inline bool is_empty(std::int64_t value) {
  return value == 0;
}

template <typename T>
bool is_empty(const std::optional<T>& value) {
  return !value;
}

template <typename T>
  requires requires(const T& t) { t.empty(); } && (!Described<T>)
bool is_empty(const T& value) {
  return value.empty();
}

template <Described T>
bool is_empty(const T&) {
  return false;
}

class Decoder {
 public:
  explicit Decoder(const JsonObject& object) : object_(object) {}

  template <typename T>
  void operator()(std::string_view name, T& member) {
    known_.push_back(name);
    if (failure_) return;
    const Json* value = object_.if_contains(name);
    if (value == nullptr || value->is_null()) return;
    failure_ = decode(*value, member);
    if (failure_) failure_->path.emplace_back(name);
  }

  template <typename T>
  void always(std::string_view name, T& member) {
    (*this)(name, member);
  }

  // Puts what fields() did not ask for into `unknown`.
  Decoded finish(JsonObject& unknown) {
    for (const auto& [key, value] : object_) {
      if (std::ranges::find(known_, std::string_view(key)) == known_.end())
        unknown.emplace(key, value);
    }
    return std::move(failure_);
  }

 private:
  const JsonObject& object_;
  std::vector<std::string_view> known_;
  Decoded failure_;
};

class Encoder {
 public:
  explicit Encoder(JsonObject& object) : object_(object) {}

  template <typename T>
  void operator()(std::string_view name, const T& member) {
    if (!is_empty(member)) object_.emplace(name, encode_member(member));
  }

  template <typename T>
  void always(std::string_view name, const T& member) {
    object_.emplace(name, encode_member(member));
  }

  void finish(const JsonObject& unknown) {
    for (const auto& [key, value] : unknown)
      object_.emplace(key, value);
  }

 private:
  template <typename T>
  static Json encode_member(const T& member) {
    return encode(member);
  }

  JsonObject& object_;
};

template <Described T>
Decoded decode(const Json& json, T& out) {
  if (!json.is_object()) return expected("an object", json);
  Decoder decoder(json.get_object());
  T::fields(out, decoder);
  return decoder.finish(out.unknown);
}

template <Described T>
Json encode(const T& value) {
  JsonObject object;
  Encoder encoder(object);
  T::fields(value, encoder);
  encoder.finish(value.unknown);
  return object;
}

// Refuses a document that says to be something else; takes `kind` and `apiVersion` out of what is
// unknown.
Status check_kind(const KindInfo& kind, JsonObject& unknown);

// Object with `kind` and `apiVersion` in front.
Json with_kind(const KindInfo& kind, JsonObject object);

}  // namespace lateen::model::codec

namespace lateen::model {

template <typename T>
Result<T> from_json(const Json& json) {
  T value;
  if (const codec::Decoded failure = codec::decode(json, value)) {
    return Error(Code::InvalidArgument, "{}", codec::describe(*failure));
  }
  if constexpr (codec::Kind<T>) TRY(codec::check_kind(T::kKind, value.unknown));
  return value;
}

template <typename T>
Json to_json_untyped(const T& value) {
  return codec::encode(value);
}

template <typename T>
Json to_json(const T& value) {
  Json json = codec::encode(value);
  if constexpr (codec::Kind<T>) return codec::with_kind(T::kKind, std::move(json.get_object()));
  return json;
}

}  // namespace lateen::model
