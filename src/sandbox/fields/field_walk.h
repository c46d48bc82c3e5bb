// Structured-merge-diff's walks over objects.
#pragma once

#include "base/json.h"
#include "sandbox/fields/field_schema.h"
#include "sandbox/fields/field_set.h"

namespace lateen::sandbox {

// What changed from one object to the next.
struct FieldChanges {
  FieldSet added = {};
  FieldSet modified = {};
  FieldSet removed = {};
};

FieldChanges compare_fields(const Json& from, const Json& to, const FieldSchema& schema);

// The fields that an applied configuration speaks of.
FieldSet fields_of(const Json& config, const FieldSchema& schema);

// `live` with everything that `config` says put in.
Json merge_config(const Json& live, const Json& config, const FieldSchema& schema);

// Removes the fields of the set, and the list items whose own path is in it.
void remove_fields(Json& object, const FieldSet& fields, const FieldSchema& schema);

}  // namespace lateen::sandbox
