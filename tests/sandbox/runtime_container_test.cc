#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/temp.h"
#include "base/text.h"
#include "sandbox/runtime/container_process.h"
#include "sandbox/runtime/container_supervisor.h"
#include "sandbox/runtime/exec_session.h"
#include "sandbox/runtime/log_reader.h"

namespace lateen::sandbox {
namespace {

using std::chrono::seconds;

// One container, run to its end or until told.
class Container {
 public:
  explicit Container(std::vector<std::string> argv) : dir_(*TempDir::create("lateen-container")) {
    spec_.argv = std::move(argv);
    spec_.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    spec_.hostname = "db-0";
    spec_.scratch = (dir_.path() / "root").string();
    spec_.log_file = (dir_.path() / "0.log").string();
    spec_.pid_file = (dir_.path() / "pid").string();
    EXPECT_TRUE(make_dirs(spec_.scratch));
  }

  ContainerSpec& spec() { return spec_; }

  FilePath dir() const { return dir_.path(); }

  void start() {
    auto process = ContainerProcess::start("/proc/self/exe", spec_);
    ASSERT_TRUE(process) << process.error().describe();
    process_.emplace(std::move(*process));
  }

  // The first event of that kind; earlier ones are remembered in events().
  ContainerEvent wait_for(ContainerEventKind kind) {
    const Deadline deadline = Deadline::after(seconds(60));
    while (!deadline.expired()) {
      for (; next_ < events_.size(); ++next_) {
        if (events_[next_].kind == kind) return events_[next_++];
      }
      pollfd fd{process_->event_fd(), POLLIN, 0};
      (void)poll(&fd, 1, 1000);
      for (ContainerEvent& event : process_->read_events())
        events_.push_back(std::move(event));
    }
    ADD_FAILURE() << "no such event";
    return {};
  }

  // Started, and its identity known for exec.
  void run() {
    start();
    const ContainerEvent pid = wait_for(ContainerEventKind::Pid);
    pid_ = pid.pid;
    start_time_ = pid.start_time;
    (void)wait_for(ContainerEventKind::Started);
  }

  ContainerEvent finish() {
    const ContainerEvent exited = wait_for(ContainerEventKind::Exited);
    (void)wait_for(ContainerEventKind::Ended);
    return exited;
  }

  std::string log() {
    auto stream = open_log(spec_.log_file, {}, [] { return false; });
    std::string out;
    while (auto bytes = *stream->read(Deadline::after(seconds(60)), {}))
      out += *bytes;
    return out;
  }

  Result<ExecResult> exec(std::vector<std::string> argv) {
    ContainerSpec spec = spec_;
    spec.argv = std::move(argv);
    spec.target_pid = pid_;
    spec.target_start = start_time_;
    return run_exec("/proc/self/exe", std::move(spec), Deadline::after(seconds(60)), {});
  }

  ContainerProcess& process() { return *process_; }

  void kill_sandbox_end() { process_.reset(); }

  int pid() const { return pid_; }

 private:
  TempDir dir_;
  ContainerSpec spec_;
  std::optional<ContainerProcess> process_;
  std::vector<ContainerEvent> events_;
  std::size_t next_ = 0;
  int pid_ = 0;
  std::uint64_t start_time_ = 0;
};

TEST(Container, RunsAProgramInAPidAndHostNameOfItsOwnAndKeepsItsOutput) {
  Container container({"sh", "-c", "echo $$ $(hostname) $GREETING; echo oops >&2; exit 3"});
  container.spec().env.emplace_back("GREETING=hello");
  container.start();
  const ContainerEvent exited = container.finish();
  EXPECT_EQ(exited.exit_code, 3);
  EXPECT_EQ(exited.signal, 0);
  EXPECT_EQ(container.log(), "2 db-0 hello\noops\n");
  EXPECT_FALSE(path_exists(container.spec().pid_file));
}

TEST(Container, SeesTheMachinesRootAndWritesOnlyToItsOwnLayer) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Container container(
      {"sh", "-c",
       "test -x /usr/bin/env && echo mine > /etc/lateen-test && cat /etc/lateen-test; ls /tmp"});
  container.start();
  EXPECT_EQ(container.finish().exit_code, 0);
  EXPECT_EQ(container.log(), "mine\n");
  EXPECT_FALSE(path_exists("/etc/lateen-test"));
}

TEST(Container, MountsVolumesWhereNothingWasOnTheMachine) {
  Container container(
      {"sh", "-c",
       "echo data > /deep/in/nowhere/file && cat /config/a.txt && ! touch /config/b 2>/dev/null"});
  const FilePath volume = container.dir() / "volume";
  const FilePath config = container.dir() / "config";
  ASSERT_TRUE(make_dirs(volume));
  ASSERT_TRUE(make_dirs(config));
  ASSERT_TRUE(write_file(config / "a.txt", "from a ConfigMap\n"));
  container.spec().mounts = {
      {.source = config.string(), .target = "/config", .read_only = true},
      {.source = volume.string(), .target = "/deep/in/nowhere", .read_only = false}};
  container.start();
  EXPECT_EQ(container.finish().exit_code, 0) << container.log();
  EXPECT_EQ(*read_file(volume / "file"), "data\n");
  EXPECT_EQ(container.log(), "from a ConfigMap\n");
}

TEST(Container, RunsAsTheUserThatItIsTold) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Container container({"id"});
  container.spec().uid = 1234;
  container.spec().gid = 2345;
  container.spec().groups = {3456};
  container.start();
  EXPECT_EQ(container.finish().exit_code, 0);
  EXPECT_EQ(container.log(), "uid=1234 gid=2345 groups=2345,3456\n");
}

