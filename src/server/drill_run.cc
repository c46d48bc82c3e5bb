#include "server/drill_run.h"

#include <set>

#include "assurance/drill.h"
#include "assurance/signed_document.h"
#include "base/duration.h"
#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "model/backup.h"
#include "model/restore.h"
#include "server/backup_verifier.h"
#include "server/signing_keys.h"

namespace lateen::server {
namespace {

constexpr Duration kDrillTimeout = std::chrono::hours(1);
constexpr Duration kRestorePoll = std::chrono::milliseconds(500);

using model::DrillPhase;
using model::DrillRun;

// Namespaces of what the backup holds, by its resource list.
model::StringList namespaces_in(const model::ResourceList& names) {
  std::set<std::string> found;
  for (const auto& [kind, objects] : names) {
    for (const std::string& object : objects) {
      const Cut parts = cut(object, "/");
      if (parts.found) {
        found.emplace(parts.before);
      } else if (kind == "v1/Namespace") {
        found.insert(object);
      }
    }
  }
  return {found.begin(), found.end()};
}

// The first error of a restore's results; "" if there is none.
std::string first_error(const model::ResultList& errors) {
  if (!errors.velero.empty()) return errors.velero.front();
  if (!errors.cluster.empty()) return errors.cluster.front();
  for (const auto& [ns, messages] : errors.namespaces) {
    if (!messages.empty()) return messages.front();
  }
  return {};
}

// One run at work. Not thread-safe.
class DrillRunner {
 public:
  DrillRunner(const DrillJob& job, std::stop_token stop)
      : job_(job),
        context_(job.context),
        stop_(std::move(stop)),
        run_(job.run),
        names_{.drill = job.drill.metadata.name,
               .run = job.run.id,
               .server_namespace = job.context.cluster.ns()},
        deadline_(Deadline::after(job.drill.spec.timeout.value_or(kDrillTimeout))),
        log_(job.context.log.with(LogField("drill", names_.drill))) {}

  Result<DrillRun> run() {
    log_.info("Starting restore drill", {{"run", run_.id}});
    const Status tried = try_restore();
    if (stop_.stop_requested()) return Error(Code::Canceled, "the server was stopped");
    if (!tried) run_.message = tried.error().describe();
    // What is wrong with the backup itself is said first: the rest follows from it.
    if (!run_.checks.empty() && !run_.checks.front().passed) judge();
    return end(tried.has_value() && run_.message.empty());
  }

  Result<DrillRun> abandon() {
    run_.message = "the server ended in the middle of the drill; what it had made was removed";
    return end(false);
  }

 private:
  Status tell(std::string_view step) {
    run_.step = step;
    return job_.tell(run_);
  }

  Status try_restore() {
    TRY(tell("Preparing"));
    TRY(prepare());
    TRY(verify());
    TRY(tell("Restoring"));
    const auto started = monotonic_now();
    TRY(make_ground());
    TRY(restore());
    TRY(tell("Checking"));
    check();
    run_.recovery_time = monotonic_now() - started;
    if (run_.message.empty()) judge();
    if (run_.message.empty()) judge_time();
    return {};
  }

  // Which backup, into which namespaces; nothing is made yet.
  Status prepare() {
    const model::RestoreDrillSpec& spec = job_.drill.spec;
    const auto backups = TRY(context_.cluster.list<model::Backup>({}, stop_));
    const model::Backup backup = TRY(assurance::choose_drill_backup(spec.source, backups));
    run_.backup = backup.metadata.name;
    location_ = backup.spec.storage_location;
    const auto store = TRY(open_available_store(context_, location_, Access::Read, stop_));
    const auto names = TRY(store->get_resource_list(run_.backup, stop_)
                               .wrap("reading what backup {} holds", run_.backup));
    const auto namespaces =
        TRY(assurance::drill_namespaces(spec, namespaces_in(names), context_.cluster.ns()));
    // "20261122", and the time as well when that is taken.
    run_.namespaces = assurance::drill_mapping(spec, namespaces, run_.id.substr(0, 8));
    if (TRY(any_is_there())) run_.namespaces = assurance::drill_mapping(spec, namespaces, run_.id);
    if (TRY(any_is_there())) {
      return Error(Code::AlreadyExists, "namespace {} is there already",
                   run_.namespaces.begin()->second);
    }
    run_.restore = names_.restore();
    return {};
  }

