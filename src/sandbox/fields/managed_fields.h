// metadata.managedFields: who wrote which field last, and by which means.
//
//   record_update(&old_object, new_object, {.manager = "kubectl-edit", .api_version = "v1"},
//   schema, now);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/fields/field_schema.h"
#include "sandbox/fields/field_set.h"

namespace lateen::sandbox {

struct ManagedEntry {
  std::string manager = {};
  std::string operation = {};  // "Update" or "Apply"
  std::string api_version = {};
  std::string subresource = {};
  std::string time = {};
  FieldSet fields = {};

  bool is_same_writer(const ManagedEntry& other) const;
};

std::vector<ManagedEntry> parse_managed_fields(const Json& object);
// Written in Kubernetes' order: applies first, then by time and name. An empty list removes the
// field.
void write_managed_fields(Json& object, std::vector<ManagedEntry> entries);

struct FieldWriter {
  std::string manager = {};
  std::string api_version = {};
  std::string subresource = {};
  bool ignores_status = false;  // the status in the object is not this writer's doing
};

// Notes in `object` what the writer changed since `old_object` (null on a create). managedFields
// that the object itself brings count, those of the old one where it brings none.
void record_update(const Json* old_object,
                   Json& object,
                   const FieldWriter& writer,
                   const FieldSchema& schema,
                   std::string_view now);

struct FieldConflict {
  std::string manager = {};
  std::string text = {};  // `conflict with "kubectl" using apps/v1`
  FieldPath path = {};
};

struct Applied {
  Json object = {};
  std::vector<FieldConflict> conflicts = {};  // none when forced
};

// Server-side apply of `config` on `live` (an object with only its type and name when it is to be
// created).
Applied apply_config(const Json& live,
                     const Json& config,
                     const FieldWriter& writer,
                     bool force,
                     const FieldSchema& schema,
                     std::string_view now);

}  // namespace lateen::sandbox
