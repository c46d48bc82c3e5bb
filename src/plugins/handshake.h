// The line that a plugin prints when it listens: "1|2|unix|/tmp/plugin123|grpc|". Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lateen::plugins {

// Longer than any path of a socket and a certificate.
inline constexpr std::size_t kMaxHandshake = 16 * 1024;

struct Handshake {
  std::string network = {};  // "unix" or "tcp"
  std::string address = {};  // a socket's path, or host:port

  bool operator==(const Handshake&) const = default;
};

// The line without its end. An error says which part is not what a Velero plugin prints.
Result<Handshake> parse_handshake(std::string_view line);

}  // namespace lateen::plugins
