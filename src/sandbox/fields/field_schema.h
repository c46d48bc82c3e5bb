// How structured merge sees one place in an object: the same questions asked of a built-in type and
// of a custom resource's schema.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/schema/types.h"

namespace lateen::sandbox {

enum class FieldShape {
  Leaf,       // a scalar, or a list or map that is owned whole
  Members,    // an object whose members are owned each by itself
  KeyedList,  // items are told apart by their key fields
  SetList,    // items are told apart by their values
};

// A cheap value that views a schema; it must not outlive that.
class FieldSchema {
 public:
  // The root of an object of a built-in kind; null is a type that is not known: all lists atomic.
  static FieldSchema of_type(const schema::Type* type);
  // The root of a custom resource.
  static FieldSchema of_custom_resource(const Json* structural_schema);

  // What a value found here is, by schema and by what it is.
  FieldShape shape(const Json& value) const;

  // The member of that name; `declared` tells a struct's field from a map's key.
  struct Member;
  Member member(std::string_view name) const;
  FieldSchema item() const;

  // `k:{...}` or `v:...` of an item; nothing when it lacks its keys.
  std::optional<std::string> element_of(const Json& item) const;

  // A Go struct that is there even when it is empty: nobody owns the fact that it exists.
  bool always_there() const { return always_there_; }

 private:
  enum class Source { Untyped, Type, Field, Structural };

  std::vector<std::string> list_keys() const;
  bool is_set() const;
  bool is_atomic() const;

  Source source_ = Source::Untyped;
  const schema::Type* type_ = nullptr;
  const schema::Field* field_ = nullptr;
  bool in_list_ = false;  // of a Field: this is an item (or a map's value), not the field itself
  const Json* structural_ = nullptr;
  bool is_root_ = false;
  bool always_there_ = false;
};

struct FieldSchema::Member {
  FieldSchema schema;
  bool declared = false;
};

}  // namespace lateen::sandbox
