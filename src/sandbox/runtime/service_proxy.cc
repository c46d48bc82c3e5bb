#include "sandbox/runtime/service_proxy.h"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wake.h"
#include "kube/object.h"
#include "sandbox/runtime/pod_network.h"

namespace lateen::sandbox {
namespace {

constexpr std::size_t kMostConnections = 1024;
constexpr std::size_t kMostPending = 64 * 1024;  // bytes on their way in one direction

sockaddr_in to_sockaddr(const SocketAddress& address) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(address.port);
  (void)inet_pton(AF_INET, address.ip.c_str(), &out.sin_addr);
  return out;
}

UniqueFd make_socket() {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  (void)setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Result<UniqueFd> listen_on(const SocketAddress& address) {
  UniqueFd fd = make_socket();
  const sockaddr_in where = to_sockaddr(address);
  if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
      listen(fd.get(), 64) != 0) {
    return errno_error(errno, fmt::format("listening on {}:{}", address.ip, address.port));
  }
  return fd;
}

void add_backends(const Json& subset, std::string_view port_name, std::vector<SocketAddress>& out) {
  const JsonArray* addresses = array_at(subset, "addresses");
  const JsonArray* ports = array_at(subset, "ports");
  if (addresses == nullptr || ports == nullptr) return;
  for (const Json& port : *ports) {
    if (string_at(port, "name") != port_name) continue;
    for (const Json& address : *addresses) {
      out.push_back({.ip = std::string(string_at(address, "ip")),
                     .port = static_cast<std::uint16_t>(int_at(port, "port").value_or(0))});
    }
  }
}

}  // namespace

ProxyRoutes routes_of(const Json& service, const Json* endpoints) {
  ProxyRoutes out;
  const std::string ip = service_address(service);
  const JsonArray* ports = array_at(service, "spec.ports");
  const JsonArray* subsets = endpoints != nullptr ? array_at(*endpoints, "subsets") : nullptr;
  if (ip.empty() || ports == nullptr) return out;
  for (const Json& port : *ports) {
    const std::string_view protocol = string_at(port, "protocol");
    if (!protocol.empty() && protocol != "TCP") continue;
    auto& backends =
        out[{.ip = ip, .port = static_cast<std::uint16_t>(int_at(port, "port").value_or(0))}];
    if (subsets == nullptr) continue;
    for (const Json& subset : *subsets)
      add_backends(subset, string_at(port, "name"), backends);
  }
  return out;
}

// Two sockets and what is on its way between them. Not thread-safe.
class ServiceProxy::Connection {
 public:
  Connection(UniqueFd client, UniqueFd server)
      : sides_{{{.fd = std::move(client)}, {.fd = std::move(server)}}} {}

  // For poll(2): reads while there is room, writes while there is something.
  pollfd wanted(std::size_t side) const {
    const Side& mine = sides_.at(side);
    const Side& other = sides_.at(1 - side);
    int events = 0;
    if (!mine.ended && mine.pending.size() < kMostPending) events |= POLLIN;
    if (!other.pending.empty() || (side == 1 && !connected_)) events |= POLLOUT;
    return {mine.fd.get(), static_cast<short>(events), 0};
  }

  // False when it is over.
  bool move(short client_events, short server_events) {
    if ((server_events & POLLOUT) != 0) connected_ = true;
    return take(0, client_events) && take(1, server_events) && give(0) && give(1) && !is_over();
  }

 private:
  struct Side {
    UniqueFd fd;
    Bytes pending = {};  // read from this side, for the other
    bool ended = false;
    bool passed_on = false;  // the other side has been told of the end
  };

  bool take(std::size_t side, short events) {
    Side& mine = sides_.at(side);
    if ((events & (POLLIN | POLLHUP | POLLERR)) == 0 || mine.ended) return true;
    std::array<char, 16 * 1024> bytes{};
    const ssize_t count = read(mine.fd.get(), bytes.data(), bytes.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) mine.ended = true;
    mine.pending.append(bytes.data(), static_cast<std::size_t>(count));
    return true;
  }