  // Whether the backup is what it was: a restore that works may still be one of changed objects.
  Status verify() {
    const VerifyReport report =
        TRY(verify_backups(context_, {.names = {run_.backup}, .location = location_}, stop_));
    const assurance::BackupVerdict& verdict = report.backups.front();
    model::DrillCheckResult result{.name = "backup", .type = "verify", .passed = true};
    result.observed = fmt::format("manifest {}, {} files, {} objects, {} snapshots",
                                  assurance::to_string(verdict.manifest), verdict.files,
                                  verdict.items, verdict.snapshots);
    for (const assurance::Finding& one : verdict.findings) {
      if (one.level != assurance::FindingLevel::Problem) continue;
      result.passed = false;
      result.message = fmt::format("{} {}: {}", one.id, one.object, one.message);
      break;
    }
    run_.checks.push_back(std::move(result));
    return {};
  }

  Result<bool> any_is_there() {
    for (const auto& [ns, target] : run_.namespaces) {
      const auto there =
          context_.client().get({.gvr = {"", "v1", "namespaces"}, .name = target}, {}, stop_);
      if (there) return true;
      if (!there.error().is(Code::NotFound)) return there.error();
    }
    return false;
  }

  // Closed namespaces, before anything is in them, and what keeps it quiet.
  Status make_ground() {
    kube::Client& client = context_.client();
    for (const auto& [ns, target] : run_.namespaces) {
      TRY(client.create({.gvr = {"", "v1", "namespaces"}},
                        assurance::drill_namespace(names_, target), {}, stop_));
      if (job_.drill.spec.network == "Open") continue;
      TRY(client.create({.gvr = {"networking.k8s.io", "v1", "networkpolicies"}, .ns = target},
                        assurance::drill_network_policy(names_, target), {}, stop_));
    }
    TRY(client.create({.gvr = {"", "v1", "configmaps"}, .ns = context_.cluster.ns()},
                      assurance::drill_modifiers(names_), {}, stop_));
    return {};
  }

  Status restore() {
    TRY(context_.cluster.create(
        assurance::drill_restore(names_, job_.drill.spec, run_.backup, run_.namespaces), stop_));
    while (true) {
      const auto now = TRY(context_.cluster.get<model::Restore>(run_.restore, stop_));
      if (model::is_terminal(now.status.phase.value())) return note_restore(now);
      if (deadline_.expired()) {
        return Error(Code::DeadlineExceeded, "the restore is still {} after {}",
                     now.status.phase.text(),
                     format_go_duration(job_.drill.spec.timeout.value_or(kDrillTimeout)));
      }
      if (!sleep_unless_stopped(kRestorePoll, stop_))
        return Error(Code::Canceled, "the server was stopped");
    }
  }

  Status note_restore(const model::Restore& restore) {
    if (restore.status.phase == model::RestorePhase::Completed) return {};
    run_.message = fmt::format("the restore ended {} with {} errors", restore.status.phase.text(),
                               restore.status.errors);
    if (!restore.status.failure_reason.empty())
      run_.message += ": " + restore.status.failure_reason;
    for (const std::string& error : restore.status.validation_errors)
      run_.message += ": " + error;
    const auto store = open_store(context_, location_, stop_);
    const auto results = store ? (*store)->get_restore_results(restore.metadata.name, stop_)
                               : Result<model::Results>(store.error());
    const std::string why = results ? first_error(results->errors) : std::string();
    if (!why.empty()) run_.message += ": " + why;
    if (restore.status.phase == model::RestorePhase::PartiallyFailed) return {};
    return Error(Code::Internal, "{}", run_.message);
  }

