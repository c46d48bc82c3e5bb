#include "restore/field_changes.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "model/names.h"

namespace lateen::restore {
namespace {

constexpr std::size_t kMaxChanges = 50;
constexpr std::size_t kMaxShown = 120;  // bytes of a value
constexpr std::string_view kMasked = "***";

// What of a Secret tells nothing: who it is, and not what it holds.
bool is_open_in_secrets(std::string_view path) {
  return path == "type" || path == "immutable" || path.starts_with("metadata.labels") ||
         path == "metadata.name" || path == "metadata.namespace";
}

std::string_view name_in_list(const Json& item) {
  return string_at(item, "name");
}

// By its name, where all have one of their own.
bool is_list_of_names(const JsonArray& list) {
  std::set<std::string_view> seen;
  return std::all_of(list.begin(), list.end(), [&seen](const Json& item) {
    const std::string_view name = name_in_list(item);
    return !name.empty() && seen.insert(name).second;
  });
}

const Json* item_named(const JsonArray& list, std::string_view name) {
  const auto at = std::find_if(list.begin(), list.end(),
                               [name](const Json& item) { return name_in_list(item) == name; });
  return at == list.end() ? nullptr : &*at;
}

// A walk over both trees; null stands for what is absent.
class ChangeWalk {
 public:
  explicit ChangeWalk(bool is_secret) : is_secret_(is_secret) {}

  void at(const std::string& path, const Json* before, const Json* after) {
    if (changes.size() >= kMaxChanges) return;
    if (before != nullptr && before->is_null()) before = nullptr;
    if (after != nullptr && after->is_null()) after = nullptr;
    if (before == nullptr && after == nullptr) return;
    if (before != nullptr && after != nullptr && *before == *after) return;
    // Labels that come or go are named one by one: some of them are passed over.
    const bool is_labels = path == "metadata" || path == "metadata.labels";
    if (is_map(before, is_labels) && is_map(after, is_labels)) return members(path, before, after);
    if (before != nullptr && after != nullptr && before->is_array() && after->is_array() &&
        items(path, before->as_array(), after->as_array()))
      return;
    changes.push_back({.path = path, .before = shown(before, path), .after = shown(after, path)});
  }

  std::vector<FieldChange> changes;

 private:
  static bool is_map(const Json* value, bool or_absent) {
    return value == nullptr ? or_absent : value->is_object();
  }

  void members(const std::string& path, const Json* before, const Json* after) {
    std::set<std::string_view> keys;
    for (const Json* side : {before, after}) {
      if (side == nullptr) continue;
      for (const auto& [key, value] : side->as_object())
        keys.emplace(key.data(), key.size());
    }
    for (const std::string_view key : keys) {
      // They say where an object comes from, not what it is.
      if (key == model::labels::kBackupName || key == model::labels::kRestoreName) continue;
      const bool is_plain = key.find('.') == std::string_view::npos;
      at(fmt::format("{}{}{}", path, path.empty() ? "" : ".",
                     is_plain ? std::string(key) : fmt::format("[{}]", key)),
         find(before, JsonKey{key}), find(after, JsonKey{key}));
    }
  }

  // Says whether the lists could be gone into.
  bool items(const std::string& path, const JsonArray& before, const JsonArray& after) {
    if (is_list_of_names(before) && is_list_of_names(after)) {
      const std::size_t noted = changes.size();
      for (const Json& item : before) {
        const std::string_view name = name_in_list(item);
        at(fmt::format("{}[{}]", path, name), &item, item_named(after, name));
      }
      for (const Json& item : after) {
        const std::string_view name = name_in_list(item);
        if (item_named(before, name) == nullptr)
          at(fmt::format("{}[{}]", path, name), nullptr, &item);
      }
      return changes.size() > noted;  // else only their order differs
    }
    if (before.size() != after.size()) return false;
    for (std::size_t i = 0; i < before.size(); ++i)
      at(fmt::format("{}[{}]", path, i), &before[i], &after[i]);
    return true;
  }

  std::string shown(const Json* value, std::string_view path) const {
    if (value == nullptr) return {};
    if (is_secret_ && !is_open_in_secrets(path)) return std::string(kMasked);
    std::string text = write_json(*value);
    if (text.size() > kMaxShown) text = to_valid_utf8(text.substr(0, kMaxShown)) + "…";
    return text;
  }

  const bool is_secret_;
};

}  // namespace

std::vector<FieldChange> field_changes(const Json& before, const Json& after, bool is_secret) {
  ChangeWalk walk(is_secret);
  walk.at({}, &before, &after);
  return std::move(walk.changes);
}

}  // namespace lateen::restore
