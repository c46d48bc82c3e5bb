// How Go's fmt prints a decoded JSON value: it stands in the error texts of Kubernetes' patches.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace lateen::kube {

// %v of an interface{}: map[a:1 b:[x y]], <nil>, true.
std::string go_text(const Json& value);

// Its dynamic type: "map[string]interface {}", "[]interface {}", "string", "int64", "float64",
// "bool", "<nil>".
std::string_view go_type(const Json& value);

}  // namespace lateen::kube
