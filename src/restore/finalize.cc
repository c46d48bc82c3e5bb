#include <algorithm>
#include <utility>

#include "base/thread.h"
#include "kube/object.h"
#include "restore/run.h"

namespace lateen::restore {
namespace {

constexpr std::size_t kClaimsAtOnce = 4;

// Null when the claim will not bind before a pod uses it.
Result<Json> wait_for_volume(const ProvisionedClaim& claim,
                             const RestoreTools& tools,
                             Deadline deadline,
                             std::stop_token stop) {
  const kube::ObjectPath path{
      .gvr = {"", "v1", "persistentvolumeclaims"}, .ns = claim.ns, .name = claim.name};
  std::chrono::milliseconds pause{100};
  while (true) {
    const Json now = TRY(tools.client.get(path, {}, stop));
    if (string_at(now, "status.phase") == "Bound") {
      return tools.client.get({.gvr = {"", "v1", "persistentvolumes"},
                               .name = std::string(string_at(now, "spec.volumeName"))},
                              {}, stop);
    }
    const std::string cls(string_at(now, "spec.storageClassName"));
    if (!cls.empty()) {
      auto storage_class = tools.client.get(
          {.gvr = {"storage.k8s.io", "v1", "storageclasses"}, .name = cls}, {}, stop);
      const bool waits =
          storage_class && string_at(*storage_class, "volumeBindingMode") == "WaitForFirstConsumer";
      const bool chosen = kube::has_annotation(now, "volume.kubernetes.io/selected-node");
      if (waits && !chosen) return Json();
    }
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "claim {}/{} was not bound in time", claim.ns,
                   claim.name)
          .with_hint(fmt::format("kubectl -n {} describe pvc {}", claim.ns, claim.name));
    }
    if (!sleep_unless_stopped(pause, stop)) return Error(Code::Canceled, "the restore was stopped");
    pause = std::min(pause * 2, std::chrono::milliseconds(2000));
  }
}

Status give_back(const ProvisionedClaim& claim,
                 const RestoreTools& tools,
                 Deadline deadline,
                 std::stop_token stop) {
  const Json volume = TRY(wait_for_volume(claim, tools, deadline, stop));
  if (volume.is_null()) return {};
  JsonObject patch;
  if (!claim.reclaim_policy.empty() &&
      string_at(volume, "spec.persistentVolumeReclaimPolicy") != claim.reclaim_policy) {
    patch["spec"] = JsonObject{{"persistentVolumeReclaimPolicy", claim.reclaim_policy}};
  }
  JsonObject labels;
  for (const auto& [key, value] : claim.labels) {
    if (kube::label_of(volume, key) != value) labels[key] = value;
  }
  if (!labels.empty()) patch["metadata"] = JsonObject{{"labels", std::move(labels)}};
  if (patch.empty()) return {};
  TRY(tools.client.patch(
      {.gvr = {"", "v1", "persistentvolumes"}, .name = std::string(kube::name_of(volume))},
      kube::PatchType::Merge, Json(std::move(patch)), {}, stop));
  return {};
}

}  // namespace

Status finalize_restore(const model::Restore& restore,
                        RestoreOutcome& outcome,
                        const RestoreTools& tools,
                        const RestoreRunOptions& options,
                        std::stop_token stop) {
  const Deadline deadline = Deadline::after(options.resource_timeout);
  Mutex mu;
  const std::vector<ProvisionedClaim> claims = std::exchange(outcome.provisioned_claims, {});
  TRY(parallel_for(
      claims.size(), kClaimsAtOnce,
      [&](std::size_t i, std::stop_token s) -> Status {
        const Status given = give_back(claims[i], tools, deadline, s);
        if (given || s.stop_requested()) return {};
        tools.log.error(
            "Could not give a restored volume what the old one had",
            {{"namespace", claims[i].ns}, {"name", claims[i].name}, {"error", given.error()}});
        const Lock lock(mu);
        outcome.results.errors.add(
            claims[i].ns,
            fmt::format("persistentvolumeclaims {}: {}", claims[i].name, given.error().message()));
        return {};
      },
      stop));
  // Velero waits for ever where a hook says nothing: a pod that never comes up would keep all later
  // restores waiting.
  HookWork work{.client = tools.client,
                .pods = outcome.hooked_pods,
                .status = outcome.hooks,
                .results = outcome.results,
                .longest_wait = restore.spec.item_operation_timeout,
                .log = tools.log,
                .checkpoint = {}};
  if (options.checkpoint) work.checkpoint = [&] { return options.checkpoint(outcome); };
  run_exec_hooks(work, stop);
  return stop.stop_requested() ? Error(Code::Canceled, "the restore was stopped") : Status();
}

}  // namespace lateen::restore
