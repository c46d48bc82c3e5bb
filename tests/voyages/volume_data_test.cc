// Volumes without snapshots: their files go through the node agent into a repository in the bucket,
// and come back into new volumes.
#include "base/environment.h"
#include "base/text.h"
#include "voyages/testing/node_agent.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::seconds;

class VolumeDataVoyage : public Voyage<VolumeDataVoyage> {
 protected:
  static void TearDownTestSuite() {
    agent_.reset();
    Voyage::TearDownTestSuite();
  }

  void SetUp() override {
    Voyage::SetUp();
    if (agent_ == nullptr || !agent_->runs()) agent_ = start_node_agent(harbour());
    ASSERT_NE(agent_, nullptr);
  }

  void TearDown() override {
    Voyage::TearDown();
    if (HasFailure() && agent_) std::cerr << "-- the node agent's log\n" << agent_->log() << "\n";
  }

  static std::string sh(const std::string& ns, const std::string& pod, const std::string& script) {
    return harbour().must_kubectl({"-n", ns, "exec", pod, "--", "/bin/sh", "-c", script});
  }

  static void wait_ready(const std::string& ns, const std::string& pod) {
    wait_until("the pod is there",
               [&] { return harbour().find({"-n", ns, "pod", pod}).has_value(); });
    harbour().must_kubectl(
        {"-n", ns, "wait", "--for=condition=Ready", "pod/" + pod, "--timeout=60s"});
  }

  static void delete_namespace(const std::string& ns) {
    harbour().must_kubectl({"delete", "namespace", ns, "--wait", "--timeout=60s"});
  }

  // The PodVolumeBackups of a backup as they lie in the cluster.
  static std::vector<Json> copies_of(const std::string& backup) {
    return items_of(harbour().get(
        {"-n", "velero", "podvolumebackups.velero.io", "-l", "velero.io/backup-name=" + backup}));
  }

  static inline std::unique_ptr<Server> agent_;
};

constexpr std::string_view kPostgres = "30-postgres.yaml";

// The bookstore with its database on a class without snapshots, chosen for file-system backup.
void open_the_shop(const Harbour& harbour) {
  const FilePath shop = harbour.dir() / "shop";
  ASSERT_TRUE(make_dirs(shop));
  const FilePath example = LATEEN_SOURCE_DIR "/examples/bookstore";
  const auto entries = list_dir(example);
  ASSERT_TRUE(entries) << entries.error().message();
  for (const DirEntry& entry : *entries) {
    if (!entry.name.ends_with(".yaml")) continue;
    std::string text = text_of(example / entry.name);
    if (entry.name == kPostgres) {
      text = replace_all(text, "        accessModes: [ReadWriteOnce]\n",
                         "        accessModes: [ReadWriteOnce]\n"
                         "        storageClassName: sandbox-efs\n");
      text = replace_all(text, "      labels: {app: postgres}\n    spec:\n      priorityClassName",
                         "      labels: {app: postgres}\n"
                         "      annotations: {backup.velero.io/backup-volumes: data}\n"
                         "    spec:\n      priorityClassName");
    }
    write_text(shop / entry.name, text);
  }
  harbour.must_kubectl({"apply", "-f", (shop / "00-cluster.yaml").string()});
  harbour.must_kubectl(
      {"wait", "--for=condition=Established", "crd", "tenantclaims.platform.bookstore.example"});
  harbour.must_kubectl({"apply", "-f", shop.string()});
}

std::string sql(const Harbour& harbour, const std::string& statement) {
  return harbour.must_kubectl({"-n", "bookstore", "exec", "postgres-0", "--", "psql", "-h",
                               "/run/postgresql", "-U", "bookstore", "-d", "bookstore", "-qAtc",
                               statement});
}

TEST_F(VolumeDataVoyage, ADatabaseUnderLoadComesBackFromAVolumeWithoutSnapshots) {
  open_the_shop(harbour());
  ASSERT_FALSE(HasFailure());
  wait_ready("bookstore", "postgres-0");
  const std::string books =
      "SELECT count(*) || ' ' || md5(string_agg(b::text, '' ORDER BY id)) FROM books b";
  const std::string rows = sql(harbour(), books);
  sql(harbour(), "CREATE TABLE ledger (id serial PRIMARY KEY, note text)");
  // One row after the other, until the pod is no more.
  auto load = Child::spawn(
      {.argv =
           {"kubectl", "--kubeconfig", harbour().kubeconfig().string(), "-n", "bookstore", "exec",
            "postgres-0", "--", "/bin/sh", "-c",
            "while true; do echo \"INSERT INTO ledger(note) VALUES (repeat('x', 500));\"; done | "
            "psql -h /run/postgresql -U bookstore -d bookstore -qAt"},
       .env = environment(),
       .out = Stdio::null(),
       .err = Stdio::null()});
  ASSERT_TRUE(load);
  wait_until("rows are written",
             [] { return sql(harbour(), "SELECT count(*) FROM ledger") != "0\n"; });
  harbour().must_kubectl({"apply", "-f", LATEEN_SOURCE_DIR "/examples/bookstore/backup"});
  back_up("files", {"--from-schedule", "bookstore-daily"});
  load->terminate(seconds(5));
  ASSERT_FALSE(HasFailure());
  const std::vector<Json> copies = copies_of("files");
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_EQ(string_at(copies.front(), "status.phase"), "Completed") << write_json(copies.front());
  EXPECT_EQ(string_at(copies.front(), "spec.volume"), "data");
  EXPECT_EQ(find(copies.front(), "metadata.annotations")->as_object().at("velero.io/pvc-name"),
            "data-postgres-0");
  const std::string described = harbour().must_lateen({"backup", "describe", "files", "--details"});
  EXPECT_NE(described.find("Pod Volume Backups - kopia"), std::string::npos) << described;

  delete_namespace("bookstore");
  restore("files-back", {"--from-backup", "files"});
  wait_ready("bookstore", "postgres-0");
  EXPECT_EQ(sql(harbour(), books), rows);
  // What was committed when the copy was made is there without a gap.
  EXPECT_EQ(sql(harbour(), "SELECT count(*) > 0 AND count(*) = max(id) FROM ledger"), "t\n");
}

