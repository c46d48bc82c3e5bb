#include <algorithm>
#include <array>

#include "base/duration.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "server/server.h"

namespace lateen::cli {
namespace {

// Flags of velero server that say what this version does not do yet, or does by itself. They are
// taken, and named in a warning when given.
constexpr std::array<std::string_view, 16> kWithoutEffect = {"client-qps",
                                                             "client-burst",
                                                             "profiler-address",
                                                             "max-concurrent-k8s-connections",
                                                             "disable-informer-cache",
                                                             "backup-repository-configmap",
                                                             "repo-maintenance-job-configmap",
                                                             "restore-only",
                                                             "keep-latest-maintenance-jobs",
                                                             "maintenance-job-cpu-request",
                                                             "maintenance-job-mem-request",
                                                             "maintenance-job-cpu-limit",
                                                             "maintenance-job-mem-limit"};

// Each has its threads and its buffers.
constexpr std::int64_t kMostConcurrentBackups = 32;

std::vector<FlagSpec> server_flags() {
  using enum FlagKind;
  std::vector<FlagSpec> flags = {
      {.name = "log-level",
       .usage = "The level at which to log. Valid values are trace, debug, info, warning, error, "
                "fatal, panic.",
       .value = "info"},
      {.name = "log-format",
       .usage = "The format for log output. Valid values are text, json.",
       .value = "text"},
      {.name = "metrics-address",
       .usage = "The address to expose prometheus metrics",
       .value = ":8085"},
      {.name = "download-address",
       .usage = "The address to serve files of backups at, for locations that have no URLs of "
                "their own.",
       .value = "127.0.0.1:0"},
      {.name = "download-url", .usage = "The URL under which clients reach --download-address."},
      {.name = "backup-sync-period",
       .kind = Duration,
       .usage = "How often to ensure all Velero backups in object storage exist as Backup API "
                "objects in the cluster.",
       .value = "1m0s"},
      {.name = "disable-controllers",
       .kind = List,
       .usage = "List of controllers to disable on startup."},
      {.name = "restore-resource-priorities",
       .kind = List,
       .usage = "Desired order of resource restores: the kinds that come first, a lone -, the "
                "kinds that come last."},
      {.name = "default-backup-storage-location",
       .usage = "Name of the default backup storage location.",
       .value = "default"},
      {.name = "store-validation-frequency",
       .kind = Duration,
       .usage = "How often to verify if the storage is valid.",
       .value = "1m0s"},
      {.name = "client-page-size",
       .kind = Int,
       .usage = "Page size of requests by the server to the Kubernetes API when listing objects "
                "during a backup. Set to 0 to disable paging.",
       .value = "500"},
      {.name = "terminating-resource-timeout",
       .kind = Duration,
       .usage = "How long to wait on persistent volumes and namespaces to terminate during a "
                "restore before timing out.",
       .value = "10m0s"},
      {.name = "default-backup-ttl",
       .kind = Duration,
       .usage = "How long to wait by default before backups can be garbage collected.",
       .value = "720h0m0s"},
      {.name = "volume-group-snapshot-label-key",
       .usage = "Label key for grouping PVCs into VolumeGroupSnapshot.",
       .value = "velero.io/volume-group"},
      {.name = "garbage-collection-frequency",
       .kind = Duration,
       .usage = "How often garbage collection checks for expired backups.",
       .value = "1h0m0s"},
      {.name = "item-operation-sync-frequency",
       .kind = Duration,
       .usage = "How often to check status on backup/restore operations after backup/restore "
                "processing.",
       .value = "1s"},
      {.name = "fs-backup-timeout",
       .kind = Duration,
       .usage = "How long pod volume file system backups/restores should be allowed to run before "
                "timing out.",
       .value = "4h0m0s"},
      {.name = "uploader-type",
       .usage = "Type of uploader to handle the transfer of data of pod volumes, the supported "
                "values are 'kopia' and 'restic'.",
       .value = "kopia"},
      {.name = "default-repo-maintain-frequency",
       .kind = Duration,
       .usage = "How often 'maintain' is run for backup repositories by default. 0: every hour for "
                "kopia's, every week for restic's."},
      {.name = "default-volumes-to-fs-backup",
       .kind = Bool,
       .usage = "Backup all volumes with pod volume file system backup by default."},
      {.name = "default-item-operation-timeout",
       .kind = Duration,
       .usage = "How long to wait on asynchronous BackupItemActions and RestoreItemActions to "
                "complete before timing out.",
       .value = "4h0m0s"},
      {.name = "resource-timeout",
       .kind = Duration,
       .usage = "How long to wait for resource processes which are not covered by other specific "
                "timeout parameters.",
       .value = "10m0s"},
      {.name = "default-snapshot-move-data",
       .kind = Bool,
       .usage = "Move data by default for all snapshots supporting data movement."},
      {.name = "schedule-skip-immediately",
       .kind = Bool,
       .usage = "Skip the first scheduled backup immediately after creating a schedule."},
      {.name = "default-volume-snapshot-locations",
       .kind = Mappings,
       .usage = "List of unique volume providers and default volume snapshot location "
                "(provider1:location-01,provider2:location-02,...)"},
      {.name = "plugin-dir", .usage = "Directory containing Velero plugins", .value = "/plugins"},
      {.name = "prefer-plugins",
       .kind = Bool,
       .usage =
           "Use an installed plugin also for what is built in. By default a plugin is used for "
           "the other providers, and where a location's annotation lateen.io/implementation "
           "is plugin."},
      {.name = "concurrent-restores",
       .kind = Int,
       .usage = "Number of restores to process concurrently.",
       .value = "4"},
      {.name = "concurrent-backups",
       .kind = Int,
       .usage = "Number of backups to process concurrently; those that share a namespace wait for "
                "each other.",
       .value = "1"},
      {.name = "item-block-worker-count",
       .kind = Int,
       .usage = "Number of objects worked on at once. 0: twice the machine's threads.",
       .value = "0"}};
  for (const std::string_view name : kWithoutEffect) {
    flags.push_back({.name = std::string(name),
                     .usage = "Accepted, without effect in this version.",
                     .hidden = true});
  }
  return flags;
}

Result<server::ServerConfig> config_from(const Invocation& call) {
  const Flags& flags = call.flags;
  server::ServerConfig config;
  config.ns = TRY(velero_namespace(call));
  config.log_level = TRY(parse_log_level(flags.text("log-level")).wrap("flag --log-level"));
  config.log_format = TRY(parse_log_format(flags.text("log-format")).wrap("flag --log-format"));
  config.metrics_address = flags.text("metrics-address");
  config.download_address = flags.text("download-address");
  config.download_url = flags.text("download-url");
  config.default_backup_location = flags.text("default-backup-storage-location");
  config.default_volume_snapshot_locations = flags.map("default-volume-snapshot-locations");
  config.default_backup_ttl = flags.duration("default-backup-ttl");
  config.default_item_operation_timeout = flags.duration("default-item-operation-timeout");
  config.default_volumes_to_fs_backup = flags.is("default-volumes-to-fs-backup");
  config.default_snapshot_move_data = flags.is("default-snapshot-move-data");
  config.volume_group_snapshot_label_key = flags.text("volume-group-snapshot-label-key");
  const auto positive = [&flags](std::string_view name, Duration& into) {
    if (const Duration value = flags.duration(name); value > Duration::zero()) into = value;
  };
  positive("backup-sync-period", config.backup_sync_period);
  positive("store-validation-frequency", config.store_validation_frequency);
  positive("garbage-collection-frequency", config.garbage_collection_frequency);
  positive("item-operation-sync-frequency", config.item_operation_sync_frequency);
  positive("resource-timeout", config.resource_timeout);
  positive("fs-backup-timeout", config.fs_backup_timeout);
  positive("default-repo-maintain-frequency", config.default_repo_maintain_frequency);
  config.uploader_type = flags.text("uploader-type");
  if (config.uploader_type != "kopia" && config.uploader_type != "restic") {
    return Error(Code::InvalidArgument, "--uploader-type is \"{}\": it must be kopia or restic",
                 config.uploader_type);
  }
  positive("terminating-resource-timeout", config.terminating_resource_timeout);
  config.schedule_skip_immediately = flags.is("schedule-skip-immediately");
  config.client_page_size = flags.integer("client-page-size");
  if (config.client_page_size < 0) {
    return Error(Code::InvalidArgument, "--client-page-size is {}, it must not be negative",
                 config.client_page_size);
  }
  config.item_workers =
      static_cast<std::size_t>(std::max<std::int64_t>(0, flags.integer("item-block-worker-count")));
  const std::int64_t restores = flags.integer("concurrent-restores");
  if (restores < 1 || restores > kMostConcurrentBackups) {
    return Error(Code::InvalidArgument, "--concurrent-restores is {}, it must be from 1 to {}",
                 restores, kMostConcurrentBackups);
  }
  config.concurrent_restores = static_cast<std::size_t>(restores);
  const std::int64_t concurrent = flags.integer("concurrent-backups");
  if (concurrent < 1 || concurrent > kMostConcurrentBackups) {
    return Error(Code::InvalidArgument, "--concurrent-backups is {}, it must be from 1 to {}",
                 concurrent, kMostConcurrentBackups);
  }
  config.concurrent_backups = static_cast<std::size_t>(concurrent);
  config.plugin_dir = flags.text("plugin-dir");
  config.prefer_plugins = flags.is("prefer-plugins");
  config.features = flags.list("features");
  config.restore_resource_priorities = flags.list("restore-resource-priorities");
  config.disabled_controllers = flags.list("disable-controllers");
  const std::vector<std::string_view> known = server::controller_names();
  for (const std::string& name : config.disabled_controllers) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Error(Code::InvalidArgument,
                   "Invalid value for --disable-controllers provided: {}. Valid values are: {}",
                   name, fmt::join(known, ","));
    }
  }
  return config;
}

Result<int> serve(Invocation& call) {
  return_freed_memory();
  const server::ServerConfig config = TRY(config_from(call));
  const Log log(make_fd_sink(2, config.log_level, config.log_format),
                std::make_shared<SystemClock>());
  for (const std::string_view name : kWithoutEffect) {
    if (call.flags.given(name))
      log.warning("This flag has no effect in this version", {{"flag", name}});
  }
  const Session session = TRY(open_session(call));
  SystemRng rng;
  TRY(server::run_server(config, *session.client, call.clock, rng, log, call.stop));
  return 0;
}

}  // namespace

Command server_command() {
  return {.name = "server",
          .usage = "",
          .summary = "Run the velero server",
          .flags = server_flags(),
          .run = serve,
          .max_args = 0};
}

}  // namespace lateen::cli
