// kubectl port-forward: SPDY/3.1 with portforward.k8s.io. For each connection the client opens two
// streams, one for errors and one for data, that carry the port and a common request number.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/thread.h"
#include "net/byte_stream.h"
#include "net/http_server.h"
#include "sandbox/api/api_error.h"
#include "sandbox/http/spdy_frames.h"

namespace lateen::sandbox {

// A connected socket to a port of the pod.
using PortConnector = std::function<Result<int>(std::uint16_t port)>;

// Serves until the client leaves. BadRequest for what is no upgrade to SPDY.
ApiStatus serve_port_forward(net::ServerExchange& exchange, const PortConnector& connect);

// One client's connections. The calling thread receives; each connection has a thread that sends
// what its socket gives.
class PortForwarder {
 public:
  PortForwarder(net::ByteStream& stream, const PortConnector& connect, std::stop_token stop);
  ~PortForwarder();
  PortForwarder(const PortForwarder&) = delete;
  PortForwarder& operator=(const PortForwarder&) = delete;

  // Until the client leaves or breaks the protocol.
  Status run();

 private:
  struct Connection {
    std::uint32_t data = 0;   // stream ids
    std::uint32_t error = 0;  // 0: the client opened none
    UniqueFd socket = {};
    std::atomic<bool> ended = false;  // the sender's last word
    std::jthread sender = {};
  };

  Result<SpdyFrame> read_frame();
  Status take(const SpdyFrame& frame);
  Status take_data(const SpdyFrame& frame);
  Status open_stream(const SpdyFrame& frame);
  Status open_connection(std::uint32_t data, std::uint32_t error, std::string_view port);
  void send_all(Connection& connection);
  Status send(BytesView frame);
  Status reply(std::uint32_t stream);
  Status refuse(std::uint32_t data, std::uint32_t error, std::string_view why);

  net::ByteStream& stream_;
  const PortConnector& connect_;
  const std::stop_token stop_;
  DictionaryInflater inflater_;
  Bytes input_;  // what was read but is no whole frame yet
  std::map<std::string, std::uint32_t>
      errors_;  // by request number: error streams without data yet
  std::list<Connection> connections_;

  Mutex mu_;
  Condition turn_;
  bool writing_ LATEEN_GUARDED_BY(mu_) = false;  // frames never mix, and compress in order
  DictionaryDeflater deflater_;                  // of whoever is writing
};

}  // namespace lateen::sandbox