  void check() {
    std::vector<model::DrillCheck> checks = {{.name = "pods", .type = "podsReady"},
                                             {.name = "claims", .type = "claimsBound"}};
    checks.insert(checks.end(), job_.drill.spec.checks.begin(), job_.drill.spec.checks.end());
    for (const model::DrillCheck& one : checks) {
      if (stop_.stop_requested()) return;
      run_.checks.push_back(make_check(context_, one, run_.namespaces, deadline_, stop_));
      const model::DrillCheckResult& result = run_.checks.back();
      log_.info("Drill check", {{"check", result.name},
                                {"passed", result.passed},
                                {"observed", result.observed},
                                {"message", result.message}});
    }
  }

  void judge() {
    for (const model::DrillCheckResult& result : run_.checks) {
      if (result.passed) continue;
      run_.message = fmt::format("check {} failed: {}", result.name, result.message);
      return;
    }
  }

  void judge_time() {
    const auto& allowed = job_.drill.spec.max_recovery_time;
    if (allowed && *run_.recovery_time > *allowed) {
      run_.message =
          fmt::format("recovery took {}, and {} is allowed",
                      format_go_duration(*run_.recovery_time), format_go_duration(*allowed));
    }
  }

  Result<DrillRun> end(bool passed) {
    TRY(tell("TearingDown"));
    const Status removed = tear_down_drill(context_, names_.drill, run_.id, stop_);
    if (stop_.stop_requested()) return Error(Code::Canceled, "the server was stopped");
    run_.torn_down = removed.has_value();
    if (!removed) {
      run_.message += fmt::format("{}what it made was not removed: {}",
                                  run_.message.empty() ? "" : "; ", removed.error().describe());
      passed = false;
    }
    run_.phase = passed ? DrillPhase::Passed : DrillPhase::Failed;
    run_.step.clear();
    run_.completion_timestamp = context_.clock.now();
    const Status kept = keep_evidence();
    if (!kept) {
      log_.error("Could not keep the evidence of a drill", {{"error", kept.error()}});
      run_.message += fmt::format("{}its evidence could not be stored: {}",
                                  run_.message.empty() ? "" : "; ", kept.error().message());
    }
    log_.info("Restore drill ended",
              {{"run", run_.id}, {"phase", run_.phase.text()}, {"message", run_.message}});
    return run_;
  }

  Status keep_evidence() {
    if (location_.empty() && !run_.backup.empty()) {
      location_ =
          TRY(context_.cluster.get<model::Backup>(run_.backup, stop_)).spec.storage_location;
    }
    if (location_.empty()) return {};  // no backup was found: there is no bucket to speak of
    const auto store = TRY(open_available_store(context_, location_, Access::Write, stop_));
    const SigningKeys keys = TRY(read_signing_keys(context_, stop_));
    const Bytes document =
        TRY(assurance::sign_document(assurance::drill_evidence(job_.drill, run_), keys.key));
    const auto read = TRY(assurance::read_signed(document, keys.trusted));
    const objects::Layout& layout = store->layout();
    model::DrillEvidence evidence{.location = location_,
                                  .json = layout.drill_evidence(names_.drill, run_.id, "json"),
                                  .html = layout.drill_evidence(names_.drill, run_.id, "html"),
                                  .sha256 = read.sha256,
                                  .key_id = read.key_id};
    TRY(store->objects().put(evidence.json, document, stop_));
    TRY(store->objects().put(evidence.html,
                             assurance::drill_page(job_.drill, run_, evidence.sha256), stop_));
    run_.evidence = std::move(evidence);
    return {};
  }

  const DrillJob& job_;
  const ServerContext& context_;
  const std::stop_token stop_;
  DrillRun run_;
  const assurance::DrillNames names_;
  const Deadline deadline_;
  const Log log_;
  std::string location_;
};

}  // namespace

Result<DrillRun> run_drill(const DrillJob& job, std::stop_token stop) {
  return DrillRunner(job, std::move(stop)).run();
}

Result<DrillRun> abandon_drill(const DrillJob& job, std::stop_token stop) {
  return DrillRunner(job, std::move(stop)).abandon();
}

}  // namespace lateen::server
