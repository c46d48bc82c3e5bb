#include "volumes/volume_rebind.h"

#include <algorithm>

#include "base/thread.h"
#include "kube/object.h"

namespace lateen::volumes {
namespace {

constexpr std::string_view kPolicyAnnotation = "lateen.io/reclaim-policy";
constexpr Duration kRebindPoll = std::chrono::milliseconds(200);

kube::ObjectPath claim_path(const std::string& ns, const std::string& name) {
  return {.gvr = {"", "v1", "persistentvolumeclaims"}, .ns = ns, .name = name};
}

kube::ObjectPath volume_path(const std::string& name) {
  return {.gvr = {"", "v1", "persistentvolumes"}, .name = name};
}

bool is_of(const Json& volume, const Json& claim) {
  return string_at(volume, "spec.claimRef.namespace") == kube::namespace_of(claim) &&
         string_at(volume, "spec.claimRef.name") == kube::name_of(claim);
}

// The claim asks for the volume, and the volume for the claim.
Status bind_both(kube::Client& client,
                 const VolumeHandover& handover,
                 const std::string& volume_name,
                 std::stop_token stop) {
  const Json claim =
      TRY(client.get(claim_path(handover.target_ns, handover.target_claim), {}, stop)
              .wrap("reading claim {}/{}", handover.target_ns, handover.target_claim));
  const std::string_view wanted = string_at(claim, "spec.volumeName");
  if (!wanted.empty() && wanted != volume_name) {
    return Error(Code::AlreadyExists,
                 "claim {}/{} is bound to volume {} by now: the restored data are in volume {}",
                 handover.target_ns, handover.target_claim, wanted, volume_name);
  }
  const Json volume = TRY(client.get(volume_path(volume_name), {}, stop));
  JsonObject labels;
  if (const JsonObject* selected = object_at(claim, "spec.selector.matchLabels"))
    labels = *selected;
  JsonObject patch{
      {"metadata",
       JsonObject{{"labels", std::move(labels)},
                  {"annotations", JsonObject{{"pv.kubernetes.io/bound-by-controller", nullptr}}}}}};
  if (!is_of(volume, claim)) {
    patch["spec"] = JsonObject{{"claimRef", JsonObject{{"apiVersion", "v1"},
                                                       {"kind", "PersistentVolumeClaim"},
                                                       {"namespace", handover.target_ns},
                                                       {"name", handover.target_claim},
                                                       {"uid", nullptr},
                                                       {"resourceVersion", nullptr}}}};
  }
  if (wanted.empty()) {
    TRY(client
            .patch(claim_path(handover.target_ns, handover.target_claim), kube::PatchType::Merge,
                   JsonObject{{"spec", JsonObject{{"volumeName", volume_name}}}}, {}, stop)
            .wrap("binding claim {}/{}", handover.target_ns, handover.target_claim));
  }
  TRY(client
          .patch(volume_path(volume_name), kube::PatchType::Merge, Json(std::move(patch)), {}, stop)
          .wrap("binding volume {}", volume_name));
  return {};
}

Status wait_until_bound(kube::Client& client,
                        const VolumeHandover& handover,
                        Deadline deadline,
                        std::stop_token stop) {
  while (true) {
    const Json claim =
        TRY(client.get(claim_path(handover.target_ns, handover.target_claim), {}, stop));
    if (string_at(claim, "status.phase") == "Bound") return {};
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded,
                   "claim {}/{} was not bound to its restored volume in time", handover.target_ns,
                   handover.target_claim)
          .with_hint(fmt::format("kubectl -n {} describe pvc {}", handover.target_ns,
                                 handover.target_claim));
    }
    if (!sleep_unless_stopped(kRebindPoll, stop))
      return Error(Code::Canceled, "the wait was stopped");
  }
}

