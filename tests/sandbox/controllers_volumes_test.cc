#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"
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

FilePath volume_of(Cluster& cluster, std::string_view ns, std::string_view claim) {
  const Json object = cluster.wait(resources::kPersistentVolumeClaims, ns, claim, is_bound);
  return cluster.dir() / "volumes" / std::string(string_at(object, "spec.volumeName")) / "data";
}

constexpr std::string_view kClaim = R"yaml(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
)yaml";

constexpr std::string_view kSnapshot = R"yaml(
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: snap, namespace: shop}
spec: {volumeSnapshotClassName: sandbox-snapshots, source: {persistentVolumeClaimName: data}}
)yaml";

constexpr std::string_view kRestored = R"yaml(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: restored, namespace: shop}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
  dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: snap}
)yaml";

TEST(Claims, GetACsiVolumeOfTheirOwnAndGiveItBack) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(kClaim);
  const FilePath data = volume_of(cluster, "shop", "data");
  EXPECT_TRUE(path_exists(data));
  const Json claim = *cluster.get(resources::kPersistentVolumeClaims, "shop", "data");
  const std::string volume_name(string_at(claim, "spec.volumeName"));
  const Json volume = cluster.wait(resources::kPersistentVolumes, "", volume_name, is_bound);
  EXPECT_EQ(string_at(volume, "spec.csi.driver"), kDriverName);
  EXPECT_EQ(string_at(volume, "spec.claimRef.uid"), kube::uid_of(claim));
  cluster.remove(resources::kPersistentVolumeClaims, "shop", "data");
  cluster.wait_gone(resources::kPersistentVolumes, "", volume_name);
  EXPECT_FALSE(path_exists(data));
}

TEST(Claims, WaitForTheirFirstPodWhereTheClassSaysSo) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: late, namespace: shop}
spec: {storageClassName: standard-wait, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
)yaml");
  (void)sleep_unless_stopped(std::chrono::milliseconds(100), {});
  EXPECT_EQ(
      string_at(*cluster.get(resources::kPersistentVolumeClaims, "shop", "late"), "status.phase"),
      "Pending");
  cluster.create(R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: first, namespace: shop}
spec:
  containers: [{name: main, image: x, command: [sleep, "1000"]}]
  volumes: [{name: late, persistentVolumeClaim: {claimName: late}}]
)yaml");
  (void)cluster.wait_ready("shop", "first");
  const Json claim = *cluster.get(resources::kPersistentVolumeClaims, "shop", "late");
  EXPECT_TRUE(is_bound(claim));
  EXPECT_EQ(kube::annotation_of(claim, "volume.kubernetes.io/selected-node"), "sandbox");
  // In use: it goes only with its pod.
  cluster.remove(resources::kPersistentVolumeClaims, "shop", "late");
  EXPECT_TRUE(
      kube::is_being_deleted(*cluster.get(resources::kPersistentVolumeClaims, "shop", "late")));
  cluster.remove(resources::kPods, "shop", "first");
  cluster.wait_gone(resources::kPersistentVolumeClaims, "shop", "late");
}

TEST(Claims, BindToTheVolumeThatIsReservedForThemAndLeaveARetainedOneReleased) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: PersistentVolume
metadata: {name: by-hand}
spec:
  capacity: {storage: 2Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: standard
  claimRef: {namespace: shop, name: data}
  csi: {driver: dir.sandbox.lateen.dev, volumeHandle: by-hand}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: small}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: standard
  csi: {driver: dir.sandbox.lateen.dev, volumeHandle: small}
)yaml");
  cluster.create(kClaim);
  const Json claim = cluster.wait(resources::kPersistentVolumeClaims, "shop", "data", is_bound);
  EXPECT_EQ(string_at(claim, "spec.volumeName"), "by-hand");
  EXPECT_EQ(string_at(claim, "status.capacity.storage"), "2Gi");
  cluster.remove(resources::kPersistentVolumeClaims, "shop", "data");
  (void)cluster.wait(resources::kPersistentVolumes, "", "by-hand", [](const Json& object) {
    return string_at(object, "status.phase") == "Released";
  });
  (void)cluster.wait(resources::kPersistentVolumes, "", "small", [](const Json& object) {
    return string_at(object, "status.phase") == "Available";
  });
}

