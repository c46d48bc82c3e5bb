#include "sandbox/fields/field_walk.h"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace lateen::sandbox {

namespace {

// Items of a keyed list or set by their path element, in order of the list.
struct Items {
  std::vector<std::string> order;
  std::map<std::string, const Json*> by_element;

  Items(const Json* list, const FieldSchema& schema) {
    if (list == nullptr || !list->is_array()) return;
    for (const Json& item : list->as_array()) {
      auto element = schema.element_of(item);
      if (!element) continue;
      if (by_element.emplace(*element, &item).second) order.push_back(std::move(*element));
    }
  }

  const Json* find(const std::string& element) const {
    const auto found = by_element.find(element);
    return found == by_element.end() ? nullptr : found->second;
  }
};

const Json* member_of(const Json* object, std::string_view name) {
  return object != nullptr && object->is_object() ? object->as_object().if_contains(name) : nullptr;
}

class Comparison {
 public:
  // The changes at and below one place; either side may be missing, not both.
  FieldChanges at(const Json* from, const Json* to, const FieldSchema& schema) {
    const Json& seen = to != nullptr ? *to : *from;
    const FieldShape shape = schema.shape(seen);
    const bool same_shape = from == nullptr || to == nullptr || schema.shape(*from) == shape;
    if (shape == FieldShape::Leaf || !same_shape) return leaf(from, to);
    FieldChanges changes =
        shape == FieldShape::Members ? members(from, to, schema) : items(from, to, schema);
    if (from == nullptr && !schema.always_there()) changes.added.set_member(true);
    if (to == nullptr && !schema.always_there()) changes.removed.set_member(true);
    return changes;
  }

 private:
  static FieldChanges leaf(const Json* from, const Json* to) {
    FieldChanges changes;
    if (from == nullptr) {
      changes.added.set_member(true);
    } else if (to == nullptr) {
      changes.removed.set_member(true);
    } else if (*from != *to) {
      changes.modified.set_member(true);
    }
    return changes;
  }

  static void adopt(FieldChanges& into, const std::string& element, FieldChanges below) {
    into.added.adopt(element, std::move(below.added));
    into.modified.adopt(element, std::move(below.modified));
    into.removed.adopt(element, std::move(below.removed));
  }

  FieldChanges members(const Json* from, const Json* to, const FieldSchema& schema) {
    FieldChanges changes;
    const auto visit = [&](std::string_view name) {
      const FieldSchema::Member member = schema.member(name);
      adopt(changes, "f:" + std::string(name),
            at(member_of(from, name), member_of(to, name), member.schema));
    };
    if (to != nullptr) {
      for (const auto& member : to->as_object())
        visit(member.key());
    }
    if (from != nullptr) {
      for (const auto& member : from->as_object()) {
        if (member_of(to, member.key()) == nullptr) visit(member.key());
      }
    }
    return changes;
  }

  FieldChanges items(const Json* from, const Json* to, const FieldSchema& schema) {
    FieldChanges changes;
    const Items before(from, schema);
    const Items after(to, schema);
    const FieldSchema item = schema.item();
    const auto visit = [&](const std::string& element) {
      const Json* left = before.find(element);
      const Json* right = after.find(element);
      FieldChanges below = at(left, right, item);
      if (left == nullptr) below.added.set_member(true);
      if (right == nullptr) below.removed.set_member(true);
      adopt(changes, element, std::move(below));
    };
    for (const std::string& element : after.order)
      visit(element);
    for (const std::string& element : before.order) {
      if (after.find(element) == nullptr) visit(element);
    }
    return changes;
  }
};

Json merge_items(const Json& live, const Json& config, const FieldSchema& schema) {
  const Items wanted(&config, schema);
  const FieldSchema item = schema.item();
  JsonArray out;
  std::set<std::string> done;
  for (const Json& present : live.as_array()) {
    const auto element = schema.element_of(present);
    const Json* change = element ? wanted.find(*element) : nullptr;
    if (element) done.insert(*element);
    out.push_back(change != nullptr ? merge_config(present, *change, item) : present);
  }
  for (const std::string& element : wanted.order) {
    if (!done.contains(element)) out.push_back(*wanted.find(element));
  }
  return out;
}

void remove_items(JsonArray& list, const FieldSet& fields, const FieldSchema& schema) {
  const FieldSchema item = schema.item();
  JsonArray kept;
  for (Json& one : list) {
    const auto element = schema.element_of(one);
    const FieldSet* below = element ? fields.child(*element) : nullptr;
    if (below != nullptr && below->is_member()) continue;
    if (below != nullptr) remove_fields(one, *below, item);
    kept.push_back(std::move(one));
  }
  list = std::move(kept);
}

}  // namespace

FieldChanges compare_fields(const Json& from, const Json& to, const FieldSchema& schema) {
  return Comparison().at(&from, &to, schema);
}

FieldSet fields_of(const Json& config, const FieldSchema& schema) {
  FieldSet set;
  switch (schema.shape(config)) {
    case FieldShape::Leaf:
      set.set_member(true);
      break;
    case FieldShape::Members:
      for (const auto& entry : config.as_object()) {
        const FieldSchema::Member member = schema.member(entry.key());
        FieldSet below = fields_of(entry.value(), member.schema);
        const bool hollow = entry.value().is_null() ||
                            (entry.value().is_object() && entry.value().as_object().empty());
        if (hollow || !member.declared) below.set_member(true);
        set.adopt("f:" + std::string(entry.key()), std::move(below));
      }
      break;
    case FieldShape::KeyedList:
    case FieldShape::SetList:
      for (const Json& one : config.as_array()) {
        const auto element = schema.element_of(one);
        if (!element) continue;
        FieldSet below = fields_of(one, schema.item());
        below.set_member(true);
        set.adopt(*element, std::move(below));
      }
      break;
  }
  return set;
}

Json merge_config(const Json& live, const Json& config, const FieldSchema& schema) {
  const FieldShape shape = schema.shape(config);
  if (shape == FieldShape::Leaf || schema.shape(live) != shape) return config;
  if (shape != FieldShape::Members) return merge_items(live, config, schema);
  Json out = live;
  JsonObject& members = out.as_object();
  for (const auto& entry : config.as_object()) {
    Json* present = members.if_contains(entry.key());
    if (present == nullptr) {
      members[entry.key()] = entry.value();
    } else {
      *present = merge_config(*present, entry.value(), schema.member(entry.key()).schema);
    }
  }
  return out;
}

void remove_fields(Json& object, const FieldSet& fields, const FieldSchema& schema) {
  if (object.is_array()) {
    if (schema.shape(object) != FieldShape::Leaf) remove_items(object.as_array(), fields, schema);
    return;
  }
  if (!object.is_object()) return;
  for (const auto& [element, below] : fields.children()) {
    if (!element.starts_with("f:")) continue;
    const std::string_view name = std::string_view(element).substr(2);
    Json* value = object.as_object().if_contains(name);
    if (value == nullptr) continue;
    const FieldSchema next = schema.member(name).schema;
    const bool whole =
        below.is_member() && (below.children().empty() || next.shape(*value) == FieldShape::Leaf);
    if (whole) {
      erase(object.as_object(), JsonKey{name});
    } else {
      remove_fields(*value, below, next);
    }
  }
}

}  // namespace lateen::sandbox
