// RFC 6902 as gopkg.in/evanphx/json-patch.v4 does it, which is what every API server runs: its
// leniences are part of what people's patches rely on.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/patch.h"

namespace lateen::kube {
namespace {

constexpr std::size_t kMaxOperations = 10'000;
constexpr std::size_t kMaxCopied = 3'145'728;  // --json-patch-max-copy-bytes of kube-apiserver

Error cannot_apply(std::string_view text) {
  return Error(Code::Conflict, "{}", text);
}

// "~1" is '/', "~0" is '~'.
std::string decode_key(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const std::string_view next = token.substr(i, 2);
    if (next == "~1" || next == "~0") {
      out += next == "~1" ? '/' : '~';
      ++i;
    } else {
      out += token[i];
    }
  }
  return out;
}

std::optional<std::int64_t> parse_index(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

Error not_an_index(std::string_view text) {
  return Error(Code::Conflict, "strconv.Atoi: parsing {}: invalid syntax", quote_go(text));
}

// Where a key lands in a list of `size` places; negative ones count from the end.
Result<std::size_t> resolve_index(std::string_view key, std::size_t size) {
  const std::optional<std::int64_t> index = parse_index(key);
  if (!index) return not_an_index(key);
  const auto count = static_cast<std::int64_t>(size);
  if (*index >= count || *index < -count) {
    return Error(Code::Conflict, "Unable to access invalid index: {}: invalid index referenced",
                 *index);
  }
  return static_cast<std::size_t>(*index < 0 ? *index + count : *index);
}

// The container that the last token of a path is looked up in, and that token.
struct Place {
  Json* container = nullptr;  // an object or an array
  std::string key;
  std::size_t depth = 0;  // how many containers lie around the value
};

// Copies into copies double the nesting each time: a few KB of patch would make a tree that
// overflows the stack of whoever walks it. What is read is never deeper, either.
constexpr std::size_t kMaxDepth = 512;

std::size_t depth_of(const Json& value) {
  std::size_t deepest = 0;
  if (value.is_array()) {
    for (const Json& item : value.as_array())
      deepest = std::max(deepest, depth_of(item));
    return deepest + 1;
  }
  if (value.is_object()) {
    for (const auto& member : value.as_object())
      deepest = std::max(deepest, depth_of(member.value()));
    return deepest + 1;
  }
  return 0;
}

Status check_depth(const Place& place, const Json& value) {
  if (place.depth + depth_of(value) <= kMaxDepth) return {};
  return Error(Code::Conflict, "the patch would nest the object more than {} levels deep",
               kMaxDepth);
}

// Null: a part of the way is missing. An absent member of an object is nothing; one that is null is
// not gone through either.
Json* step_into(Json& container, const std::string& key) {
  Json* next = nullptr;
  if (container.is_object()) {
    next = container.as_object().if_contains(key);
  } else {
    auto index = resolve_index(key, container.as_array().size());
    if (index) next = &container.as_array()[*index];
  }
  if (next == nullptr || !(next->is_object() || next->is_array())) return nullptr;
  return next;
}

std::optional<Place> find_place(Json& document, std::string_view path) {
  const std::vector<std::string_view> tokens = split(path, '/');
  if (tokens.size() < 2) return std::nullopt;
  Json* container = &document;
  for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
    container = step_into(*container, decode_key(tokens[i]));
    if (container == nullptr) return std::nullopt;
  }
  return Place{
      .container = container, .key = decode_key(tokens.back()), .depth = tokens.size() - 1};
}

// Null for an absent member of an object, an error for a bad index.
Result<const Json*> get(const Place& place) {
  if (place.container->is_object()) return place.container->as_object().if_contains(place.key);
  const JsonArray& list = place.container->as_array();
  const std::size_t index = TRY(resolve_index(place.key, list.size()));
  return &list[index];
}

Status add(const Place& place, Json value) {
  TRY(check_depth(place, value));
  if (place.container->is_object()) {
    place.container->as_object()[place.key] = std::move(value);
    return {};
  }
  JsonArray& list = place.container->as_array();
  if (place.key == "-") {
    list.push_back(std::move(value));
    return {};
  }
  if (!parse_index(place.key)) {
    return not_an_index(place.key).wrap("value was not a proper array index: '{}'", place.key);
  }
  const std::size_t index = TRY(resolve_index(place.key, list.size() + 1));
  list.insert(list.begin() + static_cast<std::ptrdiff_t>(index), std::move(value));
  return {};
}

Status set(const Place& place, Json value) {
  TRY(check_depth(place, value));
  if (place.container->is_object()) {
    place.container->as_object()[place.key] = std::move(value);
    return {};
  }
  JsonArray& list = place.container->as_array();
  const std::size_t index = TRY(resolve_index(place.key, list.size()));
  list[index] = std::move(value);
  return {};
}

Status remove(const Place& place) {
  if (place.container->is_object()) {
    if (!erase(place.container->as_object(), JsonKey{place.key})) {
      return Error(Code::Conflict, "Unable to remove nonexistent key: {}: missing value",
                   place.key);
    }
    return {};
  }
  JsonArray& list = place.container->as_array();
  const std::size_t index = TRY(resolve_index(place.key, list.size()));
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(index));
  return {};
}

