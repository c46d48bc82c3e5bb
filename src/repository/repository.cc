#include "repository/repository.h"

#include <algorithm>

namespace lateen::repository {

BackupMemory BackupMemory::of(ByteCount all) {
  if (all == 0) return {};
  // Beyond so much nothing gets faster.
  return {.packs = std::clamp<ByteCount>(all / 7 * 4, 64_MiB, 256_MiB),
          .files = std::clamp<ByteCount>(all / 7 * 3, 24_MiB, 192_MiB)};
}

}  // namespace lateen::repository
