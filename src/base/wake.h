// Lets a poll(2) hear a stop_token.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include <poll.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace lateen {

// A descriptor that turns readable, and stays so, once the stop is requested. Thread-safe.
class StopFd {
  struct Key {};  // makes the constructor create()'s alone

 public:
  static Result<std::unique_ptr<StopFd>> create(std::stop_token stop);
  StopFd(Key, UniqueFd fd, std::stop_token stop);
  StopFd(const StopFd&) = delete;
  StopFd& operator=(const StopFd&) = delete;

  int get() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::stop_callback<std::function<void()>> callback_;
};

// poll(2) until something happens or the deadline: the number of ready descriptors, 0 at the
// deadline.
Result<int> poll_until(std::span<pollfd> fds, Deadline deadline);

}  // namespace lateen
