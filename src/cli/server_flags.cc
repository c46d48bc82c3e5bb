#include "cli/server_flags.h"

#include <fmt/format.h>

#include "cli/common_flags.h"

namespace lateen::cli {

const std::array<FlagWithoutEffect, 4> kServerFlagsWithoutEffect = {{
    {"client-qps", "100", "requests follow the API server's own answers"},
    {"client-burst", "100", "requests follow the API server's own answers"},
    {"max-concurrent-k8s-connections", "30", "requests follow the API server's own answers"},
    {"disable-informer-cache", "", "a restore asks for what it is about to create"},
}};

std::vector<FlagSpec> server_flags() {
  using enum FlagKind;
  std::vector<FlagSpec> flags = log_flags();
  const std::vector<FlagSpec> own = {
      {.name = "config",
       .usage = "A YAML file of settings: each key is the name of a flag. What is given on the "
                "command line counts."},
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
      {.name = "leader-elect",
       .kind = Bool,
       .usage = "Of several servers of a namespace let one work at a time, by the Lease "
                "lateen-server.",
       .value = "true"},
      {.name = "leader-elect-lease-duration",
       .kind = Duration,
       .usage = "How long a server waits before it takes over from one that is heard of no more.",
       .value = "15s"},
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
      {.name = "keep-last-good-backup",
       .kind = Bool,
       .usage = "Keep the last good backup of a schedule past its TTL while all later ones of the "
                "schedule have failed.",
       .value = "true"},
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
      {.name = "backup-repository-configmap",
       .usage = "The name of ConfigMap containing backup repository configurations."},
      {.name = "repo-maintenance-job-configmap",
       .usage = "The name of ConfigMap containing repository maintenance Job configurations: "
                "podResources, loadAffinity, keepLatestMaintenanceJobs, priorityClassName, "
                "podLabels and podAnnotations under the keys global and "
                "<namespace>-<location>-<type>."},
      {.name = "keep-latest-maintenance-jobs",
       .kind = Int,
       .usage = "Number of latest maintenance jobs to keep each repository.",
       .value = "3"},
      {.name = "maintenance-job-cpu-request", .usage = "CPU request for maintenance jobs."},
      {.name = "maintenance-job-mem-request", .usage = "Memory request for maintenance jobs."},
      {.name = "maintenance-job-cpu-limit", .usage = "CPU limit for maintenance jobs."},
      {.name = "maintenance-job-mem-limit", .usage = "Memory limit for maintenance jobs."},
      {.name = "maintenance-in-process",
       .kind = Bool,
       .usage = "Maintain repositories in the server instead of in Jobs."},
      {.name = "repo-verify-period",
       .kind = Duration,
       .usage = "Within this time every pack of every repository is read back, a part of it each "
                "day. 0: never.",
       .value = "720h0m0s"},
      {.name = "repo-verify-rate",
       .usage = "How many bytes a second that may read, as 20Mi. 0: without limit.",
       .value = "20Mi"},
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
      {.name = "verify-frequency",
       .kind = Duration,
       .usage = "How often a part of the stored backups is verified (lateen verify). 0: never.",
       .value = "24h0m0s"},
      {.name = "verify-parts",
       .kind = Int,
       .usage = "How many parts: each backup is verified once in so many times.",
       .value = "7"},
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
      {.name = "restore-only",
       .kind = Bool,
       .usage = "Run in a mode where only restores are allowed; backups, schedules, and "
                "garbage-collection are all disabled. DEPRECATED: use read-only backup storage "
                "locations instead."},
      {.name = "otlp-endpoint",
       .usage =
           "An OpenTelemetry collector to send traces of backups and restores to, by OTLP over "
           "HTTP: http://collector:4318. Default: what OTEL_EXPORTER_OTLP_ENDPOINT says, else "
           "none."},
      {.name = "restore-role",
       .usage =
           "A ClusterRole that the server binds to its own ServiceAccount while a restore or a "
           "drill runs, and only then. Default: its rights stay as they are."},
      {.name = "service-account",
       .usage = "The server's ServiceAccount, to which --restore-role is bound.",
       .value = "velero"},
      {.name = "profiler-address",
       .usage = "The address to serve the profile of this process at; without a host, on this "
                "machine only. Not served by default."},
      {.name = "notification-secret",
       .usage = "A Secret of the server's namespace with webhook-url, webhook-hmac-key, "
                "webhook-authorization, ping-url and ping-url.SCHEDULE, as far as wanted."},
      {.name = "notification-webhook-url", .usage = "Where to POST what happens, as CloudEvents."},
      {.name = "notification-events",
       .kind = List,
       .usage = "What to tell of, by the last part of its type (backup.failed, location.*). "
                "Default: everything."},
      {.name = "notification-ping-url",
       .usage = "A dead man's switch: asked for every --notification-ping-period while locations "
                "are available and schedules keep their times."},
      {.name = "notification-ping-period",
       .kind = Duration,
       .usage = "How often to ask for --notification-ping-url.",
       .value = "5m0s"},
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
  flags.insert(flags.end(), own.begin(), own.end());
  for (const FlagWithoutEffect& one : kServerFlagsWithoutEffect) {
    flags.push_back({.name = std::string(one.name),
                     .kind = one.name == "disable-informer-cache" ? Bool : String,
                     .usage = fmt::format("Accepted, without effect: {}.", one.why),
                     .value = std::string(one.value)});
  }
  return flags;
}

}  // namespace lateen::cli
