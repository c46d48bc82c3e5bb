#include "plugins/process.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <signal.h>
#include <velero/backup_item_action.pb.h>
#include <velero/plugin_lister.pb.h>

#include "base/thread.h"
#include "plugins/host.h"
#include "plugins/rpc.h"
#include "plugins/testing/plugin_program.h"

namespace lateen::plugins {
namespace {

using testing::PluginDir;

// A plugin is a Python program, which a busy machine is slow to start.
constexpr std::chrono::seconds kPatience{150};

Result<generated::ListPluginsResponse> list(const Channel& channel) {
  return call<generated::ListPluginsResponse>(channel, "/generated.PluginLister/ListPlugins",
                                              generated::Empty(), Deadline::after(kPatience), {});
}

// Lines of a log that other threads write. Thread-safe.
class AwaitedLines final : public LogSink {
 public:
  void write(const LogEntry& entry) override {
    const Lock lock(mu_);
    text_ += format_log_entry(entry, LogFormat::Text);
    changed_.notify_all();
  }

  bool wait_for(std::string_view text) {
    const Lock lock(mu_);
    return changed_.wait(
        mu_, Deadline::after(kPatience), {},
        [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return text_.find(text) != std::string::npos; });
  }

 private:
  Mutex mu_;
  Condition changed_;
  std::string text_ LATEEN_GUARDED_BY(mu_);
};

class RunningPlugin : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = PluginDir::create();
    ASSERT_NE(dir_, nullptr);
  }

  ProcessOptions options(std::string mode, Duration start_timeout = kPatience) {
    return {.command = dir_->add({.mode = std::move(mode)}),
            .arguments = {"--log-level=info", "--features=EnableCSI"},
            .log = Log(log_, std::make_shared<SystemClock>()),
            .start_timeout = start_timeout};
  }

  std::string why_not(std::string mode, Duration start_timeout = kPatience) {
    const auto started = PluginProcess::start(options(std::move(mode), start_timeout), {});
    return started ? "it has started" : started.error().message();
  }

  std::unique_ptr<PluginDir> dir_;
  const std::shared_ptr<AwaitedLines> log_ = std::make_shared<AwaitedLines>();
};

TEST_F(RunningPlugin, AnswersUntilItIsDropped) {
  pid_t pid = -1;
  FilePath socket;
  {
    const auto process = PluginProcess::start(options(""), {});
    ASSERT_TRUE(process) << process.error().message();
    const auto plugins = list((*process)->channel());
    ASSERT_TRUE(plugins) << plugins.error().message();
    EXPECT_EQ(plugins->plugins_size(), 8);
    pid = (*process)->pid();
    EXPECT_FALSE((*process)->end());
    socket = string_at(dir_->calls("start").at(0), "socket");
    EXPECT_TRUE(path_exists(socket));
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_FALSE(path_exists(socket));
}

TEST_F(RunningPlugin, IsStartedAsVeleroStartsIt) {
  const auto process = PluginProcess::start(options(""), {});
  ASSERT_TRUE(process);
  const Json start = dir_->calls("start").at(0);
  EXPECT_EQ(write_json(*find(start, "arguments")),
            R"(["--log-level=info","--features=EnableCSI"])");
  EXPECT_EQ(write_json(*find(start, "ports")), R"(["10000","25000"])");
  EXPECT_EQ(string_at(start, "versions"), "2");
}

TEST_F(RunningPlugin, IsKilledWhenItWillNotEnd) {
  pid_t pid = -1;
  {
    const auto process = PluginProcess::start(options("stubborn"), {});
    ASSERT_TRUE(process);
    pid = (*process)->pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(RunningPlugin, SaysHowItEnded) {
  const auto process = PluginProcess::start(options(""), {});
  ASSERT_TRUE(process);
  ASSERT_EQ(::kill((*process)->pid(), SIGKILL), 0);
  const auto end = (*process)->wait_for_end(kPatience);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, SIGKILL);
  const auto asked = list((*process)->channel());
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), Code::Unavailable);
}

TEST_F(RunningPlugin, ThatPrintsJunkFirstIsRefused) {
  EXPECT_EQ(why_not("junk"),
            fmt::format("starting plugin {}: it printed \"Welcome to the plugin!\" where a "
                        "plugin's handshake should be: it has fewer than four parts",
                        (dir_->path() / "velero-plugin-example").native()));
  EXPECT_NE(why_not("endless").find("it printed \"xxxx"), std::string::npos);
  EXPECT_NE(why_not("netrpc").find("it does not speak gRPC"), std::string::npos);
}

