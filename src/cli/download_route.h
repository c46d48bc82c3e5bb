// What a command has learned of the way to backups' documents, so that the next one takes it at
// once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kube/port_forward.h"

namespace lateen::cli {

// Not thread-safe.
struct DownloadRoute {
  bool bucket_unreachable = false;  // from here: the server is asked for its own links
  std::string pod = {};             // of the server; what is forwarded to
  std::uint16_t port = 0;
  std::unique_ptr<kube::PortForward> forward = {};
};

}  // namespace lateen::cli
