// Kubernetes' strategic merge patch, for a patch that is applied (not merged with another patch). A
// map is merged member by member; a list is replaced, or, where the schema says so, merged by a key
// (objects) or as a set (scalars). Directives inside the patch:
//
//   {"$patch": "replace", …}        this map is taken as it is;  {"$patch": "delete"}: it goes
//   [{"$patch": "replace"}, …]      the list is replaced;  [{"$patch": "delete", "name": "x"}]:
//   item x goes
//   "$deleteFromPrimitiveList/f"    scalars that leave the list f
//   "$setElementOrder/f"            in which order the items of f end up; what only the server has
//   stays where it was
//   "$retainKeys"                   of a union: all other members of the map go
//
// Order: items named by the patch are in the patch's order; items that only the server has keep
// theirs, and are interleaved by where they stood before. strategic_lists.h does that part.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "kube/go_value.h"
#include "kube/patch.h"
#include "kube/strategic_lists.h"

namespace lateen::kube {
namespace {

constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeletePrefix = "$deleteFromPrimitiveList";
constexpr std::string_view kOrderPrefix = "$setElementOrder";

Error bad_directive(const Json& directive, const JsonObject& map) {
  return Error(Code::Internal, "unknown patch type: {} in map: {}", go_text(directive),
               go_text(Json(map)));
}

// "$setElementOrder/ports" → "ports".
Result<std::string> field_of(std::string_view key, std::string_view prefix, const char* what) {
  if (key.size() <= prefix.size() || key[prefix.size()] != '/') {
    return Error(Code::InvalidArgument, "invalid patch format of {}", what);
  }
  return std::string(key.substr(prefix.size() + 1));
}

bool is_text(const Json& value, std::string_view text) {
  return as_text(&value) == text;
}

// Nulls of a patch mean removal: where there is nothing to remove, they vanish.
void drop_nulls(Json& value) {
  if (value.is_array()) {
    for (Json& item : value.as_array())
      drop_nulls(item);
    return;
  }
  if (!value.is_object()) return;
  JsonObject kept;
  for (auto& [key, member] : value.as_object()) {
    if (member.is_null()) continue;
    drop_nulls(member);
    kept[key] = std::move(member);
  }
  value = std::move(kept);
}

// A value taken over whole loses the maps in it that are directives. False: it is one itself.
bool drop_directives(Json& value) {
  if (value.is_array()) {
    JsonArray kept;
    for (Json& item : value.as_array()) {
      if (drop_directives(item)) kept.push_back(std::move(item));
    }
    value = std::move(kept);
    return true;
  }
  if (!value.is_object()) return true;
  if (value.as_object().contains(kDirective)) return false;
  JsonObject kept;
  for (auto& [key, member] : value.as_object()) {
    if (drop_directives(member)) kept[key] = std::move(member);
  }
  value = std::move(kept);
  return true;
}

// Walks target and patch together. `path_` is where it is, for the schema. Not thread-safe.
class Merger {
 public:
  explicit Merger(const MergeSchema& schema) : schema_(schema) {}

  Result<JsonObject> merge_map(JsonObject target, JsonObject patch) {
    if (const Json* directive = patch.if_contains(kDirective)) {
      if (is_text(*directive, "replace")) {
        erase(patch, JsonKey{kDirective});
        return patch;
      }
      if (is_text(*directive, "delete")) return JsonObject();
      return bad_directive(*directive, patch);
    }
    TRY(retain_keys(target, patch));
    TRY(merge_ordered_lists(target, patch));
    TRY(merge_deletions(target, patch));
    for (auto& [key, value] : patch)
      TRY(merge_member(target, std::string(key), std::move(value)));
    return target;
  }

 private:
  // Keeps `path_` one deeper while it lives.
  class Step {
   public:
    Step(std::vector<std::string_view>& path, std::string_view field) : path_(path) {
      path_.push_back(field);
    }

    ~Step() { path_.pop_back(); }

    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    std::vector<std::string_view>& path_;
  };

  MergeRule rule() const { return schema_.rule(path_); }

  Status retain_keys(JsonObject& target, JsonObject& patch) {
    const Json* found = patch.if_contains(kRetainKeys);
    if (found == nullptr) return {};
    if (!found->is_array()) {
      return Error(Code::InvalidArgument, "invalid patch format of retainKeys");
    }
    const JsonArray keys = found->as_array();
    const auto retained = [&](std::string_view key) {
      return std::any_of(keys.begin(), keys.end(), [&](const Json& k) { return is_text(k, key); });
    };
    erase(patch, JsonKey{kRetainKeys});
    for (const auto& [key, value] : patch) {
      const std::string_view name = key;
      if (value.is_null() || name.starts_with(kDeletePrefix) || name.starts_with(kOrderPrefix))
        continue;
      if (!retained(name))
        return Error(Code::InvalidArgument, "invalid patch format of retainKeys");
    }
    JsonObject kept;
    for (auto& [key, value] : target) {
      if (retained(key)) kept[key] = std::move(value);
    }
    target = std::move(kept);
    return {};
  }

