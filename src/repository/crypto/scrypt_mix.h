// The costly middle of scrypt (RFC 7914, ROMix), in SIMD registers: opening a repository is mostly
// this, and OpenSSL's takes three to four times as long.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace lateen::repository {

// Whether this machine has the instructions.
bool can_mix_scrypt();

// Mixes `blocks`, whose lanes have 128·r bytes each, in place. Takes 128·N·r bytes of memory, or
// twice that where two lanes fit into 64 MiB and go side by side. Io if there is not so much.
Status mix_scrypt(std::span<std::uint8_t> blocks, std::uint64_t n, std::uint64_t r);

}  // namespace lateen::repository
