// The streaming reader and the exact one agree; what comes out is bounded.
#include "base/gzip.h"
#include "fuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data, size);
  constexpr lateen::ByteCount kMax = lateen::ByteCount{1} << 20;
  if (const auto unpacked = lateen::gunzip(bytes, kMax)) {
    LATEEN_ASSERT(unpacked->size() <= kMax, "the bound holds");
  }
  (void)lateen::gunzip_member(bytes, 100);  // may fail: only must not break
  const auto own = lateen::gunzip(lateen::gzip_member(bytes), size);
  LATEEN_ASSERT(own && *own == bytes, "what we pack we unpack");
  return 0;
}
