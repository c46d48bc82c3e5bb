// What kube-proxy does, in user space and for TCP: listens on the loopback address of every Service
// that has a cluster IP (service_address()) and hands each connection on to one of its ready
// endpoints, in turn.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "sandbox/object_cache.h"

namespace lateen::sandbox {

struct SocketAddress {
  std::string ip;
  std::uint16_t port = 0;

  auto operator<=>(const SocketAddress&) const = default;
};

// Where it listens → where that leads. Pure.
using ProxyRoutes = std::map<SocketAddress, std::vector<SocketAddress>>;
ProxyRoutes routes_of(const Json& service, const Json* endpoints);

// One thread. Subscribe before the caches start; they must outlive it.
class ServiceProxy {
 public:
  ServiceProxy(ObjectCache& services, ObjectCache& endpoints, Log log);
  ServiceProxy(const ServiceProxy&) = delete;
  ServiceProxy& operator=(const ServiceProxy&) = delete;
  ~ServiceProxy();

  Status start();
  void stop();

 private:
  class Connection;

  struct Listener {
    UniqueFd fd;
    std::vector<SocketAddress> backends;
    std::size_t next = 0;  // whose turn it is
  };

  void run(std::stop_token stop);
  void follow_routes();
  void accept_one(Listener& listener);

  ObjectCache& services_;
  ObjectCache& endpoints_;
  const Log log_;
  UniqueFd changed_;                                      // an eventfd
  std::map<SocketAddress, Listener> listeners_;           // of the thread alone, as the next two
  std::set<SocketAddress> refused_;                       // said once
  std::vector<std::unique_ptr<Connection>> connections_;  // at most kMostConnections, 128 KiB each
  std::jthread thread_;
};

}  // namespace lateen::sandbox
