#include "backup/pod_volume_action.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/gzip.h"
#include "model/documents.h"

namespace lateen::backup {
namespace {

// The PodVolumeBackup that the real Velero wrote, made again from what it was made of.
TEST(PodVolumeBackup, IsTheOneThatVeleroMakes) {
  const Bytes zipped = read_file(LATEEN_TESTDATA
                                 "/velero-bucket/bucket/backups/bookstore-full/"
                                 "bookstore-full-podvolumebackups.json.gz")
                           .value();
  const auto theirs = model::read_pod_volume_backups(gunzip(zipped, 16_MiB).value()).value();
  ASSERT_EQ(theirs.size(), 3U);
  for (const model::PodVolumeBackup& wanted : theirs) {
    model::Backup backup;
    backup.metadata.ns = "velero";
    backup.metadata.name = wanted.spec.tags.at("backup");
    backup.metadata.uid = wanted.spec.tags.at("backup-uid");
    backup.spec.storage_location = wanted.spec.backup_storage_location;
    const Json pod = JsonObject{{"metadata", JsonObject{{"namespace", wanted.spec.pod.ns},
                                                        {"name", wanted.spec.pod.name},
                                                        {"uid", wanted.spec.pod.uid}}},
                                {"spec", JsonObject{{"nodeName", wanted.spec.node}}}};
    ChosenPodVolume volume{.name = wanted.spec.volume, .reason = {}};
    if (const auto uid = wanted.spec.tags.find("pvc-uid"); uid != wanted.spec.tags.end()) {
      volume.claim = JsonObject{
          {"metadata", JsonObject{{"name", wanted.metadata.annotation("velero.io/pvc-name")},
                                  {"uid", uid->second}}}};
    }
    const model::PodVolumeBackup made = new_pod_volume_backup(backup, pod, volume, "kopia", "");
    EXPECT_EQ(made.spec, wanted.spec);
    EXPECT_EQ(made.metadata.labels, wanted.metadata.labels);
    EXPECT_EQ(made.metadata.annotations, wanted.metadata.annotations);
    EXPECT_EQ(made.metadata.generate_name, wanted.metadata.generate_name);
    EXPECT_EQ(made.metadata.owner_references, wanted.metadata.owner_references);
  }
}

}  // namespace
}  // namespace lateen::backup
