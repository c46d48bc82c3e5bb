// Index blobs and the ends of packs: every entry stays inside its tables, and an index that is
// written again reads as the same.
#include <algorithm>

#include "fuzzer.h"
#include "repository/kopia/index_blob.h"
#include "repository/kopia/pack.h"

namespace kopia = lateen::repository::kopia;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data, size);
  if (const auto postamble = kopia::find_postamble(bytes)) {
    const auto written = kopia::write_postamble(*postamble);
    LATEEN_ASSERT(written && kopia::find_postamble(*written) == *postamble, "it comes back");
  }
  const auto blob = kopia::IndexBlob::parse(bytes, 28);
  if (!blob) return 0;
  for (const auto& entry : blob->entries()) {
    LATEEN_ASSERT(entry.pack < blob->packs().size(), "entries name packs that are there");
  }
  const auto written = kopia::encode_index(blob->entries(), blob->packs(), 2);
  if (!written) return 0;  // not sorted, or too large for version 2
  const auto again = kopia::IndexBlob::parse(*written, 28);
  LATEEN_ASSERT(again && again->entries().size() == blob->entries().size(), "as many come back");
  LATEEN_ASSERT(std::ranges::equal(again->entries(), blob->entries(),
                                   [&](const auto& a, const auto& b) {
                                     return a.id == b.id && a.offset == b.offset &&
                                            a.length == b.length && a.time == b.time &&
                                            again->packs()[a.pack] == blob->packs()[b.pack];
                                   }),
                "and the same ones");
  return 0;
}
