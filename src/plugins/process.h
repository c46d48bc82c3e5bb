// A running plugin program: started with the magic cookie, its handshake read, its output drained,
// its log lines passed on; gone, with all that it started, when the object is gone or we are.
//
//   auto process = TRY(PluginProcess::start({.command = path, .log = log}, stop));
//   process->channel().call(…);
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/result.h"
#include "plugins/channel.h"

namespace lateen::plugins {

struct ProcessOptions {
  FilePath command = {};
  std::vector<std::string> arguments = {};  // as a Velero server passes on its own: --features=…
  Log log = {};                             // where its lines go, as pluginName and cmd
  Duration start_timeout = std::chrono::minutes(1);
};

// Its calls are thread-safe.
class PluginProcess {
  class Supervisor;

  struct Key {};  // makes the constructor start()'s alone

 public:
  // Returns when it listens. The error says what it printed instead, or how it ended.
  static Result<std::unique_ptr<PluginProcess>> start(const ProcessOptions& options,
                                                      const std::stop_token& stop);

  PluginProcess(Key key, std::unique_ptr<Supervisor> supervisor, const Handshake& handshake);

  // Asks it to end, waits two seconds, and kills it with its process group.
  ~PluginProcess();
  PluginProcess(const PluginProcess&) = delete;
  PluginProcess& operator=(const PluginProcess&) = delete;

  const Channel& channel() const { return *channel_; }

  pid_t pid() const;

  // How it ended, if it has.
  std::optional<ProcessEnd> end() const;

  // The same, waiting a little: for a call that has just failed as if it had ended.
  std::optional<ProcessEnd> wait_for_end(Duration patience) const;

 private:
  void pass_on_prints(const std::stop_token& stop) const;

  std::unique_ptr<Supervisor> supervisor_;
  const Handshake handshake_;
  std::unique_ptr<Channel> channel_;
  std::jthread prints_;
};

}  // namespace lateen::plugins
