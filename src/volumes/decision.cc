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
      return {VolumeMethod::None, "skipped due to matched resource policies"};
    case model::VolumeAction::FsBackup:
      return {VolumeMethod::FileSystem, "a volume policy says fs-backup"};
    case model::VolumeAction::Snapshot:
      return {snapshot_method(volume), "a volume policy says snapshot"};
    case model::VolumeAction::Custom:
      return {VolumeMethod::None, "a volume policy leaves it to a plugin (custom)"};
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
    return {VolumeMethod::None,
            "not satisfy the criteria for VolumePolicy or the legacy snapshot way"};
  }
  return {snapshot_method(volume), "spec.snapshotVolumes"};
}

std::vector<std::string> file_system_volumes(const Json& pod, const model::BackupSpec& spec) {
  const bool by_default = spec.default_volumes_to_fs_backup.value_or(false);
  const std::string_view wanted = kube::annotation_of(pod, model::annotations::kBackupVolumes);
  const std::string_view unwanted =
      kube::annotation_of(pod, model::annotations::kBackupVolumesExcludes);
  std::vector<std::string> chosen;
  const JsonArray* volumes = array_at(pod, "spec.volumes");
  if (volumes == nullptr) return chosen;
  for (const Json& volume : *volumes) {
    const std::string_view name = string_at(volume, "name");
    if (never_copied(volume)) continue;
    if (by_default ? !listed(unwanted, name) : listed(wanted, name)) chosen.emplace_back(name);
  }
  return chosen;
}

}  // namespace lateen::volumes
