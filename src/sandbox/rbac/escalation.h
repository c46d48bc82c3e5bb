// Nobody grants what they do not have: checked whenever someone writes a role or a binding.
#pragma once

#include "base/json.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/caller.h"
#include "sandbox/api/served_type.h"
#include "sandbox/rbac/authorizer.h"

namespace lateen::sandbox::rbac {

// `old_object` is null for a create. Forbidden when the caller has neither the rights that the
// object grants nor the verb that stands above them (`escalate` for roles, `bind` for bindings).
// Other types are always fine.
ApiStatus check_escalation(const Authorizer& authorizer,
                           const Caller& caller,
                           const ServedType& type,
                           const Json* old_object,
                           const Json& object);

}  // namespace lateen::sandbox::rbac
