#include "volumes/decision.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "kube/object.h"
#include "model/names.h"

namespace lateen::volumes {
namespace {

VolumeMethod snapshot_method(const Json& volume) {
  return find(volume, "spec.csi") != nullptr ? VolumeMethod::CsiSnapshot
                                             : VolumeMethod::NativeSnapshot;
}

VolumeDecision by_policy(const model::VolumePolicy& policy, const Json& volume) {
  switch (policy.action) {
    case model::VolumeAction::Skip:
      return {VolumeMethod::None, "any: skipped due to resource policy;"};
    case model::VolumeAction::FsBackup:
      return {VolumeMethod::FileSystem, "a volume policy says fs-backup"};
    case model::VolumeAction::Snapshot:
      return {snapshot_method(volume), "a volume policy says snapshot"};
    case model::VolumeAction::Custom:
      return {VolumeMethod::None, "any: a volume policy leaves it to a plugin (custom);"};
  }
  return {};
}

bool listed(std::string_view annotation, std::string_view volume) {
  const std::vector<std::string> names = split_trimmed(annotation, ',');
  return std::find(names.begin(), names.end(), volume) != names.end();
}

// What is never copied as files: made from the cluster's own objects, or the node's.
bool never_copied(const Json& volume) {
  constexpr std::array<std::string_view, 5> kSources = {"hostPath", "secret", "projected",
                                                        "configMap", "downwardAPI"};
  return string_at(volume, "name").starts_with("default-token") ||
         std::any_of(kSources.begin(), kSources.end(), [&volume](std::string_view source) {
           return find(volume, source) != nullptr;
         });
}

// What the annotations and the spec's default say of a volume.
struct Choice {
  bool chosen = false;
  std::string reason;
  bool by_alias = false;
};

// On a claim there is no volume name to give: it means the claim itself.
bool claims_itself(const Json& claim, std::string_view volume) {
  const std::string_view value =
      kube::annotation_of(claim, model::annotations::kBackupVolumesIncludes);
  return value == "true" || value == "*" || listed(value, kube::name_of(claim)) ||
         listed(value, volume);
}

Choice choose(const Json& pod,
              const Json& volume,
              const Json* claim,
              const model::BackupSpec& spec) {
  namespace names = model::annotations;
  const std::string_view name = string_at(volume, "name");
  if (never_copied(volume)) return {false, "it has no files of its own"};
  if (spec.default_volumes_to_fs_backup == true) {
    if (listed(kube::annotation_of(pod, names::kBackupVolumesExcludes), name)) {
      return {false, fmt::format("opted out due to annotation in pod {}", kube::name_of(pod))};
    }
    return {true, "spec.defaultVolumesToFsBackup"};
  }
  if (listed(kube::annotation_of(pod, names::kBackupVolumes), name)) {
    return {true, fmt::format("the pod's annotation {}", names::kBackupVolumes)};
  }
  if (listed(kube::annotation_of(pod, names::kBackupVolumesIncludes), name)) {
    return {true, fmt::format("the pod's annotation {}", names::kBackupVolumesIncludes), true};
  }
  if (claim != nullptr && claims_itself(*claim, name)) {
    return {true, fmt::format("the claim's annotation {}", names::kBackupVolumesIncludes), true};
  }
  return {false, "nobody asks for a copy of its files"};
}

std::string alias_warning(const Json& volume) {
  return fmt::format(
      "Volume {} is chosen for file-system backup by the annotation {}, which Velero does not "
      "know; "
      "its name is {}, on the pod",
      string_at(volume, "name"), model::annotations::kBackupVolumesIncludes,
      model::annotations::kBackupVolumes);
}

bool any_container_has(const Json& pod, std::string_view list, std::string_view volume) {
  const JsonArray* containers = array_at(pod, "spec.containers");
  if (containers == nullptr) return false;
  return std::any_of(containers->begin(), containers->end(), [&](const Json& container) {
    const JsonArray* mounts = array_at(container, list);
    return mounts != nullptr && std::any_of(mounts->begin(), mounts->end(), [&](const Json& one) {
             return string_at(one, "name") == volume;
           });
  });
}

// Empty if the node agent can read the volume's files. In Velero's words.
std::string why_not_copied(const Json& pod, const Json& volume, const Json* persistent_volume) {
  const std::string_view name = string_at(volume, "name");
  if (string_at(pod, "status.phase") != "Running" || string_at(pod, "spec.nodeName").empty()) {
    return "pod is not running";
  }
  if (persistent_volume != nullptr && find(*persistent_volume, "spec.hostPath") != nullptr) {
    return fmt::format(
        "volume {} is a hostPath volume which is not supported for pod volume backup", name);
  }
  if (any_container_has(pod, "volumeDevices", name)) {
    return fmt::format("volume {} is a block volume, which fs-backup cannot copy", name);
  }
  if (!any_container_has(pod, "volumeMounts", name)) {
    return fmt::format("volume {} is not mounted by any container", name);
  }
  return {};
}

}  // namespace

std::string_view to_string(VolumeMethod method) {
  switch (method) {
    case VolumeMethod::None:
      return "not saved";
    case VolumeMethod::CsiSnapshot:
      return "CSI snapshot";
    case VolumeMethod::NativeSnapshot:
      return "native snapshot";
    case VolumeMethod::FileSystem:
      return "file-system backup";
  }
  return "not saved";
}

VolumeDecision decide(const VolumeSituation& situation,
                      const model::BackupSpec& spec,
                      const model::ResourcePolicy* policy) {
  if (situation.volume == nullptr) return {VolumeMethod::None, "the claim is bound to no volume"};
  const Json& volume = *situation.volume;
  if (policy != nullptr) {
    const auto facts = model::VolumeFacts::from(&volume, nullptr, situation.claim);
    if (const model::VolumePolicy* match = policy->match(facts)) return by_policy(*match, volume);
  }
  if (situation.chosen_for_file_system) {
    return {VolumeMethod::FileSystem, "a pod that mounts it chooses file-system backup"};
  }
  if (spec.snapshot_volumes == false) {
    return {
        VolumeMethod::None,
        "volumeSnapshot: not satisfy the criteria for VolumePolicy or the legacy snapshot way;"};
  }
  return {snapshot_method(volume), "spec.snapshotVolumes"};
}

bool can_be_copied(const Json& volume) {
  return !never_copied(volume);
}

bool is_chosen_for_file_system(const Json& pod,
                               const Json& volume,
                               const Json* claim,
                               const model::BackupSpec& spec) {
  return choose(pod, volume, claim, spec).chosen;
}

PodVolumeDecision decide_pod_volume(const PodVolumeSituation& situation,
                                    const model::BackupSpec& spec,
                                    const model::ResourcePolicy* policy) {
  const Json& pod = *situation.pod;
  const Json& volume = *situation.volume;
  if (never_copied(volume)) return {PodVolumeWay::Leave, "it has no files of its own"};
  if (situation.claims_excluded && find(volume, "persistentVolumeClaim") != nullptr) {
    return {PodVolumeWay::Leave, "the backup leaves out PersistentVolumeClaims"};
  }
  PodVolumeDecision decision{PodVolumeWay::Copy, "a volume policy says fs-backup"};
  const model::VolumePolicy* match =
      policy != nullptr ? policy->match(model::VolumeFacts::from(situation.persistent_volume,
                                                                 &volume, situation.claim))
                        : nullptr;
  if (match != nullptr && match->action != model::VolumeAction::FsBackup) {
    return {PodVolumeWay::Leave,
            fmt::format("a volume policy says {}", model::to_string(match->action))};
  }
  if (match == nullptr) {
    const Choice choice = choose(pod, volume, situation.claim, spec);
    decision.reason = choice.reason;
    if (choice.by_alias) decision.warning = alias_warning(volume);
    if (!choice.chosen) decision.way = PodVolumeWay::Leave;
  }
  if (decision.way == PodVolumeWay::Leave) return decision;
  std::string obstacle = why_not_copied(pod, volume, situation.persistent_volume);
  if (obstacle.empty()) return decision;
  decision.way = PodVolumeWay::Impossible;
  decision.reason = std::move(obstacle);
  return decision;
}

}  // namespace lateen::volumes
