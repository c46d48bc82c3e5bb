#include "net/http_server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gzip.h"
#include "base/thread.h"
#include "net/peer_watch.h"
#include "net/server_connection.h"
#include "net/socket_stream.h"

namespace lateen::net {

namespace {

constexpr int kBacklog = 1024;

// An IPv4 or IPv6 address with its port.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_storage storage;
};

Result<SocketAddress> parse_address(const std::string& address, std::uint16_t port) {
  SocketAddress parsed{.storage = {}};
  if (::inet_pton(AF_INET, address.c_str(), &parsed.v4.sin_addr) == 1) {
    parsed.v4.sin_family = AF_INET;
    parsed.v4.sin_port = htons(port);
    return parsed;
  }
  if (::inet_pton(AF_INET6, address.c_str(), &parsed.v6.sin6_addr) == 1) {
    parsed.v6.sin6_family = AF_INET6;
    parsed.v6.sin6_port = htons(port);
    return parsed;
  }
  return Error(Code::InvalidArgument, "\"{}\" is not an IP address to listen on", address);
}

std::string format_address(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = address.any.sa_family == AF_INET;
  const void* const bytes = v4 ? static_cast<const void*>(&address.v4.sin_addr)
                               : static_cast<const void*>(&address.v6.sin6_addr);
  if (::inet_ntop(address.any.sa_family, bytes, text.data(), text.size()) == nullptr) return "";
  return fmt::format("{}:{}", text.data(), ntohs(v4 ? address.v4.sin_port : address.v6.sin6_port));
}

Result<UniqueFd> listen_on(const std::string& address, std::uint16_t port) {
  const SocketAddress where = TRY(parse_address(address, port));
  const auto failed = [&](std::string_view what) {
    return errno_error(errno, fmt::format("{} {}:{}", what, address, port));
  };
  UniqueFd fd(::socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed("making a socket for");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), &where.any, sizeof where) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return failed("listening on");
  }
  return fd;
}

Result<std::uint16_t> port_of(int fd) {
  SocketAddress address{.storage = {}};
  socklen_t size = sizeof address;
  if (::getsockname(fd, &address.any, &size) != 0) return errno_error(errno, "asking for a port");
  return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

}  // namespace

// Thread-safe.
class HttpServer::Core {
 public:
  struct Parts {
    std::unique_ptr<ServerTlsContext> tls;
    std::unique_ptr<PeerWatch> peers;
    UniqueFd listener;
    UniqueFd wake;
    std::uint16_t port = 0;
  };

  Core(HttpServerOptions options, HttpHandler& handler, Parts parts)
      : options_(std::move(options)),
        parts_(std::move(parts)),
        context_{.options = options_,
                 .handler = handler,
                 .peers = *parts_.peers,
                 .server_stop = stopping_.get_token()},
        acceptor_([this](const std::stop_token& stop) { accept_all(stop); }) {}

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  ~Core() { stop(); }

  std::uint16_t port() const { return parts_.port; }

  const HttpServerOptions& options() const { return options_; }

  void stop() {
    const Lock stopping(stop_mu_);  // held while waiting: a second stop() waits for the first
    acceptor_.request_stop();
    wake();
    if (acceptor_.joinable()) acceptor_.join();
    // Whoever connects from now on is refused, instead of waiting for us in the kernel.
    parts_.listener.reset();
    stopping_.request_stop();
    {
      const Lock lock(mu_);
      for (Slot& slot : slots_)
        slot.connection.quit();
      ended_.wait(mu_, Deadline::after(options_.stop_grace), {},
                  [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return all_ended(); });
      for (Slot& slot : slots_)
        slot.connection.cut();
    }
    reap_all();
  }

 private:
  // A connection and its thread. `ended` is the thread's last word.
  struct Slot {
    Slot(const ConnectionContext& context, UniqueFd fd, SslPtr ssl, std::string peer)
        : connection(context, std::move(fd), std::move(ssl), std::move(peer)) {}

    ServerConnection connection;
    bool ended = false;  // guarded by mu_
    std::jthread thread;
  };

  void wake() {
    const std::uint64_t one = 1;
    (void)!::write(parts_.wake.get(), &one, sizeof one);  // cannot fail: far from full
  }

  bool all_ended() const LATEEN_REQUIRES(mu_) {
    return std::ranges::all_of(slots_, [](const Slot& slot) { return slot.ended; });
  }

