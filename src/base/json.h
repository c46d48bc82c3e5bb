// The door to JSON: trees for the few objects that must be looked into or changed. What only passes
// through is sliced, not parsed (json_slice.h).
//
// Json is boost::json's value; use it through these names. Read JSON only with parse_json, write it
// only with write_json: the library's own defaults reject deep documents and write numbers that Go
// would not.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

// How deep documents may nest: CRD schemas go past the usual 32, attacks go past this.
inline constexpr std::size_t kMaxJsonDepth = 512;

// One document, nothing after it but blanks. Nesting to 512; integers stay integers up to uint64,
// all else is the nearest double; of duplicate keys the last one counts, as in Go. InvalidArgument
// says at which byte it broke.
Result<Json> parse_json(BytesView text);

// Compact, as Go's encoding/json writes a map: keys sorted, <, > and & and U+2028/9 escaped, 1.0
// as 1. No newline.
std::string write_json(const Json& value);

// The same with the object's own key order.
std::string write_json_unsorted(const Json& value);

// Indented by `indent` blanks a level as Go's MarshalIndent does, keys sorted, `"key": value`. No
// newline at the end.
std::string write_json_pretty(const Json& value, int indent = 2);

// Appends one string with its quotes, escaped as write_json does.
void append_json_string(std::string& out, std::string_view text);

// ---- Looking into trees. A path is dotted keys: "metadata.labels"; a key with dots or slashes is
// one argument of the two-step forms: find(find(o, "metadata.annotations"), Key{"velero.io/x"}).
// All of these answer "absent" for a wrong type on the way; none fails.
struct JsonKey {
  std::string_view name;
};

const Json* find(const Json& value, std::string_view path);
const Json* find(const Json* value, std::string_view path);
const Json* find(const Json* value, JsonKey key);
const Json* find(const Json& value, JsonKey key);

std::string_view string_at(const Json& value, std::string_view path);  // "" when absent
std::optional<std::int64_t> int_at(const Json& value, std::string_view path);
std::optional<bool> bool_at(const Json& value, std::string_view path);
const JsonObject* object_at(const Json& value, std::string_view path);  // null when absent
const JsonArray* array_at(const Json& value, std::string_view path);    // null when absent
JsonArray texts_json(std::span<const std::string> texts);
std::vector<std::string> texts_at(const Json& value, std::string_view path);  // none when absent
std::string_view as_text(const Json* value);                                  // "" unless a string

// The value at the path, made (objects on the way included) when absent. A non-object on the way is
// replaced.
Json& ensure(Json& value, std::string_view path);

// Removes the value at the path, keeping the order of its siblings; says whether it was there.
bool erase(Json& value, std::string_view path);
bool erase(JsonObject& object, JsonKey key);

}  // namespace lateen