// The last word: with it, nothing of ours is left on the volume.
Status unmark(kube::Client& client, const std::string& volume_name, std::stop_token stop) {
  const Json volume = TRY(client.get(volume_path(volume_name), {}, stop));
  JsonObject patch{
      {"metadata", JsonObject{{"labels", JsonObject{{kWholeLabel, nullptr}}},
                              {"annotations", JsonObject{{kPolicyAnnotation, nullptr}}}}}};
  const std::string_view policy = kube::annotation_of(volume, kPolicyAnnotation);
  if (!policy.empty()) patch["spec"] = JsonObject{{"persistentVolumeReclaimPolicy", policy}};
  TRY(client.patch(volume_path(volume_name), kube::PatchType::Merge, Json(std::move(patch)), {},
                   std::move(stop)));
  return {};
}

}  // namespace

bool uses_claim(const Json& pod, std::string_view claim) {
  const std::string_view phase = string_at(pod, "status.phase");
  const JsonArray* all = array_at(pod, "spec.volumes");
  if (phase == "Succeeded" || phase == "Failed" || all == nullptr) return false;
  return std::any_of(all->begin(), all->end(), [&](const Json& volume) {
    if (string_at(volume, "persistentVolumeClaim.claimName") == claim) return true;
    return find(volume, "ephemeral") != nullptr &&
           fmt::format("{}-{}", kube::name_of(pod), string_at(volume, "name")) == claim;
  });
}

Status remove_and_wait(kube::Client& client,
                       const kube::ObjectPath& path,
                       std::optional<std::int64_t> grace,
                       Deadline deadline,
                       std::stop_token stop) {
  kube::DeleteOptions options;
  options.grace_period_seconds = grace;
  auto removed = client.remove(path, options, stop);
  while (true) {
    if (!removed && removed.error().is(Code::NotFound)) return {};
    if (!removed) return Error(removed.error()).wrap("deleting {}", path.describe());
    if (deadline.expired())
      return Error(Code::DeadlineExceeded, "{} was not gone in time", path.describe());
    if (!sleep_unless_stopped(kRebindPoll, stop))
      return Error(Code::Canceled, "the wait was stopped");
    removed = client.get(path, {}, stop);
  }
}

Result<std::string> mark_whole(kube::Client& client,
                               const VolumeHandover& handover,
                               std::stop_token stop) {
  const Json claim = TRY(client.get(claim_path(handover.ns, handover.name), {}, stop)
                             .wrap("reading the claim of the restored volume"));
  std::string name(string_at(claim, "spec.volumeName"));
  if (name.empty())
    return Error(Code::Internal, "claim {}/{} has no volume", handover.ns, handover.name);
  const Json volume = TRY(client.get(volume_path(name), {}, stop));
  const std::string_view policy = string_at(volume, "spec.persistentVolumeReclaimPolicy");
  const Json patch =
      JsonObject{{"metadata", JsonObject{{"labels", JsonObject{{kWholeLabel, handover.mover_uid}}},
                                         {"annotations", JsonObject{{kPolicyAnnotation, policy}}}}},
                 {"spec", JsonObject{{"persistentVolumeReclaimPolicy", "Retain"}}}};
  TRY(client.patch(volume_path(name), kube::PatchType::Merge, patch, {}, stop)
          .wrap("keeping volume {}", name));
  return name;
}

Result<std::optional<std::string>> find_whole(kube::Client& client,
                                              const VolumeHandover& handover,
                                              std::stop_token stop) {
  const Json list = TRY(client.list(
      volume_path({}), {.label_selector = fmt::format("{}={}", kWholeLabel, handover.mover_uid)},
      std::move(stop)));
  std::optional<std::string> found;
  const JsonArray* items = array_at(list, "items");
  if (items != nullptr && !items->empty()) found = std::string(kube::name_of(items->front()));
  return found;
}

Status hand_over(kube::Client& client,
                 const VolumeHandover& handover,
                 const std::string& volume,
                 Deadline deadline,
                 std::stop_token stop) {
  TRY(remove_and_wait(client, {.gvr = {"", "v1", "pods"}, .ns = handover.ns, .name = handover.name},
                      0, deadline, stop));
  TRY(remove_and_wait(client, claim_path(handover.ns, handover.name), {}, deadline, stop));
  TRY(bind_both(client, handover, volume, stop));
  TRY(wait_until_bound(client, handover, deadline, stop));
  return unmark(client, volume, std::move(stop));
}

}  // namespace lateen::volumes
