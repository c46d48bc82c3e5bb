#include "assurance/local_volumes.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "kube/object.h"

namespace lateen::assurance {
namespace {

struct LocalKind {
  std::string_view type;
  std::string_view detail;  // the field that says where
  std::string_view advice;
};

constexpr std::string_view kCopyFiles =
    "file-system backup copies it while the pod runs: annotate the pod with "
    "backup.velero.io/backup-volumes";
constexpr std::string_view kUseClaim = "put what must last into a PersistentVolumeClaim";

constexpr std::array<LocalKind, 11> kLocalKinds = {{
    {"emptyDir", "medium", kCopyFiles},
    {"hostPath", "path",
     "it lies on the node: no backup of the cluster reads it; put what must last "
     "into a PersistentVolumeClaim"},
    {"nfs", "server",
     "the file server's own backup, or file-system backup (annotate the pod with "
     "backup.velero.io/backup-volumes)"},
    {"csi", "driver", kUseClaim},
    {"ephemeral", "",
     "it goes with its pod; annotate the pod for file-system backup if it matters"},
    {"awsElasticBlockStore", "volumeID",
     "EBS snapshots by AWS Backup, or a PersistentVolume over "
     "the volume"},
    {"gcePersistentDisk", "pdName", kUseClaim},
    {"azureDisk", "diskURI", kUseClaim},
    {"azureFile", "shareName", kUseClaim},
    {"cephfs", "path", kUseClaim},
    {"iscsi", "targetPortal", kUseClaim},
}};

}  // namespace

std::vector<LocalVolume> local_volumes_of(const Json& pod) {
  std::vector<LocalVolume> found;
  const JsonArray* volumes = array_at(pod, "spec.volumes");
  if (volumes == nullptr) return found;
  for (const Json& volume : *volumes) {
    const std::string name(string_at(volume, "name"));
    const auto kind = std::ranges::find_if(kLocalKinds, [&volume](const LocalKind& one) {
      return find(volume, JsonKey{one.type}) != nullptr;
    });
    if (kind == kLocalKinds.end()) continue;
    found.push_back({.ns = std::string(kube::namespace_of(pod)),
                     .pod = std::string(kube::name_of(pod)),
                     .volume = name,
                     .type = std::string(kind->type),
                     .detail = kind->detail.empty()
                                   ? std::string()
                                   : std::string(as_text(find(find(volume, JsonKey{kind->type}),
                                                              JsonKey{kind->detail}))),
                     .advice = std::string(kind->advice)});
  }
  return found;
}

}  // namespace lateen::assurance
