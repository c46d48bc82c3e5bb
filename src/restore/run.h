// A restore's plan carried out: objects go from the tarball to the API server in ranks; inside a
// rank everything runs at once.
//
//   const RestorePlan plan = plan_restore(restore, archive.items(), facts);
//   RestoreOutcome outcome = TRY(run_restore(restore, plan, archive, tools, options, stop));
//   … upload the outcome's documents, phase Finalizing …
//   TRY(finalize_restore(restore, outcome, tools, stop));
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/trace.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "model/backup.h"
#include "model/item_operation.h"
#include "model/native_snapshot.h"
#include "model/restore.h"
#include "model/results.h"
#include "model/volume_info.h"
#include "restore/exec_hooks.h"
#include "restore/modifiers.h"
#include "restore/plan.h"

namespace lateen::volumes {
class SnapshotLocations;
}

namespace lateen::restore {

class ItemExtension;
class RestorePlugins;

// What a run works with. All of it outlives the run.
struct RestoreTools {
  kube::Client& client;
  const Clock& clock;
  Log log;  // goes to the restore's own log too
  std::string velero_namespace =
      "velero";  // where ConfigMaps that configure a restore are looked for
  const RestorePlugins* plugins = nullptr;  // null: none
  // File-system backups, moved snapshots: whoever brings back data from elsewhere.
  std::vector<ItemExtension*> extensions = {};
  Trace trace = {};  // where the run's spans hang
};

struct RestoreOutcome;

struct RestoreRunOptions {
  std::size_t workers =
      8;  // objects created at once; the API server's answers slow it down further
  Duration resource_timeout = std::chrono::minutes(10);
  Duration terminating_resource_timeout = std::chrono::minutes(10);
  // Of the backup's volumes; empty for backups older than Velero 1.14.
  std::vector<model::BackupVolumeInfo> volumes = {};
  // Those of the backup that CSI did not take, and where they are; null: they cannot be restored.
  std::vector<model::NativeSnapshot> native_snapshots = {};
  volumes::SnapshotLocations* snapshot_locations = nullptr;
  Modifiers modifiers = {};                              // rules that change objects on their way
  ResourcePriorities priorities = default_priorities();  // as the plan was made with
  // Hears, while the restore is finalized, what is still to be seen to, each time that it changes.
  std::function<Status(const RestoreOutcome& outcome)> checkpoint = {};
  // Hears how many objects are done, and how many there are; from any thread, and often.
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

// A claim that this restore created, whose new volume gets what the old one had.
struct ProvisionedClaim {
  std::string ns;
  std::string name;
  std::string reclaim_policy;
  model::StringMap labels;
};

struct RestoreOutcome {
  std::int64_t items = 0;
  model::Results results;             // warnings and errors, by namespace
  model::ResourceList resource_list;  // with (created), (updated), (failed), (skipped)
  std::vector<model::RestoreOperation> operations;
  std::vector<model::RestoreVolumeInfo> volumes;
  model::HookStatus hooks;
  // Why not everything was done; nothing when it was.
  std::optional<Error> cut_short = {};
  // What finalize_restore still has to see to.
  std::vector<HookedPod> hooked_pods;
  std::vector<ProvisionedClaim> provisioned_claims;
};

// What goes wrong with one object is an error in the results and the run goes on. When the rest is
// lost, because the API server has gone or we were told to stop, `cut_short` says so beside what
// was done until then. An Error comes back when nothing was.
Result<RestoreOutcome> run_restore(const model::Restore& restore,
                                   const RestorePlan& plan,
                                   const archive::ArchiveReader& archive,
                                   const RestoreTools& tools,
                                   const RestoreRunOptions& options,
                                   std::stop_token stop);

// After the uploads: waits for the volumes that this restore provisioned and gives them what the
// old ones had (reclaim policy, labels), and for the hooks that run in restored pods. Adds to the
// outcome's results and hooks.
Status finalize_restore(const model::Restore& restore,
                        RestoreOutcome& outcome,
                        const RestoreTools& tools,
                        const RestoreRunOptions& options,
                        std::stop_token stop);

}  // namespace lateen::restore
