// Pods on their way into a backup: those that share a volume are a block, around which hooks run,
// and whose volumes are decided on together.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/collector.h"
#include "backup/hook_runner.h"
#include "backup/item_backupper.h"
#include "backup/plan.h"
#include "backup/plugin_blocks.h"
#include "backup/pod_blocks.h"
#include "backup/pod_volumes.h"
#include "backup/run.h"
#include "backup/volume_tracker.h"

namespace lateen::backup {

// All of it outlives the backupper.
struct PodBackupperParts {
  const model::Backup& backup;
  const BackupPlan& plan;
  const BackupTools& tools;
  const BackupRunOptions& options;
  VolumeTracker& volumes;
  ItemBackupper& items;
  HookRunner& hooks;
  const PluginBlockActions& block_actions;
  std::function<void()> tell_progress;
};

// Thread-safe.
class PodBackupper {
 public:
  explicit PodBackupper(const PodBackupperParts& parts)
      : parts_(parts),
        volumes_({.backup = parts.backup,
                  .plan = parts.plan,
                  .tools = parts.tools,
                  .options = parts.options,
                  .volumes = parts.volumes}) {}

  // Everything that the step of the pods lists. One without hooks and volumes is handed to `plain`
  // as it comes; the others wait until all that share a claim are known. Those that
  // orderedResources names are one block, which goes first. With label selectors, running pods that
  // mount a selected claim come along: a snapshot without their hooks would not be consistent.
  Status collect_pods(const CollectionStep& step, const ItemTaker& plain, std::stop_token stop);

 private:
  using Pods = std::map<std::string, Json>;  // by "ns/name"

  bool needs_block(const Json& pod) const;
  Status add_companions(const CollectionStep& step, Pods& pods, std::stop_token stop);
  Status back_up_pods(const CollectionStep& step, std::vector<Json> pods, std::stop_token stop);
  Status back_up_block(const kube::ResourceType& type, const PodBlock& block, std::stop_token stop);
  Status store_block(const kube::ResourceType& type,
                     const std::vector<const Json*>& pods,
                     std::stop_token stop);
  Status store_claims(const std::vector<const Json*>& pods, std::stop_token stop);

  Log log_of(const Json& pod) const;

  const PodBackupperParts parts_;
  PodVolumes volumes_;
};

}  // namespace lateen::backup
