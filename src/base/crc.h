// Cyclic redundancy checks, as object stores and file formats have them. For damage, not for
// attackers.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace lateen {

// Each goes on from the value of the bytes before; 0 begins.
std::uint32_t crc32(BytesView bytes, std::uint32_t before = 0);   // gzip's (IEEE)
std::uint32_t crc32c(BytesView bytes, std::uint32_t before = 0);  // Castagnoli
std::uint64_t crc64_nvme(BytesView bytes, std::uint64_t before = 0);

}  // namespace lateen
