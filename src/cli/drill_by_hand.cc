#include "cli/drill_by_hand.h"

#include <algorithm>

#include "base/cron.h"
#include "base/duration.h"
#include "base/random.h"
#include "base/text.h"
#include "base/time.h"
#include "base/yaml.h"
#include "cli/exit_codes.h"
#include "cli/session.h"
#include "model/backup.h"
#include "model/restore.h"
#include "server/backup_verifier.h"
#include "server/drill_run.h"
#include "server/local_context.h"

namespace lateen::cli {
namespace {

// ---- export-cronjob

// Plain sh and kubectl, so that it runs where only Velero is. A Restore of a schedule takes its
// newest Completed backup. The trap removes the namespace however the script ends.
constexpr std::string_view kDrillScript = R"(set -eu
target=restore-test-$(date -u +%Y%m%d)
restore=drill-$target-$(date -u +%H%M%S)
cleanup() {
  kubectl delete namespace "$target" --ignore-not-found --wait=true --timeout=600s
  kubectl -n "$VELERO_NAMESPACE" delete restores.velero.io "$restore" --ignore-not-found
}
trap cleanup EXIT
trap 'exit 1' INT TERM
kubectl create namespace "$target"
kubectl -n "$target" create -f - <<END
{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "drill-deny-all"},
 "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}
END
kubectl create -f - <<END
{"apiVersion": "velero.io/v1", "kind": "Restore",
 "metadata": {"name": "$restore", "namespace": "$VELERO_NAMESPACE"},
 "spec": {"scheduleName": "$SCHEDULE", "includedNamespaces": ["$SOURCE"],
          "namespaceMapping": {"$SOURCE": "$target"},
          "excludedResources": ["ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io",
                                "cronjobs.batch"]}}
END
started=$(date +%s)
while :; do
  phase=$(kubectl -n "$VELERO_NAMESPACE" get restores.velero.io "$restore" -o jsonpath='{.status.phase}')
  case "$phase" in
    Completed) break ;;
    Failed|PartiallyFailed|FailedValidation) echo "DRILL FAILED: the restore is $phase"; exit 1 ;;
  esac
  if [ $(($(date +%s) - started)) -gt 3600 ]; then echo "DRILL FAILED: the restore takes too long"; exit 1; fi
  sleep 5
done
kubectl -n "$target" wait --for=condition=Ready pod --all --timeout=600s
pod=$(kubectl -n "$target" get pod -l "$SELECTOR" -o jsonpath='{.items[0].metadata.name}')
answer=$(kubectl -n "$target" exec "$pod" -- sh -c "$QUERY" | tr -d '[:space:]')
if [ "$answer" != "$EXPECTED" ]; then
  echo "DRILL FAILED: expected $EXPECTED, got $answer"
  exit 1
fi
echo "DRILL PASSED: $answer after $(($(date +%s) - started)) s"
)";

Json env(std::string_view name, std::string_view value) {
  return JsonObject{{"name", name}, {"value", value}};
}

Json rule(std::string_view group, JsonArray resources, JsonArray verbs) {
  return JsonObject{{"apiGroups", JsonArray{group}},
                    {"resources", std::move(resources)},
                    {"verbs", std::move(verbs)}};
}

Json cronjob(const Flags& flags, const std::string& ns) {
  const Json container = JsonObject{
      {"name", "drill"},
      {"image", flags.text("image")},
      {"command", JsonArray{"sh", "-c", kDrillScript}},
      {"env", JsonArray{env("VELERO_NAMESPACE", ns), env("SCHEDULE", flags.text("from-schedule")),
                        env("SOURCE", flags.text("source-namespace")),
                        env("SELECTOR", flags.text("selector")), env("QUERY", flags.text("query")),
                        env("EXPECTED", flags.text("expect"))}}};
  const Json pod = JsonObject{{"serviceAccountName", "velero-restore-drill"},
                              {"restartPolicy", "Never"},
                              {"terminationGracePeriodSeconds", 900},
                              {"containers", JsonArray{container}}};
  return JsonObject{
      {"apiVersion", "batch/v1"},
      {"kind", "CronJob"},
      {"metadata", JsonObject{{"name", "velero-restore-drill"}, {"namespace", ns}}},
      {"spec",
       JsonObject{{"schedule", flags.text("schedule")},
                  {"concurrencyPolicy", "Forbid"},
                  {"jobTemplate",
                   JsonObject{{"spec", JsonObject{{"backoffLimit", 0},
                                                  {"template", JsonObject{{"spec", pod}}}}}}}}}};
}

