// How much a tarball or an index from outside may ask for.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace lateen::archive {

struct ArchiveLimits {
  ByteCount max_item_size = 256_MiB;  // etcd takes 1.5 MiB; an aggregated API may give more
  ByteCount max_unpacked_size = 1024_GiB;
  std::size_t max_items = 20'000'000;
};

}  // namespace lateen::archive
