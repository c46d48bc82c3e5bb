// What keeps an object from going at once.
#pragma once

#include "base/json.h"

namespace lateen::sandbox {

// A deleted object without finalizers and, for a pod, without a grace period to wait for.
bool is_free_to_go(const Json& object);

}  // namespace lateen::sandbox
