// Regular expressions as Go's regexp package writes them, which is what people give Velero, put
// into POSIX extended syntax. Only whether a text matches is asked for, so that laziness and
// groups' names mean nothing. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lateen::restore {

// InvalidArgument for what has no counterpart (flags, \p{…}, look-around, which Go has not either).
Result<std::string> to_posix_pattern(std::string_view go);

}  // namespace lateen::restore
