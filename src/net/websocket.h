// WebSocket (RFC 6455), both ends: messages over a ByteStream. Kubernetes runs exec, attach and
// port-forward over it.
//
//   auto ws = TRY(connect_websocket({.url = url, .headers = auth, .protocols =
//   {"v5.channel.k8s.io"}}, deadline, stop)); TRY(ws->send_binary("\0ls\n"sv, deadline, stop));
//   WebSocketMessage m = TRY(ws->receive(deadline, stop));
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/thread.h"
#include "net/byte_stream.h"
#include "net/http.h"
#include "net/tls.h"

namespace lateen::net {

struct WebSocketMessage {
  enum class Kind { Text, Binary, Close };

  Kind kind = Kind::Binary;
  Bytes data = {};               // of a Close: its reason
  std::uint16_t close_code = 0;  // of a Close; 1005 when the peer gave none
};

inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseProtocolError = 1002;
inline constexpr std::uint16_t kCloseBadData = 1007;
inline constexpr std::uint16_t kCloseTooBig = 1009;
inline constexpr std::uint16_t kCloseInternalError = 1011;

// One thread may receive while others send. Pings are answered by receive().
class WebSocket {
 public:
  enum class Role { Client, Server };

  // `early`: bytes that were read past the end of the handshake.
  WebSocket(std::unique_ptr<ByteStream> stream, Role role, std::string protocol, Bytes early);

  // The subprotocol agreed on; "" for none.
  const std::string& protocol() const { return protocol_; }

  // A message of more than this ends the connection with 1009. Set it before receiving.
  void set_max_message(ByteCount size) { max_message_ = size; }

  Status send_binary(BytesView data, Deadline deadline, std::stop_token stop);
  Status send_text(BytesView data, Deadline deadline, std::stop_token stop);
  Status ping(BytesView data, Deadline deadline, std::stop_token stop);

  // The next message, put together from its fragments. A Close has been answered, and is the last;
  // after it, and when the peer is gone without one: Unavailable. DeadlineExceeded and Canceled
  // lose nothing: receive again.
  Result<WebSocketMessage> receive(Deadline deadline, std::stop_token stop);

  // Says that we end here, once; go on receiving until the peer's Close.
  Status close(std::uint16_t code,
               std::string_view reason,
               Deadline deadline,
               std::stop_token stop);

  // Drops the connection without a word: threads that wait in it return.
  void shutdown() { stream_->shutdown(); }

 private:
  struct Frame {
    std::uint8_t opcode = 0;
    bool final = false;
    Bytes payload = {};
  };

  Status send_frame(std::uint8_t opcode, BytesView data, Deadline deadline, std::stop_token stop);
  Status take_turn(bool is_close, Deadline deadline, const std::stop_token& stop);
  void end_turn();
  Status read_more(Deadline deadline, std::stop_token stop);
  Result<std::optional<Frame>> next_frame();
  Result<std::optional<WebSocketMessage>> take_data(Frame frame);
  Result<std::optional<WebSocketMessage>> take_control(Frame frame,
                                                       Deadline deadline,
                                                       std::stop_token stop);
  Error fail(std::uint16_t code, std::string_view why);

  const std::unique_ptr<ByteStream> stream_;
  const Role role_;
  const std::string protocol_;
  ByteCount max_message_ = 64_MiB;

  // The receiving thread's own.
  Bytes input_;
  std::size_t consumed_ = 0;  // of input_
  Bytes partial_;             // fragments so far
  std::uint8_t partial_opcode_ = 0;
  bool ended_ = false;

  Mutex mu_;
  Condition turn_;
  bool writing_ LATEEN_GUARDED_BY(mu_) = false;  // somebody's frame is on its way: frames never mix
  bool close_sent_ LATEEN_GUARDED_BY(mu_) = false;
};

struct WebSocketRequest {
  std::string url = {};  // https, wss, http or ws
  Headers headers = {};
  std::vector<std::string> protocols = {};  // best first
  TlsOptions tls = {};
  std::string proxy_url = {};  // "" takes the environment's
};

// Proxies of the environment are used as by HttpClient. An answer other than 101 is an Error with
// the first bytes of its body: Unauthenticated (401), Forbidden (403), NotFound (404), else
// Unavailable.
Result<std::unique_ptr<WebSocket>> connect_websocket(const WebSocketRequest& request,
                                                     Deadline deadline,
                                                     std::stop_token stop);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept_key(std::string_view key);

}  // namespace lateen::net
