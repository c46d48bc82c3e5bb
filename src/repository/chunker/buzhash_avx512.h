// BUZHASH over every position of a text, sixteen at a time, without rolling: see the essay in the
// .cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lateen::repository {

// The smallest length l in [from, to] with (hash of the 64 bytes up to l) & mask == 0, or 0. from
// > 64. Needs AVX-512 with VBMI.
std::size_t find_buzhash_avx512(const std::uint8_t* data,
                                std::size_t from,
                                std::size_t to,
                                std::uint32_t mask);

}  // namespace lateen::repository
