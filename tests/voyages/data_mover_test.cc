// Snapshots whose data are moved into the repository in the bucket: out of the storage that took
// them, and into a cluster that has never seen it.
#include "base/text.h"
#include "voyages/testing/bookstore.h"
#include "voyages/testing/node_agent.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::seconds;

class DataMoverVoyage : public Voyage<DataMoverVoyage> {
 public:
  static Words server_flags() {
    return {"--backup-sync-period", "1s", "--item-operation-sync-frequency", "1s"};
  }

 protected:
  static void TearDownTestSuite() {
    agent_.reset();
    Voyage::TearDownTestSuite();
  }

  void SetUp() override {
    Voyage::SetUp();
    if (agent_ == nullptr) describe_node_agents(harbour(), bucket());
    if (agent_ == nullptr || !agent_->runs()) agent_ = start_node_agent(harbour());
    ASSERT_NE(agent_, nullptr);
  }

  void TearDown() override {
    Voyage::TearDown();
    if (HasFailure() && agent_) std::cerr << "-- the node agent's log\n" << agent_->log() << "\n";
  }

  static std::vector<Json> uploads_of(const std::string& backup) {
    return items_of(harbour().get(
        {"-n", "velero", "datauploads.velero.io", "-l", "velero.io/backup-name=" + backup}));
  }

  static std::string upload_phase(const std::string& backup) {
    const auto uploads = uploads_of(backup);
    return uploads.size() == 1 ? std::string(string_at(uploads.front(), "status.phase")) : "";
  }

  // A move that waits in the middle, in a pod: nobody is there to make the repository.
  static void hold_in_the_middle(const std::string& ns, const std::string& node) {
    agent_->kill9();
    harbour().must_lateen(
        {"backup", "create", ns, "--include-namespaces", ns, "--snapshot-move-data"});
    wait_until("the data are waited for",
               [&] { return phase_of("backups", ns) == "WaitingForPluginOperations"; });
    server().kill9();
    agent_ = start_node_agent(harbour(), node);
    ASSERT_NE(agent_, nullptr);
    wait_until("a pod is at work", [&] { return upload_phase(ns) == "InProgress"; });
  }

  static inline std::unique_ptr<Server> agent_;
};

void open_the_shop(const Harbour& harbour) {
  const std::string example = LATEEN_SOURCE_DIR "/examples/bookstore";
  harbour.must_kubectl({"apply", "-f", example + "/00-cluster.yaml"});
  harbour.must_kubectl(
      {"wait", "--for=condition=Established", "crd", "tenantclaims.platform.bookstore.example"});
  harbour.must_kubectl({"apply", "-f", example});
  wait_for_pod(harbour, "bookstore", "postgres-0");
}

// What the mover makes, and nobody wants to find afterwards.
void expect_nothing_left(const Harbour& harbour) {
  const auto left = [&harbour] {
    std::vector<std::string> all;
    for (const Words& what : {Words{"volumesnapshots", "-A"}, Words{"volumesnapshotcontents"},
                              Words{"-n", "velero", "pods"}, Words{"-n", "velero", "pvc"}}) {
      for (const std::string& name : harbour.names(what))
        all.push_back(name);
    }
    return all;
  };
  EXPECT_TRUE(wait_until("what the mover made is gone", [&] { return left().empty(); }))
      << join(left(), ", ");
}

// A second, empty cluster, with the first one's bucket and its repositories' key.
struct OtherCluster {
  std::unique_ptr<Harbour> harbour = {};
  std::unique_ptr<Server> server = {};
  std::unique_ptr<Server> agent = {};

  static OtherCluster open(const Harbour& first) {
    OtherCluster other{.harbour = Harbour::open()};
    if (other.harbour == nullptr) return other;
    const Harbour& at = *other.harbour;
    at.must_lateen({"install", "--crds-only"});
    at.must_kubectl({"create", "namespace", "velero"});
    Json key = first.get({"-n", "velero", "secret", "velero-repo-credentials"});
    ensure(key, "metadata") =
        JsonObject{{"name", "velero-repo-credentials"}, {"namespace", "velero"}};
    at.apply(write_json(key));
    at.must_lateen({"backup-location", "create", "default", "--provider", "filesystem", "--bucket",
                    "lateen", "--config", fmt::format("path={}", (first.dir() / "bucket").string()),
                    "--default"});
    describe_node_agents(at, first.dir() / "bucket/lateen");
    other.server =
        Server::start(at, {"--backup-sync-period", "1s", "--item-operation-sync-frequency", "1s"});
    other.agent = start_node_agent(at);
    return other;
  }
};

