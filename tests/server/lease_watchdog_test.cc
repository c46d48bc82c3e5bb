#include "server/lease_watchdog.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lateen::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What became of a process that sets its watchdog and then does `rest`.
template <typename Rest>
int end_of_process(const Rest& rest) {
  const pid_t child = ::fork();
  if (child == 0) {
    rest();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(LeaseWatchdog, EndsAProcessThatStandsStill) {
  const int status = end_of_process([] {
    const auto watchdog = LeaseWatchdog::create();
    if (!watchdog || !(*watchdog)->set(Deadline::after(milliseconds(100)))) ::_exit(1);
    ::raise(SIGSTOP);
  });
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(LeaseWatchdog, LetsOneGoOnThatRenewsOrGivesUp) {
  // A busy machine may not let it renew in time: then it has more.
  for (milliseconds lease{50}; lease < seconds(30); lease *= 4) {
    int renewed[2] = {};
    ASSERT_EQ(::pipe(renewed), 0);
    const int status = end_of_process([&] {
      const auto watchdog = LeaseWatchdog::create();
      if (!watchdog || !(*watchdog)->set(Deadline::after(lease))) ::_exit(1);
      if (!(*watchdog)->set(Deadline::never())) ::_exit(1);
      if (::write(renewed[1], "y", 1) != 1) ::_exit(1);
      sleep_unless_stopped(3 * lease, {});
    });
    ::close(renewed[1]);
    char said = 'n';
    const bool in_time = ::read(renewed[0], &said, 1) == 1;
    ::close(renewed[0]);
    if (!in_time) continue;
    EXPECT_EQ(status, 0);
    return;
  }
  FAIL() << "it was never in time";
}

}  // namespace
}  // namespace lateen::server
