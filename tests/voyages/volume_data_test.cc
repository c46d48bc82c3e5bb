// Volumes without snapshots: their files go through the node agent into a repository in the bucket,
// and come back into new volumes.
#include "base/hash.h"
#include "base/text.h"
#include "voyages/testing/bookstore.h"
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
    wait_for_pod(harbour(), ns, pod);
  }

  static void delete_namespace(const std::string& ns) {
    harbour().must_kubectl({"delete", "namespace", ns, "--wait", "--timeout=120s"});
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

TEST_F(VolumeDataVoyage, ADatabaseUnderLoadComesBackFromAVolumeWithoutSnapshots) {
  open_the_shop(harbour());
  ASSERT_FALSE(HasFailure());
  wait_ready("bookstore", "postgres-0");
  const std::string books =
      "SELECT count(*) || ' ' || md5(string_agg(b::text, '' ORDER BY id)) FROM books b";
  const std::string rows = sql(harbour(), books);
  auto load = write_to_ledger(harbour());
  ASSERT_TRUE(load);
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
  expect_ledger_without_gap(harbour());
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
  // The server still counts on it: its Lease holds for a while, which is not for us to race.
  harbour().must_kubectl({"-n", "velero", "patch", "lease", "node-agent-sandbox", "--type", "merge",
                          "-p", R"({"spec":{"renewTime":"2099-01-01T00:00:00.000000Z"}})"});
  harbour().must_lateen({"backup", "create", "killed", "--include-namespaces", "killed"});
  wait_until("a copy is asked for", [] { return copies_of("killed").size() == 2; });
  agent_ = start_node_agent(harbour());
  ASSERT_NE(agent_, nullptr);
  wait_until("the backup has ended", [] { return phase_of("backups", "killed") == "Completed"; });
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "killed", "killed/copied:one"}), "one\n");
}

// The largest object below a folder, with one bit of its first half turned.
void flip_a_bit_of_the_largest(const FilePath& folder) {
  FilePath largest;
  ByteCount size = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.file_size() <= size) continue;
    size = entry.file_size();
    largest = entry.path();
  }
  ASSERT_GT(size, 600'000U);
  std::string bytes = text_of(largest);
  bytes[size / 4] = static_cast<char>(bytes[size / 4] ^ 4);
  ASSERT_TRUE(remove_file(largest));
  write_text(largest, bytes);
}

TEST_F(VolumeDataVoyage, AFlippedBitIsNamedWithItsFileAndTheOthersComeBack) {
  harbour().apply(fmt::format(kMixedPod, "flip"));
  wait_ready("flip", "both");
  sh("flip", "both",
     "head -c 400000 /dev/urandom > /files/one; head -c 400000 /dev/urandom > /files/two; "
     "mkdir /files/sub; echo three > /files/sub/three");
  back_up("flip", {"--include-namespaces", "flip"});
  ASSERT_FALSE(HasFailure());
  const FilePath target = harbour().dir() / "flip-target";
  const Words restore = {"files", "restore", "flip", "flip/copied", "--target", target.string()};
  const auto matches = [&target](const char* name) {
    return sh("flip", "both", fmt::format("sha256sum < /files/{}", name)).substr(0, 64) ==
           sha256_hex(text_of(target / name));
  };
  harbour().must_lateen(restore);
  EXPECT_TRUE(matches("one") && matches("two") && matches("sub/three"));

  flip_a_bit_of_the_largest(bucket() / "kopia/flip");
  ASSERT_TRUE(remove_tree(target));
  const Outcome damaged = harbour().lateen(restore);
  EXPECT_EQ(damaged.code, 1) << damaged.story();
  const bool one_is_lost = damaged.err.find("/one: ") != std::string::npos;
  const char* const lost = one_is_lost ? "one" : "two";
  EXPECT_NE(damaged.err.find(fmt::format("/{}: ", lost)), std::string::npos) << damaged.story();
  EXPECT_FALSE(path_exists(target / lost)) << "half a file is worse than none";
  EXPECT_TRUE(matches(one_is_lost ? "two" : "one") && matches("sub/three")) << damaged.story();
  EXPECT_FALSE(
      harbour().lateen({"files", "cat", "flip", fmt::format("flip/copied:{}", lost)}).ok());
  EXPECT_EQ(harbour().must_lateen({"files", "cat", "flip", "flip/copied:sub/three"}), "three\n");
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
