#include "server/listen.h"

#include "base/environment.h"
#include "base/text.h"

namespace lateen::server {

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const Cut parts = cut_last(text, ":");
  const auto port = parse_int(parts.after);
  if (!parts.found || !port || *port < 0 || *port > 65535) {
    return Error(Code::InvalidArgument, "\"{}\" is not an address to listen at", text)
        .with_hint("Write it as host:port, for instance 127.0.0.1:8085 or :8085.");
  }
  std::string host(parts.before);
  if (host.empty()) host = env("LATEEN_LISTEN_HOST").value_or("0.0.0.0");
  if (host == "localhost") host = "127.0.0.1";
  return ListenAddress{.host = std::move(host), .port = static_cast<std::uint16_t>(*port)};
}

}  // namespace lateen::server
