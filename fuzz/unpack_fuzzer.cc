// Whatever a repository holds as compressed: what comes out is bounded, and what is refused leaves
// nothing behind.
#include "fuzzer.h"
#include "repository/compress/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lateen::repository::Algorithm;
  if (size == 0) return 0;
  static lateen::repository::Decompressor decompressor;
  constexpr Algorithm kAll[] = {Algorithm::None, Algorithm::Gzip, Algorithm::Deflate,
                                Algorithm::Zstd, Algorithm::S2,   Algorithm::Lz4};
  const Algorithm algorithm = kAll[data[0] % std::size(kAll)];
  const lateen::BytesView stored = lateen::fuzz::as_bytes(data + 1, size - 1);
  constexpr lateen::ByteCount kMax = lateen::ByteCount{1} << 20;
  lateen::repository::Buffer out;
  out.append("before");
  if (decompressor.decompress_up_to(algorithm, stored, kMax, out)) {
    LATEEN_ASSERT(out.size() <= kMax + 6, "the bound holds");
    const lateen::ByteCount unpacked = out.size() - 6;
    out.resize(6);
    LATEEN_ASSERT(decompressor.decompress(algorithm, stored, unpacked, out).has_value(),
                  "its own size is the right one");
  } else {
    LATEEN_ASSERT(out.view() == "before", "an error leaves nothing behind");
  }
  return 0;
}
