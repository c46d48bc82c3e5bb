// The signals of a long-running program.
#pragma once

#include <memory>
#include <stop_token>
#include <thread>

#include "base/result.h"

namespace lateen {

// Writing to a closed pipe or socket is an error, not a death. Once, first thing in main.
void ignore_sigpipe();

// While it lives, SIGINT and SIGTERM request the stop; a second one ends the process at once (exit
// code 128 + signal). Make it in main before any other thread exists: threads started later inherit
// the blocked signals. Not thread-safe.
class StopOnSignals {
 public:
  StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;
  ~StopOnSignals();

  std::stop_token token() const { return source_.get_token(); }

  // 0 until one arrived.
  int received() const;

 private:
  struct Shared;
  std::stop_source source_;
  std::shared_ptr<Shared> shared_;
  std::jthread listener_;
};

}  // namespace lateen
