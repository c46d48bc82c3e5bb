// Maintenance of a repository as a Job, as Velero runs it: a pod of the server's own image, with
// its volumes, environment and ServiceAccount, that runs `repo-maintenance`. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/backup_repository.h"
#include "server/config.h"

namespace lateen::server {

// On Jobs and their pods; its value is valid_repository_name().
inline constexpr std::string_view kRepositoryNameLabel = "velero.io/repo-name";
// What stands before the reason in the output of a run that failed.
inline constexpr std::string_view kMaintenanceErrorMark = "Repo maintenance error: ";

// What one repository's Jobs are to be like.
struct MaintenanceJobSettings {
  Json resources = JsonObject();  // of the container, as a pod has it
  Json affinity = nullptr;        // of the pod; null: as the server's
  std::size_t keep = 3;
  std::string priority_class = {};
  JsonObject pod_labels = {};
  JsonObject pod_annotations = {};

  // The flags, and what the ConfigMap (null: there is none) says for all repositories (key global)
  // and for this one (key <namespace>-<location>-<type>). InvalidArgument says what is wrong in it.
  static Result<MaintenanceJobSettings> of(const MaintenanceConfig& config,
                                           const Json* config_map,
                                           const model::BackupRepository& repository);
};

// `deployment` is the server's. Named by `now`, to the millisecond.
Result<Json> maintenance_job(const model::BackupRepository& repository,
                             const Json& deployment,
                             const MaintenanceJobSettings& settings,
                             const ServerConfig& config,
                             TimePoint now);

// A Job that has ended; nothing while it is at work. `pod` is the Job's, if it is still there.
std::optional<model::MaintenanceRun> ended_run(const Json& job, const Json* pod);

// Whether maintenance is due. A last time that lies further ahead than a period is of a clock that
// was wrong, and counts for nothing.
bool is_maintenance_due(const model::BackupRepository& repository, TimePoint now);

// The runs with another one, oldest first, the newest three; one that is there already stays.
std::vector<model::MaintenanceRun> with_run(std::vector<model::MaintenanceRun> runs,
                                            model::MaintenanceRun run);

}  // namespace lateen::server
