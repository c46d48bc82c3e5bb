// How much a tarball or an index from outside may ask for.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace lateen::archive {

struct ArchiveLimits {
  ByteCount max_item_size = 256_MiB;  // etcd takes 1.5 MiB; an aggregated API may give more
  ByteCount max_unpacked_size = 1024_GiB;
  // Sixteen times what Kubernetes is tested with. Each is remembered.
  std::size_t max_items = 5'000'000;
  // Entries of any kind, also those that are passed over.
  std::size_t max_entries = 20'000'000;
  // How many times its size a tarball may unpack to, asked once it is past `ratio_from`. Objects of
  // a cluster reach 10 to 40; deflate cannot do more than 1,032, which is what bombs are made of.
  ByteCount max_ratio = 500;
  ByteCount ratio_from = 1_GiB;
};

}  // namespace lateen::archive