TEST(Snapshots, HoldAPointInTimeThatANewClaimIsFilledFrom) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(kClaim);
  const FilePath data = volume_of(cluster, "shop", "data");
  ASSERT_TRUE(write_file(data / "books", "5000"));
  cluster.create(kSnapshot);
  const Json snapshot = cluster.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
  EXPECT_EQ(string_at(snapshot, "status.restoreSize"), "1Gi");
  EXPECT_TRUE(kube::has_finalizer(
      snapshot, "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"));
  const std::string content_name(string_at(snapshot, "status.boundVolumeSnapshotContentName"));
  const Json content = *cluster.get(resources::kVolumeSnapshotContents, "", content_name);
  EXPECT_EQ(content_name, fmt::format("snapcontent-{}", kube::uid_of(snapshot)));
  EXPECT_EQ(int_at(content, "status.restoreSize"), 1 << 30);
  ASSERT_TRUE(write_file(data / "books", "0"));
  cluster.create(kRestored);
  EXPECT_EQ(*read_file(volume_of(cluster, "shop", "restored") / "books"), "5000");
  cluster.remove(resources::kVolumeSnapshots, "shop", "snap");
  cluster.wait_gone(resources::kVolumeSnapshots, "shop", "snap");
  cluster.wait_gone(resources::kVolumeSnapshotContents, "", content_name);
  EXPECT_FALSE(path_exists(cluster.dir() / "snapshots" /
                           std::string(string_at(content, "status.snapshotHandle"))));
}

// What Velero does: keeps the data, takes the objects away, and later brings the snapshot back by
// its handle.
TEST(Snapshots, OutliveTheirObjectsWithRetainAndComeBackByTheirHandle) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(kClaim);
  ASSERT_TRUE(write_file(volume_of(cluster, "shop", "data") / "books", "5000"));
  cluster.create(kSnapshot);
  const Json snapshot = cluster.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
  const std::string content_name(string_at(snapshot, "status.boundVolumeSnapshotContentName"));
  const Json content = *cluster.get(resources::kVolumeSnapshotContents, "", content_name);
  const std::string handle(string_at(content, "status.snapshotHandle"));
  cluster.patch(resources::kVolumeSnapshotContents, "", content_name,
                R"({"spec":{"deletionPolicy":"Retain"}})");
  cluster.remove(resources::kVolumeSnapshotContents, "", content_name);
  cluster.remove(resources::kVolumeSnapshots, "shop", "snap");
  cluster.wait_gone(resources::kVolumeSnapshots, "shop", "snap");
  cluster.wait_gone(resources::kVolumeSnapshotContents, "", content_name);
  EXPECT_TRUE(path_exists(cluster.dir() / "snapshots" / handle));

  cluster.create(fmt::format(R"yaml(
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshotContent
metadata: {{name: back}}
spec:
  deletionPolicy: Retain
  driver: dir.sandbox.lateen.dev
  source: {{snapshotHandle: {}}}
  volumeSnapshotRef: {{namespace: shop, name: snap}}
---
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {{name: snap, namespace: shop}}
spec: {{source: {{volumeSnapshotContentName: back}}}}
)yaml",
                             handle));
  (void)cluster.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
  cluster.create(kRestored);
  EXPECT_EQ(*read_file(volume_of(cluster, "shop", "restored") / "books"), "5000");

  // And deletes it through a content made for nothing else.
  cluster.create(fmt::format(R"yaml(
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshotContent
metadata: {{name: undertaker}}
spec:
  deletionPolicy: Delete
  driver: dir.sandbox.lateen.dev
  source: {{snapshotHandle: {}}}
  volumeSnapshotRef: {{namespace: ns-x, name: name-x}}
)yaml",
                             handle));
  (void)cluster.wait(resources::kVolumeSnapshotContents, "", "undertaker", is_ready);
  cluster.remove(resources::kVolumeSnapshotContents, "", "undertaker");
  cluster.wait_gone(resources::kVolumeSnapshotContents, "", "undertaker");
  EXPECT_FALSE(path_exists(cluster.dir() / "snapshots" / handle));
}

