// A hostile peer of either role: it is refused or understood, within the bound that was set.
#include <algorithm>

#include "fuzzer.h"
#include "net/websocket.h"

namespace {

using lateen::Bytes;
using lateen::Deadline;
using lateen::net::WebSocket;

// Gives what the fuzzer made up, a few bytes at a time, and swallows what is said to it.
class MadeUp final : public lateen::net::ByteStream {
 public:
  explicit MadeUp(lateen::BytesView input) : input_(input) {}

  lateen::Result<std::size_t> read_some(std::span<char> into, Deadline, std::stop_token) override {
    const std::size_t count = std::min<std::size_t>({into.size(), input_.size(), 7});
    std::copy_n(input_.begin(), count, into.begin());
    input_.remove_prefix(count);
    return count;
  }

  lateen::Status write(lateen::BytesView, Deadline, std::stop_token) override { return {}; }

  void shutdown() override {}

 private:
  lateen::BytesView input_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto role = (data[0] & 1U) != 0 ? WebSocket::Role::Client : WebSocket::Role::Server;
  constexpr lateen::ByteCount kMax = 500;
  WebSocket socket(std::make_unique<MadeUp>(lateen::fuzz::as_bytes(data + 1, size - 1)), role, "",
                   "");
  socket.set_max_message(kMax);
  while (const auto message = socket.receive(Deadline::never(), {})) {
    LATEEN_ASSERT(message->data.size() <= kMax, "the bound holds");
  }
  return 0;
}
