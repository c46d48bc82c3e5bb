// S2 (Klaus Post's extension of Snappy) as kopia's s2-* compressors wrote it. Read only.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/buffer.h"

namespace lateen::repository {

// Appends what a framed stream (kopia-format.md 9a) unpacks to, at most `max` bytes; Corrupt if it
// is damaged or longer.
Status decompress_s2(BytesView stream, ByteCount max, Buffer& out);

// CRC-32C (Castagnoli).
std::uint32_t crc32c(BytesView data);

}  // namespace lateen::repository