  void accept_all(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      reap_ended();
      const bool waiting = wait_for_events(/*for_connections=*/true);
      if (!waiting) continue;
      if (is_full()) {
        make_room(stop);
      } else {
        accept_one(stop);
      }
    }
  }

  // Somebody waits to be let in: one that is idle leaves, or the next that becomes idle or ends
  // wakes us.
  void make_room(const std::stop_token& stop) {
    wants_room_ = true;
    while (!stop.stop_requested() && is_full()) {
      ask_one_to_leave();
      (void)wait_for_events(/*for_connections=*/false);
      reap_ended();
    }
    wants_room_ = false;
  }

  // Until wake(), or until a connection waits to be accepted: whether one does.
  bool wait_for_events(bool for_connections) {
    const int listener = for_connections ? parts_.listener.get() : -1;
    std::array<pollfd, 2> fds = {pollfd{.fd = parts_.wake.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = listener, .events = POLLIN, .revents = 0}};
    ::poll(fds.data(), fds.size(), /*timeout=*/-1);
    std::uint64_t woken = 0;
    (void)!::read(parts_.wake.get(), &woken, sizeof woken);  // empty if nobody woke us
    return fds[1].revents != 0;
  }

  bool is_full() {
    const Lock lock(mu_);
    return slots_.size() >= options_.max_connections;
  }

  // The one that has been idle for longest; if none is, the next that becomes idle wakes us.
  void ask_one_to_leave() {
    const Lock lock(mu_);
    Slot* oldest = nullptr;
    auto since = std::chrono::steady_clock::time_point::max();
    for (Slot& slot : slots_) {
      const auto idle = slot.connection.idle_since();
      if (!idle || *idle >= since) continue;
      oldest = &slot;
      since = *idle;
    }
    if (oldest != nullptr) oldest->connection.quit();
  }

  void accept_one(const std::stop_token& stop) {
    SocketAddress from{.storage = {}};
    socklen_t size = sizeof from;
    UniqueFd fd(::accept4(parts_.listener.get(), &from.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return accept_failed(errno, stop);
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // A watcher whose machine has died says nothing: the kernel finds out.
    ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    SslPtr ssl;
    if (parts_.tls) {
      auto attached = parts_.tls->attach(fd.get());
      if (!attached) return;  // no memory: the peer sees its connection closed
      ssl = std::move(*attached);
    }
    const Lock lock(mu_);
    Slot& slot = slots_.emplace_back(context_, std::move(fd), std::move(ssl), format_address(from));
    slot.thread = std::jthread([this, &slot] { run(slot); });
  }

  void accept_failed(int number, const std::stop_token& stop) {
    if (number == EAGAIN || number == EINTR || number == ECONNABORTED) return;
    options_.log.error("Cannot accept a connection", {{"error", errno_error(number, "accepting")}});
    // Out of descriptors, mostly: they come back as connections end.
    constexpr auto kPause = std::chrono::milliseconds(100);
    (void)sleep_unless_stopped(kPause, stop);
  }

  void run(Slot& slot) {
    slot.connection.run([this] {
      if (wants_room_) wake();
    });
    {
      const Lock lock(mu_);
      slot.ended = true;
    }
    ended_.notify_all();
    wake();
  }

  // A slot's end joins its thread. That happens outside the lock, which a thread's last step takes.
  void reap_ended() {
    std::list<Slot> ended;
    const Lock lock(mu_);
    for (auto at = slots_.begin(); at != slots_.end();) {
      const auto here = at++;
      if (here->ended) ended.splice(ended.end(), slots_, here);
    }
  }

  void reap_all() {
    std::list<Slot> all;
    const Lock lock(mu_);
    all.splice(all.end(), slots_);
  }

  const HttpServerOptions options_;
  Parts parts_;
  std::stop_source stopping_;
  const ConnectionContext context_;
  std::atomic<bool> wants_room_ = false;

  Mutex mu_;
  Condition ended_;
  std::list<Slot> slots_ LATEEN_GUARDED_BY(mu_);

  Mutex stop_mu_;
  std::jthread acceptor_;  // last: it uses all of the above
};

HttpServer::HttpServer(Private /*tag*/, std::unique_ptr<Core> core) : core_(std::move(core)) {}

HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      HttpHandler& handler) {
  Core::Parts parts;
  if (options.tls) parts.tls = TRY(ServerTlsContext::create(*options.tls));
  parts.peers = TRY(PeerWatch::start());
  parts.listener = TRY(listen_on(options.address, options.port));
  parts.port = TRY(port_of(parts.listener.get()));
  parts.wake = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!parts.wake) return errno_error(errno, "starting an HTTP server");
  auto core = std::make_unique<Core>(std::move(options), handler, std::move(parts));
  return std::make_unique<HttpServer>(Private(), std::move(core));
}

std::uint16_t HttpServer::port() const {
  return core_->port();
}

std::string HttpServer::url() const {
  return Url{.scheme = core_->options().tls ? "https" : "http",
             .host = core_->options().address,
             .port = core_->port()}
      .format();
}

void HttpServer::stop() {
  core_->stop();
}

void compress_if_accepted(const ServerRequest& request,
                          HttpResponse& response,
                          ByteCount smallest) {
  response.headers.add("Vary", "Accept-Encoding");
  if (response.body.size() < smallest || response.headers.contains("Content-Encoding")) return;
  if (!request.headers.lists("Accept-Encoding", "gzip")) return;
  response.body = gzip_member(response.body);
  response.headers.set("Content-Encoding", "gzip");
}

}  // namespace lateen::net
