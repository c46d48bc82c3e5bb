#include "net/peer_watch.h"

#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace lateen::net {

Result<std::unique_ptr<PeerWatch>> PeerWatch::start() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll || !wake) return errno_error(errno, "watching connections");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return errno_error(errno, "watching connections");
  }
  return std::make_unique<PeerWatch>(Private(), std::move(epoll), std::move(wake));
}

PeerWatch::PeerWatch(Private /*tag*/, UniqueFd epoll, UniqueFd wake)
    : epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

PeerWatch::~PeerWatch() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // cannot fail: the counter is far from full
}

Result<PeerWatch::Id> PeerWatch::watch(int fd, std::stop_source gone) {
  Id id = 0;
  {
    const Lock lock(mu_);
    id = ++last_id_;
    watched_.emplace(id, std::move(gone));
  }
  // Not EPOLLIN: a client may have sent its next request already, and that says nothing.
  epoll_event event{.events = EPOLLRDHUP | EPOLLONESHOT, .data = {.u64 = id}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int number = errno;
    (void)take(id);
    return errno_error(number, "watching a connection");
  }
  return id;
}

void PeerWatch::forget(Id id, int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  (void)take(id);
}

std::stop_source PeerWatch::take(Id id) {
  const Lock lock(mu_);
  const auto found = watched_.find(id);
  if (found == watched_.end()) return std::stop_source(std::nostopstate);
  std::stop_source source = std::move(found->second);
  watched_.erase(found);
  return source;
}

void PeerWatch::run(const std::stop_token& stop) {
  std::array<epoll_event, 64> events{};
  while (!stop.stop_requested()) {
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), /*timeout=*/-1);
    for (int i = 0; i < count; ++i) {
      // Outside the lock: requesting a stop runs the callbacks of whoever listens.
      take(events.at(static_cast<std::size_t>(i)).data.u64).request_stop();
    }
  }
}

}  // namespace lateen::net
