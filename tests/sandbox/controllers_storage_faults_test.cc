// Storage on a bad day: classes without snapshots, errors in the real words, and faults on request.
#include <gtest/gtest.h>

#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/testing/cluster.h"

namespace lateen::sandbox {
namespace {

using testing::Cluster;

bool is_bound(const Json& object) {
  return string_at(object, "status.phase") == "Bound";
}

bool is_ready(const Json& object) {
  return bool_at(object, "status.readyToUse").value_or(false);
}

std::string claim(std::string_view name, std::string_view more = "") {
  return fmt::format(R"yaml(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {}, namespace: shop}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}{}}}
)yaml",
                     name, more);
}

std::string snapshot(std::string_view name, std::string_view of, std::string_view snapshot_class) {
  return fmt::format(R"yaml(
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {{name: {}, namespace: shop}}
spec: {{source: {{persistentVolumeClaimName: {}}}{}}}
)yaml",
                     name, of,
                     snapshot_class.empty()
                         ? std::string()
                         : fmt::format(", volumeSnapshotClassName: {}", snapshot_class));
}

// Waits until the VolumeSnapshot has an error, and says which.
std::string error_of(Cluster& cluster, std::string_view name) {
  const Json object = cluster.wait(resources::kVolumeSnapshots, "shop", name, [](const Json& now) {
    return !string_at(now, "status.error.message").empty();
  });
  EXPECT_FALSE(string_at(object, "status.error.time").empty());
  return std::string(string_at(object, "status.error.message"));
}

void wait_event(Cluster& cluster, std::string_view reason, std::string_view text) {
  const Deadline deadline = Deadline::after(std::chrono::seconds(60));
  std::string seen;
  while (!deadline.expired()) {
    seen.clear();
    for (const Json& event : cluster.list(resources::kEvents, "shop")) {
      seen += fmt::format("{}: {}\n", string_at(event, "reason"), string_at(event, "message"));
      if (string_at(event, "reason") == reason &&
          string_at(event, "message").find(text) != std::string_view::npos)
        return;
    }
    (void)sleep_unless_stopped(std::chrono::milliseconds(20), {});
  }
  ADD_FAILURE() << "no event " << reason << " with " << text << "; there are\n" << seen;
}

class Storage : public ::testing::Test {
 protected:
  Storage() { cluster_.create_namespace("shop"); }

  void add_fault(std::string_view json) {
    auto fault = parse_fault(*parse_json(json));
    ASSERT_TRUE(fault) << fault.error().message();
    ASSERT_TRUE(cluster_.faults().add(std::move(*fault)));
  }

  Json wait_claim(std::string_view name) {
    return cluster_.wait(resources::kPersistentVolumeClaims, "shop", name, is_bound);
  }

  Json volume_of(std::string_view name) {
    const Json bound = wait_claim(name);
    return *cluster_.get(resources::kPersistentVolumes, "", string_at(bound, "spec.volumeName"));
  }

  std::string phase_of(std::string_view name) {
    return std::string(
        string_at(*cluster_.get(resources::kPersistentVolumeClaims, "shop", name), "status.phase"));
  }

  Cluster cluster_{/*records_only=*/true};
};

TEST_F(Storage, OfTheSharedClassHasAnotherDriverAndNoSnapshots) {
  cluster_.create(claim("files", ", storageClassName: sandbox-efs"));
  const Json volume = volume_of("files");
  EXPECT_EQ(string_at(volume, "spec.csi.driver"), "shared.sandbox.lateen.dev");
  cluster_.create(snapshot("mismatched", "files", "sandbox-snapshots"));
  EXPECT_EQ(error_of(cluster_, "mismatched"),
            "Failed to create snapshot content with error Volume snapshot driver "
            "\"dir.sandbox.lateen.dev\" mismatch with persistent volume driver "
            "\"shared.sandbox.lateen.dev\"");
  cluster_.create(snapshot("no-class", "files", ""));
  EXPECT_EQ(error_of(cluster_, "no-class"),
            "Failed to set default snapshot class with error cannot find default snapshot class");
  cluster_.create(claim("copy",
                        ", storageClassName: sandbox-efs, dataSource: {kind: "
                        "PersistentVolumeClaim, name: files}"));
  wait_event(cluster_, "ProvisioningFailed",
             "CSI driver does not support clone operations: controller CLONE_VOLUME capability is "
             "not reported");
  EXPECT_EQ(phase_of("copy"), "Pending");
}