TEST(Container, SaysWhatAContainerRuntimeSaysOfAProgramThatIsNotThere) {
  Container container({"no-such-program"});
  container.start();
  EXPECT_EQ(container.wait_for(ContainerEventKind::Failed).message,
            "exec: \"no-such-program\": executable file not found in $PATH");
}

TEST(Container, EndsAtSigtermAlthoughAPidOneWouldIgnoreIt) {
  Container container({"sleep", "1000"});
  container.run();
  ASSERT_TRUE(container.process().command(ContainerCommand::Terminate));
  const ContainerEvent exited = container.finish();
  EXPECT_EQ(exited.signal, 15);
  EXPECT_EQ(exited.exit_code, 143);
}

TEST(Container, DiesWithAllItsProcessesWhenTheSandboxDoes) {
  Container container({"sh", "-c", "sleep 1000 & sleep 1000"});
  container.run();
  const std::uint64_t start = process_start_time(container.pid());
  ASSERT_NE(start, 0U);
  container.kill_sandbox_end();
  EXPECT_NE(process_start_time(container.pid()), start);
}

TEST(Container, ExecRunsInItsNamespacesWithAnExitCode) {
  Container container({"sh", "-c", "echo here > /tmp/mark; sleep 1000"});
  container.run();
  auto seen = container.exec(
      {"sh", "-c", "until [ -s /tmp/mark ]; do :; done; cat /tmp/mark; hostname; exit 7"});
  ASSERT_TRUE(seen) << seen.error().describe();
  EXPECT_EQ(seen->output, "here\ndb-0\n");
  EXPECT_EQ(seen->exit_code, 7);
  auto missing = container.exec({"no-such-program"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(),
            "exec: \"no-such-program\": executable file not found in $PATH");
}

TEST(Container, ExecCarriesStdinAndATerminal) {
  Container container({"sleep", "1000"});
  container.run();
  ContainerSpec spec = container.spec();
  spec.target_pid = container.pid();
  spec.target_start = process_start_time(container.pid());
  auto session = *start_exec("/proc/self/exe", spec, {.command = {"cat"}, .stdin_open = true});
  ASSERT_TRUE(session->write_stdin("over the pipe", {}));
  session->close_stdin();
  std::string out;
  while (auto output = *session->read(Deadline::after(seconds(60)), {}))
    out += output->bytes;
  EXPECT_EQ(out, "over the pipe");
  EXPECT_EQ(session->exit_code(), 0);

  auto terminal = *start_exec("/proc/self/exe", spec,
                              {.command = {"sh", "-c", "test -t 0 && stty size"}, .tty = true});
  out.clear();
  while (auto output = *terminal->read(Deadline::after(seconds(60)), {}))
    out += output->bytes;
  EXPECT_EQ(terminal->exit_code(), 0) << out;
}

TEST(Container, StandsStillWhileItIsFrozen) {
  Container container({"sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >> /data/count; done"});
  const FilePath volume = container.dir() / "volume";
  ASSERT_TRUE(make_dirs(volume));
  container.spec().mounts = {{.source = volume.string(), .target = "/data", .read_only = false}};
  container.run();
  while (!path_exists(volume / "count")) {
  }
  ASSERT_TRUE(container.process().command(ContainerCommand::Freeze));
  EXPECT_TRUE(container.wait_for(ContainerEventKind::Frozen).complete);
  const ByteCount then = file_info(volume / "count")->size;
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(file_info(volume / "count")->size, then);
  ASSERT_TRUE(container.process().command(ContainerCommand::Thaw));
  (void)container.wait_for(ContainerEventKind::Thawed);
  const Deadline deadline = Deadline::after(seconds(60));
  while (file_info(volume / "count")->size == then && !deadline.expired()) {
  }
  EXPECT_GT(file_info(volume / "count")->size, then);
}

TEST(Container, ALeftoverIsKilledByItsPidFile) {
  Container container({"sleep", "1000"});
  container.run();
  ASSERT_TRUE(path_exists(container.spec().pid_file));
  ASSERT_TRUE(kill_leftover(container.spec().pid_file, {}));
  EXPECT_FALSE(path_exists(container.spec().pid_file));
  (void)container.wait_for(ContainerEventKind::Ended);
}

TEST(ContainerLog, KeepsTailSinceAndLimits) {
  auto dir = *TempDir::create("lateen-log");
  const std::string path = (dir.path() / "0.log").string();
  ASSERT_TRUE(write_file(path,
                         "2026-11-22T10:00:00.000000001Z stdout F one\n"
                         "2026-11-22T10:00:01.000000000Z stderr P tw\n"
                         "2026-11-22T10:00:01.500000000Z stderr F o\n"
                         "2026-11-22T10:00:02.000000000Z stdout F three\n"));
  const auto text = [&](const LogOptions& options) {
    auto stream = open_log(path, options, [] { return false; });
    std::string out;
    while (auto bytes = *stream->read(Deadline::after(seconds(60)), {}))
      out += *bytes;
    return out;
  };
  EXPECT_EQ(text({}), "one\ntwo\nthree\n");
  LogOptions two_lines;
  two_lines.tail_lines = 2;
  EXPECT_EQ(text(two_lines), "two\nthree\n");
  LogOptions five_bytes;
  five_bytes.limit_bytes = 5;
  EXPECT_EQ(text(five_bytes), "one\nt");
  LogOptions stamped;
  stamped.timestamps = true;
  stamped.tail_lines = 1;
  EXPECT_EQ(text(stamped), "2026-11-22T10:00:02.000000000Z three\n");
}

}  // namespace
}  // namespace lateen::sandbox