TEST_F(DataMoverVoyage, TheBookstoreMovesIntoAnotherClusterAndAnotherClass) {
  open_the_shop(harbour());
  const std::string books =
      "SELECT count(*) || ' ' || md5(string_agg(b::text, '' ORDER BY id)) FROM books b";
  const std::string rows = sql(harbour(), books);
  auto load = write_to_ledger(harbour());
  ASSERT_TRUE(load);
  // With its CHECKPOINT hook.
  harbour().must_kubectl({"apply", "-f", LATEEN_SOURCE_DIR "/examples/bookstore/backup"});
  harbour().must_kubectl({"-n", "velero", "patch", "schedule", "bookstore-daily", "--type", "merge",
                          "-p", R"({"spec":{"template":{"snapshotMoveData":true}}})"});
  back_up("moved", {"--from-schedule", "bookstore-daily"});
  load->terminate(seconds(5));
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(int_at(velero("backups", "moved"), "status.hookStatus.hooksAttempted"), 1);
  const std::vector<Json> uploads = uploads_of("moved");
  ASSERT_EQ(uploads.size(), 1U);
  EXPECT_EQ(string_at(uploads.front(), "status.phase"), "Completed") << write_json(uploads.front());
  EXPECT_EQ(string_at(uploads.front(), "spec.sourcePVC"), "data-postgres-0");
  EXPECT_FALSE(string_at(uploads.front(), "status.snapshotID").empty());
  EXPECT_EQ(int_at(velero("backups", "moved"), "status.backupItemOperationsCompleted"), 1);
  expect_nothing_left(harbour());
  const std::string described = harbour().must_lateen({"backup", "describe", "moved", "--details"});
  EXPECT_NE(described.find("Data Movement"), std::string::npos) << described;
  EXPECT_NE(harbour()
                .must_lateen({"files", "ls", "moved", "bookstore/data-postgres-0:/pgdata"})
                .find("PG_VERSION"),
            std::string::npos);

  // Where it is, under the database's feet.
  sql(harbour(), "DELETE FROM books");
  const Words in_place = {"files",      "restore",  "moved", "bookstore/data-postgres-0",
                          "--in-place", "--confirm"};
  const Outcome refused = harbour().lateen(in_place);
  EXPECT_NE(
      refused.err.find("pod bookstore/postgres-0 has claim bookstore/data-postgres-0 mounted"),
      std::string::npos)
      << refused.story();
  Words with_help = in_place;
  with_help.insert(with_help.end(), {"--scale-down", "--snapshot"});
  const std::string told = harbour().must_lateen(with_help);
  EXPECT_NE(told.find("Scaled statefulsets/postgres up again."), std::string::npos) << told;
  wait_for_pod(harbour(), "bookstore", "postgres-0");
  EXPECT_EQ(sql(harbour(), books), rows);
  EXPECT_EQ(harbour().names({"-n", "bookstore", "volumesnapshots"}).size(), 1U);
  harbour().must_kubectl({"-n", "bookstore", "delete", "volumesnapshots", "--all"});
  expect_nothing_left(harbour());

  const OtherCluster other = OtherCluster::open(harbour());
  ASSERT_NE(other.agent, nullptr);
  const Harbour& there = *other.harbour;
  there.apply(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"velero",
    "name":"classes","labels":{"velero.io/plugin-config":"",
    "velero.io/change-storage-class":"RestoreItemAction"}},"data":{"standard":"standard-wait"}})");
  ASSERT_TRUE(wait_until("the backup is known", [&] {
    return there.find({"-n", "velero", "backups.velero.io", "moved"}).has_value();
  }));
  const Outcome restored =
      there.lateen({"restore", "create", "moved-in", "--from-backup", "moved", "--wait"});
  EXPECT_EQ(
      string_at(there.get({"-n", "velero", "restores.velero.io", "moved-in"}), "status.phase"),
      "Completed")
      << restored.story() << there.lateen({"restore", "describe", "moved-in", "--details"}).story()
      << other.server->log() << other.agent->log();
  wait_for_pod(there, "bookstore", "postgres-0");
  EXPECT_EQ(sql(there, books), rows);
  expect_ledger_without_gap(there);
  const Json claim = there.get({"-n", "bookstore", "pvc", "data-postgres-0"});
  EXPECT_EQ(string_at(claim, "spec.storageClassName"), "standard-wait");
  const Json volume = there.get({"pv", std::string(string_at(claim, "spec.volumeName"))});
  EXPECT_EQ(string_at(volume, "spec.persistentVolumeReclaimPolicy"), "Delete");
  expect_nothing_left(there);
}

