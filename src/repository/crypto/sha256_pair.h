// SHA-256 of two messages at once: each round of one waits for its last; two fill the gaps.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lateen::repository {

// `blocks` blocks of 64 bytes of each message go into their states. Needs the SHA extensions.
void sha256_blocks_pair(std::uint32_t* a,
                        const std::uint8_t* from_a,
                        std::uint32_t* b,
                        const std::uint8_t* from_b,
                        std::size_t blocks);

}  // namespace lateen::repository
