#include <algorithm>

#include "base/json.h"
#include "base/quantity.h"
#include "base/text.h"
#include "base/yaml.h"
#include "cli/common_flags.h"
#include "cli/server_flags.h"
#include "server/server.h"

namespace lateen::cli {
namespace {

// Each has its threads and its buffers.
constexpr std::int64_t kMostAtOnce = 32;

// What --restore-only leaves out, as in Velero.
constexpr std::array<std::string_view, 7> kNotForRestores = {
    "backup-queue",    "backup", "backup-operations", "backup-finalizer",
    "backup-deletion", "gc",     "schedule"};

// Controllers of Velero that are part of another one here: not an error to name, and nothing to
// leave out.
constexpr std::array<std::string_view, 2> kPartsOfRestore = {"restore-operations",
                                                             "restore-finalizer"};

// A number or a truth as a flag would have it.
Result<std::string> flag_text(const Json& value, char between) {
  if (value.is_string()) return std::string(as_text(&value));
  if (value.is_null()) return std::string();
  if (value.is_array()) {
    std::vector<std::string> parts;
    for (const Json& part : value.as_array())
      parts.push_back(TRY(flag_text(part, between)));
    return join(parts, ",");
  }
  if (value.is_object()) {
    std::vector<std::string> parts;
    for (const auto& [key, part] : value.as_object())
      parts.push_back(
          fmt::format("{}{}{}", std::string_view(key), between, TRY(flag_text(part, between))));
    return join(parts, ",");
  }
  return write_json(value);
}

Status take_times(const Flags& flags, server::ServerConfig& config) {
  config.default_backup_ttl = flags.duration("default-backup-ttl");
  config.default_item_operation_timeout = flags.duration("default-item-operation-timeout");
  config.store_validation_frequency = flags.duration("store-validation-frequency");
  const auto positive = [&flags](std::string_view name, Duration& into) {
    if (const Duration value = flags.duration(name); value > Duration::zero()) into = value;
  };
  positive("backup-sync-period", config.backup_sync_period);
  positive("garbage-collection-frequency", config.garbage_collection_frequency);
  positive("item-operation-sync-frequency", config.item_operation_sync_frequency);
  positive("resource-timeout", config.resource_timeout);
  positive("fs-backup-timeout", config.fs_backup_timeout);
  positive("default-repo-maintain-frequency", config.default_repo_maintain_frequency);
  positive("terminating-resource-timeout", config.terminating_resource_timeout);
  return {};
}

Result<std::size_t> number_at_once(const Flags& flags, std::string_view name) {
  const std::int64_t value = flags.integer(name);
  if (value >= 1 && value <= kMostAtOnce) return static_cast<std::size_t>(value);
  return Error(Code::InvalidArgument, "--{} is {}, it must be from 1 to {}", name, value,
               kMostAtOnce);
}

Status take_numbers(const Flags& flags, server::ServerConfig& config) {
  config.client_page_size = flags.integer("client-page-size");
  if (config.client_page_size < 0) {
    return Error(Code::InvalidArgument, "--client-page-size is {}, it must not be negative",
                 config.client_page_size);
  }
  config.item_workers =
      static_cast<std::size_t>(std::max<std::int64_t>(0, flags.integer("item-block-worker-count")));
  config.concurrent_restores = TRY(number_at_once(flags, "concurrent-restores"));
  config.concurrent_backups = TRY(number_at_once(flags, "concurrent-backups"));
  return {};
}

Status take_maintenance(const Flags& flags, server::ServerConfig& config) {
  server::MaintenanceConfig& jobs = config.maintenance;
  jobs.in_process = flags.is("maintenance-in-process");
  jobs.config_map = flags.text("repo-maintenance-job-configmap");
  config.repository_config_map = flags.text("backup-repository-configmap");
  const std::int64_t keep = flags.integer("keep-latest-maintenance-jobs");
  if (keep < 0) {
    return Error(Code::InvalidArgument,
                 "--keep-latest-maintenance-jobs is {}, it must not be negative", keep);
  }
  jobs.keep_jobs = static_cast<std::size_t>(keep);
  for (const auto& [name, into] : {std::pair{"maintenance-job-cpu-request", &jobs.cpu_request},
                                   std::pair{"maintenance-job-mem-request", &jobs.memory_request},
                                   std::pair{"maintenance-job-cpu-limit", &jobs.cpu_limit},
                                   std::pair{"maintenance-job-mem-limit", &jobs.memory_limit}}) {
    *into = flags.text(name);
    if (!into->empty()) TRY(Quantity::parse(*into).wrap("flag --{} \"{}\"", name, *into));
  }
  config.repository_verify_period = flags.duration("repo-verify-period");
  const std::string rate = flags.text("repo-verify-rate");
  const std::int64_t bytes =
      TRY(Quantity::parse(rate).wrap("flag --repo-verify-rate \"{}\"", rate)).value();
  if (bytes < 0)
    return Error(Code::InvalidArgument, "--repo-verify-rate is {}, it must not be negative", rate);
  config.repository_verify_rate = static_cast<ByteCount>(bytes);
  return {};
}

Status take_leadership(const Flags& flags, server::ServerConfig& config) {
  config.leader_elect = flags.is("leader-elect");
  config.lease_duration = flags.duration("leader-elect-lease-duration");
  if (!config.leader_elect || config.lease_duration >= std::chrono::seconds(2)) return {};
  return Error(Code::InvalidArgument, "--leader-elect-lease-duration is {}, it must be at least 2s",
               flags.text("leader-elect-lease-duration"));
}

Status take_controllers(const Flags& flags, server::ServerConfig& config) {
  const std::vector<std::string_view> ours = server::controller_names();
  for (const std::string& name : flags.list("disable-controllers")) {
    if (std::find(kPartsOfRestore.begin(), kPartsOfRestore.end(), name) != kPartsOfRestore.end())
      continue;
    if (std::find(ours.begin(), ours.end(), name) == ours.end()) {
      return Error(Code::InvalidArgument,
                   "Invalid value for --disable-controllers provided: {}. Valid values are: {}",
                   name, fmt::join(ours, ","));
    }
    config.disabled_controllers.push_back(name);
  }
  if (flags.is("restore-only")) {
    config.disabled_controllers.insert(config.disabled_controllers.end(), kNotForRestores.begin(),
                                       kNotForRestores.end());
  }
  return {};
}

Status take_notifications(const Flags& flags, server::NotificationConfig& config) {
  config.secret = flags.text("notification-secret");
  config.webhook_url = flags.text("notification-webhook-url");
  config.events = flags.list("notification-events");
  config.ping_url = flags.text("notification-ping-url");
  if (const Duration period = flags.duration("notification-ping-period");
      period > Duration::zero()) {
    config.ping_period = period;
  }
  return server::check(config);
}

}  // namespace

Result<Flags> with_config_file(const Flags& flags, std::string_view text) {
  const Json file = TRY(parse_yaml(text));
  Flags merged = flags;
  if (file.is_null()) return merged;
  if (!file.is_object()) {
    return Error(Code::InvalidArgument, "it is no list of settings")
        .with_hint("Write one flag a line, without its dashes: log-level: debug");
  }
  for (const auto& [key, value] : file.as_object()) {
    const std::string_view name = key;
    const FlagSpec* spec = flags.find(name);
    if (spec == nullptr || name == "config") {
      return Error(Code::InvalidArgument, "{} is no setting of the server", quote_go(name))
          .with_hint("Its settings are its flags: `lateen server --help` lists them.");
    }
    if (flags.given(name)) continue;  // the command line counts
    const char between = spec->kind == FlagKind::Mappings ? ':' : '=';
    TRY(merged.set(*spec, TRY(flag_text(value, between))));
  }
  return merged;
}

Result<server::ServerConfig> server_config(const Flags& flags, std::string ns) {
  server::ServerConfig config;
  config.ns = std::move(ns);
  config.log_level = TRY(log_level_by_flag(flags));
  config.log_format = TRY(log_format_by_flag(flags));
  config.metrics_address = flags.text("metrics-address");
  config.profiler_address = flags.text("profiler-address");
  config.download_address = flags.text("download-address");
  config.download_url = flags.text("download-url");
  config.default_backup_location = flags.text("default-backup-storage-location");
  config.default_volume_snapshot_locations = flags.map("default-volume-snapshot-locations");
  config.default_volumes_to_fs_backup = flags.is("default-volumes-to-fs-backup");
  config.default_snapshot_move_data = flags.is("default-snapshot-move-data");
  config.volume_group_snapshot_label_key = flags.text("volume-group-snapshot-label-key");
  config.schedule_skip_immediately = flags.is("schedule-skip-immediately");
  config.verify_frequency = flags.duration("verify-frequency");
  const std::int64_t verify_parts = flags.integer("verify-parts");
  if (verify_parts < 1) {
    return Error(Code::InvalidArgument, "--verify-parts is {}, it must be at least 1",
                 verify_parts);
  }
  config.verify_parts = static_cast<std::size_t>(verify_parts);
  config.keep_last_good_backup = flags.is("keep-last-good-backup");
  config.uploader_type = flags.text("uploader-type");
  if (config.uploader_type != "kopia" && config.uploader_type != "restic") {
    return Error(Code::InvalidArgument, "--uploader-type is \"{}\": it must be kopia or restic",
                 config.uploader_type);
  }
  config.plugin_dir = flags.text("plugin-dir");
  config.otlp_endpoint = flags.text("otlp-endpoint");
  config.restore_role = flags.text("restore-role");
  config.service_account = flags.text("service-account");
  config.prefer_plugins = flags.is("prefer-plugins");
  config.features = flags.list("features");
  config.restore_resource_priorities = flags.list("restore-resource-priorities");
  TRY(take_times(flags, config));
  TRY(take_numbers(flags, config));
  TRY(take_maintenance(flags, config));
  TRY(take_controllers(flags, config));
  TRY(take_leadership(flags, config));
  TRY(take_notifications(flags, config.notifications));
  return config;
}

}  // namespace lateen::cli
