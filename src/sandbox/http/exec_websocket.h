// exec over WebSocket: v5.channel.k8s.io and v4.channel.k8s.io (binary messages, the first byte
// names the channel).
#pragma once

#include <string>

#include "net/websocket.h"
#include "sandbox/http/exec_peer.h"

namespace lateen::sandbox {

class WebSocketPeer final : public ExecPeer {
 public:
  explicit WebSocketPeer(net::WebSocket& socket) : socket_(socket) {}

  Status send(ExecChannel channel, BytesView bytes, std::stop_token stop) override;
  Status finish(const Json& status, std::stop_token stop) override;
  std::optional<ExecInput> receive(Deadline deadline, std::stop_token stop) override;

  void shutdown() override { socket_.shutdown(); }

 private:
  net::WebSocket& socket_;
};

// The best of the offered protocols that we speak; "" for none.
std::string choose_channel_protocol(const std::vector<std::string>& offered);

}  // namespace lateen::sandbox