  Status merge_ordered_lists(JsonObject& target, JsonObject& patch) {
    std::vector<std::string> orders;
    for (const auto& [key, value] : patch) {
      if (std::string_view(key).starts_with(kOrderPrefix)) orders.emplace_back(key);
    }
    for (const std::string& key : orders) {
      const Json order = patch[key];
      erase(patch, JsonKey{key});
      if (!order.is_array()) {
        return Error(Code::Internal, "expected a []interface {{}}, but received a {}",
                     go_type(order));
      }
      const std::string field = TRY(field_of(key, kOrderPrefix, "setElementOrder list"));
      TRY(merge_ordered_list(target, patch, field, order.as_array()));
    }
    return {};
  }

  Status merge_ordered_list(JsonObject& target,
                            JsonObject& patch,
                            const std::string& field,
                            const JsonArray& order) {
    const Step step(path_, field);
    const MergeRule how = rule();
    const JsonArray before = TRY(list_member(target, field));
    const JsonArray changes = TRY(list_member(patch, field));
    TRY(check_order_of_patch(changes, order, how.merge_key));
    const bool in_target = target.contains(field);
    const bool in_patch = patch.contains(field);
    if (!in_target && !in_patch) return {};
    JsonArray merged = before;
    if (in_patch && !in_target) {
      Json taken(changes);
      drop_directives(taken);
      merged = taken.as_array();
    } else if (in_patch) {
      merged = TRY(merge_list(before, changes, how));
    }
    TRY(check_same_types(before, changes));
    const bool by_key = in_patch && how.merge && !how.merge_key.empty();
    const JsonArray live = by_key ? live_order(before, changes, how.merge_key) : before;
    target[field] = TRY(order_items(std::move(merged), order, live, how.merge_key));
    erase(patch, JsonKey{field});
    return {};
  }

  static Result<JsonArray> list_member(const JsonObject& map, const std::string& field) {
    const Json* value = map.if_contains(field);
    if (value == nullptr) return JsonArray();
    if (!value->is_array()) {
      return Error(Code::Internal, "expected a []interface {{}}, but received a {}",
                   go_type(*value));
    }
    return value->as_array();
  }

  Status merge_deletions(JsonObject& target, JsonObject& patch) {
    std::vector<std::string> deletions;
    for (const auto& [key, value] : patch) {
      if (std::string_view(key).starts_with(kDeletePrefix)) deletions.emplace_back(key);
    }
    for (const std::string& key : deletions) {
      const std::string field = TRY(field_of(key, kDeletePrefix, "primitive list"));
      const Json gone = patch[key];
      erase(patch, JsonKey{key});
      Json* list = target.if_contains(field);
      if (gone.is_null()) {
        erase(target, JsonKey{field});
      } else if (list != nullptr && list->is_array() && gone.is_array()) {
        list->as_array() = TRY(delete_scalars(list->as_array(), gone.as_array()));
      }
    }
    return {};
  }

  Status merge_member(JsonObject& target, const std::string& key, Json value) {
    if (value.is_null()) {
      erase(target, JsonKey{key});
      return {};
    }
    Json* present = target.if_contains(key);
    const bool both_maps = present != nullptr && present->is_object() && value.is_object();
    const bool both_lists = present != nullptr && present->is_array() && value.is_array();
    if (!both_maps && !both_lists) {
      if (present == nullptr || present->kind() != value.kind()) drop_nulls(value);
      if (drop_directives(value)) {
        target[key] = std::move(value);
      } else {
        erase(target, JsonKey{key});
      }
      return {};
    }
    const Step step(path_, key);
    const MergeRule how = rule();
    if (both_maps) {
      *present =
          how.replace
              ? std::move(value)
              : Json(TRY(merge_map(std::move(present->as_object()), std::move(value.as_object()))));
    } else {
      *present = TRY(merge_list(present->as_array(), value.as_array(), how));
    }
    return {};
  }

  Result<JsonArray> merge_list(const JsonArray& target,
                               const JsonArray& patch,
                               const MergeRule& how) {
    if (!how.merge) return patch;
    if (target.empty() && patch.empty()) return target;
    TRY(check_same_types(target, patch));
    const Json& sample = target.empty() ? patch.front() : target.front();
    if (!sample.is_object()) {
      return order_items(unite_scalars(target, patch), patch, target, how.merge_key);
    }
    if (how.merge_key.empty()) {
      return Error(Code::Internal, "cannot merge lists without merge key for {}",
                   path_.empty() ? "the object" : path_.back());
    }
    const ListParts parts = TRY(apply_item_directives(target, patch, how.merge_key));
    JsonArray merged = parts.items;
    for (const Json& change : parts.changes) {
      const std::size_t at = TRY(find_item(merged, change, how.merge_key));
      if (at == merged.size()) {
        merged.push_back(change);
      } else {
        merged[at] =
            TRY(merge_map(std::move(merged[at].as_object()), JsonObject(change.as_object())));
      }
    }
    return order_items(std::move(merged), parts.changes, parts.items, how.merge_key);
  }

  const MergeSchema& schema_;
  std::vector<std::string_view> path_;
};

}  // namespace

Result<Json> strategic_merge_patch(Json target, const Json& patch, const MergeSchema& schema) {
  if (!target.is_object() || !patch.is_object()) {
    return Error(Code::InvalidArgument, "invalid JSON document");
  }
  return Json(
      TRY(Merger(schema).merge_map(std::move(target.as_object()), JsonObject(patch.as_object()))));
}

}  // namespace lateen::kube
