// Entries' contents are never more than was there, and lie where the entry says.
#include "base/tar.h"
#include "fuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data, size);
  lateen::ViewSource source(bytes);
  lateen::TarReader tar(source);
  while (true) {
    const auto entry = tar.next();
    if (!entry || !*entry) return 0;
    const auto content = tar.read_all(lateen::ByteCount{1} << 20);
    if (!content) continue;
    LATEEN_ASSERT(bytes.substr((*entry)->data_offset, (*entry)->size) == *content,
                  "the content is what stands at its offset");
  }
}
