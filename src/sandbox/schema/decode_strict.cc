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

// Visits each object of a known type inside `value`, the outermost first. The visitor may change
// what it sees when JsonT is not const.
template <typename JsonT, typename Visitor>
void visit_objects(const Type& type, JsonT& value, std::string& path, Visitor& visit);

template <typename JsonT, typename Visitor>
void visit_member(const Field& field, JsonT& member, std::string& path, Visitor& visit) {
  if (field.object == nullptr) return;
  const std::size_t length = path.size();
  if (field.shape == Shape::Single) {
    visit_objects(*field.object, member, path, visit);
  } else if (auto* array = member.if_array(); array != nullptr && field.shape == Shape::List) {
    std::size_t at = 0;
    for (auto& item : *array) {
      path += fmt::format("[{}]", at++);
      visit_objects(*field.object, item, path, visit);
      path.resize(length);
    }
  } else if (auto* object = member.if_object(); object != nullptr && field.shape == Shape::Map) {
    for (auto& entry : *object) {
      path += '.';
      path += std::string_view(entry.key());
      visit_objects(*field.object, entry.value(), path, visit);
      path.resize(length);
    }
  }
}

template <typename JsonT, typename Visitor>
void visit_objects(const Type& type, JsonT& value, std::string& path, Visitor& visit) {
  auto* object = value.if_object();
  if (object == nullptr) return;
  visit(type, *object, path);
  const std::size_t length = path.size();
  for (auto& entry : *object) {
    const Field* field = type.find(entry.key());
    if (field == nullptr) continue;
    if (!path.empty()) path += '.';
    path += field->name;
    visit_member(*field, entry.value(), path, visit);
    path.resize(length);
  }
}

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
  std::vector<std::string> found;
  std::string path;
  auto note = [&found](const Type& at, const JsonObject& members, const std::string& where) {
    for (const auto& [key, value] : members) {
      if (found.size() == kMaxStrictErrors || is_type_meta(at, key) || at.find(key) != nullptr)
        continue;
      found.push_back(fmt::format("unknown field \"{}{}{}\"", where, where.empty() ? "" : ".",
                                  std::string_view(key)));
    }
  };
  visit_objects(type, object, path, note);
  return found;
}

std::vector<std::string> duplicate_fields(BytesView json_text) {
  return DuplicateFinder(json_text).run();
}

void prune_unknown(const Type& type, Json& object) {
  std::string path;
  auto prune = [](const Type& at, JsonObject& members, const std::string&) {
    std::vector<std::string> unknown;
    for (const auto& [key, value] : members) {
      if (!is_type_meta(at, key) && at.find(key) == nullptr) unknown.emplace_back(key);
    }
    for (const std::string& key : unknown)
      erase(members, JsonKey{key});
  };
  visit_objects(type, object, path, prune);
}

}  // namespace lateen::sandbox::schema
