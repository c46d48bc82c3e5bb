// Patches at work on an object of a served type.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/api/api.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/served_type.h"
#include "sandbox/fields/managed_fields.h"

namespace lateen::sandbox {

// JSON, merge and strategic patches. BadRequest for malformed ones; 422 when a JSON patch does not
// fit the object.
ApiResult<Json> apply_patch(const ServedType& type,
                            const Json& target,
                            PatchType patch_type,
                            const Json& patch);

// Checks a configuration to be applied: its type, name and namespace (filled in), and, under
// Strict, its fields.
ApiStatus check_applied(const ServedType& type,
                        std::string_view ns,
                        std::string_view name,
                        Json& config,
                        const WriteOptions& options);

// What an apply that creates is merged into.
Json empty_object(const ServedType& type, std::string_view ns, std::string_view name);

// 409 `Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.x`.
ApiError apply_conflict(const std::vector<FieldConflict>& conflicts);

}  // namespace lateen::sandbox
