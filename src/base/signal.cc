#include "base/signal.h"

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <memory>

#include <signal.h>
#include <unistd.h>

namespace lateen {

namespace {

// How soon the listener notices that it is no longer needed.
constexpr long kListenNanoseconds = 100'000'000;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

struct StopOnSignals::Shared {
  std::atomic<int> received{0};
};

void ignore_sigpipe() {
  ::signal(SIGPIPE, SIG_IGN);
}

StopOnSignals::StopOnSignals() : shared_(std::make_shared<Shared>()) {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  listener_ =
      std::jthread([source = source_, shared = shared_](const std::stop_token& ended) mutable {
        const sigset_t awaited = stop_signals();
        while (!ended.stop_requested()) {
          const timespec wait{.tv_sec = 0, .tv_nsec = kListenNanoseconds};
          const int number = sigtimedwait(&awaited, nullptr, &wait);
          if (number <= 0) continue;
          if (shared->received.exchange(number) != 0) ::_exit(128 + number);
          source.request_stop();
        }
      });
}

StopOnSignals::~StopOnSignals() {
  listener_.request_stop();
  listener_.join();
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int StopOnSignals::received() const {
  return shared_->received.load();
}

}  // namespace lateen
