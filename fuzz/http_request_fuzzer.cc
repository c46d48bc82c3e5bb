// A request that comes in two pieces, cut anywhere, is the request that comes whole.
#include <algorithm>
#include <optional>

#include "fuzzer.h"
#include "net/http_parser.h"

namespace {

using lateen::Bytes;
using lateen::BytesView;
using lateen::net::RequestParser;

// Method, target and body; nothing for what is refused or unfinished.
std::optional<Bytes> read_request(BytesView first, BytesView second) {
  RequestParser parser({.header = 1024, .body = 4096});
  Bytes input;
  for (const BytesView piece : {first, second}) {
    input += piece;
    const auto taken = parser.put(input);
    if (!taken) return std::nullopt;
    LATEEN_ASSERT(*taken <= input.size(), "no more is taken than there is");
    input.erase(0, *taken);
    if (parser.done()) break;
  }
  if (!parser.done()) return std::nullopt;
  const Bytes body = parser.take_body();
  LATEEN_ASSERT(body.size() <= 4096, "the bound holds");
  return parser.method() + "\n" + parser.target() + "\n" + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t cut_at = data[0];
  const BytesView bytes = lateen::fuzz::as_bytes(data + 1, size - 1);
  const auto whole = read_request(bytes, "");
  const auto pieces =
      read_request(bytes.substr(0, cut_at), bytes.substr(std::min(cut_at, bytes.size())));
  LATEEN_ASSERT(whole == pieces, "a cut changes nothing");
  (void)lateen::net::parse_response_head(bytes);  // may fail: only must not break
  return 0;
}
