// The list half of strategic merge: sets of scalars, lists of objects with a merge key, and their
// order. Internal to patch.h.
#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace lateen::kube {

inline constexpr std::string_view kDirective = "$patch";

// All items of all lists are of one type, and none is itself a list.
Status check_same_types(const JsonArray& a, const JsonArray& b);

// The items of the patch are in the order that its $setElementOrder gives, and all are in it. An
// empty key: scalars.
Status check_order_of_patch(const JsonArray& patch,
                            const JsonArray& order,
                            const std::string& merge_key);

Result<JsonArray> delete_scalars(const JsonArray& list, const JsonArray& gone);
JsonArray unite_scalars(const JsonArray& list, const JsonArray& more);

// The list after the patch's {"$patch": "delete"} and {"$patch": "replace"} items, and the patch's
// other items.
struct ListParts {
  JsonArray items;
  JsonArray changes;
};

Result<ListParts> apply_item_directives(const JsonArray& list,
                                        const JsonArray& patch,
                                        const std::string& merge_key);

// Where the item with the key of `like` is; list.size() if nowhere.
Result<std::size_t> find_item(const JsonArray& list,
                              const Json& like,
                              const std::string& merge_key);

// The order of the live list that Kubernetes goes by where a patch has a $setElementOrder. Its
// library deletes and appends in the very array that it later takes the old order from, so that new
// items land in the places that deleted ones left. Everybody's patches have been ordered by that
// for years: ours must be, too.
JsonArray live_order(const JsonArray& before, const JsonArray& patch, const std::string& merge_key);

// Items that `order` names come in its order; the others keep that of `before`; both are
// interleaved by where they stood in `before`.
Result<JsonArray> order_items(JsonArray items,
                              const JsonArray& order,
                              const JsonArray& before,
                              const std::string& merge_key);

}  // namespace lateen::kube
