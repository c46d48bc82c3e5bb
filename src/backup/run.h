// A backup's plan carried out: pages in, members out. Everything is listed a page at a time and
// reaches the tarball as the API server sent it; only what an action must look into is parsed.
//
//   const BackupPlan plan = plan_backup(spec, discovery, namespaces);
//   archive::ArchiveWriter archive(upload, &index, clock, {.backup = name});
//   BackupOutcome outcome = TRY(run_backup(backup, plan, tools, archive, stop));
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_writer.h"
#include "backup/plan.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/trace.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "model/backup.h"
#include "model/item_operation.h"
#include "model/native_snapshot.h"
#include "model/pod_volumes.h"
#include "model/resource_names.h"
#include "model/resource_policy.h"
#include "model/results.h"
#include "model/volume_info.h"
#include "volumes/snapshot_locations.h"

namespace lateen::backup {

class BackupPlugins;
class ItemWitness;
class PodVolumeCopier;
class Rehearsal;

// What a run works with. All of it outlives the run.
struct BackupTools {
  kube::Client& client;
  const kube::Discovery& discovery;
  const Clock& clock;
  Log log;  // goes to the backup's own log too; warnings and errors in it are the backup's
  const BackupPlugins* plugins = nullptr;  // null: none
  Trace trace = {};                        // where the run's spans hang
};

struct BackupRunOptions {
  std::int64_t page_size = 500;
  std::size_t workers =
      4;  // lists and items worked on at once; the API server's answers slow it down further
  std::optional<model::ResourcePolicy> policy = {};
  // Where volumes that CSI does not take are snapshotted; null: nowhere.
  volumes::SnapshotLocations* snapshot_locations = nullptr;
  // Told of the native snapshots while they are taken.
  std::function<Status(const std::vector<model::NativeSnapshot>&)> record_native_snapshots = {};
  // Who copies volumes of pods as files; null: nobody, and each that is chosen for it is an error.
  PodVolumeCopier* pod_volumes = nullptr;
  // Nothing is done to the cluster or its storage: what would have been is noted here. Null: for
  // real.
  Rehearsal* rehearsal = nullptr;
  // Sees every object that goes in; null: nobody looks.
  ItemWitness* witness = nullptr;
  // Hears how many objects are done, and how many are known of; from any thread, and often.
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

struct BackupOutcome {
  std::int64_t items = 0;
  model::ResourceNames names;                      // of everything in the tarball
  std::vector<model::BackupOperation> operations;  // to be polled until they end (operations.h)
  std::vector<model::BackupVolumeInfo> volumes;
  std::vector<model::NativeSnapshot> native_snapshots;
  std::vector<model::PodVolumeBackup> pod_volume_backups;
  model::HookStatus hooks;
  std::int64_t csi_snapshots_attempted = 0;
};

// The namespaces of the cluster, for plan_backup.
Result<std::vector<NamespaceFacts>> read_namespaces(kube::Client& client, std::stop_token stop);

// What goes wrong with one object is logged as an error (the backup becomes PartiallyFailed) and
// the run goes on. An Error comes back when the whole is lost: the tarball cannot be written, or we
// were told to stop.
Result<BackupOutcome> run_backup(const model::Backup& backup,
                                 const BackupPlan& plan,
                                 const BackupTools& tools,
                                 const BackupRunOptions& options,
                                 archive::ArchiveWriter& archive,
                                 std::stop_token stop);

}  // namespace lateen::backup
