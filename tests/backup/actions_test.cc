#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/csi_actions.h"
#include "backup/csi_snapshot_taker.h"
#include "backup/related_actions.h"
#include "base/yaml.h"
#include "kube/object.h"

namespace lateen::backup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Json yaml(std::string_view text) {
  auto parsed = parse_yaml(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message());
  return parsed ? std::move(*parsed) : Json();
}

std::vector<std::string> leads_of(ItemAction& action, Json& object) {
  auto outcome = action.execute(object, Log(), {});
  EXPECT_TRUE(outcome);
  std::vector<std::string> leads;
  for (const RelatedItem& one : outcome->related) {
    leads.push_back(fmt::format("{} {}{}", one.kind.to_string(), kube::object_key(one.ns, one.name),
                                one.must_include ? "!" : ""));
  }
  return leads;
}

TEST(PodAction, LeadsToThePriorityClassAndTheClaims) {
  Json pod = yaml(R"(
metadata: {name: db-0, namespace: shop}
spec:
  priorityClassName: high
  volumes:
  - {name: data, persistentVolumeClaim: {claimName: data-db-0}}
  - {name: cache, emptyDir: {}}
  - {name: scratch, ephemeral: {}}
)");
  EXPECT_THAT(
      leads_of(*make_pod_action(), pod),
      ElementsAre("priorityclasses.scheduling.k8s.io high", "persistentvolumeclaims shop/data-db-0",
                  "persistentvolumeclaims shop/db-0-scratch"));
}

constexpr std::string_view kBoundClaim = R"(
metadata:
  name: data
  namespace: shop
  labels:
    app: db
    velero.io/restore-name: older
    velero.io/backup-name: other
    velero.io/volume-snapshot-name: vs
spec:
  storageClassName: fast
  volumeName: pv-1
  selector: {matchLabels: {disk: one}}
  dataSource: {kind: VolumeSnapshot, name: vs}
  dataSourceRef: {kind: VolumeSnapshot, name: vs}
status: {phase: Bound}
)";

TEST(ClaimAction, LeadsToTheVolumeAndForgetsWhereTheClaimCameFrom) {
  Json claim = yaml(kBoundClaim);
  EXPECT_THAT(leads_of(*make_claim_action("b1"), claim), ElementsAre("persistentvolumes pv-1"));
  EXPECT_EQ(claim, yaml(R"(
metadata: {name: data, namespace: shop, labels: {app: db}}
spec: {storageClassName: fast, volumeName: pv-1}
status: {phase: Bound}
)"));
}

TEST(ClaimAction, KeepsTheSelectorOfAStaticallyBoundClaimAndTheBackupsOwnLabel) {
  Json claim = yaml(kBoundClaim);
  ensure(claim, "spec.storageClassName") = "";
  make_claim_action("other")->execute(claim, Log(), {}).value();
  EXPECT_NE(find(claim, "spec.selector"), nullptr);
  EXPECT_EQ(kube::label_of(claim, "velero.io/backup-name"), "other");
}

TEST(ClaimAction, LeavesAnUnboundClaimsSourceAlone) {
  Json claim = yaml(kBoundClaim);
  ensure(claim, "status.phase") = "Pending";
  EXPECT_THAT(leads_of(*make_claim_action("b1"), claim), IsEmpty());
  EXPECT_NE(find(claim, "spec.dataSource"), nullptr);
}

const volumes::CsiSnapshot& snapshot() {
  static const volumes::CsiSnapshot kOne{.snapshot = yaml(R"(
metadata:
  name: velero-data-x7k
  namespace: shop
  creationTimestamp: "2026-11-22T10:09:21Z"
  labels: {velero.io/backup-name: b1}
)"),
                                         .content = yaml(R"(
metadata: {name: snapcontent-1}
spec: {driver: csi.example.com, deletionPolicy: Delete}
status: {snapshotHandle: snap-42, restoreSize: 2147483648, readyToUse: true}
)")};
  return kOne;
}

TEST(MarkClaim, SaysTheSnapshotAndAsksForRoomForIt) {
  Json claim = yaml(R"(
metadata: {name: data, namespace: shop}
spec: {resources: {requests: {storage: 1Gi}}}
)");
  mark_claim(claim, snapshot());
  EXPECT_EQ(kube::annotation_of(claim, "velero.io/volume-snapshot-name"), "velero-data-x7k");
  EXPECT_EQ(kube::label_of(claim, "velero.io/volume-snapshot-name"), "velero-data-x7k");
  EXPECT_EQ(kube::label_of(claim, "velero.io/backup-name"), "b1");
  EXPECT_EQ(string_at(claim, "spec.resources.requests.storage"), "2147483648");
}

TEST(MarkClaim, NeverMakesARequestSmaller) {
  Json claim = yaml("{metadata: {name: data}, spec: {resources: {requests: {storage: 3Gi}}}}");
  mark_claim(claim, snapshot());
  EXPECT_EQ(string_at(claim, "spec.resources.requests.storage"), "3Gi");
}

TEST(SnapshotOperation, IsNamedByTheSnapshotAndItsStart) {
  EXPECT_EQ(snapshot_operation_id(snapshot().snapshot),
            "shop/velero-data-x7k/2026-11-22T10:09:21Z");
}

TEST(AnnotateSnapshot, TellsARestoreWhatTheContentKnows) {
  Json vs = snapshot().snapshot;
  annotate_snapshot(vs, snapshot().content, "b1");
  EXPECT_EQ(kube::annotation_of(vs, "velero.io/csi-volumesnapshot-handle"), "snap-42");
  EXPECT_EQ(kube::annotation_of(vs, "velero.io/csi-driver-name"), "csi.example.com");
  EXPECT_EQ(kube::annotation_of(vs, "velero.io/csi-vsc-deletion-policy"), "Delete");
  EXPECT_EQ(kube::annotation_of(vs, "velero.io/csi-volumesnapshot-restore-size"), "2Gi");
}

TEST(ContentAction, BringsTheSecretThatDeletingNeeds) {
  for (const auto& [name_key, ns_key] : volumes::kDeletionSecretKeys) {
    Json content = snapshot().content;
    kube::set_annotation(content, name_key, "creds");
    kube::set_annotation(content, ns_key, "csi");
    EXPECT_THAT(leads_of(*make_csi_content_action("b1"), content),
                ElementsAre("secrets csi/creds!"));
    EXPECT_EQ(kube::label_of(content, "velero.io/backup-name"), "b1");
  }
}

TEST(ClassAction, BringsTheSecretThatListingNeeds) {
  Json cls = yaml(R"(
metadata:
  name: snaps
  annotations:
    csi.storage.k8s.io/snapshotter-list-secret-name: lister
    csi.storage.k8s.io/snapshotter-list-secret-namespace: csi
)");
  EXPECT_THAT(leads_of(*make_csi_class_action(), cls), ElementsAre("secrets csi/lister!"));
}

}  // namespace
}  // namespace lateen::backup
