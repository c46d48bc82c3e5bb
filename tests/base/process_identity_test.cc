#include "base/process_identity.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/process.h"
#include "base/text.h"

namespace lateen {
namespace {

// The identity of another process of this machine.
std::string identity_of(pid_t pid) {
  const std::string ours = process_identity().value();
  const std::string machine(cut_last(cut_last(ours, "_").before, "_").before);
  return fmt::format("{}_{}_{}", machine, pid, process_start(pid).value());
}

TEST(ProcessIdentity, IsTheSameEachTimeAndAlive) {
  const auto mine = process_identity();
  ASSERT_TRUE(mine) << mine.error().message();
  EXPECT_EQ(*mine, process_identity().value());
  EXPECT_FALSE(is_known_dead(*mine));
}

TEST(ProcessIdentity, OfOneThatWasKilledIsKnownDeadAlsoBeforeItIsReaped) {
  auto child = Child::spawn({.argv = {"sleep", "60"}});
  ASSERT_TRUE(child) << child.error().message();
  const std::string identity = identity_of(child->pid());
  EXPECT_FALSE(is_known_dead(identity));
  ASSERT_TRUE(child->signal(SIGSTOP));
  EXPECT_FALSE(is_known_dead(identity)) << "it may go on";
  ASSERT_TRUE(child->signal(SIGKILL));
  ASSERT_TRUE(child->wait(Deadline::after(std::chrono::seconds(60)), {}));
  EXPECT_TRUE(is_known_dead(identity));
}

TEST(ProcessIdentity, OfAnEarlierProcessWithThisPidIsKnownDead) {
  const std::string mine = process_identity().value();
  EXPECT_TRUE(is_known_dead(std::string(cut_last(mine, "_").before) + "_1"));
}

TEST(ProcessIdentity, OfAnotherMachineOrOfNobodyIsNotKnown) {
  EXPECT_FALSE(is_known_dead("pod-1_0123456789ab_1_100"));
  EXPECT_FALSE(is_known_dead(""));
  EXPECT_FALSE(is_known_dead("lateen-7c9f_6bb1"));
}

}  // namespace
}  // namespace lateen
