#include "kube/strategic_lists.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <vector>

#include "kube/go_value.h"

namespace lateen::kube {
namespace {

constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

Error no_merge_key(const Json& item, const std::string& merge_key) {
  return Error(Code::Internal, "map: {} does not contain declared merge key: {}", go_text(item),
               merge_key);
}

Error not_a_map(const Json& item) {
  return Error(Code::Internal, "expected a map[string]interface {{}}, but received a {}",
               go_type(item));
}

// What tells items apart: the value of the merge key, or the scalar itself.
Result<const Json*> identity(const Json& item, const std::string& merge_key) {
  if (merge_key.empty()) return &item;
  if (!item.is_object()) return not_a_map(item);
  const Json* key = item.as_object().if_contains(merge_key);
  if (key == nullptr) return no_merge_key(item, merge_key);
  return key;
}

// First place of each identity in a list.
class Places {
 public:
  static Result<Places> of(const JsonArray& list, const std::string& merge_key) {
    Places places;
    for (std::size_t i = 0; i < list.size(); ++i) {
      places.first_.emplace(write_json(*TRY(identity(list[i], merge_key))), i);
    }
    return places;
  }

  std::size_t find(const std::string& id) const {
    const auto it = first_.find(id);
    return it == first_.end() ? kNowhere : it->second;
  }

 private:
  std::unordered_map<std::string, std::size_t> first_;
};

struct Placed {
  Json item;
  std::size_t wanted = kNowhere;  // in the list that orders it
  std::size_t before = kNowhere;  // in the list before the patch
};

void sort_by_wanted(std::vector<Placed>& items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const Placed& a, const Placed& b) { return a.wanted < b.wanted; });
}

bool is_delete_item(const Json& item) {
  return item.is_object() && as_text(item.as_object().if_contains(kDirective)) == "delete";
}

}  // namespace

Status check_same_types(const JsonArray& a, const JsonArray& b) {
  std::string_view type;
  for (const JsonArray* list : {&a, &b}) {
    for (const Json& item : *list) {
      if (type.empty()) {
        if (item.is_array()) {
          return Error(Code::Conflict, "lists of lists are not supported");
        }
        type = go_type(item);
      } else if (go_type(item) != type) {
        return Error(Code::Internal, "list element types are not identical: [{} {}]",
                     go_text(Json(a)), go_text(Json(b)));
      }
    }
  }
  if (type.empty()) return Error(Code::Internal, "no elements in any of the given slices");
  return {};
}

Status check_order_of_patch(const JsonArray& patch,
                            const JsonArray& order,
                            const std::string& merge_key) {
  if (patch.empty() || order.empty()) return {};
  JsonArray items;
  for (const Json& item : patch) {
    if (!merge_key.empty() && !item.is_object()) return not_a_map(item);
    if (!is_delete_item(item)) items.push_back(item);
  }
  // As Kubernetes walks it: the end of `order` ends the walk, and whatever is left of the patch
  // then (even a directive) is wrong.
  std::size_t at = 0;
  std::size_t place = 0;
  while (at < items.size() && place < order.size()) {
    if (items[at].is_object() && items[at].as_object().contains(kDirective)) {
      ++at;
      continue;
    }
    if (*TRY(identity(items[at], merge_key)) == *TRY(identity(order[place], merge_key))) ++at;
    ++place;
  }
  if (at == items.size()) return {};
  return Error(Code::Internal,
               "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
               go_text(Json(patch)), go_text(Json(order)));
}

JsonArray live_order(const JsonArray& before,
                     const JsonArray& patch,
                     const std::string& merge_key) {
  const auto same_key = [&](const Json& a, const Json& b) {
    const Json* left = find(a, JsonKey{merge_key});
    const Json* right = find(b, JsonKey{merge_key});
    return left != nullptr && right != nullptr && *left == *right;
  };
  JsonArray seen = before;
  JsonArray list = before;
  bool replace = false;
  for (const Json& change : patch) {
    replace = replace || as_text(find(change, JsonKey{kDirective})) == "replace";
    if (!is_delete_item(change)) continue;
    for (std::size_t i = 0; i < list.size();) {
      if (!same_key(list[i], change)) {
        ++i;
        continue;
      }
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
      for (std::size_t k = i; k < list.size() && k < seen.size(); ++k)
        seen[k] = list[k];
    }
  }
  for (const Json& change : patch) {
    if (replace || find(change, JsonKey{kDirective}) != nullptr) continue;
    const bool known = std::any_of(list.begin(), list.end(),
                                   [&](const Json& item) { return same_key(item, change); });
    if (known) continue;
    if (list.size() < seen.size()) seen[list.size()] = change;
    list.push_back(change);
  }
  return seen;
}

