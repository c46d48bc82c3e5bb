#include "plugins/supervisor.h"

#include <utility>

#include <fmt/format.h>
#include <signal.h>

#include "base/environment.h"
#include "base/text.h"
#include "base/wake.h"
#include "plugins/log_line.h"

namespace lateen::plugins {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::chrono::seconds kGrace{2};
constexpr std::size_t kLinesKept = 5;

// As Velero's server does it: the cookie says to the program that it is started as a plugin.
std::vector<std::string> plugin_environment() {
  return with_variables(environment(), {"VELERO_PLUGIN=hello", "PLUGIN_MIN_PORT=10000",
                                        "PLUGIN_MAX_PORT=25000", "PLUGIN_PROTOCOL_VERSIONS=2"});
}

void write(const Log& log, const PluginLogLine& line) {
  Log with = log;
  for (const LogField& field : line.fields)
    with = with.with(field);
  switch (line.level) {
    case LogLevel::Trace:
    case LogLevel::Debug:
      return with.debug(line.message);
    case LogLevel::Info:
      return with.info(line.message);
    case LogLevel::Warning:
      return with.warning(line.message);
    case LogLevel::Error:
      return with.error(line.message);
  }
}

}  // namespace

PluginProcess::Supervisor::Supervisor(const ProcessOptions& options)
    : options_(options),
      log_(options.log.with({{"pluginName", options.command.filename().native()},
                             {"cmd", options.command.native()}})),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

PluginProcess::Supervisor::~Supervisor() {
  (void)wait_for_end(Deadline::after(kGrace));  // if it has not ended, the thread kills it
  thread_.request_stop();
  thread_.join();
}

Result<Handshake> PluginProcess::Supervisor::wait_for_handshake(Deadline deadline,
                                                                const std::stop_token& stop) {
  const Lock lock(mu_);
  const bool came = changed_.wait(mu_, deadline, stop, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    return handshake_.has_value();
  });
  if (came) return *handshake_;
  if (stop.stop_requested()) return Error(Code::Canceled, "stopped while it was starting");
  return Error(Code::DeadlineExceeded, "it has printed no handshake in time")
      .with_hint("Is this file a Velero plugin?");
}

pid_t PluginProcess::Supervisor::pid() const {
  const Lock lock(mu_);
  return pid_;
}

std::optional<ProcessEnd> PluginProcess::Supervisor::wait_for_end(Deadline deadline) const {
  const Lock lock(mu_);
  changed_.wait(mu_, deadline, {},
                [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return end_.has_value(); });
  return end_;
}

void PluginProcess::Supervisor::publish(Result<Handshake> handshake) {
  const Lock lock(mu_);
  if (!handshake_) handshake_ = std::move(handshake);
  changed_.notify_all();
}

void PluginProcess::Supervisor::run(const std::stop_token& stop) {
  ChildSpec spec{.argv = {options_.command.native()},
                 .env = plugin_environment(),
                 .out = Stdio::pipe(),
                 .err = Stdio::pipe(),
                 .dies_with_thread = true};
  spec.argv.insert(spec.argv.end(), options_.arguments.begin(), options_.arguments.end());
  auto child = Child::spawn(spec);
  if (!child) {
    {
      const Lock lock(mu_);
      end_ = ProcessEnd{.exit_code = 127, .signal = 0};
    }
    publish(std::move(child).error());
    return;
  }
  {
    const Lock lock(mu_);
    pid_ = child->pid();
  }
  read_until_end(*child, stop);
  (void)child->signal(SIGKILL);  // it has ended, or shall; its process group must not outlive it
  const auto end = child->wait(Deadline::never(), {});
  const ProcessEnd ended = end.value_or(ProcessEnd{.exit_code = 255, .signal = 0});
  if (const std::string rest = err_.take_rest(); !rest.empty()) take_line(rest);
  {
    const Lock lock(mu_);
    end_ = ended;
  }
  publish(ended_too_early(ended));
}

void PluginProcess::Supervisor::read_until_end(Child& child, const std::stop_token& stop) {
  const auto stopped = StopFd::create(stop);
  if (!stopped) return;
  bool out_open = true;
  bool err_open = true;
  while (!stop.stop_requested()) {
    const bool has_ended = child.poll().has_value();
    pollfd fds[] = {{.fd = out_open ? child.out().get() : -1, .events = POLLIN, .revents = 0},
                    {.fd = err_open ? child.err().get() : -1, .events = POLLIN, .revents = 0},
                    {.fd = has_ended ? -1 : child.pidfd(), .events = POLLIN, .revents = 0},
                    {.fd = (*stopped)->get(), .events = POLLIN, .revents = 0}};
    // What it wrote before its end is still read; what its children hold open is not waited for.
    // Without a pidfd its end is looked for.
    const Deadline deadline = has_ended           ? Deadline::after(Duration::zero())
                              : child.pidfd() < 0 ? Deadline::after(std::chrono::milliseconds(50))
                                                  : Deadline::never();
    const auto ready = poll_until(fds, deadline);
    if (!ready) return;
    if (fds[0].revents != 0) out_open = read_out(child);
    if (fds[1].revents != 0) err_open = read_err(child);
    if (has_ended && fds[0].revents == 0 && fds[1].revents == 0) return;
  }
}

// False at the end.
bool PluginProcess::Supervisor::read_out(Child& child) {
  const auto bytes = read_some(child.out().get(), kPiece);
  if (!bytes || bytes->empty()) return false;
  if (has_spoken_) return true;  // later lines say nothing to us
  out_.add(*bytes, [this](std::string_view line) {
    if (!has_spoken_) publish(parse_handshake(line));
    has_spoken_ = true;
  });
  return true;
}

bool PluginProcess::Supervisor::read_err(Child& child) {
  const auto bytes = read_some(child.err().get(), kPiece);
  if (!bytes || bytes->empty()) return false;
  err_.add(*bytes, [this](std::string_view line) { take_line(line); });
  return true;
}

void PluginProcess::Supervisor::take_line(std::string_view line) {
  const PluginLogLine parsed = parse_log_line(line);
  write(log_, parsed);
  if (has_spoken_) return;
  last_lines_.push_back(parsed.message);
  if (last_lines_.size() > kLinesKept) last_lines_.pop_front();
}

Error PluginProcess::Supervisor::ended_too_early(const ProcessEnd& end) const {
  std::string said;
  for (const std::string& line : last_lines_)
    said += (said.empty() ? "" : " ") + line;
  return Error(Code::Unavailable, "it ended ({}) before its handshake{}{}", end.describe_end(),
               said.empty() ? "" : ": ", said);
}

}  // namespace lateen::plugins