std::vector<Json> cronjob_objects(const Flags& flags, const std::string& ns) {
  const Json meta = JsonObject{{"name", "velero-restore-drill"}};
  const Json account =
      JsonObject{{"apiVersion", "v1"},
                 {"kind", "ServiceAccount"},
                 {"metadata", JsonObject{{"name", "velero-restore-drill"}, {"namespace", ns}}}};
  const Json role = JsonObject{
      {"apiVersion", "rbac.authorization.k8s.io/v1"},
      {"kind", "ClusterRole"},
      {"metadata", meta},
      {"rules",
       JsonArray{rule("", {"namespaces"}, {"create", "get", "list", "watch", "delete"}),
                 rule("", {"pods"}, {"get", "list", "watch"}), rule("", {"pods/exec"}, {"create"}),
                 rule("networking.k8s.io", {"networkpolicies"}, {"create"}),
                 // kubectl waits until what it deletes is gone, and watches for that.
                 rule("velero.io", {"restores"}, {"create", "get", "list", "watch", "delete"})}}};
  const Json binding = JsonObject{
      {"apiVersion", "rbac.authorization.k8s.io/v1"},
      {"kind", "ClusterRoleBinding"},
      {"metadata", meta},
      {"roleRef", JsonObject{{"apiGroup", "rbac.authorization.k8s.io"},
                             {"kind", "ClusterRole"},
                             {"name", "velero-restore-drill"}}},
      {"subjects",
       JsonArray{JsonObject{
           {"kind", "ServiceAccount"}, {"name", "velero-restore-drill"}, {"namespace", ns}}}}};
  return {account, role, binding, cronjob(flags, ns)};
}

Result<int> export_cronjob(Invocation& call) {
  const Flags& flags = call.flags;
  for (const char* needed : {"from-schedule", "source-namespace", "selector", "query", "expect"}) {
    if (flags.text(needed).empty())
      return Error(Code::InvalidArgument, "--{} must be given", needed);
  }
  TRY(CronSchedule::parse(flags.text("schedule")).wrap("--schedule"));
  bool first = true;
  for (const Json& object : cronjob_objects(flags, TRY(velero_namespace(call)))) {
    call.console.out(first ? "" : "---\n");
    call.console.out(write_yaml(object));
    first = false;
  }
  return 0;
}

// ---- destroy-and-restore

constexpr Duration kDestroyPoll = std::chrono::milliseconds(500);
constexpr Duration kDestroyTimeout = std::chrono::minutes(10);

// The person types the namespace's name, or has given it by the flag.
bool is_meant(Invocation& call, const std::string& ns) {
  if (call.flags.given("yes-destroy")) return call.flags.text("yes-destroy") == ns;
  call.console.line(fmt::format(
      "This deletes namespace {0} with everything in it, and then restores it from the backup.\n"
      "What changed since the backup is lost. Type the name of the namespace to go on:",
      ns));
  const auto typed = call.console.read_line();
  return typed && trim(*typed) == ns;
}

class FireDrill {
 public:
  FireDrill(const Session& session, Invocation& call, const server::ServerContext& context)
      : session_(session), call_(call), context_(context), ns_(call.args.front()) {}

  Result<int> run() {
    const std::string backup = call_.flags.text("from-backup");
    TRY(make_sure(backup));
    if (!is_meant(call_, ns_)) {
      call_.console.line("Nothing was done.");
      return exit_code::kError;
    }
    const auto started = monotonic_now();
    TRY(destroy());
    const Status back = restore(backup);
    if (!back) {
      return Error(back.error())
          .with_hint(fmt::format("Namespace {} was deleted. Restore it by hand: {} restore create "
                                 "--from-backup {} --include-namespaces {}",
                                 ns_, call_.program, backup, ns_));
    }
    const bool passed = check();
    call_.console.line(fmt::format("{} after {}.", passed ? "Passed" : "FAILED",
                                   format_go_duration(monotonic_now() - started)));
    return passed ? exit_code::kDone : exit_code::kFailed;
  }

 private:
  // A namespace is not deleted for a backup that could not bring it back.
  Status make_sure(const std::string& backup) {
    if (backup.empty()) return Error(Code::InvalidArgument, "--from-backup must be given");
    const auto there = TRY(session_.cluster.get<model::Backup>(backup, call_.stop));
    if (there.status.phase != model::BackupPhase::Completed) {
      return Error(Code::InvalidArgument, "backup {} is {}, not Completed", backup,
                   there.status.phase.text());
    }
    const auto store = TRY(server::open_store(context_, there.spec.storage_location, call_.stop));
    const auto names = TRY(store->get_resource_list(backup, call_.stop));
    const auto namespaces = names.find("v1/Namespace");
    const bool holds = namespaces != names.end() &&
                       std::find(namespaces->second.begin(), namespaces->second.end(), ns_) !=
                           namespaces->second.end();
    if (!holds)
      return Error(Code::InvalidArgument, "backup {} does not hold namespace {}", backup, ns_);
    const auto report = TRY(server::verify_backups(
        context_, {.names = {backup}, .location = there.spec.storage_location}, call_.stop));
    if (report.has_problem()) {
      return Error(Code::Corrupt, "backup {} is not what it was", backup)
          .with_hint(fmt::format("{} verify {} says what is wrong.", call_.program, backup));
    }
    return {};
  }

