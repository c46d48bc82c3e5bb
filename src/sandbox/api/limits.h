// The admission plugins LimitRanger and ResourceQuota: what a namespace allows its objects.
#pragma once

#include <string_view>

#include "base/json.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/served_type.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

// Fills in the requests and limits that the namespace's LimitRanges give, then holds the pod or
// the claim against their minima and maxima. Nothing for other kinds.
ApiStatus apply_limit_ranges(const Store& store, const ServedType& type, Json& object);

// Whether the namespace's ResourceQuotas have room for a new object. What is used is counted then
// and there; two objects created at the same moment may both find the last place.
ApiStatus check_quotas(const Store& store, const ServedType& type, const Json& object);

}  // namespace lateen::sandbox
