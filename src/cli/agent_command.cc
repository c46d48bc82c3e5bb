#include "agent/agent.h"
#include "agent/data_pod.h"
#include "base/environment.h"
#include "base/memory.h"
#include "base/quantity.h"
#include "cli/commands.h"
#include "cli/common_flags.h"
#include "cli/session.h"

namespace lateen::cli {
namespace {

constexpr Duration kHelperPause = std::chrono::seconds(1);

// For the agent, and for its pods.
std::vector<FlagSpec> with_common_flags(std::vector<FlagSpec> more) {
  std::vector<FlagSpec> flags = {
      {.name = "node-agent-configmap",
       .usage = "The name of ConfigMap containing node-agent configurations."},
      {.name = "limit-upload",
       .kind = FlagKind::Int,
       .usage = "Upload no more than so many KiB/s, all volumes of the node together.",
       .value = "0"},
      {.name = "limit-download",
       .kind = FlagKind::Int,
       .usage = "Download no more than so many KiB/s, all volumes of the node together.",
       .value = "0"},
      {.name = "limit-cpu", .usage = "Use no more of the processors, like 500m or 2."}};
  const std::vector<FlagSpec> log = log_flags();
  flags.insert(flags.end(), log.begin(), log.end());
  flags.insert(flags.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  return flags;
}

std::vector<FlagSpec> agent_flags() {
  using enum FlagKind;
  return with_common_flags(
      {{.name = "node-name", .usage = "This node's name. Default: $NODE_NAME."},
       {.name = "host-pods",
        .usage = "Kubelet's folder of pods, as it is mounted here.",
        .value = "/host_pods"},
       {.name = "cache-dir",
        .usage = "Where to keep repositories' indexes. Default: in $VELERO_SCRATCH_DIR, or "
                 "nowhere."},
       {.name = "limit-memory",
        .usage = "Fit buffers, and the number of volumes at once, into so much memory, like 512Mi. "
                 "Default: 80 % of the container's."},
       {.name = "backup-repository-configmap",
        .usage = "The name of ConfigMap containing backup repository configurations: how large the "
                 "volumes of cachePVC are."},
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
        .value = "30m0s"}});
}

// In $VELERO_SCRATCH_DIR where nothing is said; empty: nowhere.
FilePath cache_dir_of(const std::string& given) {
  if (!given.empty()) return given;
  const auto scratch = env("VELERO_SCRATCH_DIR");
  return scratch && !scratch->empty() ? FilePath(*scratch) / "repositories" : FilePath();
}

Result<Quantity> quantity_flag(const Flags& flags, std::string_view name) {
  const std::string text = flags.text(name);
  if (text.empty()) return Quantity();
  const Quantity quantity = TRY(Quantity::parse(text).wrap("flag --{}", name));
  if (quantity < Quantity()) return Error(Code::InvalidArgument, "--{} is less than 0", name);
  return quantity;
}

Result<agent::WorkLimits> limit_flags(const Flags& flags) {
  agent::WorkLimits limits;
  limits.upload = TRY(rate_by_flag(flags, "limit-upload"));
  limits.download = TRY(rate_by_flag(flags, "limit-download"));
  limits.processors = TRY(quantity_flag(flags, "limit-cpu")).as_double();
  return limits;
}

Result<agent::AgentConfig> agent_config(const Invocation& call) {
  const Flags& flags = call.flags;
  agent::AgentConfig config;
  config.ns = TRY(velero_namespace(call));
  config.node = flags.text("node-name");
  if (config.node.empty()) config.node = env("NODE_NAME").value_or("");
  if (config.node.empty()) {
    return Error(Code::InvalidArgument,
                 "which node is this? Neither --node-name nor $NODE_NAME says")
        .with_hint("In a DaemonSet, set NODE_NAME from the field spec.nodeName.");
  }
  config.host_pods = flags.text("host-pods");
  config.cache_dir = cache_dir_of(flags.text("cache-dir"));
  config.settings_configmap = flags.text("node-agent-configmap");
  config.repository_configmap = flags.text("backup-repository-configmap");
  config.limits = TRY(limit_flags(flags));
  config.memory = static_cast<ByteCount>(TRY(quantity_flag(flags, "limit-memory")).value());
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
  const Log log = TRY(log_by_flags(call.flags, 2));
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

std::vector<FlagSpec> data_pod_flags(const std::string& object, const std::string& what) {
  using enum FlagKind;
  return with_common_flags(
      {{.name = "volume-path", .usage = "The full path of the volume."},
       {.name = "volume-mode",
        .usage = "The mode of the volume: Filesystem or Block.",
        .value = "Filesystem"},
       {.name = object, .usage = fmt::format("The name of the {}.", what)},
       {.name = "resource-timeout",
        .kind = Duration,
        .usage = "How long to wait for resource processes which are not covered "
                 "by other specific timeout parameters.",
        .value = "10m0s"},
       {.name = "cache-volume-path",
        .usage = "Where to keep the repository's index. Default: in "
                 "$VELERO_SCRATCH_DIR, or nowhere."}});
}

Result<agent::DataPodConfig> data_pod_config(const Invocation& call, std::string_view object) {
  const Flags& flags = call.flags;
  for (const std::string_view name : {std::string_view("volume-path"), object}) {
    if (flags.text(name).empty())
      return Error(Code::InvalidArgument, "required flag(s) \"{}\" not set", name);
  }
  const std::string mode = flags.text("volume-mode");
  if (mode != "Filesystem" && mode != "Block") {
    return Error(Code::InvalidArgument, "flag --volume-mode is \"{}\": Filesystem or Block", mode);
  }
  agent::DataPodConfig config{
      .ns = TRY(velero_namespace(call)),
      .name = flags.text(object),
      .node = env("NODE_NAME").value_or(""),
      .volume = {.path = flags.text("volume-path"), .block = mode == "Block"},
      .cache_dir = cache_dir_of(flags.text("cache-volume-path")),
      .settings_configmap = flags.text("node-agent-configmap")};
  config.limits = TRY(limit_flags(flags));
  if (const auto given = flags.duration("resource-timeout"); given > lateen::Duration::zero())
    config.resource_timeout = given;
  return config;
}

// In a pod of the data mover: its volume into the repository, or out of it.
Result<int> run_data_pod(Invocation& call,
                         std::string_view object,
                         decltype(agent::run_upload_pod) run) {
  return_freed_memory();
  const agent::DataPodConfig config = TRY(data_pod_config(call, object));
  const Log log = TRY(log_by_flags(call.flags, 2));
  const Session session = TRY(open_session(call));
  SystemRng rng;
  TRY(run(config, *session.client, call.clock, rng, log, call.stop));
  return 0;
}

Command data_pod_command(std::string name,
                         const std::string& object,
                         const std::string& what,
                         decltype(agent::run_upload_pod)* run) {
  return {.name = std::move(name),
          .usage = "",
          .summary = fmt::format("Move the data of a {}", what),
          .flags = data_pod_flags(object, what),
          .run = [object, run](Invocation& call) { return run_data_pod(call, object, *run); },
          .max_args = 0};
}

// In a pod of another namespace: keeps its claim's volume on the node until the agent is done.
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
  return {
      .name = "data-mover",
      .usage = "",
      .summary = "Run in the data mover's pods",
      .children = {data_pod_command("backup", "data-upload", "DataUpload", agent::run_upload_pod),
                   data_pod_command("restore", "data-download", "DataDownload",
                                    agent::run_download_pod),
                   {.name = "hold",
                    .usage = "",
                    .summary = "Hold a volume on its node for the node agent",
                    .run = hold_volume,
                    .max_args = 0}},
      .hidden = true};
}

}  // namespace lateen::cli