  // What came from `side`, to the other.
  bool give(std::size_t side) {
    Side& mine = sides_.at(side);
    const Side& other = sides_.at(1 - side);
    if (side == 0 && !connected_) return true;
    if (!mine.pending.empty()) {
      const ssize_t count =
          send(other.fd.get(), mine.pending.data(), mine.pending.size(), MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN || errno == EINTR;
      mine.pending.erase(0, static_cast<std::size_t>(count));
    }
    if (mine.ended && mine.pending.empty() && !mine.passed_on) {
      mine.passed_on = true;
      (void)shutdown(other.fd.get(), SHUT_WR);
    }
    return true;
  }

  bool is_over() const { return sides_[0].passed_on && sides_[1].passed_on; }

  std::array<Side, 2> sides_;
  bool connected_ = false;
};

ServiceProxy::ServiceProxy(ObjectCache& services, ObjectCache& endpoints, Log log)
    : services_(services),
      endpoints_(endpoints),
      log_(std::move(log)),
      changed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const auto wake = [this](const ObjectPtr&, const ObjectPtr&) {
    const std::uint64_t one = 1;
    // Full means that it will wake anyway.
    (void)!write(changed_.get(), &one, sizeof one);
  };
  services_.subscribe(wake);
  endpoints_.subscribe(wake);
}

ServiceProxy::~ServiceProxy() {
  stop();
}

Status ServiceProxy::start() {
  if (!changed_) return Error(Code::Io, "the service proxy has no eventfd");
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
  return Status();
}

void ServiceProxy::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  connections_.clear();
  listeners_.clear();
}

void ServiceProxy::follow_routes() {
  std::uint64_t count = 0;
  (void)!read(changed_.get(), &count, sizeof count);
  ProxyRoutes wanted;
  for (const ObjectPtr& service : services_.list()) {
    const ObjectPtr behind = endpoints_.find(kube::namespace_of(*service), kube::name_of(*service));
    wanted.merge(routes_of(*service, behind.get()));
  }
  std::erase_if(listeners_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  for (auto& [address, backends] : wanted) {
    auto entry = listeners_.find(address);
    if (entry == listeners_.end()) {
      auto fd = listen_on(address);
      if (!fd) {
        // A port below 1024 where we are not root, or one that a program of the machine has on all
        // addresses.
        if (refused_.insert(address).second)
          log_.warning("A service cannot be reached by its address", {{"error", fd.error()}});
        continue;
      }
      entry = listeners_.emplace(address, Listener{.fd = std::move(*fd), .backends = {}}).first;
    }
    entry->second.backends = std::move(backends);
  }
}

void ServiceProxy::accept_one(Listener& listener) {
  UniqueFd client(accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  // Nobody behind it, or too many before: the client sees its connection end.
  if (!client || listener.backends.empty() || connections_.size() >= kMostConnections) return;
  const sockaddr_in where =
      to_sockaddr(listener.backends[listener.next++ % listener.backends.size()]);
  UniqueFd server = make_socket();
  if (!server) return;
  if (connect(server.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 &&
      errno != EINPROGRESS)
    return;
  connections_.push_back(std::make_unique<Connection>(std::move(client), std::move(server)));
}

void ServiceProxy::run(std::stop_token stop) {
  auto stopped = StopFd::create(stop);
  if (!stopped) {
    log_.error("The service proxy does not run", {{"error", stopped.error()}});
    return;
  }
  follow_routes();
  while (!stop.stop_requested()) {
    std::vector<pollfd> fds{{(*stopped)->get(), POLLIN, 0}, {changed_.get(), POLLIN, 0}};
    std::vector<Listener*> listeners;
    for (auto& [address, listener] : listeners_) {
      fds.push_back({listener.fd.get(), POLLIN, 0});
      listeners.push_back(&listener);
    }
    for (const auto& connection : connections_) {
      fds.push_back(connection->wanted(0));
      fds.push_back(connection->wanted(1));
    }
    if (!poll_until(fds, Deadline::never())) return;
    std::size_t at = 2;
    const std::size_t first_connection = at + listeners.size();
    std::vector<std::unique_ptr<Connection>> kept;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      const std::size_t place = first_connection + 2 * i;
      if (connections_[i]->move(fds[place].revents, fds[place + 1].revents))
        kept.push_back(std::move(connections_[i]));
    }
    connections_ = std::move(kept);
    for (Listener* listener : listeners) {
      if (fds[at++].revents != 0) accept_one(*listener);
    }
    if (fds[1].revents != 0) follow_routes();
  }
}

}  // namespace lateen::sandbox
