// Everything of a restic repository that is JSON or a header: whatever decodes, encodes to
// something that decodes to the same.
#include "fuzzer.h"
#include "repository/restic/documents.h"
#include "repository/restic/index_file.h"
#include "repository/restic/pack_header.h"

namespace restic = lateen::repository::restic;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data, size);
  if (const auto config = restic::decode_config(bytes)) {
    LATEEN_ASSERT(restic::decode_config(restic::encode(*config)), "it comes back");
  }
  if (const auto key = restic::decode_key_file(bytes)) {
    LATEEN_ASSERT(key->n <= (1U << 24U), "no key file makes us take more than a GiB");
  }
  (void)restic::decode_master_key(bytes);
  (void)restic::decode_lock(bytes);
  if (const auto snapshot = restic::decode_snapshot(bytes)) {
    const auto again = restic::decode_snapshot(restic::encode(*snapshot));
    LATEEN_ASSERT(again && again->tree == snapshot->tree, "it comes back");
  }
  for (const int version : {1, 2}) {
    (void)restic::decode_index(bytes, version,
                               [](restic::IndexedPack&) { return lateen::Status(); });
  }
  if (const auto blobs = restic::decode_header(bytes)) {
    lateen::Bytes again;
    for (const restic::PackedBlob& blob : *blobs)
      restic::append_header_entry(again, blob);
    LATEEN_ASSERT(again.size() == bytes.size(), "a header is nothing but its entries");
  }
  return 0;
}
