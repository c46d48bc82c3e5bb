#include "base/process.h"

#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/temp.h"
#include "base/text.h"

namespace lateen {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Result<ProcessResult> run(ProcessSpec spec) {
  return run_process(spec, Deadline::after(seconds(60)), {});
}

ProcessSpec shell(std::string script) {
  return {.argv = {"sh", "-c", std::move(script)}};
}

TEST(RunProcess, GivesOutputsAndExitCode) {
  const auto r = run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(r->out, "out\n");
  EXPECT_EQ(r->err, "err\n");
  EXPECT_EQ(r->exit_code, 3);
  EXPECT_FALSE(r->ok());
  EXPECT_EQ(r->describe_end(), "exit code 3");
}

TEST(RunProcess, PassesArgumentsUntouchedByAnyShell) {
  const auto r = run({.argv = {"printf", "%s|", "a b", "$HOME", "*", "'q'", ""}});
  EXPECT_EQ(r.value().out, "a b|$HOME|*|'q'||");
}

TEST(RunProcess, FeedsInputAndDrainsOutputAtTheSameTime) {
  ProcessSpec spec{.argv = {"cat"}, .stdin_bytes = std::string(1'000'000, 'x')};
  const auto r = run(spec);
  EXPECT_EQ(r.value().out, spec.stdin_bytes);
  EXPECT_FALSE(r->truncated);
}

TEST(RunProcess, DoesNotMindAChildThatLeavesItsInputUnread) {
  const auto r = run({.argv = {"true"}, .stdin_bytes = std::string(1'000'000, 'x')});
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_TRUE(r->ok());
}

TEST(RunProcess, KeepsNoMoreOutputThanAskedFor) {
  ProcessSpec spec = shell("head -c 1000000 /dev/zero; echo done >&2");
  spec.max_output = 1000;
  const auto r = run(spec);
  EXPECT_EQ(r.value().out.size(), 1000U);
  EXPECT_TRUE(r->truncated);
  EXPECT_EQ(r->err, "done\n");
}

TEST(RunProcess, UsesTheGivenEnvironmentAndFolder) {
  const TempDir dir = TempDir::create().value();
  ProcessSpec spec = shell("echo $WORD ${HOME-none}; pwd");
  spec.env = {"WORD=hello", "PATH=/usr/bin:/bin"};
  spec.cwd = dir.path();
  EXPECT_EQ(run(spec).value().out, "hello none\n" + dir.path().native() + "\n");
}

TEST(RunProcess, SaysWhenThereIsNoSuchProgramOrFolder) {
  const auto program = run({.argv = {"no-such-program-here"}});
  EXPECT_TRUE(program.error().is(Code::NotFound));
  EXPECT_EQ(program.error().message(), "running no-such-program-here: no such program");
  const auto folder = run({.argv = {"true"}, .cwd = "/no/such/folder"});
  EXPECT_EQ(folder.error().message(), "running true: there is no folder /no/such/folder");
  EXPECT_TRUE(run({.argv = {}}).error().is(Code::InvalidArgument));
}

TEST(RunProcess, EndsAProcessAtTheDeadline) {
  const auto r = run_process({.argv = {"sleep", "600"}}, Deadline::after(milliseconds(50)), {});
  ASSERT_FALSE(r);
  EXPECT_TRUE(r.error().is(Code::DeadlineExceeded));
  EXPECT_EQ(r.error().message(), "sleep took too long and was ended");
}

TEST(RunProcess, EndsAProcessWhenStopped) {
  std::stop_source source;
  const std::jthread stopper([&source] { source.request_stop(); });
  const auto r = run_process({.argv = {"sleep", "600"}}, Deadline::never(), source.get_token());
  EXPECT_TRUE(r.error().is(Code::Canceled));
}

TEST(RunProcess, DoesNotWaitForAGrandchildThatKeepsThePipes) {
  const auto r = run(shell("sleep 3 & echo quick"));
  EXPECT_EQ(r.value().out, "quick\n");
}

TEST(RunProcess, ReportsTheSignalThatEndedIt) {
  const auto r = run(shell("kill -9 $$"));
  EXPECT_EQ(r.value().signal, 9);
  EXPECT_EQ(r->exit_code, 137);
  EXPECT_EQ(r->describe_end(), "killed by signal 9 (Killed)");
}

TEST(RunProcess, GivesNoOtherDescriptorsToTheChild) {
  // Not close-on-exec, as a careless library would open it.
  const UniqueFd leaky(::open("/dev/null", O_RDONLY));  // NOLINT(android-cloexec-open)
  ASSERT_TRUE(leaky.valid());
  const auto r = run({.argv = {"ls", "/proc/self/fd"}});
  EXPECT_EQ(r.value().out, "0\n1\n2\n3\n");  // 3 is ls's own look at the folder
}

TEST(RunProcess, GivesTheChildDefaultSignals) {
  const auto before = ::signal(SIGTERM, SIG_IGN);
  const auto r = run(shell("kill -TERM $$; echo survived"));
  ::signal(SIGTERM, before);
  EXPECT_EQ(r.value().signal, SIGTERM);
}

TEST(Child, TalksThroughItsPipes) {
  auto child = Child::spawn({.argv = {"cat"}, .in = Stdio::pipe(), .out = Stdio::pipe()});
  ASSERT_TRUE(child);
  ASSERT_TRUE(write_all(child->in().get(), "hello"));
  child->in().reset();
  EXPECT_EQ(read_all(child->out().get(), 100).value(), "hello");
  EXPECT_TRUE(child->wait(Deadline::after(seconds(60)), {}).value().ok());
  EXPECT_TRUE(child->signal(SIGTERM).error().is(Code::NotFound));
}

TEST(Child, WritesToADescriptor) {
  TempFile file = TempFile::create().value();
  auto child = Child::spawn({.argv = {"echo", "hi"}, .out = Stdio::to(file.fd())});
  ASSERT_TRUE(child->wait(Deadline::after(seconds(60)), {}));
  ASSERT_TRUE(file.seek(0));
  EXPECT_EQ(read_all(file.fd(), 100).value(), "hi\n");
}

TEST(Child, SaysThatItStillRuns) {
  auto child = Child::spawn({.argv = {"sleep", "600"}}).value();
  EXPECT_FALSE(child.poll());
  EXPECT_TRUE(child.wait(Deadline::after(milliseconds(1)), {}).error().is(Code::DeadlineExceeded));
  EXPECT_EQ(child.terminate(seconds(60)).signal, SIGTERM);
}

TEST(Child, IsKilledIfItWillNotEnd) {
  auto child =
      Child::spawn({.argv = {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"},
                    .out = Stdio::pipe()})
          .value();
  ASSERT_EQ(read_some(child.out().get(), 100).value(), "ready\n");
  EXPECT_EQ(child.terminate(milliseconds(60)).signal, SIGKILL);
}

TEST(Child, IsKilledAndReapedWithItsOwner) {
  pid_t pid = -1;
  {
    const auto child = Child::spawn({.argv = {"sleep", "600"}});
    pid = child->pid();
    ASSERT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

// Such a one is spawned in another way, and must be like the others.
TEST(Child, ThatDiesWithItsThreadRunsAsOthersDo) {
  auto child = Child::spawn(
      {.argv = {"sh", "-c", "echo $GREETING; pwd; cat; ls /proc/self/fd | wc -w; exit 3"},
       .env = std::vector<std::string>{"GREETING=hello", "PATH=/usr/bin:/bin"},
       .cwd = "/",
       .in = Stdio::pipe(),
       .out = Stdio::pipe(),
       .dies_with_thread = true});
  ASSERT_TRUE(child) << child.error().message();
  ASSERT_TRUE(write_all(child->in().get(), "input\n"));
  child->in().reset();
  EXPECT_EQ(read_all(child->out().get(), 100).value(), "hello\n/\ninput\n4\n");
  EXPECT_EQ(child->wait(Deadline::after(seconds(60)), {}).value().exit_code, 3);
  const auto none = Child::spawn({.argv = {"/nowhere/at/all"}, .dies_with_thread = true});
  EXPECT_EQ(none.error().code(), Code::NotFound);
}

TEST(Child, DiesWithTheThreadThatSpawnedIt) {
  std::optional<Child> child;
  const auto spawn = [&child] {
    child = Child::spawn({.argv = {"sleep", "600"}, .dies_with_thread = true}).value();
  };
  std::jthread(spawn).join();
  EXPECT_EQ(child->wait(Deadline::after(seconds(60)), {}).value().signal, SIGKILL);
}

TEST(Child, OutlivesItsOwnerIfReleased) {
  pid_t pid = -1;
  {
    auto child = Child::spawn({.argv = {"sleep", "600"}, .new_session = true});
    pid = child->release();
  }
  EXPECT_EQ(::kill(pid, 0), 0);
  EXPECT_EQ(::kill(pid, SIGKILL), 0);
}

}  // namespace
}  // namespace lateen
