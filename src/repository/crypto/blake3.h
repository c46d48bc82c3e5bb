// BLAKE3 under a key: a tree of 1 KiB chunks, whose nodes are hashed in the lanes of SIMD
// registers.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "repository/crypto/keyed_hash.h"

namespace lateen::repository {

using Blake3Key = std::array<std::uint32_t, 8>;

// 32 bytes of key.
Blake3Key blake3_key(BytesView key);

// From any text, for a purpose (BLAKE3's derive_key mode): 32 bytes.
HashBytes blake3_derive(BytesView context, BytesView material);

HashBytes blake3_keyed(const Blake3Key& key, BytesView data);

// With 16, 8 or 1 lanes: for tests. The one above takes what the machine has.
HashBytes blake3_keyed(const Blake3Key& key, BytesView data, std::size_t lanes);
std::size_t blake3_lanes();

}  // namespace lateen::repository