constexpr std::string_view kOneVolume = R"(
apiVersion: v1
kind: Namespace
metadata: {{name: {0}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: {0}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: one, namespace: {0}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox
      command: [/bin/sh, -c, "echo {0} > /data/name; while true; do sleep 1; done"]
      volumeMounts: [{{name: data, mountPath: /data}}]
  volumes:
    - name: data
      persistentVolumeClaim: {{claimName: data}}
)";

TEST_F(DataMoverVoyage, AMoveGoesOnOrEndsAfterItsAgentWasKilled) {
  for (const char* ns : {"goes-on", "canceled"}) {
    harbour().apply(fmt::format(kOneVolume, ns));
    wait_for_pod(harbour(), ns, "one");
  }
  agent_->kill9();
  for (const char* ns : {"goes-on", "canceled"}) {
    harbour().must_lateen(
        {"backup", "create", ns, "--include-namespaces", ns, "--snapshot-move-data"});
    wait_until("its data are to be moved", [ns] { return uploads_of(ns).size() == 1; });
  }
  harbour().must_kubectl(
      {"-n", "velero", "annotate", "backups.velero.io", "canceled", "lateen.io/cancel=true"});
  wait_until("the canceled one has ended",
             [] { return phase_of("backups", "canceled") == "PartiallyFailed"; });
  agent_ = start_node_agent(harbour());
  ASSERT_NE(agent_, nullptr);
  wait_until("the other one has ended",
             [] { return phase_of("backups", "goes-on") == "Completed"; });
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "goes-on", "goes-on/data:name"}), "goes-on\n");
  expect_nothing_left(harbour());
  EXPECT_EQ(string_at(uploads_of("canceled").front(), "status.phase"), "Canceled");

  harbour().must_kubectl({"delete", "namespace", "goes-on", "--wait", "--timeout=120s"});
  restore("goes-on-back", {"--from-backup", "goes-on"});
  wait_for_pod(harbour(), "goes-on", "one");
  harbour().must_lateen({"backup", "delete", "goes-on", "--confirm"});
  wait_until("the backup is gone", [] {
    return !harbour().find({"-n", "velero", "backups.velero.io", "goes-on"}).has_value();
  });
}

TEST_F(DataMoverVoyage, APodMovesItsDataWhetherOrNotAnAgentIsThere) {
  harbour().apply(fmt::format(kOneVolume, "alone"));
  wait_for_pod(harbour(), "alone", "one");
  hold_in_the_middle("alone", "sandbox");
  agent_->kill9();
  const std::string pod(string_at(uploads_of("alone").front(), "metadata.name"));
  start_server();
  wait_until("the pod is done with nobody there", [&pod] {
    return string_at(harbour().get({"-n", "velero", "pod", pod}), "status.phase") == "Succeeded";
  });
  EXPECT_EQ(upload_phase("alone"), "InProgress");
  agent_ = start_node_agent(harbour());
  ASSERT_NE(agent_, nullptr);
  wait_until("its end is heard", [] { return phase_of("backups", "alone") == "Completed"; });
  const Json upload = uploads_of("alone").front();
  EXPECT_EQ(find(upload, "metadata.annotations"), nullptr) << "it was not begun anew";
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "alone", "alone/data:name"}), "alone\n");
  expect_nothing_left(harbour());
}

