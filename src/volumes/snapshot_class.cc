#include "volumes/snapshot_class.h"

#include "base/text.h"
#include "kube/object.h"

namespace lateen::volumes {
namespace {

constexpr std::string_view kClassKey = "velero.io/csi-volumesnapshot-class";
constexpr std::string_view kDefaultClass = "snapshot.storage.kubernetes.io/is-default-class";

Result<std::string> named_class(std::string_view name,
                                std::string_view driver,
                                std::string_view who,
                                const std::vector<Json>& classes) {
  for (const Json& candidate : classes) {
    if (kube::name_of(candidate) != name) continue;
    const std::string_view its_driver = string_at(candidate, "driver");
    if (its_driver == driver) return std::string(name);
    return Error(Code::InvalidArgument,
                 "VolumeSnapshotClass {}, named by {}, is of driver {} and not of {}", name, who,
                 its_driver, driver);
  }
  return Error(Code::NotFound, "VolumeSnapshotClass {}, named by {}, does not exist", name, who);
}

}  // namespace

Result<std::string> choose_snapshot_class(std::string_view driver,
                                          const Json& claim,
                                          const Json& backup,
                                          const std::vector<Json>& classes) {
  if (const auto name = kube::annotation_of(claim, kClassKey); !name.empty()) {
    return named_class(name, driver, "an annotation of the claim", classes);
  }
  const std::string backup_key = fmt::format("{}_{}", kClassKey, to_lower(driver));
  if (const auto name = kube::annotation_of(backup, backup_key); !name.empty()) {
    return named_class(name, driver, "an annotation of the backup", classes);
  }
  const Json* by_default = nullptr;
  const Json* only = nullptr;
  std::size_t of_driver = 0;
  for (const Json& candidate : classes) {
    if (string_at(candidate, "driver") != driver) continue;
    if (kube::has_label(candidate, kClassKey)) return std::string(kube::name_of(candidate));
    if (kube::annotation_of(candidate, kDefaultClass) == "true") by_default = &candidate;
    only = &candidate;
    ++of_driver;
  }
  if (by_default != nullptr) return std::string(kube::name_of(*by_default));
  if (of_driver == 1) return std::string(kube::name_of(*only));
  if (of_driver == 0) {
    return Error(Code::NotFound, "there is no VolumeSnapshotClass for CSI driver {}", driver)
        .with_hint(
            "Create one, or leave the volume to file-system backup, or exclude it by a volume "
            "policy.");
  }
  return Error(Code::NotFound,
               "driver {} has {} VolumeSnapshotClasses, and none is marked as the one to use",
               driver, of_driver)
      .with_hint(fmt::format("Label one of them {}=true.", kClassKey));
}

}  // namespace lateen::volumes
