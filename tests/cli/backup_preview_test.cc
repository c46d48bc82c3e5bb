#include "cli/backup_preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lateen::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

server::BackupPreview preview() {
  server::BackupPreview preview;
  preview.backup.metadata.name = "b1";
  preview.backup.spec.storage_location = "default";
  preview.objects = {{"v1/ConfigMap", {"shop/a", "shop/b"}}, {"v1/Namespace", {"shop"}}};
  preview.volumes.push_back({.ns = "shop",
                             .claim = "db",
                             .volume = "pv-1",
                             .pod = {},
                             .method = volumes::VolumeMethod::CsiSnapshot,
                             .reason = "spec.snapshotVolumes",
                             .with = "fast"});
  preview.hooks.push_back({.ns = "shop",
                           .pod = "db-0",
                           .phase = model::HookPhase::Pre,
                           .hook = {.name = "freeze",
                                    .container = "main",
                                    .command = {"sync", "-f"},
                                    .timeout = std::chrono::seconds(30)}});
  model::BackupVolumeInfo unsaved;
  unsaved.pvc_namespace = "shop";
  unsaved.pvc_name = "cache";
  unsaved.pv_name = "pv-2";
  unsaved.skipped = true;
  unsaved.skipped_reason = "any: skipped due to resource policy;";
  preview.unsaved_volumes.push_back(unsaved);
  preview.coverage.left_out_namespaces = {
      {.name = "kube-system", .platform = "Kubernetes", .why = "the cluster's own"}};
  preview.coverage.left_out_kinds = {{.kind = "nodes", .reason = "excluded"}};
  preview.coverage.findings.outside = {{.what = "RDS database",
                                        .target = "db.abc.eu-west-1.rds.amazonaws.com",
                                        .object = "secrets shop/db",
                                        .field = "data.host",
                                        .covered_by = "AWS Backup"}};
  preview.coverage.findings.local_volumes = {{.ns = "shop",
                                              .pod = "web-0",
                                              .volume = "cache",
                                              .type = "hostPath",
                                              .detail = "/var/cache",
                                              .advice = "use a claim"}};
  preview.coverage.findings.warnings = {{.id = "missing-storage-class",
                                         .subject = "storageclasses.storage.k8s.io fast",
                                         .message = "it is not in the backup",
                                         .advice = "Create it first."}};
  preview.warnings = {"a warning"};
  return preview;
}

TEST(BackupPreview, TellsAPersonWhatIsInAndWhatIsNot) {
  EXPECT_EQ(
      print_preview(preview(), OutputFormat::Table),
      R"(Backup b1 would hold 3 objects of 2 kinds in location default. Nothing was stored, no hook ran, and no volume was touched.

Objects:
KIND           OBJECTS
v1/ConfigMap   2
v1/Namespace   1

Volumes:
NAMESPACE   CLAIM   VOLUME   POD      PATH           WITH   WHY
shop        db      pv-1     <none>   CSI snapshot   fast   spec.snapshotVolumes

Hooks:
NAMESPACE   POD    PHASE   CONTAINER   COMMAND   ON ERROR   TIMEOUT   FROM
shop        db-0   pre     main        sync -f   Fail       30s       freeze

Volumes whose data are not covered:
  shop/cache (volume pv-2): any: skipped due to resource policy;

Namespaces that are not covered:
  kube-system (Kubernetes): the cluster's own

Kinds that are not covered:
  nodes: excluded

Volumes of pods that are no claims:
  shop/web-0 cache (hostPath /var/cache): use a claim

Out of the cluster, and so out of reach:
  RDS database db.abc.eu-west-1.rds.amazonaws.com (secrets shop/db, data.host): AWS Backup

For a restore elsewhere:
  missing-storage-class: storageclasses.storage.k8s.io fast: it is not in the backup. Create it first.

Warnings:
  a warning
)");
}

TEST(BackupPreview, IsADocumentForPrograms) {
  const Json document = preview_document(preview());
  EXPECT_EQ(string_at(document, "backup.metadata.name"), "b1");
  EXPECT_EQ(write_json(document.at("objects")),
            R"({"v1/ConfigMap":["shop/a","shop/b"],"v1/Namespace":["shop"]})");
  EXPECT_EQ(write_json(document.at("volumes")),
            R"([{"claim":"db","namespace":"shop","path":"CSI snapshot",)"
            R"("reason":"spec.snapshotVolumes","volume":"pv-1","with":"fast"}])");
  EXPECT_EQ(write_json(document.at("notCovered").at("kinds")),
            R"([{"kind":"nodes","reason":"excluded"}])");
  EXPECT_THAT(print_preview(preview(), OutputFormat::Yaml), HasSubstr("onError: Fail"));
  EXPECT_THAT(print_preview(preview(), OutputFormat::JsonText), Not(HasSubstr("KIND")));
}

}  // namespace
}  // namespace lateen::cli