Result<JsonArray> delete_scalars(const JsonArray& list, const JsonArray& gone) {
  if (list.empty() && gone.empty()) return list;
  TRY(check_same_types(list, gone));
  JsonArray kept;
  for (const Json& item : list) {
    if (std::find(gone.begin(), gone.end(), item) == gone.end()) kept.push_back(item);
  }
  return kept;
}

JsonArray unite_scalars(const JsonArray& list, const JsonArray& more) {
  JsonArray both = list;
  both.insert(both.end(), more.begin(), more.end());
  JsonArray out;
  std::unordered_map<std::string, bool> seen;
  for (const Json& item : both) {
    if (seen.emplace(write_json(item), true).second) out.push_back(item);
  }
  return out;
}

Result<ListParts> apply_item_directives(const JsonArray& list,
                                        const JsonArray& patch,
                                        const std::string& merge_key) {
  ListParts parts{.items = list, .changes = {}};
  bool replace = false;
  for (const Json& change : patch) {
    const Json* directive = change.as_object().if_contains(kDirective);
    if (directive == nullptr) {
      parts.changes.push_back(change);
      continue;
    }
    const std::string_view word = as_text(directive);
    if (word == "replace") {
      replace = true;
    } else if (word == "delete") {
      const Json& id = *TRY(identity(change, merge_key));
      JsonArray kept;
      for (const Json& item : parts.items) {
        const Json* other = item.as_object().if_contains(merge_key);
        if (other == nullptr || *other != id) kept.push_back(item);
      }
      parts.items = std::move(kept);
    } else if (word == "merge") {
      return Error(Code::Internal, "merging lists cannot yet be specified in the patch");
    } else {
      return Error(Code::Internal, "unknown patch type: {} in map: {}", go_text(*directive),
                   go_text(change));
    }
  }
  if (replace) return ListParts{.items = std::move(parts.changes), .changes = {}};
  return parts;
}

Result<std::size_t> find_item(const JsonArray& list,
                              const Json& like,
                              const std::string& merge_key) {
  const Json& id = *TRY(identity(like, merge_key));
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) return not_a_map(list[i]);
    const Json* other = list[i].as_object().if_contains(merge_key);
    if (other != nullptr && *other == id) return i;
  }
  return list.size();
}

Result<JsonArray> order_items(JsonArray items,
                              const JsonArray& order,
                              const JsonArray& before,
                              const std::string& merge_key) {
  const Places wanted = TRY(Places::of(order, merge_key));
  const Places stood = TRY(Places::of(before, merge_key));
  std::vector<Placed> named;
  std::vector<Placed> others;
  JsonArray out;
  for (Json& item : items) {
    const std::string id = write_json(*TRY(identity(item, merge_key)));
    Placed placed{.item = std::move(item), .wanted = wanted.find(id), .before = stood.find(id)};
    if (placed.wanted != kNowhere) {
      named.push_back(std::move(placed));
    } else {
      placed.wanted = placed.before;
      others.push_back(std::move(placed));
    }
  }
  sort_by_wanted(named);
  sort_by_wanted(others);
  // Items that still carry a delete directive come last, as they do in Kubernetes.
  std::stable_partition(named.begin(), named.end(),
                        [](const Placed& p) { return !is_delete_item(p.item); });
  std::size_t n = 0;
  for (Placed& other : others) {
    while (n < named.size() && (other.before == kNowhere || named[n].before == kNowhere ||
                                other.before >= named[n].before)) {
      out.push_back(std::move(named[n++].item));
    }
    out.push_back(std::move(other.item));
  }
  for (; n < named.size(); ++n)
    out.push_back(std::move(named[n].item));
  return out;
}

}  // namespace lateen::kube
