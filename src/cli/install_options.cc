#include "cli/install_options.h"

#include <array>

#include "base/duration.h"
#include "base/file.h"
#include "base/quantity.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/install_objects.h"
#include "cli/output.h"
#include "cli/session.h"

namespace lateen::cli {
namespace {

constexpr ByteCount kMostCredentials = 1_MiB;

// Providers that need no plugin's image.
bool is_built_in(std::string_view provider) {
  return provider == "aws" || provider == "velero.io/aws" || provider == "filesystem" ||
         provider == "lateen.dev/fs";
}

bool is_folder(std::string_view provider) {
  return provider == "filesystem" || provider == "lateen.dev/fs";
}

FlagSpec yes_no(std::string name, std::string usage) {
  return {.name = std::move(name), .kind = FlagKind::Bool, .usage = std::move(usage)};
}

FlagSpec pairs(std::string name, std::string usage) {
  return {.name = std::move(name),
          .kind = FlagKind::Map,
          .usage = std::move(usage) + " Format is key1=value1,key2=value2"};
}

void add_pod_flags(std::vector<FlagSpec>& flags) {
  struct Size {
    const char* pod;
    const char* title;
    const char* what;
    const char* shown;
    const char* value;
  };

  constexpr std::array<Size, 8> kSizes = {
      {{"velero-pod", "Velero pod", "cpu-request", "CPU request", "500m"},
       {"velero-pod", "Velero pod", "mem-request", "Memory request", "128Mi"},
       {"velero-pod", "Velero pod", "cpu-limit", "CPU limit", "1000m"},
       {"velero-pod", "Velero pod", "mem-limit", "Memory limit", "512Mi"},
       {"node-agent-pod", "node-agent pod", "cpu-request", "CPU request", "0"},
       {"node-agent-pod", "node-agent pod", "mem-request", "Memory request", "0"},
       {"node-agent-pod", "node-agent pod", "cpu-limit", "CPU limit", "0"},
       {"node-agent-pod", "node-agent pod", "mem-limit", "Memory limit", "0"}}};
  for (const Size& size : kSizes) {
    flags.push_back(
        {.name = fmt::format("{}-{}", size.pod, size.what),
         .usage = fmt::format("{} for {}. A value of \"0\" is treated as unbounded. Optional.",
                              size.shown, size.title),
         .value = size.value});
  }
  for (const auto& [what, shown] :
       {std::pair{"cpu-request", "CPU request"}, std::pair{"mem-request", "Memory request"},
        std::pair{"cpu-limit", "CPU limit"}, std::pair{"mem-limit", "Memory limit"}}) {
    flags.push_back({.name = fmt::format("maintenance-job-{}", what),
                     .usage = fmt::format("{} for maintenance jobs. Default is no limit.", shown)});
  }
  for (const auto& [part, title] : {std::pair{"server", "the Velero server deployment"},
                                    std::pair{"node-agent", "the node agent daemonset"}}) {
    flags.push_back({.name = fmt::format("{}-priority-class-name", part),
                     .usage = fmt::format("Priority class name for {}. Optional.", title)});
  }
}

void add_server_flags(std::vector<FlagSpec>& flags) {
  using enum FlagKind;
  flags.push_back({.name = "features",
                   .usage = "Comma separated list of Velero feature flags to be set on the Velero "
                            "deployment and the node-agent daemonset, if node-agent is enabled"});
  flags.push_back(yes_no("default-volumes-to-fs-backup",
                         "Bool flag to configure Velero server to use pod volume file system "
                         "backup by default for all volumes on all backups. Optional."));
  flags.push_back(yes_no("default-snapshot-move-data",
                         "Bool flag to configure Velero server to move data by default for all "
                         "snapshots supporting data movement. Optional."));
  flags.push_back(yes_no("disable-informer-cache",
                         "Disable informer cache for Get calls on restore. Optional."));
  flags.push_back(yes_no("schedule-skip-immediately",
                         "Skip the first scheduled backup immediately after creating a schedule. "
                         "Default is false (don't skip)."));
  flags.push_back({.name = "uploader-type",
                   .usage = "The type of uploader to transfer the data of pod volumes, supported "
                            "values: 'kopia', 'restic'",
                   .value = "kopia"});
  flags.push_back(yes_no("restore-only", "Run the server in restore-only mode. Optional."));
  for (const auto& [name, usage] :
       {std::pair{"default-repo-maintain-frequency",
                  "How often 'maintain' is run for backup repositories by default. Optional."},
        std::pair{"garbage-collection-frequency",
                  "How often the garbage collection runs for expired backups.(default 1h)"},
        std::pair{"pod-volume-operation-timeout",
                  "How long to wait for pod volume operations to complete before timing "
                  "out(default 4h). Optional."}}) {
    flags.push_back({.name = name, .kind = Duration, .usage = usage});
  }
  for (const auto& [name, usage] :
       {std::pair{"keep-latest-maintenance-jobs",
                  "Number of latest maintenance jobs to keep each repository. Optional."},
        std::pair{"item-block-worker-count",
                  "Number of worker threads to process ItemBlocks. Optional."},
        std::pair{"concurrent-backups",
                  "Number of backups to process concurrently. Default is one. Optional."}}) {
    flags.push_back({.name = name, .kind = Int, .usage = usage, .value = "0"});
  }
  for (const auto& [name, what] :
       {std::pair{"backup-repository-configmap", "backup repository configurations"},
        std::pair{"repo-maintenance-job-configmap", "repository maintenance Job configurations"},
        std::pair{"node-agent-configmap", "node-agent configurations"}}) {
    flags.push_back(
        {.name = name, .usage = fmt::format("The name of ConfigMap containing {}.", what)});
  }
  flags.push_back(yes_no("csi-snapshot-early-frequent-polling",
                         "Bool flag to configure Velero server to use early frequent polling by "
                         "default for all CSI snapshots. Optional."));
}

void add_location_flags(std::vector<FlagSpec>& flags) {
  flags.push_back({.name = "provider", .usage = "Provider name for backup and volume storage"});
  flags.push_back({.name = "bucket",
                   .usage = "Name of the object storage bucket where backups should be stored"});
  flags.push_back({.name = "prefix",
                   .usage = "Prefix under which all Velero data should be stored within the "
                            "bucket. Optional."});
  flags.push_back({.name = "secret-file",
                   .usage = "File containing credentials for backup and volume provider. If not "
                            "specified, --no-secret must be used for confirmation. Optional.",
                   .names = "file"});
  flags.push_back(yes_no("no-secret",
                         "Flag indicating if a secret should be created. Must be used as "
                         "confirmation if --secret-file is not provided. Optional."));
  flags.push_back(yes_no("no-default-backup-location",
                         "Flag indicating if a default backup location should be created. Must be "
                         "used as confirmation if --bucket or --provider are not provided. "
                         "Optional."));
  flags.push_back({.name = "cacert",
                   .usage = "File containing a certificate bundle to use when verifying TLS "
                            "connections to the object store. Optional.",
                   .names = "file"});
  flags.push_back(
      pairs("backup-location-config", "Configuration to use for the backup storage location."));
  flags.push_back(
      pairs("snapshot-location-config", "Configuration to use for the volume snapshot location."));
  flags.push_back({.name = "use-volume-snapshots",
                   .kind = FlagKind::Bool,
                   .usage = "Whether or not to create snapshot location automatically. Set to "
                            "false if you do not plan to create volume snapshots via a storage "
                            "provider.",
                   .value = "true"});
  flags.push_back({.name = "plugins",
                   .kind = FlagKind::ListAppend,
                   .usage = "Plugin container images to install into the Velero Deployment. Not "
                            "needed for S3 and folders, which are built in"});
}

Status check_locations(const Flags& flags) {
  const std::string provider = flags.text("provider");
  const bool snapshots = flags.is("use-volume-snapshots");
  const auto refuse = [](std::string_view text) {
    return Error(Code::InvalidArgument, "{}", text);
  };
  if (flags.text("bucket").starts_with('-')) {
    return Error(Code::InvalidArgument,
                 "Bucket names cannot begin with a dash. Bucket name was: {}",
                 flags.text("bucket"));
  }
  if (flags.is("no-default-backup-location")) {
    for (const char* other : {"bucket", "prefix", "backup-location-config"}) {
      if (flags.text(other).empty()) continue;
      return Error(Code::InvalidArgument,
                   "Cannot use both --{} and --no-default-backup-location at the same time", other);
    }
  } else {
    if (provider.empty()) return refuse("--provider is required");
    if (flags.text("bucket").empty()) return refuse("--bucket is required");
  }
  if (!snapshots && flags.given("snapshot-location-config"))
    return refuse("--snapshot-location-config must be empty when --use-volume-snapshots=false");
  if (snapshots && provider.empty())
    return refuse("--provider is required when --use-volume-snapshots is set to true");
  if (flags.is("no-default-backup-location") && !snapshots) {
    if (provider.empty()) return {};
    return refuse(
        "--provider must be empty when using --no-default-backup-location and "
        "--use-volume-snapshots=false");
  }
  if (flags.list("plugins").empty() && !is_built_in(provider)) {
    return refuse("--plugins flag is required")
        .with_hint(fmt::format(
            "Built in are aws and filesystem; provider {} needs its plugin's image.", provider));
  }
  if (is_folder(provider) && flags.map("backup-location-config").count("path") == 0) {
    return Error(Code::InvalidArgument, "a location in a folder needs to know which one")
        .with_hint("Give it as --backup-location-config path=/absolute/folder.");
  }
  return {};
}

Status check_install_flags(const Flags& flags) {
  if (const std::string uploader = flags.text("uploader-type");
      uploader != "kopia" && uploader != "restic") {
    return Error(Code::InvalidArgument,
                 "invalid uploader type '{}', valid upload types are: "
                 "'restic', 'kopia'",
                 uploader);
  }
  TRY(check_locations(flags));
  if (flags.is("default-volumes-to-fs-backup") && !flags.is("use-node-agent")) {
    return Error(Code::InvalidArgument,
                 "--use-node-agent is required when using --default-volumes-to-fs-backup");
  }
  if (flags.is("least-privilege") && flags.given("service-account-name")) {
    return Error(Code::InvalidArgument,
                 "Cannot use both --least-privilege and --service-account-name: the rights of an "
                 "account that is there already are not the installer's");
  }
  const bool has_file = !flags.text("secret-file").empty();
  if (has_file && flags.is("no-secret"))
    return Error(Code::InvalidArgument, "Cannot use both --secret-file and --no-secret");
  if (!has_file && !flags.is("no-secret") && !is_folder(flags.text("provider")))
    return Error(Code::InvalidArgument, "One of --secret-file or --no-secret is required");
  for (const char* name : {"default-repo-maintain-frequency", "garbage-collection-frequency",
                           "pod-volume-operation-timeout"}) {
    if (flags.duration(name) < Duration::zero())
      return Error(Code::InvalidArgument, "--{} must be non-negative", name);
  }
  return {};
}

Result<Quantity> amount_of(const Flags& flags, const std::string& name, std::string_view shown) {
  const std::string text = flags.text(name);
  return Quantity::parse(text).wrap("couldn't parse {} \"{}\"", shown, text);
}

// {limits: {…}, requests: {…}}, without what is 0.
Result<Json> pod_resources(const Flags& flags, const std::string& pod) {
  JsonObject requests;
  JsonObject limits;

  struct Kind {
    const char* flag;
    const char* resource;
    const char* shown;
    const char* compared;
  };

  for (const Kind& kind :
       {Kind{"cpu", "cpu", "CPU", "CPU"}, Kind{"mem", "memory", "memory", "Memory"}}) {
    const Quantity request = TRY(amount_of(flags, fmt::format("{}-{}-request", pod, kind.flag),
                                           fmt::format("{} request", kind.shown)));
    const Quantity limit = TRY(amount_of(flags, fmt::format("{}-{}-limit", pod, kind.flag),
                                         fmt::format("{} limit", kind.shown)));
    if (!limit.is_zero() && request > limit) {
      return Error(Code::InvalidArgument,
                   "{0} request \"{1}\" must be less than or equal to {0} limit \"{2}\"",
                   kind.compared, request.format(), limit.format());
    }
    if (!request.is_zero()) requests[kind.resource] = request.format();
    if (!limit.is_zero()) limits[kind.resource] = limit.format();
  }
  JsonObject resources;
  if (!limits.empty()) resources["limits"] = limits;
  if (!requests.empty()) resources["requests"] = requests;
  return Json(resources);
}

std::vector<std::string> server_arguments(const Flags& flags) {
  std::vector<std::string> args = {fmt::format("--features={}", flags.text("features"))};
  for (const char* name : {"default-volumes-to-fs-backup", "default-snapshot-move-data",
                           "disable-informer-cache", "schedule-skip-immediately"}) {
    if (flags.is(name)) args.push_back(fmt::format("--{}=true", name));
  }
  args.push_back(fmt::format("--uploader-type={}", flags.text("uploader-type")));
  if (flags.is("restore-only")) args.emplace_back("--restore-only");
  const auto add_duration = [&](const char* flag, const char* arg) {
    if (const Duration value = flags.duration(flag); value > Duration::zero())
      args.push_back(fmt::format("--{}={}", arg, format_go_duration(value)));
  };
  add_duration("default-repo-maintain-frequency", "default-repo-maintain-frequency");
  add_duration("garbage-collection-frequency", "garbage-collection-frequency");
  add_duration("pod-volume-operation-timeout", "fs-backup-timeout");
  const auto add_number = [&](const char* flag) {
    if (const std::int64_t value = flags.integer(flag); value > 0)
      args.push_back(fmt::format("--{}={}", flag, value));
  };
  const auto add_text = [&](const char* flag) {
    if (const std::string value = flags.text(flag); !value.empty())
      args.push_back(fmt::format("--{}={}", flag, value));
  };
  add_number("keep-latest-maintenance-jobs");
  for (const char* name : {"maintenance-job-cpu-limit", "maintenance-job-cpu-request",
                           "maintenance-job-mem-limit", "maintenance-job-mem-request",
                           "backup-repository-configmap", "repo-maintenance-job-configmap"}) {
    add_text(name);
  }
  add_number("item-block-worker-count");
  add_number("concurrent-backups");
  return args;
}

std::vector<std::string> agent_arguments(const Flags& flags) {
  std::vector<std::string> args = {fmt::format("--features={}", flags.text("features"))};
  for (const char* name : {"node-agent-configmap", "backup-repository-configmap"}) {
    if (const std::string value = flags.text(name); !value.empty())
      args.push_back(fmt::format("--{}={}", name, value));
  }
  return args;
}

}  // namespace

std::string default_image() {
  return fmt::format("lateen/lateen:{}", kVersion);
}

std::vector<FlagSpec> install_flags() {
  std::vector<FlagSpec> flags = output_flags("");
  add_location_flags(flags);
  flags.push_back({.name = "image",
                   .usage = "Image to use for the Velero and node agent pods. Optional.",
                   .value = default_image()});
  add_server_flags(flags);
  add_pod_flags(flags);
  flags.push_back(
      pairs("pod-annotations", "Annotations to add to the Velero and node agent pods. Optional."));
  flags.push_back(
      pairs("pod-labels", "Labels to add to the Velero and node agent pods. Optional."));
  flags.push_back(
      pairs("sa-annotations", "Annotations to add to the Velero ServiceAccount. Optional."));
  flags.push_back({.name = "service-account-name",
                   .usage = "ServiceAccountName to be set to the Velero and node agent pods, it "
                            "should be created before the installation, and the user also needs "
                            "to create the rolebinding for it.  Optional, if this attribute is "
                            "set, the default service account 'velero' will not be created, and "
                            "the flag --sa-annotations will be disregarded."});
  flags.push_back({.name = "kubelet-root-dir",
                   .usage = "Kubelet root directory for the node agent. Optional.",
                   .value = "/var/lib/kubelet"});
  for (const auto& [name, usage] :
       {std::pair{"use-node-agent",
                  "Create Velero node-agent daemonset. Optional. Velero node-agent hosts and "
                  "associates Velero modules that need to run in one or more Linux nodes."},
        std::pair{"use-node-agent-windows",
                  "Create Velero node-agent-windows daemonset. Optional. The image must be one "
                  "for Windows, which Lateen does not have."},
        std::pair{"privileged-node-agent",
                  "Use privileged mode for the node agent. Optional. Required to backup block "
                  "devices."},
        std::pair{"node-agent-disable-host-path",
                  "Don't mount the pod volume host path to node-agent. Optional. Pod volume host "
                  "path mount is required by fs-backup but could be disabled for other backup "
                  "methods."},
        std::pair{"least-privilege",
                  "Let the server read the cluster, and write to it only while a restore runs, "
                  "rather than be cluster-admin. Optional."},
        std::pair{"apply",
                  "Flag indicating if resources should be applied instead of created. This can be "
                  "used for updating existing resources."},
        std::pair{"crds-only",
                  "Only generate CustomResourceDefinition resources. Useful for updating CRDs for "
                  "an existing Velero install."},
        std::pair{"dry-run",
                  "Generate resources, but don't send them to the cluster. Use with -o. Optional."},
        std::pair{"wait", "Wait for Velero deployment to be ready. Optional."},
        std::pair{"check",
                  "Only look whether the cluster is ready for it, and what it has for volumes."}}) {
    flags.push_back(yes_no(name, usage));
  }
  return flags;
}

Result<InstallOptions> install_options(const Invocation& call) {
  const Flags& flags = call.flags;
  TRY(check_install_flags(flags));
  InstallOptions options;
  options.ns = TRY(velero_namespace(call));
  options.image = flags.text("image");
  options.provider = flags.text("provider");
  options.bucket = flags.text("bucket");
  options.prefix = flags.text("prefix");
  if (const std::string file = flags.text("cacert"); !file.empty())
    options.ca_cert = TRY(read_file(file, kMostCredentials).wrap("flag --cacert"));
  options.location_config = flags.map("backup-location-config");
  options.snapshot_config = flags.map("snapshot-location-config");
  options.pod_annotations = flags.map("pod-annotations");
  options.pod_labels = flags.map("pod-labels");
  options.account_annotations = flags.map("sa-annotations");
  options.service_account = flags.text("service-account-name");
  options.server_resources = TRY(pod_resources(flags, "velero-pod"));
  options.agent_resources = TRY(pod_resources(flags, "node-agent-pod"));
  if (const std::string file = flags.text("secret-file"); !file.empty())
    options.credentials = Secret(TRY(read_file(file, kMostCredentials).wrap("flag --secret-file")));
  options.backup_location = !flags.is("no-default-backup-location");
  // A folder takes no snapshots: a location for them would only be an error in each backup.
  options.snapshot_location = flags.is("use-volume-snapshots") &&
                              (!is_folder(options.provider) || !options.snapshot_config.empty());
  options.node_agent = flags.is("use-node-agent");
  options.node_agent_windows = flags.is("use-node-agent-windows");
  options.privileged_agent = flags.is("privileged-node-agent");
  options.server_args = server_arguments(flags);
  options.least_privilege = flags.is("least-privilege");
  if (options.least_privilege) {
    options.server_args.push_back(
        fmt::format("--restore-role={}", install_restore_role(options.ns)));
  }
  options.agent_host_paths = !flags.is("node-agent-disable-host-path");
  options.kubelet_root = flags.text("kubelet-root-dir");
  options.plugins = flags.list("plugins");
  options.features = flags.text("features");
  options.agent_args = agent_arguments(flags);
  options.early_frequent_polling = flags.is("csi-snapshot-early-frequent-polling");
  options.server_priority = flags.text("server-priority-class-name");
  options.agent_priority = flags.text("node-agent-priority-class-name");
  return options;
}

}  // namespace lateen::cli
