// A structural schema (openAPIV3Schema of a CustomResourceDefinition's version) at work on an
// object. `schema` is the schema's own JSON; the object is the whole custom resource.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace lateen::sandbox {

// Whether a schema says `name: true`.
bool has_flag(const Json& schema, std::string_view name);

// Removes the fields that the schema does not know, unless it preserves them; answers them as
// strict decoding names them ("spec.foo", "spec.list[0].bar"). apiVersion, kind and metadata stay.
std::vector<std::string> prune_unknown_fields(const Json& schema, Json& object);

// Fills in `default`s, wherever the parent is there. Members that are null where null is not
// allowed count as absent, and go.
void apply_schema_defaults(const Json& schema, Json& object);

// How structured merge sees a field: x-kubernetes-list-type, -list-map-keys and -map-type.
struct StructuralField {
  bool found = false;
  bool atomic = false;                     // a list or map that is owned whole
  bool is_set = false;                     // a list of scalars, each owned by itself
  std::vector<std::string> map_keys = {};  // a list of objects, each owned by itself
  const Json* schema = nullptr;            // of the value
};

// The field `name` of an object with `schema`; and an item of a list with `schema`.
StructuralField structural_member(const Json* schema, std::string_view name);
StructuralField structural_list(const Json* schema);
const Json* structural_item(const Json* schema);

}  // namespace lateen::sandbox
