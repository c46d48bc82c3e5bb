// What a Backup would hold if it ran now: the real run, but that nothing is written, no hook runs,
// and no volume is touched. For `backup create --dry-run`.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "assurance/backup_coverage.h"
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
  // What is not covered, each with its reason; and what it would miss at a restore elsewhere.
  std::vector<model::BackupVolumeInfo> unsaved_volumes;
  assurance::BackupCoverage coverage;
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

// The same whatever its locations are: for who asks what a selection holds, not whether it can be
// stored. `witness`, if given, sees every object instead of the one that makes `coverage`.
Result<BackupPreview> preview_selection(const model::Backup& backup,
                                        const Cluster& cluster,
                                        const ServerConfig& config,
                                        const Clock& clock,
                                        backup::ItemWitness* witness,
                                        std::stop_token stop);

// A Backup of all that the cluster has and that can be backed up.
model::Backup backup_of_everything();

}  // namespace lateen::server