TEST_F(Storage, GetsTheDefaultSnapshotClassOfItsDriver) {
  cluster_.create(claim("data"));
  (void)wait_claim("data");
  cluster_.create(snapshot("snap", "data", ""));
  const Json made = cluster_.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
  EXPECT_EQ(string_at(made, "spec.volumeSnapshotClassName"), "sandbox-snapshots");
}

TEST_F(Storage, SaysWhatASnapshotLacksAndGoesOnWhenItIsThere) {
  cluster_.create(snapshot("snap", "data", "sandbox-snapshots"));
  EXPECT_EQ(error_of(cluster_, "snap"),
            "Failed to create snapshot content with error snapshot controller failed to update "
            "snap on API server: cannot get claim from snapshot: persistentvolumeclaims \"data\" "
            "not found");
  cluster_.create(snapshot("classless", "data", "nope"));
  EXPECT_NE(error_of(cluster_, "classless").find("\\\"nope\\\" not found"), std::string::npos);
  cluster_.create(claim("data"));
  const Json made = cluster_.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
  EXPECT_EQ(find(made, "status.error"), nullptr);
}

TEST_F(Storage, GrowsWhereTheClassAllowsIt) {
  cluster_.create(claim("data") + "---" + claim("files", ", storageClassName: sandbox-efs"));
  (void)wait_claim("data");
  (void)wait_claim("files");
  constexpr std::string_view kLarger = R"({"spec":{"resources":{"requests":{"storage":"3Gi"}}}})";
  cluster_.patch(resources::kPersistentVolumeClaims, "shop", "data", kLarger);
  (void)cluster_.wait(resources::kPersistentVolumeClaims, "shop", "data", [](const Json& object) {
    return string_at(object, "status.capacity.storage") == "3Gi";
  });
  EXPECT_EQ(string_at(volume_of("data"), "spec.capacity.storage"), "3Gi");
  const auto refused = cluster_.api().patch(resources::kPersistentVolumeClaims, "shop", "files",
                                            PatchType::Merge, *parse_json(kLarger));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "persistentvolumeclaims \"files\" is forbidden: only dynamically provisioned pvc can "
            "be resized and the storageclass that provisions the pvc must support resize");
}

TEST_F(Storage, ThatIsNamedByAClaimMustFitIt) {
  cluster_.create(R"yaml(
apiVersion: v1
kind: PersistentVolume
metadata: {name: small}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  storageClassName: standard
  csi: {driver: dir.sandbox.lateen.dev, volumeHandle: small}
)yaml" + ("---" + claim("data", ", volumeName: small")));
  wait_event(cluster_, "VolumeMismatch",
             "Cannot bind to requested volume \"small\": requested PV is too small");
  EXPECT_EQ(phase_of("data"), "Pending");
}

TEST_F(Storage, IsLostWhenItsVolumeBelongsToAnother) {
  cluster_.create(claim("data"));
  const std::string volume(kube::name_of(volume_of("data")));
  cluster_.patch(resources::kPersistentVolumes, "", volume,
                 R"({"spec":{"claimRef":{"uid":"00000000-0000-0000-0000-000000000000"}}})");
  (void)cluster_.wait(resources::kPersistentVolumeClaims, "shop", "data", [](const Json& object) {
    return string_at(object, "status.phase") == "Lost";
  });
}

TEST_F(Storage, TakesADefaultClassThatComesLater) {
  cluster_.patch(
      resources::kStorageClasses, "", "standard",
      R"({"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"false"}}})");
  cluster_.create(claim("data"));
  wait_event(cluster_, "FailedBinding", "no storage class is set");
  cluster_.patch(
      resources::kStorageClasses, "", "standard",
      R"({"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}})");
  EXPECT_EQ(string_at(wait_claim("data"), "spec.storageClassName"), "standard");
}

