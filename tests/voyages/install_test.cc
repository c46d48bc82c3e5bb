// Lateen installed into a cluster as Velero is: its Deployment and DaemonSet run in the sandbox,
// over a bucket that is a folder; and Lateen put in the place of a Velero that is there.
#include "base/text.h"
#include "voyages/testing/node_agent.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

class InstallVoyage : public ::testing::Test {
 protected:
  void SetUp() override {
    harbour_ = Harbour::open();
    ASSERT_NE(harbour_, nullptr);
  }

  void TearDown() override {
    if (harbour_ != nullptr && HasFailure()) {
      for (const char* part : {"deploy/velero", "daemonset/node-agent"})
        std::cerr << harbour_->kubectl({"-n", "velero", "logs", part}).story() << "\n";
      std::cerr << harbour_->kubectl({"-n", "velero", "describe", "pods"}).story() << "\n";
    }
    harbour_.reset();
  }

  FilePath bucket() const { return harbour_->dir() / "buckets/lateen"; }

  std::string install(Words more) const {
    Words words = {"install",
                   "--provider",
                   "filesystem",
                   "--bucket",
                   "lateen",
                   "--backup-location-config",
                   fmt::format("path={},createBucket=true", bucket().parent_path().string()),
                   "--use-node-agent"};
    words.insert(words.end(), more.begin(), more.end());
    return harbour_->must_lateen(words);
  }

  std::string phase_of(const std::string& plural, const std::string& name) const {
    const auto object = harbour_->find({"-n", "velero", plural + ".velero.io", name});
    return object ? std::string(string_at(*object, "status.phase")) : std::string();
  }

  std::string image_of(const std::string& workload) const {
    return harbour_->must_kubectl({"-n", "velero", "get", workload, "-o",
                                   "jsonpath={.spec.template.spec.containers[0].image}"});
  }

  void wait_available() const {
    wait_until("the location is Available",
               [this] { return phase_of("backupstoragelocations", "default") == "Available"; });
  }

  std::unique_ptr<Harbour> harbour_;
};

using InstallVoyageTakeover = InstallVoyage;

constexpr std::string_view kNotes = R"(
apiVersion: v1
kind: Namespace
metadata: {name: notes}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: paper, namespace: notes}
spec: {storageClassName: sandbox-efs, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer, namespace: notes}
spec:
  containers:
    - name: main
      image: debian
      command: [sleep, infinity]
      volumeMounts: [{name: paper, mountPath: /paper}]
  volumes: [{name: paper, persistentVolumeClaim: {claimName: paper}}]
)";

TEST_F(InstallVoyage, ServerAndNodeAgentRunAsPodsAndSaveAVolumesFiles) {
  const Outcome checked = harbour_->lateen({"install", "--check"});
  EXPECT_EQ(checked.code, 0) << checked.story();
  EXPECT_NE(checked.out.find("by VolumeSnapshotClass sandbox-snapshots"), std::string::npos);
  EXPECT_NE(checked.out.find("This cluster is ready"), std::string::npos) << checked.out;

  const std::string told = install({"--wait"});
  EXPECT_NE(told.find("Deployment/velero: created\n"), std::string::npos) << told;
  EXPECT_NE(told.find("Lateen is installed! ⛵ Use 'kubectl logs deployment/velero -n velero' to "
                      "view the status.\n"),
            std::string::npos)
      << told;
  const std::string pods = harbour_->must_kubectl({"-n", "velero", "get", "pods", "--no-headers"});
  for (const std::string_view line : split_trimmed(pods, '\n'))
    EXPECT_NE(line.find("1/1"), std::string_view::npos) << line;
  EXPECT_NE(pods.find("velero-"), std::string::npos) << pods;
  EXPECT_NE(pods.find("node-agent-"), std::string::npos) << pods;
  EXPECT_NE(harbour_->must_kubectl({"-n", "velero", "logs", "deploy/velero"}).find("level=info"),
            std::string::npos);
  wait_available();

  harbour_->apply(kNotes);
  harbour_->must_kubectl(
      {"-n", "notes", "wait", "--for=condition=Ready", "pod/writer", "--timeout=30s"});
  harbour_->must_kubectl(
      {"-n", "notes", "exec", "writer", "--", "sh", "-c", "echo remember > /paper/note"});
  harbour_->must_lateen({"backup", "create", "notes", "--include-namespaces", "notes",
                         "--default-volumes-to-fs-backup", "--wait"});
  EXPECT_EQ(phase_of("backups", "notes"), "Completed")
      << harbour_->lateen({"backup", "logs", "notes"}).story();
  EXPECT_TRUE(path_exists(bucket() / "backups/notes/velero-backup.json"));
  harbour_->must_kubectl({"delete", "namespace", "notes", "--wait", "--timeout=60s"});
  harbour_->must_lateen({"restore", "create", "notes-back", "--from-backup", "notes", "--wait"});
  EXPECT_EQ(phase_of("restores", "notes-back"), "Completed")
      << harbour_->lateen({"restore", "logs", "notes-back"}).story();
  harbour_->must_kubectl(
      {"-n", "notes", "wait", "--for=condition=Ready", "pod/writer", "--timeout=30s"});
  EXPECT_EQ(harbour_->must_kubectl({"-n", "notes", "exec", "writer", "--", "cat", "/paper/note"}),
            "remember\n");

  // A second time over it changes nothing, and says so.
  EXPECT_NE(install({}).find("Deployment/velero: already exists, proceeding\n"), std::string::npos);

  const Outcome asked = harbour_->lateen({"uninstall"}, "n\n");
  EXPECT_EQ(asked.code, 0) << asked.story();
  EXPECT_EQ(phase_of("backups", "notes"), "Completed");
  const std::string gone = harbour_->must_lateen({"uninstall", "--force"});
  EXPECT_NE(gone.find("Lateen uninstalled ⛵\n"), std::string::npos) << gone;
  EXPECT_NE(gone.find("default: bucket lateen (filesystem)\n"), std::string::npos) << gone;
  EXPECT_FALSE(harbour_->find({"namespace", "velero"}).has_value());
  EXPECT_TRUE(harbour_->names({"crd", "-l", "component=velero"}).empty());
  EXPECT_TRUE(path_exists(bucket() / "backups/notes/velero-backup.json"));
  EXPECT_TRUE(path_exists(bucket() / "restores/notes-back"));

  // With the keys that were kept, everything is as before.
  EXPECT_NE(gone.find("lateen-keys-velero.yaml"), std::string::npos) << gone;
  harbour_->must_kubectl({"create", "namespace", "velero"});
  harbour_->must_kubectl({"apply", "-f", "lateen-keys-velero.yaml"});
  install({"--wait"});
  wait_until("the backup is known again",
             [this] { return phase_of("backups", "notes") == "Completed"; });
  harbour_->must_kubectl({"delete", "namespace", "notes", "--wait", "--timeout=60s"});
  harbour_->must_lateen({"restore", "create", "once-more", "--from-backup", "notes", "--wait"});
  harbour_->must_kubectl(
      {"-n", "notes", "wait", "--for=condition=Ready", "pod/writer", "--timeout=30s"});
  EXPECT_EQ(harbour_->must_kubectl({"-n", "notes", "exec", "writer", "--", "cat", "/paper/note"}),
            "remember\n");
}

