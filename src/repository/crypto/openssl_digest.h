// SHA-256 by OpenSSL's plain functions: no allocation, and its state can be copied.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "repository/crypto/keyed_hash.h"

namespace lateen::repository {

// Goes on from a state after whole blocks: `words` is it, `bytes` how much led to it.
void sha256_from(const std::uint32_t* words,
                 std::uint64_t bytes,
                 BytesView data,
                 std::uint8_t* out);

// The state before anything.
void sha256_start(std::uint32_t* words);

// The state after one block of 64 bytes.
void sha256_block_state(const std::uint8_t* block, std::uint32_t* words);

}  // namespace lateen::repository