TEST_F(Storage, HangsOnRequestUntilTheFaultIsCleared) {
  add_fault(R"({"kind":"provision-hang","name":"hang","names":["data"]})");
  cluster_.create(claim("data") + "---" + claim("other"));
  (void)wait_claim("other");
  wait_event(cluster_, "ExternalProvisioning", "Waiting for a volume to be created");
  EXPECT_EQ(phase_of("data"), "Pending");
  ASSERT_TRUE(cluster_.faults().clear("hang"));
  (void)wait_claim("data");
}

TEST_F(Storage, FailsOnRequestAndIsTriedAgain) {
  add_fault(
      R"({"kind":"provision-failure","message":"no space left","verbs":["create"],"count":1})");
  cluster_.create(claim("data"));
  wait_event(cluster_, "ProvisioningFailed",
             "failed to provision volume with StorageClass \"standard\": rpc error: code = "
             "Internal desc = no space left");
  const std::string volume(kube::name_of(volume_of("data")));
  add_fault(R"({"kind":"provision-failure","verbs":["delete"],"count":2})");
  cluster_.remove(resources::kPersistentVolumeClaims, "shop", "data");
  cluster_.wait_gone(resources::kPersistentVolumes, "", volume);
}

TEST_F(Storage, SnapshotsFailOnRequestWithTheDriversWords) {
  cluster_.create(claim("data"));
  const std::string volume(kube::name_of(volume_of("data")));
  add_fault(
      R"({"kind":"snapshot-failure","name":"f","message":"quota exceeded","verbs":["create"]})");
  cluster_.create(snapshot("snap", "data", "sandbox-snapshots"));
  const std::string why = error_of(cluster_, "snap");
  EXPECT_NE(why.find(fmt::format("failed to take snapshot of the volume {}: \"rpc error: code = "
                                 "Internal desc = quota exceeded\"",
                                 volume)),
            std::string::npos)
      << why;
  ASSERT_TRUE(cluster_.faults().clear("f"));
  const Json made = cluster_.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
  EXPECT_EQ(find(made, "status.error"), nullptr);
}

TEST_F(Storage, SnapshotsAreLateOnRequestWithTheirHandleKnown) {
  cluster_.create(claim("data"));
  (void)wait_claim("data");
  add_fault(R"({"kind":"snapshot-delay","name":"d","delay":"1h"})");
  cluster_.create(snapshot("snap", "data", "sandbox-snapshots"));
  const Json made =
      cluster_.wait(resources::kVolumeSnapshots, "shop", "snap", [](const Json& object) {
        return !string_at(object, "status.boundVolumeSnapshotContentName").empty() &&
               find(object, "status.creationTime") != nullptr;
      });
  EXPECT_FALSE(is_ready(made));
  const Json content = *cluster_.get(resources::kVolumeSnapshotContents, "",
                                     string_at(made, "status.boundVolumeSnapshotContentName"));
  EXPECT_FALSE(string_at(content, "status.snapshotHandle").empty());
  ASSERT_TRUE(cluster_.faults().clear("d"));
  (void)cluster_.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
}

TEST_F(Storage, SnapshotsThatCannotBeDeletedStayAndAreTriedAgain) {
  cluster_.create(claim("data"));
  (void)wait_claim("data");
  cluster_.create(snapshot("snap", "data", "sandbox-snapshots"));
  const Json made = cluster_.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
  const std::string content(string_at(made, "status.boundVolumeSnapshotContentName"));
  add_fault(R"({"kind":"snapshot-failure","name":"f","verbs":["delete"]})");
  cluster_.remove(resources::kVolumeSnapshots, "shop", "snap");
  (void)cluster_.wait(resources::kVolumeSnapshotContents, "", content, [](const Json& object) {
    return string_at(object, "status.error.message") == "Failed to delete snapshot";
  });
  ASSERT_TRUE(cluster_.faults().clear("f"));
  cluster_.wait_gone(resources::kVolumeSnapshotContents, "", content);
  cluster_.wait_gone(resources::kVolumeSnapshots, "shop", "snap");
}

}  // namespace
}  // namespace lateen::sandbox
