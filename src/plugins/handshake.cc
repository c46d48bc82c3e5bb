#include "plugins/handshake.h"

#include <vector>

#include "base/text.h"

namespace lateen::plugins {
namespace {

constexpr std::string_view kCoreVersion = "1";
constexpr std::string_view kVeleroVersion = "2";
// More of a line than this tells nothing more.
constexpr std::size_t kShown = 200;

Error not_a_handshake(std::string_view line, std::string_view why) {
  return Error(Code::Unsupported, "it printed {} where a plugin's handshake should be: {}",
               quote_go(to_valid_utf8(line.substr(0, kShown))), why)
      .with_hint("Is this file a Velero plugin, built for this machine?");
}

bool is_tcp_address(std::string_view address) {
  const Cut parts = cut_last(address, ":");
  const auto port = parts.found ? parse_int(parts.after) : Result<std::int64_t>(0);
  return parts.found && !parts.before.empty() && port && *port > 0 && *port < 65536;
}

}  // namespace

Result<Handshake> parse_handshake(std::string_view line) {
  line = trim(line);
  const std::vector<std::string_view> parts = split(line, '|');
  if (parts.size() < 4) return not_a_handshake(line, "it has fewer than four parts");
  if (parts[0] != kCoreVersion) {
    return not_a_handshake(line, "its version of the plugin protocol is not 1");
  }
  if (parts[1] != kVeleroVersion) {
    return not_a_handshake(line, "its version of Velero's plugin interface is not 2");
  }
  if (parts.size() < 5 || parts[4] != "grpc") {
    return not_a_handshake(line, "it does not speak gRPC");
  }
  // The server's certificate is only there if we asked for TLS, which Velero's hosts never do.
  if (parts.size() > 5 && !parts[5].empty()) {
    return not_a_handshake(line, "it wants TLS, which was not asked for");
  }
  Handshake handshake{.network = std::string(parts[2]), .address = std::string(parts[3])};
  if (handshake.network == "unix") {
    if (!handshake.address.starts_with('/')) {
      return not_a_handshake(line, "its socket is no absolute path");
    }
  } else if (handshake.network == "tcp") {
    if (!is_tcp_address(handshake.address)) {
      return not_a_handshake(line, "its address is not host:port");
    }
  } else {
    return not_a_handshake(line, "its network is neither unix nor tcp");
  }
  return handshake;
}

}  // namespace lateen::plugins
