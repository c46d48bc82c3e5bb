// Between the versions of one resource: custom ones differ by name only (strategy None); of the
// built-in ones the events and the autoscalers are kept under another group or version than some
// clients ask for.
#pragma once

#include <string_view>

#include "base/json.h"
#include "sandbox/api/served_type.h"

namespace lateen::sandbox {

// The stored object as this type shows it.
Json to_served(const ServedType& type, Json stored);

// The served object as it is kept. Custom resources keep the request's version until they are
// drafted.
Json to_storage(const ServedType& type, Json served);

}  // namespace lateen::sandbox