TEST_F(InstallVoyageTakeover, PutsLateenInVelerosPlaceOverItsBucketAndVeleroBack) {
  // As Velero installs itself, over what the real one wrote.
  const FilePath fixture = FilePath(LATEEN_TESTDATA) / "velero-bucket/bucket";
  ASSERT_TRUE(make_dirs(bucket()));
  const Outcome copied =
      run_program({"cp", "-r", (fixture / "backups").string(), (fixture / "restores").string(),
                   (fixture / "kopia").string(), bucket().string()});
  ASSERT_TRUE(copied.ok()) << copied.story();
  install(
      {"--image", "velero/velero:v1.18.1", "--plugins", "velero/velero-plugin-for-aws:v1.12.0"});
  const Json before = harbour_->get({"-n", "velero", "deployment", "velero"});

  const std::string shown = harbour_->must_lateen({"takeover", "--dry-run"});
  EXPECT_NE(shown.find("Deployment velero/velero\n  - image: velero/velero:v1.18.1\n  + image: "
                       "lateen/lateen:"),
            std::string::npos)
      << shown;
  EXPECT_EQ(image_of("deployment/velero"), "velero/velero:v1.18.1");

  const std::string told = harbour_->must_lateen({"takeover"});
  EXPECT_NE(told.find("Lateen is in Velero's place"), std::string::npos) << told;
  EXPECT_NE(image_of("daemonset/node-agent").find("lateen/lateen:"), std::string::npos);
  EXPECT_NE(harbour_->must_lateen({"takeover"}).find("runs here already"), std::string::npos);
  wait_available();
  wait_until("Velero's eight backups are listed",
             [this] { return harbour_->names({"-n", "velero", "backups.velero.io"}).size() == 8; });

  harbour_->must_lateen({"restore", "create", "config", "--from-backup", "bookstore-full",
                         "--include-resources", "configmaps,secrets", "--namespace-mappings",
                         "bookstore:copy", "--wait"});
  EXPECT_EQ(phase_of("restores", "config"), "Completed");
  EXPECT_TRUE(harbour_->find({"-n", "copy", "configmap", "payments-config"}).has_value());
  harbour_->must_lateen({"backup", "create", "new", "--include-namespaces", "copy", "--wait"});
  EXPECT_EQ(phase_of("backups", "new"), "Completed");
  EXPECT_TRUE(path_exists(bucket() / "backups/new/velero-backup.json"));

  harbour_->must_lateen({"takeover", "--revert"});
  const Json after = harbour_->get({"-n", "velero", "deployment", "velero"});
  EXPECT_EQ(write_json_pretty(*find(after, "spec")), write_json_pretty(*find(before, "spec")));
  EXPECT_EQ(image_of("daemonset/node-agent"), "velero/velero:v1.18.1");
}

}  // namespace
}  // namespace lateen::voyages
