// What each kind of object goes through on its way in: decoding, defaults, preparation, validation.
// One face for built-in kinds (sandbox/schema) and custom ones (sandbox/crd).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/api/api.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/served_type.h"
#include "sandbox/fields/field_schema.h"
#include "sandbox/schema/validation.h"

namespace lateen::sandbox {

// The object as the type has it, from what a client sent. BadRequest for values of a wrong type,
// for another kind or version, and for unknown or duplicate fields under Strict; under Warn those
// become warnings.
ApiResult<Json> decode_object(const ServedType& type, Json object, const WriteOptions& options);

void fill_in_defaults(const ServedType& type, Json& object);

// Status reset, generation 1 and the like.
void prepare_for_create(const ServedType& type, Json& object);
// Status kept from the old object where it has its own subresource, generation raised on changes.
void prepare_for_update(const ServedType& type, const Json& old_object, Json& object);
// Only the status is taken from the new object.
void prepare_for_status_update(const ServedType& type, const Json& old_object, Json& object);

ApiStatus validate_create(const ServedType& type, const Json& object);
ApiStatus validate_update(const ServedType& type, const Json& old_object, const Json& object);

// 422 with one cause for each error.
ApiError invalid_object(const ServedType& type,
                        std::string_view name,
                        const schema::FieldErrors& errors);

FieldSchema field_schema_of(const ServedType& type);

}  // namespace lateen::sandbox
