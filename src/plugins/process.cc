#include "plugins/process.h"

#include <utility>

#include <go_plugin.pb.h>
#include <google/protobuf/empty.pb.h>

#include "base/text.h"
#include "plugins/rpc.h"
#include "plugins/supervisor.h"

namespace lateen::plugins {
namespace {

constexpr std::chrono::seconds kShutdownPatience{2};
// A stream that may be silent as long as the plugin lives.
constexpr std::chrono::hours kForever{24 * 365};

// What a plugin that had to be killed leaves behind. Nothing but a socket is ever removed, whatever
// the handshake named.
void remove_socket(const Handshake& handshake) {
  if (handshake.network != "unix") return;
  const auto info = file_info(handshake.address);
  if (info && info->kind == FileKind::Other) {
    (void)remove_file(handshake.address);  // somebody tidier was faster
  }
}

}  // namespace

Result<std::unique_ptr<PluginProcess>> PluginProcess::start(const ProcessOptions& options,
                                                            const std::stop_token& stop) {
  auto supervisor = std::make_unique<Supervisor>(options);
  const Deadline deadline = Deadline::after(options.start_timeout);
  auto handshake = supervisor->wait_for_handshake(deadline, stop);
  if (!handshake) {
    supervisor->kill();
    return std::move(handshake).error().wrap("starting plugin {}", options.command.native());
  }
  return std::make_unique<PluginProcess>(Key{}, std::move(supervisor), *handshake);
}

PluginProcess::PluginProcess(Key,
                             std::unique_ptr<Supervisor> supervisor,
                             const Handshake& handshake)
    : supervisor_(std::move(supervisor)),
      handshake_(handshake),
      channel_(std::make_unique<Channel>(handshake)),
      prints_([this](const std::stop_token& stop) { pass_on_prints(stop); }) {}

PluginProcess::~PluginProcess() {
  if (!end()) {
    // It often ends before it has answered.
    (void)call<plugin::Empty>(*channel_, "/plugin.GRPCController/Shutdown", plugin::Empty(),
                              Deadline::after(kShutdownPatience), {});
  }
  prints_.request_stop();
  prints_.join();
  channel_.reset();
  supervisor_.reset();
  remove_socket(handshake_);
}

pid_t PluginProcess::pid() const {
  return supervisor_->pid();
}

std::optional<ProcessEnd> PluginProcess::end() const {
  return supervisor_->wait_for_end(Deadline::after(Duration::zero()));
}

std::optional<ProcessEnd> PluginProcess::wait_for_end(Duration patience) const {
  return supervisor_->wait_for_end(Deadline::after(patience));
}

// What it writes to its stdout and stderr by other ways than its log. A plugin blocks when nobody
// takes it.
void PluginProcess::pass_on_prints(const std::stop_token& stop) const {
  auto stream = channel_->open("/plugin.GRPCStdio/StreamStdio", kForever, stop);
  if (!stream || !(*stream)->write(google::protobuf::Empty().SerializeAsString()) ||
      !(*stream)->end_writes()) {
    return;  // one that has no such service has nothing to say
  }
  for (;;) {
    const auto message = (*stream)->read();
    if (!message || !*message) return;
    const auto data = parse_message<plugin::StdioData>(**message, "StreamStdio");
    if (!data) return;
    for (const std::string_view line : split(data->data(), '\n')) {
      if (!line.empty()) supervisor_->log().debug(to_valid_utf8(line));
    }
  }
}

}  // namespace lateen::plugins