TEST(Snapshots, SayWhyTheyCannotBeTaken) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(kSnapshot);
  const Json snapshot = cluster.wait(
      resources::kVolumeSnapshots, "shop", "snap",
      [](const Json& object) { return !string_at(object, "status.error.message").empty(); });
  EXPECT_NE(
      string_at(snapshot, "status.error.message").find("persistentvolumeclaims \"data\" not found"),
      std::string_view::npos);
  // What is missing may come.
  cluster.create(kClaim);
  (void)cluster.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
}

constexpr std::string_view kPostgres = R"yaml(
apiVersion: v1
kind: Pod
metadata: {{name: {0}, namespace: shop}}
spec:
  securityContext: {{runAsUser: 101, runAsGroup: 104}}
  terminationGracePeriodSeconds: 10
  containers:
    - name: postgres
      image: postgres:15
      command: [sh, -c]
      args:
        - |
          PATH="$(ls -d /usr/lib/postgresql/*/bin | tail -n 1):$PATH"
          [ -s /data/pg/PG_VERSION ] || initdb -D /data/pg -U books --auth=trust --no-sync >/dev/null
          exec postgres -D /data/pg -c listen_addresses=$(POD_IP) -k /tmp
      env:
        - {{name: POD_IP, valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}}}
      readinessProbe: {{exec: {{command: [sh, -c, "psql -h /tmp -U books -d postgres -c 'SELECT 1'"]}}, periodSeconds: 1, timeoutSeconds: 10}}
      volumeMounts: [{{name: data, mountPath: /data}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: {1}}}}}]
)yaml";

TEST(Snapshots, OfARunningPostgresStartASecondOneFromIt) {
  if (geteuid() != 0 || !path_exists("/usr/lib/postgresql"))
    GTEST_SKIP() << "needs root and PostgreSQL";
  Cluster cluster;
  if (!cluster.runs_pods()) GTEST_SKIP() << cluster.node().why_records_only();
  cluster.create_namespace("shop");
  cluster.create(kClaim);
  cluster.create(fmt::format(fmt::runtime(kPostgres), "db", "data"));
  (void)cluster.wait_ready("shop", "db");
  const auto psql = [&](std::string_view pod, std::string_view sql) {
    return cluster
        .exec("shop", pod,
              {"psql", "-h", "/tmp", "-U", "books", "-d", "postgres", "-qAtc", std::string(sql)})
        .out;
  };
  (void)psql(
      "db",
      "CREATE TABLE books AS SELECT n, md5(n::text) AS title FROM generate_series(1, 5000) AS n");
  // A writer that never rests: the copy must be of one moment all the same.
  (void)cluster.exec("shop", "db",
                     {"sh", "-c",
                      "(for i in $(seq 400); do psql -h /tmp -U books -d postgres -qc 'INSERT INTO "
                      "books SELECT 0, md5(random()::text)'; done) >/dev/null 2>&1 &"});
  cluster.create(kSnapshot);
  (void)cluster.wait(resources::kVolumeSnapshots, "shop", "snap", is_ready);
  cluster.create(kRestored);
  cluster.create(fmt::format(fmt::runtime(kPostgres), "second", "restored"));
  (void)cluster.wait_ready("shop", "second");
  EXPECT_EQ(psql("second", "SELECT count(*) FROM books WHERE n > 0"), "5000\n");
  EXPECT_EQ(psql("second", "SELECT md5(string_agg(title, ',' ORDER BY n)) FROM books WHERE n > 0"),
            psql("db", "SELECT md5(string_agg(title, ',' ORDER BY n)) FROM books WHERE n > 0"));
  // The first one has not noticed.
  EXPECT_EQ(psql("db", "SELECT count(*) FROM books WHERE n > 0"), "5000\n");
}

}  // namespace
}  // namespace lateen::sandbox
