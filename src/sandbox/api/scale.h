// The scale subresource: autoscaling/v1 Scale as a view of an object's replicas; and the other
// subresources that change only a part of their object.
#pragma once

#include <string_view>

#include "base/json.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/served_type.h"

namespace lateen::sandbox {

ScalePaths scale_paths_of(const ServedType& type);

// NotFound when the resource has no scale.
ApiResult<Json> make_scale(const ServedType& type, const Json& object);

// For "finalize", "binding" (spec.nodeName), "ephemeralcontainers" and "resize": all but their part
// becomes the old object's. Other names are no subresources that can be written.
ApiStatus keep_only_subresource(std::string_view subresource, const Json& old_object, Json& object);

}  // namespace lateen::sandbox