TEST_F(RunningPlugin, ThatEndsBeforeItsHandshakeIsQuoted) {
  EXPECT_NE(why_not("dies").find("it ended (exit code 3) before its handshake: libexample.so: "
                                 "cannot open shared object file"),
            std::string::npos)
      << why_not("dies");
}

TEST_F(RunningPlugin, ThatSaysNothingIsNotWaitedForForever) {
  EXPECT_NE(why_not("silent", std::chrono::milliseconds(50)).find("no handshake in time"),
            std::string::npos);
}

TEST_F(RunningPlugin, ThatCannotBeRunIsAnError) {
  const FilePath text = dir_->add_file("notes.txt", "no program", 0755);
  EXPECT_FALSE(PluginProcess::start({.command = text}, {}));
  EXPECT_EQ(PluginProcess::start({.command = "/nowhere/plugin"}, {}).error().code(),
            Code::NotFound);
}

TEST_F(RunningPlugin, HearsTheStopWhileItStarts) {
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(PluginProcess::start(options("silent"), source.get_token()).error().code(),
            Code::Canceled);
}

TEST_F(RunningPlugin, WritesIntoTheRunsLog) {
  PluginBinary binary(options(""), {});
  ASSERT_TRUE(binary.connect({}));
  EXPECT_TRUE(log_->wait_for("level=info msg=listening"));
  EXPECT_TRUE(log_->wait_for("pluginName=velero-plugin-example"));
  // What it prints after its handshake comes by gRPC.
  EXPECT_TRUE(log_->wait_for("level=debug msg=\"a print of the plugin\""));
}

TEST_F(RunningPlugin, IsStartedAgainWhenItHasCrashed) {
  PluginBinary binary(options(""), {});
  const auto first = binary.connect({});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->generation, 1U);
  EXPECT_EQ(binary.connect({})->generation, 1U);
  ASSERT_EQ(::kill(first->process->pid(), SIGSEGV), 0);
  ASSERT_TRUE(first->process->wait_for_end(kPatience));
  const auto second = binary.connect({});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->generation, 2U);
  EXPECT_TRUE(list(second->channel()));
  EXPECT_TRUE(log_->wait_for("Plugin process exited - restarting."));
}

TEST_F(RunningPlugin, IsLeftAloneAfterTooManyFailures) {
  const FilePath broken = dir_->add_file("broken", "#!/bin/sh\nexit 1\n", 0755);
  PluginBinary binary({.command = broken}, {});
  for (int i = 0; i < 11; ++i)
    EXPECT_NE(binary.connect({}).error().message().find("before its handshake"), std::string::npos);
  EXPECT_NE(binary.connect({}).error().message().find(
                "unable to restart plugin process: exceeded maximum number of reset failures"),
            std::string::npos);
}

TEST_F(RunningPlugin, CallThatTakesTooLongIsGivenUp) {
  const auto process = PluginProcess::start(options(""), {});
  ASSERT_TRUE(process) << process.error().message();
  generated::ExecuteRequest request;
  request.set_item(R"({"metadata":{"name":"cm","labels":{"test-plugin":"hang"}}})");
  request.set_backup(R"({"metadata":{"name":"nightly"}})");
  const auto late =
      (*process)->channel().call("/generated.BackupItemAction/Execute", request.SerializeAsString(),
                                 Deadline::after(std::chrono::milliseconds(50)), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::DeadlineExceeded) << late.error().message();
  EXPECT_TRUE(list((*process)->channel())) << "others are answered all the same";
}

TEST_F(RunningPlugin, IsNotAskedWhenTheDeadlineHasPassed) {
  const auto process = PluginProcess::start(options(""), {});
  ASSERT_TRUE(process) << process.error().message();
  const Channel& channel = (*process)->channel();
  const std::string init = "/generated.VolumeSnapshotter/Init";
  const auto late = channel.call(init, "", Deadline::after(Duration::zero()), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::DeadlineExceeded) << late.error().message();
  ASSERT_TRUE(channel.call(init, "", Deadline::after(kPatience), {}));
  EXPECT_EQ(dir_->calls("VolumeSnapshotter.Init").size(), 1U) << "the second alone was heard";
}

TEST_F(RunningPlugin, SaysThatItHasNoSuchCall) {
  const auto process = PluginProcess::start(options(""), {});
  ASSERT_TRUE(process) << process.error().message();
  const auto unknown =
      (*process)->channel().call("/generated.Teapot/Brew", "", Deadline::after(kPatience), {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Code::Unsupported) << unknown.error().message();
}

}  // namespace
}  // namespace lateen::plugins
