#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing/discovery.h"
#include "restore/action.h"
#include "restore/object_preparation.h"
#include "restore/testing/fixtures.h"

namespace lateen::restore {
namespace {

using samples::yaml;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RestoreActions : public ::testing::Test {
 protected:
  RestoreActions() {
    restore_.metadata.name = "r1";
    restore_.metadata.uid = "0b1c";
    restore_.spec.namespace_mapping = {{"shop", "copy"}};
  }

  ActionContext context() const { return {.restore = restore_, .discovery = discovery_}; }

  ActionVerdict act(std::string_view kind, Json& object, const ActionContext& with) {
    auto verdict = apply_actions(kind, object, status_, with);
    EXPECT_TRUE(verdict) << (verdict ? "" : verdict.error().message());
    return verdict ? std::move(*verdict) : ActionVerdict();
  }

  ActionVerdict act(std::string_view kind, Json& object) { return act(kind, object, context()); }

  const kube::Discovery discovery_ = backup::samples::make_discovery();
  model::Restore restore_;
  Json status_;
};

// ---- Workloads.

TEST_F(RestoreActions, APodForgetsItsNodeItsTokensAndFormerRestores) {
  Json pod = yaml(R"(
spec:
  nodeName: n1
  priority: 1000
  priorityClassName: high
  serviceAccountName: web
  initContainers: [{name: restore-wait}, {name: migrate}]
  containers:
  - name: c
    volumeMounts: [{name: data, mountPath: /data}, {name: web-token-x1, mountPath: /t}]
  volumes: [{name: data}, {name: web-token-x1}]
)");
  EXPECT_EQ(act("pods", pod).skip_reason, "");
  EXPECT_EQ(pod, yaml(R"(
spec:
  priorityClassName: high
  serviceAccountName: web
  initContainers: [{name: migrate}]
  containers:
  - name: c
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data}]
)"));
}

TEST_F(RestoreActions, AJobLosesTheLabelsOfItsFormerUid) {
  Json job = yaml(R"(
spec:
  selector: {matchLabels: {controller-uid: a, batch.kubernetes.io/controller-uid: a, app: x}}
  template: {metadata: {labels: {controller-uid: a, batch.kubernetes.io/controller-uid: a, app: x}}}
)");
  act("jobs.batch", job);
  EXPECT_EQ(job, yaml(R"(
spec:
  selector: {matchLabels: {app: x}}
  template: {metadata: {labels: {app: x}}}
)"));
}

TEST_F(RestoreActions, AServiceAccountDropsItsFirstMadeToken) {
  Json account = yaml(R"(
metadata: {name: web}
secrets: [{name: pull}, {name: web-token-a}, {name: web-token-b}]
)");
  act("serviceaccounts", account);
  EXPECT_EQ(*find(account, "secrets"), yaml("[{name: pull}, {name: web-token-b}]"));
}

TEST_F(RestoreActions, ImagesAreChangedByTheFirstRuleThatFits) {
  ActionContext with = context();
  with.image_parts = {{"registry.old/", "registry.new/"}, {"old", "newer"}};
  Json deployment = yaml(R"(
spec: {template: {spec: {containers: [{image: "registry.old/web:1"}, {image: "x/old:2"}]}}}
)");
  act("deployments.apps", deployment, with);
  EXPECT_EQ(deployment, yaml(R"(
spec: {template: {spec: {containers: [{image: "registry.new/web:1"}, {image: "x/newer:2"}]}}}
)"));
}

// ---- Access.

TEST_F(RestoreActions, SubjectsOfBindingsFollowTheirNamespace) {
  Json binding = yaml(R"(
subjects:
- {kind: ServiceAccount, name: a, namespace: shop}
- {kind: ServiceAccount, name: b, namespace: lab}
- {kind: Group, name: g}
)");
  act("clusterrolebindings.rbac.authorization.k8s.io", binding);
  EXPECT_EQ(*find(binding, "subjects"), yaml(R"(
- {kind: ServiceAccount, name: a, namespace: copy}
- {kind: ServiceAccount, name: b, namespace: lab}
- {kind: Group, name: g}
)"));
}

TEST_F(RestoreActions, TokensThatTheClusterMakesAreNotRestoredAndOthersAreMadeAnew) {
  Json made = yaml(R"(
metadata: {name: web-token-x, annotations: {kubernetes.io/service-account.name: web}}
type: kubernetes.io/service-account-token
)");
  EXPECT_EQ(act("secrets", made).skip_reason, "a token that the cluster makes by itself");
  Json asked = yaml(R"(
metadata:
  name: ci
  annotations: {kubernetes.io/service-account.name: web, kubernetes.io/service-account.uid: u}
type: kubernetes.io/service-account-token
data: {token: dA==, ca.crt: Yw==, namespace: cw==}
)");
  EXPECT_EQ(act("secrets", asked).skip_reason, "");
  EXPECT_EQ(asked, yaml(R"(
metadata: {name: ci, annotations: {kubernetes.io/service-account.name: web}}
type: kubernetes.io/service-account-token
data: {namespace: cw==}
)"));
}

TEST_F(RestoreActions, ADefinitionSaysInItsSchemasThatItKeepsUnknownFields) {
  Json crd = yaml("{spec: {preserveUnknownFields: true, versions: [{name: v1}]}}");
  act("customresourcedefinitions.apiextensions.k8s.io", crd);
  EXPECT_EQ(crd, yaml(R"(
spec:
  preserveUnknownFields: false
  versions: [{name: v1, schema: {openAPIV3Schema: {x-kubernetes-preserve-unknown-fields: true}}}]
)"));
}

TEST_F(RestoreActions, WebhooksGetSideEffectsThatV1Allows) {
  Json hooks = yaml(R"(
apiVersion: admissionregistration.k8s.io/v1
webhooks: [{name: a, sideEffects: Unknown}, {name: b, sideEffects: NoneOnDryRun}, not a webhook]
)");
  act("validatingwebhookconfigurations.admissionregistration.k8s.io", hooks);
  EXPECT_EQ(string_at(hooks.at("webhooks").at(0), "sideEffects"), "None");
  EXPECT_EQ(string_at(hooks.at("webhooks").at(1), "sideEffects"), "NoneOnDryRun");
}

TEST_F(RestoreActions, WhatTheApiServerMakesByItselfIsLeftToIt) {
  Json service = yaml("{metadata: {labels: {kube-aggregator.kubernetes.io/automanaged: onstart}}}");
  EXPECT_NE(act("apiservices.apiregistration.k8s.io", service).skip_reason, "");
}

// ---- Volumes.

Json bound_claim() {
  return yaml(R"(
metadata:
  name: data
  namespace: shop
  annotations:
    pv.kubernetes.io/bind-completed: "yes"
    pv.kubernetes.io/bound-by-controller: "yes"
    volume.kubernetes.io/storage-provisioner: d
    volume.beta.kubernetes.io/storage-provisioner: d
    volume.kubernetes.io/selected-node: n1
    keep: this
spec: {storageClassName: fast, volumeName: pv-1}
)");
}

Json claim_volume(std::string_view policy) {
  return yaml(fmt::format(R"(
metadata: {{name: pv-1, annotations: {{pv.kubernetes.io/bound-by-controller: "yes"}}}}
spec:
  persistentVolumeReclaimPolicy: {}
  claimRef: {{kind: PersistentVolumeClaim, name: data, namespace: shop, uid: u, resourceVersion: "7"}}
)",
                          policy));
}

ActionContext& note(ActionContext& context,
                    model::VolumeBackupMethod method,
                    std::string_view reclaim_policy,
                    bool data_moved = false) {
  model::BackupVolumeInfo info;
  info.pvc_name = "data";
  info.pvc_namespace = "shop";
  info.pv_name = "pv-1";
  info.backup_method = method;
  info.snapshot_data_moved = data_moved;
  info.skipped = method == model::VolumeBackupMethod::Unset;
  info.skipped_reason = info.skipped ? "somebody said so" : "";
  info.pv_info.emplace();
  info.pv_info->reclaim_policy = reclaim_policy;
  context.volume_by_pv.emplace(info.pv_name, info);
  context.volume_by_claim.emplace("shop/data", info);
  return context;
}

using model::VolumeBackupMethod;

TEST_F(RestoreActions, ASnapshottedClaimIsMadeFromItsSnapshotAndTheOldVolumeStaysAway) {
  ActionContext with = context();
  note(with, VolumeBackupMethod::CSISnapshot, "Delete");
  Json claim = bound_claim();
  kube::set_annotation(claim, "velero.io/volume-snapshot-name", "vs-1");
  EXPECT_EQ(act("persistentvolumeclaims", claim, with).skip_reason, "");
  EXPECT_EQ(claim, yaml(fmt::format(R"(
metadata: {{name: data, namespace: shop, annotations: {{keep: this}}}}
spec:
  storageClassName: fast
  dataSource: {{apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: {}}}
)",
                                    restored_snapshot_name(restore_, "vs-1"))));
  Json volume = claim_volume("Delete");
  EXPECT_EQ(act("persistentvolumes", volume, with).skip_reason, "its claim gets a new volume");
}

// hex(sha256("0b1c/vs-1")), by sha256sum.
TEST_F(RestoreActions, ASnapshotsNameIsOfTheRestoreAndTheOldName) {
  EXPECT_EQ(restored_snapshot_name(restore_, "vs-1"),
            "51aebe6d8d65307770afcd4f27e04cf48718fba30e5ba8f0cd557ea01f02b9b1");
}

TEST_F(RestoreActions, WithoutRestoringVolumesASnapshottedClaimComesBackEmpty) {
  restore_.spec.restore_pvs = false;
  ActionContext with = context();
  note(with, VolumeBackupMethod::CSISnapshot, "Delete");
  Json claim = bound_claim();
  kube::set_annotation(claim, "velero.io/volume-snapshot-name", "vs-1");
  const ActionVerdict verdict = act("persistentvolumeclaims", claim, with);
  EXPECT_THAT(verdict.errors, IsEmpty());
  EXPECT_EQ(*find(claim, "spec"), yaml("{storageClassName: fast}"));
  Json snapshot = yaml("{metadata: {name: vs-1, namespace: shop}}");
  EXPECT_EQ(act("volumesnapshots.snapshot.storage.k8s.io", snapshot, with).skip_reason,
            "volumes are not restored");
}

struct EmptyCase {
  const char* name;
  VolumeBackupMethod method;
  bool moved;
  const char* error;
};

// What cannot be brought back is an error, never a silence.
TEST_F(RestoreActions, AClaimWhoseDataCannotBeRestoredSaysSo) {
  for (const EmptyCase& one :
       {EmptyCase{"files", VolumeBackupMethod::PodVolumeBackup, false, "file-system backup"},
        EmptyCase{"moved", VolumeBackupMethod::CSISnapshot, true,
                  "moving its data to the repository failed"}}) {
    ActionContext with = context();
    note(with, one.method, "Delete", one.moved);
    Json claim = bound_claim();
    EXPECT_THAT(act("persistentvolumeclaims", claim, with).errors,
                ElementsAre(HasSubstr(one.error)))
        << one.name;
    EXPECT_EQ(*find(claim, "spec"), yaml("{storageClassName: fast}"));
  }
}

TEST_F(RestoreActions, ASkippedVolumeThatWasDeletedWithItsClaimComesBackEmptyWithAWarning) {
  ActionContext with = context();
  note(with, VolumeBackupMethod::Unset, "Delete");
  Json claim = bound_claim();
  EXPECT_THAT(act("persistentvolumeclaims", claim, with).warnings,
              ElementsAre("the backup does not hold its data (somebody said so): the volume comes "
                          "back empty"));
  Json volume = claim_volume("Delete");
  EXPECT_NE(act("persistentvolumes", volume, with).skip_reason, "");
}

TEST_F(RestoreActions, ARetainedVolumeIsBoundAgainInTheMappedNamespace) {
  ActionContext with = context();
  note(with, VolumeBackupMethod::Unset, "Retain");
  Json claim = bound_claim();
  act("persistentvolumeclaims", claim, with);
  EXPECT_EQ(*find(claim, "spec"), yaml("{storageClassName: fast, volumeName: pv-1}"));
  Json volume = claim_volume("Retain");
  EXPECT_EQ(act("persistentvolumes", volume, with).skip_reason, "");
  EXPECT_EQ(volume, yaml(R"(
metadata: {name: pv-1}
spec:
  persistentVolumeReclaimPolicy: Retain
  claimRef: {kind: PersistentVolumeClaim, name: data, namespace: copy}
)"));
}

TEST_F(RestoreActions, AContentPointsAtItsSnapshotInTheMappedNamespace) {
  ActionContext with = context();
  with.snapshot_class_of_driver = {{"d", "fast"}};
  Json content = yaml(R"(
metadata: {name: c1, labels: {velero.io/backup-name: b1}}
spec:
  deletionPolicy: Delete
  driver: d
  sourceVolumeMode: Block
  source: {volumeHandle: v1}
  volumeSnapshotClassName: old
  volumeSnapshotRef: {name: vs-1, namespace: shop, uid: u}
)");
  status_ = yaml("{snapshotHandle: h1}");
  EXPECT_EQ(act("volumesnapshotcontents.snapshot.storage.k8s.io", content, with).skip_reason, "");
  const std::string name = restored_snapshot_name(restore_, "vs-1");
  EXPECT_EQ(content, yaml(fmt::format(R"(
metadata: {{name: {0}, labels: {{velero.io/backup-name: b1}}}}
spec:
  deletionPolicy: Retain
  driver: d
  sourceVolumeMode: Block
  source: {{snapshotHandle: h1}}
  volumeSnapshotClassName: fast
  volumeSnapshotRef:
    apiVersion: snapshot.storage.k8s.io/v1
    kind: VolumeSnapshot
    name: {0}
    namespace: copy
)",
                                      name)));
  Json snapshot = yaml(R"(
metadata: {name: vs-1, namespace: shop}
spec: {source: {persistentVolumeClaimName: data}, volumeSnapshotClassName: old}
)");
  act("volumesnapshots.snapshot.storage.k8s.io", snapshot, with);
  EXPECT_EQ(*find(snapshot, "spec"),
            yaml(fmt::format("{{source: {{volumeSnapshotContentName: {}}}}}", name)));
}

TEST_F(RestoreActions, AContentWithoutAHandleIsAnError) {
  Json content = yaml("{metadata: {name: c1}, spec: {driver: d}}");
  EXPECT_EQ(act("volumesnapshotcontents.snapshot.storage.k8s.io", content).errors.size(), 1U);
}

TEST_F(RestoreActions, StorageClassesAreChangedInVolumesClaimsAndTemplates) {
  ActionContext with = context();
  with.storage_classes = {{"fast", "faster"}};
  Json claim = bound_claim();
  act("persistentvolumeclaims", claim, with);
  EXPECT_EQ(string_at(claim, "spec.storageClassName"), "faster");
  Json set = yaml(R"(
spec: {volumeClaimTemplates: [{spec: {storageClassName: fast}}, {spec: {storageClassName: slow}}]}
)");
  act("statefulsets.apps", set, with);
  EXPECT_EQ(*find(set, "spec.volumeClaimTemplates"), yaml(R"(
- {spec: {storageClassName: faster}}
- {spec: {storageClassName: slow}}
)"));
}

// ---- Services.

struct ServiceCase {
  const char* name;
  const char* service;
  const char* managed = "null";
  bool preserve = false;
  const char* expected;
};

class ServiceAction : public ::testing::TestWithParam<ServiceCase> {};

TEST_P(ServiceAction, KeepsWhatAPersonChose) {
  Json service = yaml(GetParam().service);
  act_on_service(service, yaml(GetParam().managed), GetParam().preserve);
  EXPECT_EQ(*find(service, "spec"), yaml(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    ,
    ServiceAction,
    ::testing::ValuesIn(std::vector<ServiceCase>{
        {.name = "TheClusterIpIsTheClusters",
         .service = "{spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1], ports: [{port: 80}]}}",
         .expected = "{ports: [{port: 80}]}"},
        {.name = "HeadlessStaysHeadless",
         .service = "{spec: {clusterIP: None, clusterIPs: [None]}}",
         .expected = "{clusterIP: None, clusterIPs: [None]}"},
        {.name = "NodePortsAreTheClustersToo",
         .service = "{spec: {ports: [{port: 80, nodePort: 30080}], healthCheckNodePort: 31000}}",
         .expected = "{ports: [{port: 80}]}"},
        {.name = "UnlessTheyAreToBePreserved",
         .service = "{spec: {ports: [{port: 80, nodePort: 30080}], healthCheckNodePort: 31000}}",
         .preserve = true,
         .expected = "{ports: [{port: 80, nodePort: 30080}], healthCheckNodePort: 31000}"},
        {.name = "OrWereAppliedWithTheirNumber",
         .service =
             R"({metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"spec":{"ports":[{"port":80,"nodePort":30080}]}}'}}, spec: {ports: [{port: 80, nodePort: 30080}, {port: 81, nodePort: 30081}]}})",
         .expected = "{ports: [{port: 80, nodePort: 30080}, {port: 81}]}"},
        {.name = "OrAreOwnedByAManager",
         .service = "{spec: {ports: [{port: 80, nodePort: 30080}, {port: 81, nodePort: 30081}]}}",
         .managed =
             R"([{fieldsV1: {"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {"f:nodePort": {}}}}}}])",
         .expected = "{ports: [{port: 80}, {port: 81, nodePort: 30081}]}"},
        {.name = "AnAnnotationThatIsNotJsonIsSomebodyElses",
         .service =
             R"({metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: 'x'}}, spec: {ports: [{port: 80, nodePort: 30080}]}})",
         .expected = "{ports: [{port: 80}]}"},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

// ---- What is done to every object.

TEST(ObjectPreparation, TakesOutTheFormerLifeAndKeepsFinalizers) {
  Json object = yaml(R"(
metadata:
  name: a
  namespace: shop
  uid: u
  resourceVersion: "1"
  generation: 2
  creationTimestamp: "2026-11-22T10:09:21Z"
  deletionTimestamp: "2026-11-22T10:09:21Z"
  deletionGracePeriodSeconds: 30
  ownerReferences: [{uid: o}]
  generateName: a-
  selfLink: /x
  managedFields: [{manager: m}]
  finalizers: [keep.example.com/me]
  labels: {app: x}
status: {phase: Bound}
)");
  strip(object);
  EXPECT_EQ(object, yaml("{metadata: {name: a, namespace: shop, finalizers: [keep.example.com/me], "
                         "labels: {app: x}}}"));
}

TEST(ObjectPreparation, WhatHasEndedIsNotWorthIt) {
  EXPECT_EQ(why_not_worth_it("pods", yaml("{status: {phase: Succeeded}}")),
            "the pod has ended (Succeeded)");
  EXPECT_EQ(why_not_worth_it("pods", yaml("{status: {phase: Running}}")), "");
  EXPECT_EQ(
      why_not_worth_it("pods", yaml("{metadata: {annotations: {kubernetes.io/config.mirror: x}}}")),
      "a mirror of a static pod");
  EXPECT_EQ(why_not_worth_it("jobs.batch", yaml("{status: {completionTime: x}}")),
            "the job has completed");
  EXPECT_EQ(why_not_worth_it("jobs.batch", yaml("{status: {active: 1}}")), "");
}

TEST(ObjectPreparation, TheSameIsTheSameWithoutRestoresLabelsAndStatus) {
  const Json there = yaml(R"(
metadata: {name: a, uid: u, resourceVersion: "9", labels: {velero.io/restore-name: older, app: x}}
data: {k: v}
status: {phase: x}
)");
  Json ours = yaml("{metadata: {name: a, labels: {app: x}}, data: {k: v}}");
  label_as_restored(ours, "b1", "r1");
  EXPECT_EQ(kube::label_of(ours, "velero.io/backup-name"), "b1");
  EXPECT_TRUE(is_same_content(there, ours));
  ensure(ours, "data.k") = "w";
  EXPECT_FALSE(is_same_content(there, ours));
}

TEST(ObjectPreparation, OnlyAppliedFieldsAreGivenBack) {
  EXPECT_EQ(applied_fields(yaml("{metadata: {managedFields: [{operation: Update}]}}")), nullptr);
  EXPECT_NE(applied_fields(yaml("{metadata: {managedFields: [{operation: Apply}]}}")), nullptr);
}

// The real objects of bookstore-full against the live ones: what would be created again lacks
// nothing that a person wrote.
TEST(ObjectPreparation, OfRealObjectsKeepsWhatPeopleWrote) {
  const archive::ArchiveReader archive = samples::open_velero("bookstore-full");
  const Json live = samples::read_json(samples::velero_bucket() / "expected.json");
  std::size_t compared = 0;
  for (const Json& object : *array_at(live, "items")) {
    const std::string_view kind = kube::kind_of(object);
    if (kind != "ConfigMap" && kind != "Secret" && kind != "Deployment" && kind != "Ingress")
      continue;
    const std::string plural = kind == "ConfigMap"    ? "configmaps"
                               : kind == "Secret"     ? "secrets"
                               : kind == "Deployment" ? "deployments.apps"
                                                      : "ingresses.networking.k8s.io";
    const archive::ArchivedItem* item =
        archive.find(plural, kube::namespace_of(object), kube::name_of(object));
    if (item == nullptr) continue;  // left-out
    Json stored = parse_json(archive.read(*item).value()).value();
    EXPECT_TRUE(is_same_content(object, stored)) << kube::object_key(object);
    ++compared;
  }
  EXPECT_EQ(compared, 10U);
}

}  // namespace
}  // namespace lateen::restore