  Status destroy() {
    const kube::ObjectPath path{.gvr = {"", "v1", "namespaces"}, .name = ns_};
    TRY(context_.client().remove(path, {}, call_.stop).wrap("deleting namespace {}", ns_));
    call_.console.line(fmt::format("Namespace {} is being deleted …", ns_));
    const Deadline deadline = Deadline::after(kDestroyTimeout);
    while (true) {
      const auto there = context_.client().get(path, {}, call_.stop);
      if (!there && there.error().is(Code::NotFound)) return {};
      if (!there) return there.error();
      if (deadline.expired())
        return Error(Code::DeadlineExceeded, "namespace {} does not end", ns_);
      if (!sleep_unless_stopped(kDestroyPoll, call_.stop))
        return Error(Code::Canceled, "interrupted while namespace {} was being deleted", ns_);
    }
  }

  Status restore(const std::string& backup) {
    model::Restore restore;
    restore.metadata.name =
        fmt::format("restore-{}-{}", ns_, format_timestamp_suffix(call_.clock.now()));
    restore.metadata.ns = session_.ns();
    restore.spec.backup_name = backup;
    restore.spec.included_namespaces = {ns_};
    TRY(session_.cluster.create(restore, call_.stop));
    call_.console.line(fmt::format("Restore {} is at work …", restore.metadata.name));
    while (true) {
      const auto now = TRY(session_.cluster.get<model::Restore>(restore.metadata.name, call_.stop));
      if (now.status.phase == model::RestorePhase::Completed) return {};
      if (model::is_terminal(now.status.phase.value())) {
        return Error(Code::Internal, "restore {} ended {}", restore.metadata.name,
                     now.status.phase.text());
      }
      if (!sleep_unless_stopped(kDestroyPoll, call_.stop))
        return Error(Code::Canceled, "interrupted; restore {} goes on", restore.metadata.name);
    }
  }

  bool check() {
    std::vector<model::DrillCheck> checks = {{.name = "pods", .type = "podsReady"},
                                             {.name = "claims", .type = "claimsBound"}};
    if (!call_.flags.text("query").empty()) {
      checks.push_back({.name = "query",
                        .type = "exec",
                        .selector = call_.flags.text("selector"),
                        .command = {"sh", "-c", call_.flags.text("query")},
                        .expect = {.equals = call_.flags.text("expect")}});
    }
    bool passed = true;
    for (const model::DrillCheck& one : checks) {
      const auto result = server::make_check(context_, one, {{ns_, ns_}},
                                             Deadline::after(kDestroyTimeout), call_.stop);
      call_.console.line(fmt::format("{} {}: {}", result.passed ? "✓" : "✗", result.name,
                                     result.passed ? result.observed : result.message));
      passed = passed && result.passed;
    }
    return passed;
  }

  const Session& session_;
  Invocation& call_;
  const server::ServerContext& context_;
  const std::string ns_;
};

Result<int> destroy_and_restore(Invocation& call) {
  const Session session = TRY(open_session(call));
  SystemRng rng;
  const server::LocalContext local(*session.client, session.ns(), call.clock, rng, Log());
  return FireDrill(session, call, local.get()).run();
}

std::vector<FlagSpec> query_flags() {
  return {{.name = "selector", .usage = "The pod to ask, by its labels: app=db.", .shorthand = "l"},
          {.name = "query", .usage = "What to run there with sh -c."},
          {.name = "expect", .usage = "What it must answer."}};
}

}  // namespace

Command export_cronjob_command() {
  std::vector<FlagSpec> flags = query_flags();
  flags.push_back({.name = "from-schedule",
                   .usage = "The schedule whose newest backup is restored.",
                   .names = "schedule"});
  flags.push_back({.name = "source-namespace", .usage = "The namespace of the backup to restore."});
  flags.push_back({.name = "schedule",
                   .usage = "When to drill, as a cron expression.",
                   .value = "0 4 1 */3 *"});
  flags.push_back(
      {.name = "image", .usage = "An image with sh and kubectl.", .value = "alpine/k8s:1.32.3"});
  return {.name = "export-cronjob",
          .usage = "",
          .summary = "Print the CronJob velero-restore-drill, for clusters with Velero alone",
          .flags = std::move(flags),
          .run = export_cronjob,
          .max_args = 0};
}

Command destroy_and_restore_command() {
  std::vector<FlagSpec> flags = query_flags();
  flags.push_back(
      {.name = "from-backup", .usage = "The backup to restore from.", .names = "backup"});
  flags.push_back({.name = "yes-destroy",
                   .usage = "The namespace once more, instead of typing it when asked.",
                   .type_name = "NAMESPACE"});
  return {.name = "destroy-and-restore",
          .usage = "NAMESPACE",
          .summary = "The fire drill: delete a namespace, and restore it",
          .flags = std::move(flags),
          .run = with_one_name(destroy_and_restore),
          .text =
              "The fire drill: make sure that the backup is whole, delete a namespace with "
              "everything in it, restore it, and check.\nWhat changed since the backup is "
              "lost. Only for clusters where that may happen."};
}

}  // namespace lateen::cli
