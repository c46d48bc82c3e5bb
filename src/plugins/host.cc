#include "plugins/host.h"

#include <utility>

namespace lateen::plugins {
namespace {

constexpr int kMaxFailures = 10;  // as in Velero
// Between a call's failure and the kernel's word that the process has ended.
constexpr std::chrono::milliseconds kEndPatience{500};

}  // namespace

Result<Connection> PluginBinary::connect(const std::stop_token& stop) {
  bool is_restart = false;
  {
    const Lock lock(mu_);
    const bool free =
        changed_.wait(mu_, Deadline::never(), stop,
                      [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !starting_; });
    if (!free) return Error(Code::Canceled, "stopped while a plugin was starting");
    if (process_ && !process_->end()) {
      return Connection{.process = process_, .generation = generation_};
    }
    if (failures_ > kMaxFailures) {
      return Error(
          Code::Unavailable,
          "unable to restart plugin process: exceeded maximum number of reset failures ({})",
          options_.command.native());
    }
    is_restart = process_ != nullptr;
    starting_ = true;
  }
  if (is_restart) {
    options_.log.info("Plugin process exited - restarting.", {{"cmd", options_.command.native()}});
  }
  auto started = PluginProcess::start(options_, stop);
  const Lock lock(mu_);
  starting_ = false;
  changed_.notify_all();
  if (!started) {
    ++failures_;
    return std::move(started).error();
  }
  failures_ = 0;
  ++generation_;
  process_ = std::move(*started);
  return Connection{.process = process_, .generation = generation_};
}

Error PluginBinary::explain(Error error, const Connection& connection) const {
  if (!error.is(Code::Unavailable)) return error;
  const auto end = connection.process->wait_for_end(kEndPatience);
  if (!end) return error;
  return std::move(error).wrap("plugin {} ended during the call ({})",
                               options_.command.filename().native(), end->describe_end());
}

PluginBinary& Host::binary(const FilePath& command) {
  const Lock lock(mu_);
  auto& slot = binaries_[command];
  if (!slot) {
    ProcessOptions options = base_;
    options.command = command;
    slot = std::make_unique<PluginBinary>(std::move(options), limits_);
  }
  return *slot;
}

}  // namespace lateen::plugins
