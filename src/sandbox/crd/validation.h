// Validation of custom resources against their structural schema, worded as the API server does.
#pragma once

#include "base/json.h"
#include "sandbox/schema/validation.h"

namespace lateen::sandbox {

// All that is wrong with the object, in the schema's order. apiVersion, kind and metadata are not
// looked at.
schema::FieldErrors validate_custom_resource(const Json& schema, const Json& object);

}  // namespace lateen::sandbox
