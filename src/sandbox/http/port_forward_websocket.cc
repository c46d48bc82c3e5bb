#include "sandbox/http/port_forward_websocket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include <fmt/format.h>
#include <sys/socket.h>

#include "base/text.h"
#include "net/websocket.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kChannelProtocol = "v4.channel.k8s.io";
constexpr auto kChannelSendWait = std::chrono::seconds(60);
constexpr std::size_t kChannelPiece = 32 * 1024;
constexpr char kDataChannel = 0;
constexpr char kErrorChannel = 1;

Status send_channel(net::WebSocket& socket, char channel, BytesView bytes, std::stop_token stop) {
  return socket.send_binary(Bytes(1, channel) + Bytes(bytes), Deadline::after(kChannelSendWait),
                            std::move(stop));
}

Status announce(net::WebSocket& socket, std::uint16_t port, const std::stop_token& stop) {
  const std::array<char, 2> number{static_cast<char>(port & 0xff), static_cast<char>(port >> 8)};
  const BytesView bytes(number.data(), number.size());
  TRY(send_channel(socket, kDataChannel, bytes, stop));
  return send_channel(socket, kErrorChannel, bytes, stop);
}

// The port's side, until it ends.
void carry_to_client(int fd, net::WebSocket& socket, const std::stop_token& stop) {
  std::array<char, kChannelPiece> buffer{};
  while (true) {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    const BytesView piece(buffer.data(), static_cast<std::size_t>(count));
    if (!send_channel(socket, kDataChannel, piece, stop)) break;
  }
  // The client answers, which ends the other side; one that has gone needs no end.
  (void)socket.close(net::kCloseNormal, "", Deadline::after(kChannelSendWait), stop);
}

bool write_port(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// The client's side, until it leaves.
void carry_to_port(net::WebSocket& socket, int fd, const std::stop_token& stop) {
  while (true) {
    const auto message = socket.receive(Deadline::never(), stop);
    if (!message || message->kind == net::WebSocketMessage::Kind::Close) return;
    if (message->data.empty() || message->data.front() != kDataChannel) continue;
    if (!write_port(fd, BytesView(message->data).substr(1))) return;
  }
}

}  // namespace

ApiStatus serve_websocket_forward(net::ServerExchange& exchange,
                                  const net::QueryValues& query,
                                  const PortConnector& connect) {
  const std::vector<std::string> offered = exchange.offered_protocols();
  if (std::find(offered.begin(), offered.end(), kChannelProtocol) == offered.end()) {
    return bad_request(
        "unable to upgrade: the sandbox forwards ports over SPDY/3.1, and over WebSocket with "
        "v4.channel.k8s.io");
  }
  const auto port = parse_int(query.get("ports"));
  if (!port || *port < 1 || *port > 65535 || query.all("ports").size() != 1)
    return bad_request("one port is forwarded over a WebSocket: ports=N");
  const auto number = static_cast<std::uint16_t>(*port);
  const auto target = connect(number);
  net::WebSocket* socket = TRY(exchange.accept_websocket(std::string(kChannelProtocol)));
  const std::stop_token stop = exchange.stop();
  TRY(announce(*socket, number, stop));
  if (!target) {
    TRY(send_channel(*socket, kErrorChannel, target.error().message(), stop));
    // However it ends, there is nobody left to tell.
    (void)socket->close(net::kCloseNormal, "", Deadline::after(kChannelSendWait), stop);
    return {};
  }
  const UniqueFd fd(*target);
  {
    const std::jthread sender([&] { carry_to_client(fd.get(), *socket, stop); });
    carry_to_port(*socket, fd.get(), stop);
    (void)::shutdown(fd.get(), SHUT_RDWR);  // the sender waits in it
  }
  return {};
}

}  // namespace lateen::sandbox
