// What keeps an object from going at once.
#pragma once

#include <string_view>

#include "base/json.h"

namespace lateen::sandbox {

// For the garbage collector: first what the object owns, or to leave that alone.
inline constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";
inline constexpr std::string_view kOrphanFinalizer = "orphan";

// A deleted object without finalizers and, for a pod, without a grace period to wait for.
bool is_free_to_go(const Json& object);

}  // namespace lateen::sandbox