// A claim on a class with snapshots and one without, both mounted by one pod.
constexpr std::string_view kMixedPod = R"(
apiVersion: v1
kind: Namespace
metadata: {{name: {0}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: snapped, namespace: {0}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: copied, namespace: {0}}}
spec:
  storageClassName: sandbox-efs
  accessModes: [ReadWriteMany]
  resources: {{requests: {{storage: 1Mi}}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: both
  namespace: {0}
  annotations: {{backup.velero.io/backup-volumes: "files,own"}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox
      command: [/bin/sh, -c, "while true; do sleep 1; done"]
      volumeMounts:
        - {{name: data, mountPath: /data}}
        - {{name: files, mountPath: /files}}
        - {{name: own, mountPath: /own}}
  volumes:
    - name: data
      persistentVolumeClaim: {{claimName: snapped}}
    - name: files
      persistentVolumeClaim: {{claimName: copied}}
    - name: own
      emptyDir: {{}}
)";

TEST_F(VolumeDataVoyage, OneVolumeBySnapshotAndOthersAsFilesInOneBackup) {
  harbour().apply(fmt::format(kMixedPod, "mixed"));
  wait_ready("mixed", "both");
  sh("mixed", "both",
     "echo snapped > /data/a; mkdir -p /files/x; echo copied > /files/x/b; chmod 640 /files/x/b; "
     "ln -s x/b /files/link; echo own > /own/c");
  back_up("mixed", {"--include-namespaces", "mixed"});
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(copies_of("mixed").size(), 2U);
  EXPECT_EQ(int_at(velero("backups", "mixed"), "status.csiVolumeSnapshotsCompleted"), 1);
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "mixed", "mixed/copied:x/b"}), "copied\n");
  EXPECT_EQ(harbour().must_lateen({"files", "ls", "mixed", "mixed/both/own"}), "/c\n");

  delete_namespace("mixed");
  restore("mixed-back", {"--from-backup", "mixed", "--namespace-mappings", "mixed:mixed-again"});
  wait_ready("mixed-again", "both");
  EXPECT_EQ(sh("mixed-again", "both",
               "cat /data/a /files/x/b /files/link /own/c; stat -c %a /files/x/b; ls /files"),
            "snapped\ncopied\ncopied\nown\n640\nlink\nx\n");
}

TEST_F(VolumeDataVoyage, ACopyGoesOnAfterTheNodeAgentWasKilled) {
  harbour().apply(fmt::format(kMixedPod, "killed"));
  wait_ready("killed", "both");
  sh("killed", "both", "echo one > /files/one");
  agent_->kill9();
  // Its Lease holds for a while: the server still counts on it.
  harbour().must_lateen({"backup", "create", "killed", "--include-namespaces", "killed"});
  wait_until("a copy is asked for", [] { return copies_of("killed").size() == 2; });
  agent_ = start_node_agent(harbour());
  ASSERT_NE(agent_, nullptr);
  wait_until(
      "the backup has ended", [] { return phase_of("backups", "killed") == "Completed"; },
      seconds(60));
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "killed", "killed/copied:one"}), "one\n");
}

TEST_F(VolumeDataVoyage, DeletingABackupForgetsItsFiles) {
  harbour().apply(fmt::format(kMixedPod, "gone"));
  wait_ready("gone", "both");
  sh("gone", "both", "echo one > /files/one");
  back_up("gone-1", {"--include-namespaces", "gone"});
  back_up("gone-2", {"--include-namespaces", "gone"});
  harbour().must_lateen({"backup", "delete", "gone-1", "--confirm"});
  wait_until("the backup is gone", [] {
    return !harbour().find({"-n", "velero", "backups.velero.io", "gone-1"}).has_value();
  });
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "gone-2", "gone/copied:one"}), "one\n");
  EXPECT_FALSE(harbour().lateen({"files", "cat", "gone-1", "gone/copied:one"}).ok());
}

}  // namespace
}  // namespace lateen::voyages
