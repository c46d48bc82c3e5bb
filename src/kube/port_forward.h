// A port of a pod, reached through the API server: as `kubectl port-forward`, over WebSocket
// (v4.channel.k8s.io).
//
//   auto forward = TRY(PortForward::open(client, {.ns = "velero", .pod = "velero-7d", .port =
//   8086})); … http://127.0.0.1:<forward->local_port()>/ …
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace lateen::kube {

class Client;

struct ForwardTarget {
  std::string ns = {};
  std::string pod = {};
  std::uint16_t port = 0;
};

// Listens on a free port of loopback while it lives. Each connection to it is one to the pod, with
// two threads of its own; four at a time, the next ones wait. A connection that the API server or
// the pod refuses is closed: refusal() says why. Thread-safe.
class PortForward {
 public:
  // `client` must outlive it.
  static Result<std::unique_ptr<PortForward>> open(Client& client, ForwardTarget target);

  virtual ~PortForward() = default;

  virtual std::uint16_t local_port() const = 0;

  // Why the last connection could not be made; an empty message if all could.
  virtual Status refusal() const = 0;

 protected:
  PortForward() = default;
};

}  // namespace lateen::kube
