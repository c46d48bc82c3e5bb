// What the sandbox records without doing it, told to whoever writes it: as Warning headers, which
// kubectl prints.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "sandbox/api/served_type.h"

namespace lateen::sandbox {

// One text for each thing in the object that will have no effect; empty for most objects.
std::vector<std::string> unenforced(const ServedType& type, const Json& object);

}  // namespace lateen::sandbox
