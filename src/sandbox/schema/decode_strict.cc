// The part of decode.h that knows which members a type has: unknown and duplicate fields.
#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "sandbox/schema/decode.h"

namespace lateen::sandbox::schema {
namespace {

// As many as the real decoder keeps.
constexpr std::size_t kMaxStrictErrors = 100;

bool is_type_meta(const Type& type, std::string_view key) {
  return type.is_kind && (key == "apiVersion" || key == "kind");
}

// Calls `unknown(object, key, path)` for each member that its type does not have, in the order of
// the document, and goes into those that it has.
template <typename JsonT, typename Unknown>
void walk_object(const Type& type, JsonT& value, std::string& path, Unknown& unknown);

template <typename JsonT, typename Unknown>
void walk_member(const Field& field, JsonT& member, std::string& path, Unknown& unknown) {
  if (field.object == nullptr) return;
  const std::size_t length = path.size();
  if (field.shape == Shape::Single) {
    walk_object(*field.object, member, path, unknown);
  } else if (auto* array = member.if_array(); array != nullptr && field.shape == Shape::List) {
    std::size_t at = 0;
    for (auto& item : *array) {
      path += fmt::format("[{}]", at++);
      walk_object(*field.object, item, path, unknown);
      path.resize(length);
    }
  } else if (auto* object = member.if_object(); object != nullptr && field.shape == Shape::Map) {
    for (auto& entry : *object) {
      path += '.';
      path += std::string_view(entry.key());
      walk_object(*field.object, entry.value(), path, unknown);
      path.resize(length);
    }
  }
}

template <typename JsonT, typename Unknown>
void walk_object(const Type& type, JsonT& value, std::string& path, Unknown& unknown) {
  auto* object = value.if_object();
  if (object == nullptr) return;
  const std::size_t length = path.size();
  std::vector<std::string> strangers;
  for (auto& entry : *object) {
    const std::string_view key = entry.key();
    const Field* field = type.find(key);
    if (field == nullptr && is_type_meta(type, key)) continue;
    if (!path.empty()) path += '.';
    path += key;
    if (field != nullptr) {
      walk_member(*field, entry.value(), path, unknown);
    } else {
      unknown.found(path);
      strangers.emplace_back(key);
    }
    path.resize(length);
  }
  unknown.leave(*object, strangers);
}

// Names them.
struct NameUnknown {
  std::vector<std::string> names = {};

  void found(const std::string& path) {
    if (names.size() < kMaxStrictErrors) names.push_back(fmt::format("unknown field \"{}\"", path));
  }

  void leave(const JsonObject&, const std::vector<std::string>&) {}
};

// Removes them.
struct DropUnknown {
  void found(const std::string&) {}

  void leave(JsonObject& object, const std::vector<std::string>& keys) {
    for (const std::string& key : keys)
      erase(object, JsonKey{key});
  }
};

// A walk over JSON text that is known to be well formed, to find keys that are there twice: the
// tree keeps the last.
class DuplicateFinder {
 public:
  explicit DuplicateFinder(BytesView text) : text_(text) {}

  std::vector<std::string> run() {
    while (at_ < text_.size() && found_.size() < kMaxStrictErrors)
      step();
    return std::move(found_);
  }

 private:
  struct Level {
    bool object = false;
    std::size_t path_length = 0;  // of the container itself
    std::size_t index = 0;        // the next item of a list
    std::unordered_set<std::string_view> keys;
  };

  void step() {
    const char c = text_[at_];
    if (c == '"') {
      read_string();
      return;
    }
    ++at_;
    if (c == '{' || c == '[') {
      enter(c == '{');
    } else if ((c == '}' || c == ']') && !levels_.empty()) {
      levels_.pop_back();
      if (!levels_.empty()) path_.resize(levels_.back().path_length);
    } else if (c == ',' && !levels_.empty()) {
      path_.resize(levels_.back().path_length);
      if (!levels_.back().object) name_item();
      expect_key_ = levels_.back().object;
    }
  }

  void enter(bool object) {
    levels_.push_back({.object = object, .path_length = path_.size(), .index = 0, .keys = {}});
    expect_key_ = object;
    if (!object) name_item();
  }

  void name_item() { path_ += fmt::format("[{}]", levels_.back().index++); }

  void read_string() {
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"')
      at_ += text_[at_] == '\\' ? 2 : 1;
    const std::string_view content = text_.substr(begin, std::min(at_, text_.size()) - begin);
    ++at_;
    if (!expect_key_) return;
    expect_key_ = false;
    if (!path_.empty()) path_ += '.';
    path_ += content;
    if (!levels_.back().keys.insert(content).second)
      found_.push_back(fmt::format("duplicate field \"{}\"", path_));
  }

  BytesView text_;
  std::size_t at_ = 0;
  std::string path_;
  bool expect_key_ = false;
  std::vector<Level> levels_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> unknown_fields(const Type& type, const Json& object) {
  NameUnknown unknown;
  std::string path;
  walk_object(type, object, path, unknown);
  return std::move(unknown.names);
}

std::vector<std::string> duplicate_fields(BytesView json_text) {
  return DuplicateFinder(json_text).run();
}

void prune_unknown(const Type& type, Json& object) {
  DropUnknown unknown;
  std::string path;
  walk_object(type, object, path, unknown);
}

}  // namespace lateen::sandbox::schema