TEST_F(DataMoverVoyage, TheWorkOfALostNodeIsDoneElsewhere) {
  harbour().apply(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"second",
    "labels":{"kubernetes.io/hostname":"second","kubernetes.io/os":"linux"}}})");
  harbour().apply(fmt::format(kOneVolume, "lost"));
  wait_for_pod(harbour(), "lost", "one");
  harbour().must_kubectl({"cordon", "sandbox"});
  hold_in_the_middle("lost", "second");
  const Json upload = uploads_of("lost").front();
  EXPECT_EQ(string_at(upload, "status.node"), "second");
  const std::string pod(string_at(upload, "metadata.name"));
  // The machine goes: agent, pod and Node.
  agent_->kill9();
  (void)harbour().kubectl({"-n", "velero", "exec", pod, "--", "/bin/sh", "-c", "kill -9 -1"});
  wait_until("the pod has ended without a word", [&pod] {
    return string_at(harbour().get({"-n", "velero", "pod", pod}), "status.phase") == "Failed";
  });
  harbour().must_kubectl({"delete", "node", "second"});
  harbour().must_kubectl({"uncordon", "sandbox"});
  // As if a minute had passed.
  harbour().must_kubectl({"-n", "velero", "patch", "lease", "node-agent-second", "--type", "merge",
                          "-p", R"({"spec":{"renewTime":"2026-01-01T00:00:00.000000Z"}})"});
  agent_ = start_node_agent(harbour());
  ASSERT_NE(agent_, nullptr);
  start_server();
  wait_until("it is done elsewhere", [] { return phase_of("backups", "lost") == "Completed"; });
  const Json done = uploads_of("lost").front();
  EXPECT_EQ(string_at(done, "status.node"), "sandbox");
  EXPECT_EQ(find(done, "metadata.annotations")->as_object().at("lateen.io/begun-anew"), "1");
  expect_nothing_left(harbour());
  harbour().must_kubectl({"delete", "namespace", "lost", "--wait", "--timeout=120s"});
  restore("lost-back", {"--from-backup", "lost"});
  wait_for_pod(harbour(), "lost", "one");
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "lost", "lost/data:name"}), "lost\n");
}

constexpr std::string_view kThreeVolumes = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: no-scratch, namespace: velero}
data:
  policy: |
    version: v1
    volumePolicies:
      - conditions: {storageClass: [standard-wait]}
        action: {type: skip}
      - conditions: {storageClass: [sandbox-efs]}
        action: {type: fs-backup}
---
apiVersion: v1
kind: Namespace
metadata: {name: three}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: moved, namespace: three}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: copied, namespace: three}
spec:
  storageClassName: sandbox-efs
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Mi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: skipped, namespace: three}
spec:
  storageClassName: standard-wait
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Mi}}
---
apiVersion: v1
kind: Pod
metadata: {name: all, namespace: three}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox
      command: [/bin/sh, -c, "while true; do sleep 1; done"]
      volumeMounts:
        - {name: moved, mountPath: /moved}
        - {name: copied, mountPath: /copied}
        - {name: skipped, mountPath: /skipped}
  volumes:
    - {name: moved, persistentVolumeClaim: {claimName: moved}}
    - {name: copied, persistentVolumeClaim: {claimName: copied}}
    - {name: skipped, persistentVolumeClaim: {claimName: skipped}}
)";

TEST_F(DataMoverVoyage, OneVolumeMovedOneCopiedAndOneLeftOutInOneBackup) {
  harbour().apply(kThreeVolumes);
  wait_for_pod(harbour(), "three", "all");
  harbour().must_kubectl({"-n", "three", "exec", "all", "--", "/bin/sh", "-c",
                          "for i in moved copied skipped; do echo $i > /$i/name; done"});
  back_up("three", {"--include-namespaces", "three", "--snapshot-move-data",
                    "--resource-policies-configmap", "no-scratch"});
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(uploads_of("three").size(), 1U);
  EXPECT_EQ(harbour()
                .names({"-n", "velero", "podvolumebackups.velero.io", "-l",
                        "velero.io/backup-name=three"})
                .size(),
            1U);
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "three", "three/moved:name"}), "moved\n");
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "three", "three/copied:name"}), "copied\n");
  expect_nothing_left(harbour());
  harbour().must_kubectl({"delete", "namespace", "three", "--wait", "--timeout=120s"});
  restore("three-back", {"--from-backup", "three"});
  wait_for_pod(harbour(), "three", "all");
  EXPECT_EQ(harbour().must_kubectl({"-n", "three", "exec", "all", "--", "/bin/sh", "-c",
                                    "cat /moved/name /copied/name; ls /skipped"}),
            "moved\ncopied\n");
}

}  // namespace
}  // namespace lateen::voyages
