// Where a server listens, as flags say it: "host:port"; ":8085" for all addresses, or for the one
// that $LATEEN_LISTEN_HOST names: where several servers share a machine's network, each has its
// own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lateen::server {

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};

// InvalidArgument for anything that is not an IP address (or nothing, or localhost), a colon and a
// port.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace lateen::server
