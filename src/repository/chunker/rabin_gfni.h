// Rabin fingerprints of a text's positions in sixty-four stripes at once: see the essay in the .cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lateen::repository {

// A polynomial's step, as the matrices over GF(2) that GF2P8AFFINEQB takes. Immutable once made.
class RabinMatrices {
 public:
  // Of the degree of rabin.h.
  explicit RabinMatrices(std::uint64_t polynomial);

  static constexpr std::size_t kPlanes = 7;

  // What each plane of the next state gets of the state's highest byte, of the byte that leaves the
  // window, and (the two lowest planes) of the one that enters it.
  std::uint64_t of_top[kPlanes] = {};
  std::uint64_t of_leaving[kPlanes] = {};
  std::uint64_t of_entering[2] = {};
};

// The smallest length l in [from, to] with (fingerprint of the 64 bytes up to l) & mask == 0, or 0,
// as far as whole rounds of stripes go: `looked` says up to which length none is smaller. from >
// 64, and `mask` is of at most 29 bits. Needs AVX-512 with VBMI, and GFNI.
std::size_t find_rabin_gfni(const RabinMatrices& matrices,
                            const std::uint8_t* data,
                            std::size_t from,
                            std::size_t to,
                            std::uint64_t mask,
                            std::size_t& looked);

}  // namespace lateen::repository
