// A set of paths to fields, in the shape of metadata.managedFields' FieldsV1. A path element is
// spelled as there: "f:name" a field, `k:{"name":"db"}` an item of a keyed list, `v:"x"` an item of
// a set.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lateen::sandbox {

using FieldPath = std::vector<std::string>;

// A node of the tree: whether the path to here is in the set, and what is below. Not thread-safe.
class FieldSet {
 public:
  // From fieldsV1; unknown shapes read as empty.
  static FieldSet from_json(const Json& fields_v1);
  Json to_json() const;

  bool empty() const { return !member_ && children_.empty(); }

  bool is_member() const { return member_; }

  void set_member(bool member) { member_ = member; }

  const std::map<std::string, FieldSet>& children() const { return children_; }

  // Null when nothing at or below it is in the set.
  const FieldSet* child(std::string_view element) const;

  // Makes it; follow with set_member or more children, or call trim().
  FieldSet& ensure(const std::string& element) { return children_[element]; }

  // Removes the element and all below it.
  void erase(const std::string& element) { children_.erase(element); }

  // Adds `element` with what is below it, unless that is empty.
  void adopt(const std::string& element, FieldSet below);

  FieldSet united(const FieldSet& other) const;
  FieldSet intersected(const FieldSet& other) const;
  FieldSet without(const FieldSet& other) const;

  // All paths of the set, in order.
  std::vector<FieldPath> paths() const;

  bool operator==(const FieldSet&) const = default;

 private:
  void collect(FieldPath& at, std::vector<FieldPath>& out) const;

  bool member_ = false;
  std::map<std::string, FieldSet> children_;
};

// ".spec.containers[name=\"db\"].image": as conflicts are worded.
std::string to_string(const FieldPath& path);

}  // namespace lateen::sandbox
