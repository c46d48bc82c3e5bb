// Waiting for a peer outside of any lock. For net/'s own sources.
#pragma once

#include <stop_token>

#include "base/clock.h"
#include "base/result.h"

namespace lateen::net {

// Returns once `fd` has one of `events` (POLLIN, POLLOUT) or is broken; DeadlineExceeded and
// Canceled otherwise.
Status wait_for_socket(int fd, short events, Deadline deadline, const std::stop_token& stop);

}  // namespace lateen::net
