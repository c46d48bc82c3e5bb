#include "agent/agent.h"
#include "base/environment.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace lateen::cli {
namespace {

constexpr Duration kHelperPause = std::chrono::seconds(1);

std::vector<FlagSpec> agent_flags() {
  using enum FlagKind;
  return {{.name = "log-level",
           .usage = "The level at which to log. Valid values are trace, debug, info, warning, "
                    "error, fatal, panic.",
           .value = "info"},
          {.name = "log-format",
           .usage = "The format for log output. Valid values are text, json.",
           .value = "text"},
          {.name = "node-name", .usage = "This node's name. Default: $NODE_NAME."},
          {.name = "host-pods",
           .usage = "Kubelet's folder of pods, as it is mounted here.",
           .value = "/host_pods"},
          {.name = "cache-dir",
           .usage = "Where to keep repositories' indexes. Default: in $VELERO_SCRATCH_DIR, or "
                    "nowhere."},
          {.name = "node-agent-configmap",
           .usage = "The name of ConfigMap containing node-agent configurations."},
          {.name = "backup-repository-configmap",
           .usage = "Accepted, without effect in this version.",
           .hidden = true},
          {.name = "metrics-address",
           .usage = "The address to expose Prometheus metrics.",
           .value = ":8085"},
          {.name = "resource-timeout",
           .kind = Duration,
           .usage = "How long to wait for resource processes which are not covered by other "
                    "specific timeout parameters.",
           .value = "10m0s"},
          {.name = "data-mover-prepare-timeout",
           .kind = Duration,
           .usage = "How long to wait for preparing a DataUpload/DataDownload.",
           .value = "30m0s"}};
}

Result<agent::AgentConfig> agent_config(const Invocation& call) {
  const Flags& flags = call.flags;
  agent::AgentConfig config;
  config.ns = TRY(velero_namespace(call));
  config.log_level = TRY(parse_log_level(flags.text("log-level")).wrap("flag --log-level"));
  config.log_format = TRY(parse_log_format(flags.text("log-format")).wrap("flag --log-format"));
  config.node = flags.text("node-name");
  if (config.node.empty()) config.node = env("NODE_NAME").value_or("");
  if (config.node.empty()) {
    return Error(Code::InvalidArgument,
                 "which node is this? Neither --node-name nor $NODE_NAME says")
        .with_hint("In a DaemonSet, set NODE_NAME from the field spec.nodeName.");
  }
  config.host_pods = flags.text("host-pods");
  config.cache_dir = flags.text("cache-dir");
  if (config.cache_dir.empty()) {
    if (const auto scratch = env("VELERO_SCRATCH_DIR"); scratch && !scratch->empty())
      config.cache_dir = FilePath(*scratch) / "repositories";
  }
  config.settings_configmap = flags.text("node-agent-configmap");
  config.metrics_address = flags.text("metrics-address");
  config.metrics_optional = !flags.given("metrics-address");
  if (const auto given = flags.duration("resource-timeout"); given > lateen::Duration::zero())
    config.resource_timeout = given;
  if (const auto given = flags.duration("data-mover-prepare-timeout");
      given > lateen::Duration::zero())
    config.prepare_timeout = given;
  return config;
}

Result<int> serve_agent(Invocation& call) {
  return_freed_memory();
  const agent::AgentConfig config = TRY(agent_config(call));
  const Log log(make_fd_sink(2, config.log_level, config.log_format),
                std::make_shared<SystemClock>());
  if (call.flags.given("backup-repository-configmap")) {
    log.warning("This flag has no effect in this version",
                {{"flag", "backup-repository-configmap"}});
  }
  const Session session = TRY(open_session(call));
  SystemRng rng;
  TRY(agent::run_agent(config, *session.client, call.clock, rng, log, call.stop));
  return 0;
}

// The volumes below the folder whose mark is not there yet.
Result<std::vector<FilePath>> unfinished(const FilePath& folder, const std::string& restore) {
  std::vector<FilePath> waiting;
  for (const DirEntry& volume : TRY(list_dir(folder))) {
    if (volume.kind != FileKind::Directory) continue;
    const FilePath mark = folder / volume.name / ".velero" / restore;
    if (!path_exists(mark)) waiting.push_back(mark);
  }
  return waiting;
}

// In a restored pod, before all its other containers: waits until each volume has its mark.
Result<int> wait_for_files(Invocation& call) {
  if (call.args.size() != 1)
    return Error(Code::InvalidArgument, "restore-helper takes one argument, the restore's uid");
  const std::string& restore = call.args.front();
  const FilePath folder = call.flags.text("folder");
  TRY(safe_join(folder, restore));
  while (true) {
    const auto waiting = TRY(unfinished(folder, restore));
    if (waiting.empty()) break;
    call.console.line(fmt::format("The filesystem restore done file {} is not found yet.",
                                  waiting.front().string()));
    if (!sleep_unless_stopped(kHelperPause, call.stop))
      return Error(Code::Canceled, "stopped before the files were there");
  }
  for (const DirEntry& volume : TRY(list_dir(folder))) {
    const Status removed = remove_tree(folder / volume.name / ".velero");
    // A volume that is not ours to write to keeps it; it harms nobody.
    if (!removed) call.console.line(removed.error().message());
  }
  call.console.line("All files are restored.");
  return 0;
}

// In a pod of the data mover: keeps the volume on its node until the agent is done with it.
Result<int> hold_volume(Invocation& call) {
  call.console.line("Holding the volume for the node agent.");
  while (sleep_unless_stopped(std::chrono::hours(1), call.stop)) {
  }
  return 0;
}

}  // namespace

Command agent_command() {
  return {.name = "node-agent",
          .usage = "",
          .summary = "Work with node-agent",
          .children = {{.name = "server",
                        .usage = "",
                        .summary = "Run the velero node-agent server",
                        .flags = agent_flags(),
                        .run = serve_agent,
                        .max_args = 0}},
          .text =
              "The node agent runs on every node, and copies volumes' files into the backup "
              "repository and back.",
          .hidden = true};
}

Command restore_helper_command() {
  return {.name = "restore-helper",
          .usage = "RESTORE-UID",
          .summary = "Wait in a restored pod for the files of its volumes",
          .flags = {{.name = "folder", .usage = "Where the volumes are.", .value = "/restores"}},
          .run = wait_for_files,
          .hidden = true,
          .max_args = 1};
}

Command data_mover_command() {
  return {.name = "data-mover",
          .usage = "",
          .summary = "Run in the data mover's pods",
          .children = {{.name = "hold",
                        .usage = "",
                        .summary = "Hold a volume on its node for the node agent",
                        .run = hold_volume,
                        .max_args = 0}},
          .hidden = true};
}

}  // namespace lateen::cli
