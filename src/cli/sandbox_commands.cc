#include "base/signal.h"
#include "cli/commands.h"
#include "cli/sandbox_fault_commands.h"
#include "sandbox/faults/fault.h"
#include "sandbox/sandbox.h"

namespace lateen::cli {
namespace {

using std::chrono::seconds;

FilePath dir_of(const Invocation& call) {
  const std::string dir = call.flags.text("dir");
  return dir.empty() ? sandbox::default_sandbox_dir() : std::filesystem::absolute(dir);
}

// Pods of our own image run this program, where the image has it.
Result<std::vector<sandbox::LocalImage>> own_image() {
  std::error_code problem;
  const FilePath program = std::filesystem::read_symlink("/proc/self/exe", problem);
  if (problem) return Error(Code::Io, "finding our own binary: {}", problem.message());
  // All pods share this machine's network: ":8085" of two of them would be the same port.
  return std::vector<sandbox::LocalImage>{{.name = "lateen",
                                           .program = program,
                                           .paths = {"/lateen", "/velero"},
                                           .env = {"LATEEN_LISTEN_HOST=$(POD_IP)"}}};
}

void show(const sandbox::SandboxState& state, Invocation& call) {
  call.console.line(fmt::format("The sandbox in {} is {}.", state.dir.string(),
                                !state.running ? "not running"
                                : state.ready  ? "running"
                                               : "starting"));
  if (!state.running) return;
  call.console.line(fmt::format("  API server:  {}", state.endpoint));
  call.console.line(fmt::format("  process:     {}", state.pid));
  call.console.line(fmt::format("  pods run as: {}", state.runtime));
  call.console.line(fmt::format("  log:         {}", state.log.string()));
  call.console.line(fmt::format("  kubeconfig:  {}", state.kubeconfig.string()));
}

Result<int> start(Invocation& call) {
  sandbox::SandboxOptions options;
  options.dir = dir_of(call);
  options.port = static_cast<std::uint16_t>(call.flags.integer("port"));
  options.records_only = call.flags.is("records-only");
  if (const std::string faults = call.flags.text("faults"); !faults.empty()) {
    const Bytes text = TRY(read_file(faults, 1_MiB));
    TRY(sandbox::parse_fault_file(text).wrap("{}", faults));  // now, rather than in its log
    options.faults = std::filesystem::absolute(faults);
  }
  if (const std::string audit = call.flags.text("audit-log"); !audit.empty())
    options.audit_log = std::filesystem::absolute(audit);
  const auto clock = std::make_shared<SystemClock>();
  if (call.flags.is("foreground")) {
    options.log = Log(make_fd_sink(2, LogLevel::Info, LogFormat::Text), clock);
    options.images = TRY(own_image());
    TRY(sandbox::run_sandbox(options, call.stop));
    return 0;
  }
  const auto state = TRY(sandbox::start_sandbox(options, Deadline::after(seconds(60)), call.stop));
  show(state, call);
  call.console.line(fmt::format("\nexport KUBECONFIG={}", state.kubeconfig.string()));
  return 0;
}

Result<int> stop(Invocation& call) {
  const bool ran =
      TRY(sandbox::stop_sandbox(dir_of(call), Deadline::after(seconds(30)), call.stop));
  call.console.line(ran ? "The sandbox is stopped." : "No sandbox was running.");
  return 0;
}

Result<int> status(Invocation& call) {
  const auto state = TRY(sandbox::find_sandbox(dir_of(call)));
  show(state, call);
  return state.running ? 0 : 1;
}

Result<int> reset(Invocation& call) {
  const FilePath dir = dir_of(call);
  TRY(sandbox::reset_sandbox(dir, Deadline::after(seconds(30)), call.stop));
  call.console.line(fmt::format("The sandbox in {} is gone.", dir.string()));
  return 0;
}

}  // namespace

Command sandbox_commands() {
  const FlagSpec dir{
      .name = "dir",
      .usage =
          "The sandbox's folder. Default: lateen/sandbox in $XDG_STATE_HOME or ~/.local/state."};
  return {
      .name = "sandbox",
      .usage = "",
      .summary = "A small Kubernetes cluster on this machine, to try things on",
      .children = {
          {.name = "start",
           .usage = "",
           .summary = "Start it, and return when it is ready",
           .flags =
               {dir,
                {.name = "foreground",
                 .kind = FlagKind::Bool,
                 .usage = "Run it here until interrupted."},
                {.name = "port",
                 .kind = FlagKind::Int,
                 .usage =
                     "The API server's port. Default: the one it had before, or any that is free.",
                 .value = "0"},
                {.name = "records-only",
                 .kind = FlagKind::Bool,
                 .usage = "Run no processes for pods."},
                {.name = "audit-log",
                 .usage = "Note every request in this file, as audit.k8s.io/v1 events.",
                 .names = "file"},
                {.name = "faults",
                 .usage = "A YAML file of things that go wrong from the start.",
                 .names = "file"}},
           .run = start,
           .text = "Start an embedded Kubernetes API server on loopback, with pods as local "
                   "processes, volumes and snapshots.",
           .max_args = 0},
          {.name = "stop",
           .usage = "",
           .summary = "Stop it; its state is kept",
           .flags = {dir},
           .run = stop,
           .max_args = 0},
          {.name = "status",
           .usage = "",
           .summary = "Say whether it runs, and where",
           .flags = {dir},
           .run = status,
           .max_args = 0},
          {.name = "reset",
           .usage = "",
           .summary = "Stop it and remove its folder",
           .flags = {dir},
           .run = reset,
           .max_args = 0},
          sandbox_fault_commands(dir)}};
}

}  // namespace lateen::cli
