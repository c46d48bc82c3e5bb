// `lateen repo-maintenance`: what the pod of a maintenance Job runs.
#include <algorithm>

#include "base/memory.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/common_flags.h"
#include "cli/session.h"
#include "server/local_context.h"
#include "server/maintenance_job.h"
#include "server/repository_maintenance.h"

namespace lateen::cli {
namespace {

using model::BackupRepository;

Result<BackupRepository> find_repository(const Session& session, const Invocation& call) {
  const std::string ns = call.flags.text("repo-name");
  const std::string type = call.flags.text("repo-type");
  const std::string location = call.flags.text("backup-storage-location");
  const auto all = TRY(session.cluster.list<BackupRepository>({}, call.stop));
  const auto found = std::find_if(all.begin(), all.end(), [&](const BackupRepository& one) {
    return one.spec.volume_namespace == ns && one.spec.repository_type == type &&
           one.spec.backup_storage_location == location;
  });
  if (found != all.end()) return *found;
  return Error(Code::NotFound,
               "there is no BackupRepository of namespace {}, location {} and type {} in {}", ns,
               location, type, session.ns());
}

Status maintain(const Invocation& call, const Log& log) {
  const Session session = TRY(open_session(call));
  SystemRng rng;
  const server::LocalContext local(*session.client, session.ns(), call.clock, rng, log);
  const BackupRepository repository = TRY(find_repository(session, call));
  return server::maintain_repository(local.get(), repository,
                                     log.with(LogField("backupRepo", repository.metadata.name)),
                                     call.stop);
}

// The last line of what failed is what the server reads as the reason.
Result<int> run_repo_maintenance(Invocation& call) {
  return_freed_memory();
  const Log log = TRY(log_by_flags(call.flags, 1));
  const Status done = maintain(call, log);
  if (done) return 0;
  call.console.line(fmt::format("{}{}", server::kMaintenanceErrorMark, done.error().describe()));
  return 1;
}

}  // namespace

Command repo_maintenance_command() {
  std::vector<FlagSpec> flags = log_flags();
  flags.push_back({.name = "repo-name", .usage = "Namespace of the repository's volumes"});
  flags.push_back({.name = "repo-type", .usage = "Type of the repository", .value = "kopia"});
  flags.push_back({.name = "backup-storage-location",
                   .usage = "Backup storage location that the repository is in"});
  return {.name = "repo-maintenance",
          .usage = "",
          .summary = "Run maintenance of a backup repository; for the pods of maintenance Jobs",
          .flags = std::move(flags),
          .run = run_repo_maintenance,
          .hidden = true,
          .max_args = 0};
}

}  // namespace lateen::cli
