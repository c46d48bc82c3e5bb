// The `format`s of JSON schemas that the API server checks.
#pragma once

#include <string_view>

namespace lateen::sandbox {

// Whether the text is of the format; formats that are not known are not checked, as in Kubernetes.
bool has_format(std::string_view format, std::string_view text);

}  // namespace lateen::sandbox