// Applies operations one after the other to a document that it owns. Not thread-safe.
class Application {
 public:
  explicit Application(Json document) : document_(std::move(document)) {}

  Status apply(const Json& operation) {
    const std::string_view kind = string_at(operation, "op");
    if (kind == "add") return do_add(operation);
    if (kind == "remove") return do_remove(operation);
    if (kind == "replace") return do_replace(operation);
    if (kind == "move") return do_move(operation);
    if (kind == "copy") return do_copy(operation);
    if (kind == "test") return do_test(operation);
    return Error(Code::Conflict, "Unexpected kind: {}", kind.empty() ? "unknown" : kind);
  }

  Json finish() && { return std::move(document_); }

 private:
  static Result<std::string_view> patch_text(const Json& operation, std::string_view field) {
    const Json* value = find(operation, JsonKey{field});
    if (value == nullptr || !value->is_string()) {
      return Error(Code::Conflict, "operation missing {} field: missing value", field);
    }
    return as_text(value);
  }

  static Json value_of(const Json& operation) {
    const Json* value = find(operation, JsonKey{"value"});
    return value == nullptr ? Json() : *value;
  }

  Result<Place> place_of(const Json& operation, std::string_view field, std::string_view missing) {
    const std::string_view path = TRY(patch_text(operation, field));
    std::optional<Place> place = find_place(document_, path);
    if (!place) {
      return Error(Code::Conflict, "{} operation does not apply: {}: {}: missing value",
                   string_at(operation, "op"), missing, path);
    }
    return *std::move(place);
  }

  Status do_add(const Json& operation) {
    const Place place = TRY(place_of(operation, "path", "doc is missing path"));
    return add(place, value_of(operation))
        .wrap("error in add for path: '{}'", string_at(operation, "path"));
  }

  Status do_remove(const Json& operation) {
    const Place place = TRY(place_of(operation, "path", "doc is missing path"));
    return remove(place).wrap("error in remove for path: '{}'", string_at(operation, "path"));
  }

  Status do_replace(const Json& operation) {
    const std::string_view path = TRY(patch_text(operation, "path"));
    Json value = value_of(operation);
    if (path.empty()) {
      if (!value.is_object() && !value.is_array()) {
        return cannot_apply("replace operation value must be object or array");
      }
      document_ = std::move(value);
      return {};
    }
    const Place place = TRY(place_of(operation, "path", "doc is missing path"));
    if (!get(place)) {
      return Error(Code::Conflict,
                   "replace operation does not apply: doc is missing key: {}: missing value", path);
    }
    return set(place, std::move(value));
  }

  Status do_move(const Json& operation) {
    const Place source = TRY(place_of(operation, "from", "doc is missing from path"));
    const Json* found = TRY(get(source).wrap("error in move for path: '{}'", source.key));
    Json value = found == nullptr ? Json() : *found;
    TRY(remove(source).wrap("error in move for path: '{}'", source.key));
    const Place place = TRY(place_of(operation, "path", "doc is missing destination path"));
    return add(place, std::move(value))
        .wrap("error in move for path: '{}'", string_at(operation, "path"));
  }

  Status do_copy(const Json& operation) {
    const Place source = TRY(place_of(operation, "from", "doc is missing from path"));
    const Json* found =
        TRY(get(source).wrap("error in copy for from: '{}'", string_at(operation, "from")));
    Json value = found == nullptr ? Json() : *found;
    const Place place = TRY(place_of(operation, "path", "doc is missing destination path"));
    copied_ += write_json(value).size();
    if (copied_ > kMaxCopied) {
      return Error(Code::Unsupported,
                   "Unable to complete the copy, the accumulated size increase of copy is {}, "
                   "exceeding the limit {}",
                   copied_, kMaxCopied);
    }
    return add(place, std::move(value)).wrap("error while adding value during copy");
  }

  Status do_test(const Json& operation) {
    const std::string_view path = TRY(patch_text(operation, "path"));
    const Json expected = value_of(operation);
    const Json* found = &document_;
    if (!path.empty()) {
      const Place place = TRY(place_of(operation, "path", "is missing path"));
      found = TRY(get(place).wrap("error in test for path: '{}'", path));
    }
    const bool equal = found == nullptr ? expected.is_null() : *found == expected;
    if (!equal) return Error(Code::Conflict, "testing value {} failed: test failed", path);
    return {};
  }

  Json document_;
  std::size_t copied_ = 0;
};

}  // namespace

Result<Json> json_patch(Json target, const Json& operations) {
  if (!operations.is_array()) {
    return Error(
        Code::InvalidArgument,
        "error decoding patch: json: cannot unmarshal a patch that is not a list of operations");
  }
  const JsonArray& list = operations.as_array();
  if (list.size() > kMaxOperations) {
    return Error(Code::Unsupported, "The allowed maximum operations in a JSON patch is {}, got {}",
                 kMaxOperations, list.size());
  }
  Application application(std::move(target));
  for (const Json& operation : list) {
    if (!operation.is_object()) {
      return Error(Code::InvalidArgument,
                   "error decoding patch: json: each operation must be an object");
    }
    TRY(application.apply(operation));
  }
  return std::move(application).finish();
}

}  // namespace lateen::kube
