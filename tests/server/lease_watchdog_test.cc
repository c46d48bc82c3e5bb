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
  const int status = end_of_process([] {
    const auto watchdog = LeaseWatchdog::create();
    if (!watchdog || !(*watchdog)->set(Deadline::after(milliseconds(50)))) ::_exit(1);
    if (!(*watchdog)->set(Deadline::never())) ::_exit(1);
    sleep_unless_stopped(milliseconds(150), {});
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace lateen::server
