#include "kube/port_forward.h"

#include <array>
#include <cerrno>
#include <list>
#include <thread>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/thread.h"
#include "kube/client.h"
#include "kube/upgrade.h"

namespace lateen::kube {
namespace {

constexpr std::string_view kForwardProtocol = "v4.channel.k8s.io";
constexpr std::size_t kMostForwarded = 4;
constexpr std::size_t kForwardPiece = 32 * 1024;
constexpr Duration kForwardPatience = std::chrono::seconds(30);
constexpr char kDataChannel = 0;
constexpr char kErrorChannel = 1;
// Each channel opens with the number of the port, in two bytes.
constexpr std::size_t kPortPrefix = 2;

Status send_socket(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "writing to a forwarded connection");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

// One connection from here to the pod.
class ForwardedConnection {
 public:
  ForwardedConnection(UniqueFd local, std::unique_ptr<net::WebSocket> remote)
      : local_(std::move(local)), remote_(std::move(remote)) {}

  // What the pod sends, until one side ends.
  Status carry() {
    const std::jthread sender([this](std::stop_token stop) { send_all(stop); });
    Status received = receive_all();
    end();
    return received;
  }

  void end() {
    (void)::shutdown(local_.get(), SHUT_RDWR);  // may have ended already
    remote_->shutdown();
  }

 private:
  void send_all(const std::stop_token& stop) {
    std::array<char, kForwardPiece + 1> buffer{};
    buffer.front() = kDataChannel;
    while (true) {
      const ssize_t count = ::recv(local_.get(), buffer.data() + 1, kForwardPiece, 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      const BytesView message(buffer.data(), static_cast<std::size_t>(count) + 1);
      if (!remote_->send_binary(message, Deadline::after(kForwardPatience), stop)) break;
    }
    remote_->shutdown();
  }

  Status receive_all() {
    std::array<std::size_t, 2> to_skip = {kPortPrefix, kPortPrefix};
    while (true) {
      const auto message = remote_->receive(Deadline::never(), {});
      // The pod's end of the connection ends the WebSocket: no error.
      if (!message || message->kind == net::WebSocketMessage::Kind::Close) return {};
      if (message->data.empty()) continue;
      const char channel = message->data.front();
      if (channel != kDataChannel && channel != kErrorChannel) continue;
      BytesView payload = BytesView(message->data).substr(1);
      std::size_t& skip = to_skip.at(static_cast<std::size_t>(channel));
      const std::size_t skipped = std::min(skip, payload.size());
      payload.remove_prefix(skipped);
      skip -= skipped;
      if (channel == kErrorChannel && !payload.empty())
        return Error(Code::Unavailable, "the pod's port cannot be reached: {}", payload);
      TRY(send_socket(local_.get(), payload));
    }
  }

  const UniqueFd local_;
  const std::unique_ptr<net::WebSocket> remote_;
};

class WebSocketForward final : public PortForward {
 public:
  WebSocketForward(Client& client, ForwardTarget target, UniqueFd listener, std::uint16_t port)
      : client_(client), target_(std::move(target)), listener_(std::move(listener)), port_(port) {
    for (std::size_t i = 0; i < kMostForwarded; ++i)
      servers_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
  }

  WebSocketForward(const WebSocketForward&) = delete;
  WebSocketForward& operator=(const WebSocketForward&) = delete;

  ~WebSocketForward() override {
    for (std::jthread& server : servers_)
      server.request_stop();
    (void)::shutdown(listener_.get(), SHUT_RDWR);  // those who wait in accept() return
    const Lock lock(mu_);
    for (ForwardedConnection* connection : open_)
      connection->end();
  }

  std::uint16_t local_port() const override { return port_; }

  Status refusal() const override {
    const Lock lock(mu_);
    return refusal_;
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      UniqueFd local(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!local && errno == EINTR) continue;
      if (!local) return;
      Status carried = carry(std::move(local), stop);
      if (carried) continue;
      const Lock lock(mu_);
      refusal_ = std::move(carried);
    }
  }

  Status carry(UniqueFd local, const std::stop_token& stop) {
    const ObjectPath pod{.gvr = {.group = "", .version = "v1", .resource = "pods"},
                         .ns = target_.ns,
                         .name = target_.pod};
    auto remote =
        TRY(open_websocket(client_, pod.sub("portforward").url_path(),
                           {{"ports", std::to_string(target_.port)}},
                           {std::string(kForwardProtocol)}, Deadline::after(kForwardPatience), stop)
                .wrap("forwarding port {} of pod {}/{}", target_.port, target_.ns, target_.pod));
    ForwardedConnection connection(std::move(local), std::move(remote));
    {
      const Lock lock(mu_);
      if (stop.stop_requested()) return {};
      open_.push_back(&connection);
    }
    Status carried = connection.carry();
    const Lock lock(mu_);
    open_.remove(&connection);
    return carried;
  }

  Client& client_;
  const ForwardTarget target_;
  const UniqueFd listener_;
  const std::uint16_t port_;
  mutable Mutex mu_;
  std::list<ForwardedConnection*> open_ LATEEN_GUARDED_BY(mu_);
  Status refusal_ LATEEN_GUARDED_BY(mu_);
  std::list<std::jthread> servers_;  // last: joined before what they use goes
};

}  // namespace

Result<std::unique_ptr<PortForward>> PortForward::open(Client& client, ForwardTarget target) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener || ::bind(listener.get(), generic, size) != 0 ||
      ::listen(listener.get(), 16) != 0 || ::getsockname(listener.get(), generic, &size) != 0) {
    return errno_error(errno, "listening on a port of 127.0.0.1");
  }
  return std::make_unique<WebSocketForward>(client, std::move(target), std::move(listener),
                                            ntohs(address.sin_port));
}

}  // namespace lateen::kube
