#include "sandbox/http/port_forward.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include "base/text.h"
#include "sandbox/http/spdy_frames.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kProtocol = "portforward.k8s.io";
constexpr auto kForwardSendWait = std::chrono::seconds(60);
constexpr std::size_t kPiece = 32 * 1024;
// A client that opens more at once waits for others to end. 64 KiB each, and a thread.
constexpr std::size_t kMostForwarded = 256;

struct StreamHead {
  std::uint32_t id = 0;
  std::string type = {};
  std::string port = {};
  std::string request = {};
};

bool offers_protocol(const net::ServerRequest& request) {
  for (const std::string_view value : request.headers.all("X-Stream-Protocol-Version")) {
    for (const std::string& one : split_trimmed(value, ',')) {
      if (one == kProtocol) return true;
    }
  }
  return false;
}

Status write_socket(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "writing to the port");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

PortForwarder::PortForwarder(net::ByteStream& stream,
                             const PortConnector& connect,
                             std::stop_token stop)
    : stream_(stream),
      connect_(connect),
      stop_(std::move(stop)),
      inflater_(spdy_dictionary()),
      deflater_(spdy_dictionary()) {}

PortForwarder::~PortForwarder() {
  stream_.shutdown();
  // The senders wait in their sockets.
  for (const Connection& connection : connections_)
    (void)::shutdown(connection.socket.get(), SHUT_RDWR);  // may have ended already
  connections_.clear();  // joins them, while what they use is there
}

Result<SpdyFrame> PortForwarder::read_frame() {
  while (true) {
    SpdyFrame frame;
    if (input_.size() >= kSpdyFrameHead) {
      const std::size_t length = TRY(parse_spdy_head(input_, frame));
      if (input_.size() >= kSpdyFrameHead + length) {
        frame.payload = input_.substr(kSpdyFrameHead, length);
        input_.erase(0, kSpdyFrameHead + length);
        return frame;
      }
    }
    std::array<char, 16 * 1024> buffer{};
    const std::size_t count = TRY(stream_.read_some(buffer, Deadline::never(), stop_));
    if (count == 0) return Error(Code::Unavailable, "the client has closed the connection");
    input_.append(buffer.data(), count);
  }
}

Status PortForwarder::send(BytesView frame) {
  {
    const Lock lock(mu_);
    turn_.wait(mu_, Deadline::never(), stop_,
               [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !writing_; });
    if (stop_.stop_requested()) return Error(Code::Canceled, "forwarding was stopped");
    writing_ = true;
  }
  Status sent = stream_.write(frame, Deadline::after(kForwardSendWait), stop_);
  const Lock lock(mu_);
  writing_ = false;
  turn_.notify_all();
  return sent;
}

// Replies are the receiving thread's alone, so that they compress in order.
Status PortForwarder::reply(std::uint32_t stream) {
  Bytes payload;
  put_spdy_u32(payload, stream);
  payload += deflater_.deflate(encode_spdy_headers({}));
  return send(spdy_control(SpdyType::SynReply, 0, payload));
}

Status PortForwarder::refuse(std::uint32_t data, std::uint32_t error, std::string_view why) {
  if (error != 0) TRY(send(spdy_data(error, why, true)));
  return send(spdy_data(data, {}, true));
}

Status PortForwarder::open_connection(std::uint32_t data,
                                      std::uint32_t error,
                                      std::string_view port) {
  const auto number = parse_int(port);
  if (!number || *number < 1 || *number > 65535)
    return refuse(data, error, fmt::format("invalid port {}", quote_go(port)));
  // Those that have ended leave room.
  connections_.remove_if([](const Connection& one) { return one.ended.load(); });
  if (connections_.size() >= kMostForwarded)
    return refuse(data, error, "too many connections are forwarded");
  auto socket = connect_(static_cast<std::uint16_t>(*number));
  if (!socket) return refuse(data, error, socket.error().message());
  Connection& connection = connections_.emplace_back();
  connection.data = data;
  connection.error = error;
  connection.socket = UniqueFd(*socket);
  connection.sender = std::jthread([this, &connection] { send_all(connection); });
  return {};
}

