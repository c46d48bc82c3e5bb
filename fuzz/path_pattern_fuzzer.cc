// Patterns of users and of kopia's policies against paths: an answer for all, in bounded time.
#include "fuzzer.h"
#include "repository/engine/path_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data, size);
  const std::size_t middle = bytes.find('\n');
  if (middle == bytes.npos) return 0;
  const auto filter =
      lateen::repository::PathFilter::parse({std::string(bytes.substr(0, middle))}, {});
  if (!filter) return 0;
  const lateen::BytesView path = bytes.substr(middle + 1);
  (void)filter->could_match_below(path);
  if (filter->matches(path)) {
    LATEEN_ASSERT(filter->matches(std::string(path) + "/below"),
                  "what lies below a match is matched");
  }
  return 0;
}
