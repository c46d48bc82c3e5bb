#include "backup/pod_volumes.h"

#include <algorithm>

#include "backup/pod_blocks.h"
#include "backup/rehearsal.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/decision.h"

namespace lateen::backup {
namespace {

using volumes::PodVolumeWay;

const kube::GroupVersionResource kClaimPath{"", "v1", "persistentvolumeclaims"};
const kube::GroupVersionResource kVolumePath{"", "v1", "persistentvolumes"};

// Nothing when it is not there.
Result<std::optional<Json>> get_if_there(kube::Client& client,
                                         const kube::ObjectPath& path,
                                         std::stop_token stop) {
  auto found = client.get(path, {}, stop);
  if (found) return std::optional(std::move(*found));
  if (found.error().is(Code::NotFound)) return std::optional<Json>();
  return std::move(found).error();
}

const Json* or_null(const std::optional<Json>& json) {
  return json ? &*json : nullptr;
}

}  // namespace

// Velero's alias on a claim would otherwise be seen only once the claim is fetched, which for most
// claims is after their pods are decided on.
Status PodVolumes::find_claims_by_alias(const CollectionStep& pods, std::stop_token stop) {
  const kube::ResourceType* claims = parts_.tools.discovery.find(kClaimPath);
  if (claims == nullptr || !parts_.plan.resources.why_not_as_additional(*claims).empty()) return {};
  CollectionStep step = pods;
  step.type = *claims;
  step.label_selectors = {""};
  step.first = {};
  std::set<std::string> found;
  const ItemTaker looking{.take = [&found](const ListPage&, const ObjectSlice& slice) -> Status {
                            if (!slice.annotations.empty() &&
                                slice.annotation(model::annotations::kBackupVolumesIncludes)) {
                              found.insert(kube::object_key(slice.ns, slice.name));
                            }
                            return {};
                          },
                          .again = [] {}};
  TRY(collect(step, parts_.tools, parts_.options.page_size, looking, stop));
  const Lock lock(mu_);
  aliased_.merge(found);
  return {};
}

Result<std::vector<ChosenPodVolume>> PodVolumes::choose(const Json& pod,
                                                        const Log& log,
                                                        std::stop_token stop) {
  std::vector<ChosenPodVolume> chosen;
  const JsonArray* all = array_at(pod, "spec.volumes");
  if (all == nullptr) return chosen;
  for (const Json& volume : *all) {
    if (!may_be_chosen(pod, volume)) continue;
    auto one =
        TRY(choose_one(pod, volume, log.with(LogField("volume", string_at(volume, "name"))), stop));
    if (one) chosen.push_back(std::move(*one));
  }
  return chosen;
}

// Before anything is fetched.
bool PodVolumes::may_be_chosen(const Json& pod, const Json& volume) {
  if (!volumes::can_be_copied(volume)) return false;
  if (parts_.options.policy ||
      volumes::is_chosen_for_file_system(pod, volume, nullptr, parts_.backup.spec)) {
    return true;
  }
  const std::string claim = claim_of(pod, volume);
  if (claim.empty()) return false;
  const Lock lock(mu_);
  return aliased_.contains(claim);
}

Result<std::optional<ChosenPodVolume>> PodVolumes::choose_one(const Json& pod,
                                                              const Json& volume,
                                                              const Log& log,
                                                              std::stop_token stop) {
  std::optional<ChosenPodVolume> none;
  ChosenPodVolume one{.name = std::string(string_at(volume, "name")), .reason = {}};
  const std::string claim = claim_of(pod, volume);
  if (!claim.empty()) {
    const Status read = read_claim(claim, one, stop);
    if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
    if (!read) {
      log.error("Error looking at a pod's volume, its files are not in the backup",
                {{"error", read.error()}});
      return none;
    }
  }
  const kube::ResourceType* claims = parts_.tools.discovery.find(kClaimPath);
  const volumes::PodVolumeDecision decision = volumes::decide_pod_volume(
      {.pod = &pod,
       .volume = &volume,
       .claim = or_null(one.claim),
       .persistent_volume = or_null(one.persistent_volume),
       .claims_excluded =
           claims != nullptr && !parts_.plan.resources.why_not_as_additional(*claims).empty()},
      parts_.backup.spec, parts_.options.policy ? &*parts_.options.policy : nullptr);
  if (!decision.warning.empty()) log.warning(decision.warning);
  if (decision.way == PodVolumeWay::Leave) return none;
  if (one.claim) {
    parts_.volumes.choose_for_file_system(kube::namespace_of(*one.claim),
                                          kube::name_of(*one.claim));
  }
  one.reason = decision.reason;
  if (decision.way == PodVolumeWay::Impossible) {
    log.warning("The data of this volume is not in the backup: it is chosen for file-system backup",
                {{"reason", decision.reason}});
    if (one.claim) {
      parts_.volumes.skip(or_null(one.persistent_volume), *one.claim,
                          fmt::format("podvolume: {};", decision.reason));
    }
    return none;
  }
  if (one.claim && !parts_.volumes.take_for_copy(*one.claim)) {
    log.info(
        "Pod volume uses a persistent volume claim which has already been backed up from another "
        "pod, skipping.");
    return none;
  }
  return std::optional(std::move(one));
}

Status PodVolumes::read_claim(const std::string& key, ChosenPodVolume& into, std::stop_token stop) {
  const auto [ns, name] = kube::parse_object_key(key);
  kube::Client& client = parts_.tools.client;
  into.claim = TRY(get_if_there(client, {.gvr = kClaimPath, .ns = ns, .name = name}, stop)
                       .wrap("reading the claim {}", key));
  if (!into.claim) return {};
  const std::string volume(string_at(*into.claim, "spec.volumeName"));
  if (volume.empty() || string_at(*into.claim, "status.phase") != "Bound") return {};
  into.persistent_volume = TRY(get_if_there(client, {.gvr = kVolumePath, .name = volume}, stop)
                                   .wrap("reading the volume {}", volume));
  return {};
}

Status PodVolumes::begin_copies(const Json& pod,
                                const std::vector<ChosenPodVolume>& chosen,
                                const Log& log,
                                std::stop_token stop) {
  if (parts_.options.rehearsal != nullptr) {
    rehearse(pod, chosen);
    return {};
  }
  if (parts_.options.pod_volumes == nullptr) {
    for (const ChosenPodVolume& one : chosen) {
      parts_.volumes.copy_refused(pod, one, "file-system backup is not available");
      log.error(
          "The data of this volume is not in the backup: it is chosen for file-system backup, "
          "which this server cannot do",
          {{"volume", one.name}, {"reason", one.reason}});
    }
    return {};
  }
  for (const ChosenPodVolume& one : chosen)
    parts_.volumes.copy_begun(pod, one);
  for (const RefusedPodVolume& refused :
       TRY(parts_.options.pod_volumes->begin(pod, chosen, log, stop))) {
    const auto at = std::find_if(chosen.begin(), chosen.end(),
                                 [&refused](const auto& one) { return one.name == refused.name; });
    if (at != chosen.end()) parts_.volumes.copy_refused(pod, *at, refused.reason);
  }
  return {};
}

void PodVolumes::rehearse(const Json& pod, const std::vector<ChosenPodVolume>& chosen) {
  for (const ChosenPodVolume& one : chosen) {
    parts_.volumes.copy_begun(pod, one);  // or its claim would be told of as missed
    parts_.options.rehearsal->add(PlannedVolume{
        .ns = std::string(kube::namespace_of(pod)),
        .claim = one.claim ? std::string(kube::name_of(*one.claim)) : std::string(),
        .volume =
            one.persistent_volume ? std::string(kube::name_of(*one.persistent_volume)) : one.name,
        .pod = std::string(kube::name_of(pod)),
        .method = volumes::VolumeMethod::FileSystem,
        .reason = one.reason});
  }
}

}  // namespace lateen::backup