// The socket's side, until it ends.
void PortForwarder::send_all(Connection& connection) {
  std::array<char, kPiece> buffer{};
  while (true) {
    const ssize_t count = ::recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    const BytesView piece(buffer.data(), static_cast<std::size_t>(count));
    if (!send(spdy_data(connection.data, piece, false))) break;
  }
  // A client that has gone needs no end.
  (void)send(spdy_data(connection.data, {}, true));
  if (connection.error != 0) (void)send(spdy_data(connection.error, {}, true));
  connection.ended = true;
}

Status PortForwarder::open_stream(const SpdyFrame& frame) {
  // stream id, associated id, priority and slot, then the headers.
  if (frame.payload.size() < 10) return Error(Code::Corrupt, "a SPDY stream without its id");
  StreamHead head;
  head.id = spdy_u32(frame.payload, 0);
  const Bytes block = TRY(inflater_.inflate(BytesView(frame.payload).substr(10), kSpdyMaxHeaders));
  const SpdyHeaders headers = TRY(decode_spdy_headers(block));
  for (const auto& [name, value] : headers) {
    if (equals_ignoring_case(name, "streamtype")) head.type = value;
    if (equals_ignoring_case(name, "port")) head.port = value;
    if (equals_ignoring_case(name, "requestid")) head.request = value;
  }
  TRY(reply(head.id));
  if (head.type == "error") {
    if (errors_.size() >= kMostForwarded) errors_.clear();
    errors_[head.request] = head.id;
    return {};
  }
  if (head.type != "data") return refuse(head.id, 0, "");
  const auto found = errors_.find(head.request);
  const std::uint32_t error = found == errors_.end() ? 0 : found->second;
  if (found != errors_.end()) errors_.erase(found);
  return open_connection(head.id, error, head.port);
}

Status PortForwarder::take_data(const SpdyFrame& frame) {
  const auto to = std::ranges::find_if(
      connections_, [&frame](const Connection& one) { return one.data == frame.stream; });
  if (to == connections_.end()) return {};
  // A port that takes no more ends by itself; its sender tells.
  if (!write_socket(to->socket.get(), frame.payload)) return {};
  if ((frame.flags & kSpdyFin) != 0) (void)::shutdown(to->socket.get(), SHUT_WR);
  return {};
}

Status PortForwarder::take(const SpdyFrame& frame) {
  if (!frame.control) return take_data(frame);
  switch (frame.type) {
    case SpdyType::SynStream:
      return open_stream(frame);
    case SpdyType::Ping:
      return send(spdy_control(SpdyType::Ping, 0, frame.payload));
    case SpdyType::GoAway:
      return Error(Code::Unavailable, "the client says goodbye");
    case SpdyType::RstStream: {
      const std::uint32_t id = spdy_u32(frame.payload, 0);
      for (const Connection& connection : connections_) {
        if (connection.data == id) (void)::shutdown(connection.socket.get(), SHUT_RDWR);
      }
      return {};
    }
    case SpdyType::Headers:
      // Not used, but it moves the compression on.
      if (frame.payload.size() >= 4)
        TRY(inflater_.inflate(BytesView(frame.payload).substr(4), kSpdyMaxHeaders));
      return {};
    case SpdyType::SynReply:
    case SpdyType::Settings:
    case SpdyType::WindowUpdate:
      return {};
  }
  return {};
}

Status PortForwarder::run() {
  while (true)
    TRY(take(TRY(read_frame())));
}

ApiStatus serve_port_forward(net::ServerExchange& exchange, const PortConnector& connect) {
  const net::ServerRequest& request = exchange.request();
  if (!equals_ignoring_case(request.headers.get("Upgrade"), "SPDY/3.1"))
    return bad_request("Upgrade request required");
  if (!offers_protocol(request)) {
    return ApiError(Error(Code::Forbidden, "unable to upgrade: the sandbox speaks {}", kProtocol),
                    403, "Forbidden", {});
  }
  net::Headers headers;
  headers.add("Connection", "Upgrade");
  headers.add("Upgrade", "SPDY/3.1");
  headers.add("X-Stream-Protocol-Version", kProtocol);
  net::ByteStream* stream = TRY(exchange.take_over(headers));
  PortForwarder forwarder(*stream, connect, exchange.stop());
  // However it ends, there is nobody left to tell.
  (void)forwarder.run();
  return {};
}

}  // namespace lateen::sandbox
