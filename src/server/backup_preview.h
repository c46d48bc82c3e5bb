// What a Backup would hold if it ran now: the real run, but that nothing is written, no hook runs,
// and no volume is touched. For `backup create --dry-run`.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "backup/plan.h"
#include "backup/rehearsal.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/backup.h"
#include "model/results.h"
#include "model/volume_info.h"
#include "server/cluster.h"
#include "server/config.h"

namespace lateen::server {

struct BackupPreview {
  model::Backup backup;         // with its defaults, as a server with default flags would store it
  model::ResourceList objects;  // "apps/v1/Deployment" → names
  std::vector<backup::PlannedVolume> volumes;  // each that would be saved, and how
  std::vector<backup::PlannedHook> hooks;
  // What is not covered, each with its reason.
  std::vector<model::BackupVolumeInfo> unsaved_volumes;
  std::vector<backup::SkippedKind> left_out_kinds;
  std::vector<std::string> left_out_namespaces;
  // What the backup would say.
  std::vector<std::string> warnings;
  std::vector<std::string> errors;
};

// InvalidArgument says everything for which the Backup would fail validation. Plugins' actions are
// not asked: they run in the server.
Result<BackupPreview> preview_backup(const model::Backup& backup,
                                     const Cluster& cluster,
                                     const ServerConfig& config,
                                     const Clock& clock,
                                     std::stop_token stop);

}  // namespace lateen::server
