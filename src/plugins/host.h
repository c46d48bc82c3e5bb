// Plugin programs that are kept running, and started again when they end.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/thread.h"
#include "plugins/process.h"

namespace lateen::plugins {

// How long things may take. Velero waits for ever.
struct CallLimits {
  Duration quick = std::chrono::minutes(2);  // AppliesTo, Init, Progress, Cancel, small questions
  Duration execute = std::chrono::hours(1);  // an action's work on one item; a listing; a snapshot
  Duration message = std::chrono::minutes(10);  // one piece of a stream
};

// A process, and which one since the beginning: a plugin must be initialised anew in each.
struct Connection {
  std::shared_ptr<const PluginProcess> process;
  std::uint64_t generation = 0;

  const Channel& channel() const { return process->channel(); }
};

// One program. It is started when it is first asked for, and again when it is found ended. After
// ten failures in a row it is left alone. Thread-safe.
class PluginBinary {
 public:
  PluginBinary(ProcessOptions options, CallLimits limits)
      : options_(std::move(options)), limits_(limits) {}

  PluginBinary(const PluginBinary&) = delete;
  PluginBinary& operator=(const PluginBinary&) = delete;

  Result<Connection> connect(const std::stop_token& stop);

  const CallLimits& limits() const { return limits_; }

  const FilePath& command() const { return options_.command; }

  // Adds to the error of a call that the program has ended meanwhile, and how.
  Error explain(Error error, const Connection& connection) const;

 private:
  const ProcessOptions options_;
  const CallLimits limits_;
  Mutex mu_;
  Condition changed_;
  bool starting_ LATEEN_GUARDED_BY(mu_) = false;
  int failures_ LATEEN_GUARDED_BY(mu_) = 0;
  std::uint64_t generation_ LATEEN_GUARDED_BY(mu_) = 0;
  std::shared_ptr<const PluginProcess> process_ LATEEN_GUARDED_BY(mu_);
};

// The programs of one backup, restore or deletion: one process of each that is asked for, ended
// with the host. Thread-safe.
class Host {
 public:
  // `base` is what they are started with; its command is not used.
  Host(ProcessOptions base, CallLimits limits) : base_(std::move(base)), limits_(limits) {}

  PluginBinary& binary(const FilePath& command);

 private:
  const ProcessOptions base_;
  const CallLimits limits_;
  Mutex mu_;
  std::map<FilePath, std::unique_ptr<PluginBinary>> binaries_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::plugins
