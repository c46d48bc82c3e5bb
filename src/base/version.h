// Which Lateen this is.
#pragma once

#include <string_view>

namespace lateen {

// As `version` prints it; raised with each release.
inline constexpr std::string_view kVersion = "v0.1.0";

// The Velero whose interfaces it keeps to: what clients compare their own minor version with.
inline constexpr std::string_view kVeleroVersion = "v1.18.1";

}  // namespace lateen
