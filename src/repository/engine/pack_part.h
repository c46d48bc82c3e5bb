// Packs in parts of about the same size, by their names alone: `check --read-data-subset n/t` and
// the server's rotation read one after the other until all is read.
#pragma once

#include <cstddef>
#include <string_view>

namespace lateen::repository {

inline constexpr std::size_t kMostPackParts = 256;

// `part` counts from 1 to `parts`. Whichever day it is asked on, a pack is in the same part.
bool is_in_part(std::string_view pack, std::size_t part, std::size_t parts);

}  // namespace lateen::repository
