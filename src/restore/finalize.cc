#include <algorithm>

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

// Errors are under the claims' namespaces. The status of a stop is its caller's to tell.
Status give_back_all(const std::vector<ProvisionedClaim>& claims,
                     const RestoreTools& tools,
                     Duration longest_wait,
                     model::ResultList& errors,
                     std::stop_token stop) {
  const Deadline deadline = Deadline::after(longest_wait);
  Mutex mu;
  return parallel_for(
      claims.size(), kClaimsAtOnce,
      [&](std::size_t i, std::stop_token s) -> Status {
        const ProvisionedClaim& claim = claims[i];
        const Status given = give_back(claim, tools, deadline, s);
        if (given || s.stop_requested()) return {};
        tools.log.error("Could not give a restored volume what the old one had",
                        {{"namespace", claim.ns}, {"name", claim.name}, {"error", given.error()}});
        const Lock lock(mu);
        errors.add(claim.ns, fmt::format("persistentvolumeclaims {}: {}", claim.name,
                                         given.error().message()));
        return {};
      },
      stop);
}

}  // namespace

// A claim that does not bind must not keep the hooks waiting.
Status finalize_restore(const model::Restore& restore,
                        RestoreOutcome& outcome,
                        const RestoreTools& tools,
                        const RestoreRunOptions& options,
                        std::stop_token stop) {
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
  model::ResultList of_claims;
  TRY(parallel_for(
      2, 2,
      [&](std::size_t i, std::stop_token s) -> Status {
        if (i == 0) {
          return give_back_all(outcome.provisioned_claims, tools, options.resource_timeout,
                               of_claims, s);
        }
        run_exec_hooks(work, s);
        return {};
      },
      stop));
  outcome.results.errors.merge(std::move(of_claims));
  if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
  outcome.provisioned_claims.clear();
  return {};
}

}  // namespace lateen::restore
