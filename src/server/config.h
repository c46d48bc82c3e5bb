// What `lateen server` can be told, in the words and with the defaults of `velero server`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "model/object_meta.h"

namespace lateen::server {

// Whom to tell what happens (notifications.h). What a Secret says counts before what is here.
struct NotificationConfig {
  std::string secret = {};  // in the server's namespace; read anew for each message
  std::string webhook_url = {};
  std::vector<std::string> events = {};  // globs over "backup.failed"; none: everything
  std::string ping_url = {};
  Duration ping_period = std::chrono::minutes(5);
};

// InvalidArgument, with the flag's name, for what is no URL.
Status check(const NotificationConfig& config);

// Repositories' maintenance, in Jobs where the server has a Deployment to make them of.
struct MaintenanceConfig {
  bool in_process = false;      // never in Jobs
  std::string config_map = {};  // of settings for Jobs; what it says counts before what is here
  std::size_t keep_jobs = 3;    // ended ones, for each repository
  std::string cpu_request = {};
  std::string memory_request = {};
  std::string cpu_limit = {};
  std::string memory_limit = {};
};

// Filled once from flags, const ever after.
struct ServerConfig {
  std::string ns = "velero";
  LogLevel log_level = LogLevel::Info;
  LogFormat log_format = LogFormat::Text;

  bool leader_elect = true;  // of several servers one works, and the others wait
  Duration lease_duration = std::chrono::seconds(15);  // how long they wait for one that is silent

  std::string metrics_address = ":8085";  // "" serves none
  std::string profiler_address = {};      // "" serves none
  std::string download_address =
      "127.0.0.1:0";         // where files of locations without signed URLs are served
  std::string download_url;  // how clients reach it; default: http://<download_address>

  std::string default_backup_location = "default";
  model::StringMap default_volume_snapshot_locations;  // provider → location
  Duration default_backup_ttl = std::chrono::hours(720);
  Duration default_csi_snapshot_timeout = std::chrono::minutes(10);
  Duration default_item_operation_timeout = std::chrono::hours(4);
  bool default_volumes_to_fs_backup = false;
  bool default_snapshot_move_data = false;
  std::string volume_group_snapshot_label_key = "velero.io/volume-group";

  Duration backup_sync_period = std::chrono::minutes(1);
  Duration store_validation_frequency = std::chrono::minutes(1);
  Duration garbage_collection_frequency = std::chrono::hours(1);
  // Velero's default of 10 s is what a small backup would spend most of its time with.
  Duration item_operation_sync_frequency = std::chrono::seconds(1);
  Duration resource_timeout = std::chrono::minutes(10);
  Duration terminating_resource_timeout = std::chrono::minutes(10);
  bool schedule_skip_immediately = false;
  bool keep_last_good_backup = true;  // past its TTL, while all later ones have failed
  NotificationConfig notifications = {};

  // The ClusterRole that is bound to the server's ServiceAccount only while a restore runs; empty:
  // what it may do does not change.
  std::string restore_role = {};
  std::string service_account = "velero";

  // Where traces go; empty: what OTEL_EXPORTER_OTLP_ENDPOINT says.
  std::string otlp_endpoint = {};

  std::int64_t client_page_size = 500;
  std::size_t concurrent_backups = 1;   // at work at once, of different namespaces
  std::size_t concurrent_restores = 4;  // restores at work at once; Velero's one
  std::size_t item_workers = 0;         // 0: twice the machine's threads
  std::vector<std::string>
      restore_resource_priorities;  // empty: Velero's order; "-" parts high from low
  std::vector<std::string> disabled_controllers;

  Duration fs_backup_timeout = std::chrono::hours(4);
  std::string uploader_type = "kopia";            // or restic
  Duration default_repo_maintain_frequency = {};  // zero: by the type of the repository
  std::string repository_config_map = {};         // what new repositories are like; empty: none

  MaintenanceConfig maintenance = {};

  // Within this time every pack of every repository is read back, at no more than this many bytes a
  // second. 0: never; without limit.
  Duration repository_verify_period = std::chrono::hours(720);
  ByteCount repository_verify_rate = 20_MiB;

  // Each time one of `verify_parts` parts of all backups is verified, in turn. 0: never.
  Duration verify_frequency = std::chrono::hours(24);
  std::size_t verify_parts = 7;

  std::string plugin_dir = "/plugins";  // of Velero plugins; one that isn't there has none
  bool prefer_plugins = false;          // of what is built in as well
  std::vector<std::string> features;    // passed on to plugins
};

}  // namespace lateen::server
