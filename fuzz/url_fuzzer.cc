// What parses is written to a text that parses to the same; what is shown of it has no secret in
// it.
#include "fuzzer.h"
#include "net/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lateen::net::QueryValues;
  using lateen::net::Url;
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data, size);
  if (const auto url = Url::parse(bytes)) {
    const auto again = Url::parse(url->format());
    LATEEN_ASSERT(again && *again == *url, "what we write is the same URL");
    const std::string shown = lateen::net::redact_url(bytes);
    LATEEN_ASSERT(shown.find('?') == std::string::npos, "a query is not shown");
  }
  const auto unescaped = lateen::net::query_unescape(lateen::net::query_escape(bytes));
  LATEEN_ASSERT(unescaped && *unescaped == bytes, "what is escaped comes back");
  if (const auto query = QueryValues::parse(bytes)) {
    const auto again = QueryValues::parse(query->encode());
    LATEEN_ASSERT(again && again->encode() == query->encode(), "and so does a query");
  }
  return 0;
}
