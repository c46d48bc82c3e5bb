#include "base/signal.h"

#include <atomic>
#include <memory>

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/wake.h"

namespace lateen {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// The next of the signals that arrived, or 0 if `ended` came first.
int next_signal(int signal_fd, const StopFd& ended) {
  pollfd fds[] = {{.fd = signal_fd, .events = POLLIN, .revents = 0},
                  {.fd = ended.get(), .events = POLLIN, .revents = 0}};
  if (!poll_until(fds, Deadline::never()) || fds[0].revents == 0) return 0;
  signalfd_siginfo info{};
  if (::read(signal_fd, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
  return static_cast<int>(info.ssi_signo);
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
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  // Without descriptors left at the very start the signals keep their default: the process ends.
  if (!signals) return;
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  listener_ = std::jthread([source = source_, shared = shared_,
                            fd = std::move(signals)](const std::stop_token& end) mutable {
    const auto ended = StopFd::create(end);
    if (!ended) return;
    while (const int number = next_signal(fd.get(), **ended)) {
      if (shared->received.exchange(number) != 0) ::_exit(128 + number);
      source.request_stop();
    }
  });
}

StopOnSignals::~StopOnSignals() {
  if (!listener_.joinable()) return;
  listener_.request_stop();
  listener_.join();
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int StopOnSignals::received() const {
  return shared_->received.load();
}

}  // namespace lateen
