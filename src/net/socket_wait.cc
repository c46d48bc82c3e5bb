#include "net/socket_wait.h"

#include <array>
#include <memory>

#include <poll.h>

#include "base/wake.h"

namespace lateen::net {

Status wait_for_socket(int fd, short events, Deadline deadline, const std::stop_token& stop) {
  std::array<pollfd, 2> fds = {pollfd{.fd = fd, .events = events, .revents = 0},
                               pollfd{.fd = -1, .events = POLLIN, .revents = 0}};
  std::unique_ptr<StopFd> stopped;
  if (stop.stop_possible()) {
    stopped = TRY(StopFd::create(stop));
    fds[1].fd = stopped->get();
  }
  const int ready = TRY(poll_until(fds, deadline));
  if (ready == 0) return Error(Code::DeadlineExceeded, "the peer is too slow");
  if (fds[1].revents != 0) return Error(Code::Canceled, "stopped");
  return {};
}

}  // namespace lateen::net
