// Tells handlers that wait that their peer has closed its connection. For net/'s own sources.
#pragma once

#include <cstdint>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "base/file.h"
#include "base/thread.h"

namespace lateen::net {

// One thread that looks at many sockets with epoll(7). Thread-safe.
class PeerWatch {
  struct Private {
    explicit Private() = default;
  };

 public:
  static Result<std::unique_ptr<PeerWatch>> start();
  PeerWatch(Private, UniqueFd epoll, UniqueFd wake);
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;
  ~PeerWatch();

  using Id = std::uint64_t;

  // Requests `gone`'s stop once the peer behind the socket `fd` has closed, or the connection
  // broke.
  Result<Id> watch(int fd, std::stop_source gone);

  // Before the socket is closed. A stop that is being requested now may still come.
  void forget(Id id, int fd);

 private:
  void run(const std::stop_token& stop);
  std::stop_source take(Id id);

  const UniqueFd epoll_;
  const UniqueFd wake_;  // an eventfd; its id is 0
  Mutex mu_;
  Id last_id_ LATEEN_GUARDED_BY(mu_) = 0;
  std::unordered_map<Id, std::stop_source> watched_ LATEEN_GUARDED_BY(mu_);
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace lateen::net
