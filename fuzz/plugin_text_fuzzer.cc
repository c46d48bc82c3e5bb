// What a plugin's program prints: its handshake and its log lines.
#include "fuzzer.h"
#include "plugins/handshake.h"
#include "plugins/line_buffer.h"
#include "plugins/log_line.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView text = lateen::fuzz::as_bytes(data, size);
  const auto handshake = lateen::plugins::parse_handshake(text);
  LATEEN_ASSERT(!handshake || !handshake->address.empty(), "there is somewhere to connect to");
  (void)lateen::plugins::parse_log_line(text);
  lateen::plugins::LineBuffer buffer(64);
  std::size_t seen = 0;
  buffer.add(text, [&seen](std::string_view line) {
    LATEEN_ASSERT(!line.empty() && line.size() <= 64, "a line is no longer than its bound");
    seen += line.size();
  });
  LATEEN_ASSERT(seen + buffer.take_rest().size() <= size, "nothing is made up");
  return 0;
}
