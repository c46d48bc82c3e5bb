// Lateen installed into a cluster as Velero is: its Deployment and DaemonSet run in the sandbox,
// over a bucket that is a folder; and Lateen put in the place of a Velero that is there.
#include <array>
#include <filesystem>

#include "base/text.h"
#include "s3/servers.h"
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
using InstallVoyageChart = InstallVoyage;

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
      {"-n", "notes", "wait", "--for=condition=Ready", "pod/writer", "--timeout=120s"});
  harbour_->must_kubectl(
      {"-n", "notes", "exec", "writer", "--", "sh", "-c", "echo remember > /paper/note"});
  harbour_->must_lateen({"backup", "create", "notes", "--include-namespaces", "notes",
                         "--default-volumes-to-fs-backup", "--wait"});
  EXPECT_EQ(phase_of("backups", "notes"), "Completed")
      << harbour_->lateen({"backup", "logs", "notes"}).story();
  EXPECT_TRUE(path_exists(bucket() / "backups/notes/velero-backup.json"));
  harbour_->must_kubectl({"delete", "namespace", "notes", "--wait", "--timeout=120s"});
  harbour_->must_lateen({"restore", "create", "notes-back", "--from-backup", "notes", "--wait"});
  EXPECT_EQ(phase_of("restores", "notes-back"), "Completed")
      << harbour_->lateen({"restore", "logs", "notes-back"}).story();
  harbour_->must_kubectl(
      {"-n", "notes", "wait", "--for=condition=Ready", "pod/writer", "--timeout=120s"});
  EXPECT_EQ(harbour_->must_kubectl({"-n", "notes", "exec", "writer", "--", "cat", "/paper/note"}),
            "remember\n");

  // A second time over it changes nothing, and says so; what was edited stays.
  harbour_->must_kubectl({"-n", "velero", "annotate", "deploy/velero", "owner=platform"});
  harbour_->must_kubectl({"-n", "velero", "patch", "backupstoragelocation", "default",
                          "--type=merge", "-p", R"({"spec": {"validationFrequency": "7m"}})"});
  EXPECT_NE(install({}).find("Deployment/velero: already exists, proceeding\n"), std::string::npos);
  EXPECT_NE(install({"--apply"}).find("Deployment/velero: applied\n"), std::string::npos);
  EXPECT_EQ(harbour_->must_kubectl({"-n", "velero", "get", "deploy/velero", "-o",
                                    "jsonpath={.metadata.annotations.owner}"}),
            "platform");
  EXPECT_EQ(harbour_->must_kubectl({"-n", "velero", "get", "backupstoragelocation/default", "-o",
                                    "jsonpath={.spec.validationFrequency}"}),
            "7m");
  const Outcome again = harbour_->lateen({"install", "--check"});
  EXPECT_EQ(again.code, 0) << again.story();
  EXPECT_NE(again.out.find("`lateen install --apply` changes its settings"), std::string::npos)
      << again.out;

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
  harbour_->must_kubectl({"delete", "namespace", "notes", "--wait", "--timeout=120s"});
  harbour_->must_lateen({"restore", "create", "once-more", "--from-backup", "notes", "--wait"});
  harbour_->must_kubectl(
      {"-n", "notes", "wait", "--for=condition=Ready", "pod/writer", "--timeout=120s"});
  EXPECT_EQ(harbour_->must_kubectl({"-n", "notes", "exec", "writer", "--", "cat", "/paper/note"}),
            "remember\n");
}

TEST_F(InstallVoyage, CredentialsThatWereThereStayAndThatIsSaid) {
  const FilePath old_file = harbour_->dir() / "old";
  const FilePath new_file = harbour_->dir() / "new";
  write_text(old_file, "[default]\naws_access_key_id=old\naws_secret_access_key=key\n");
  write_text(new_file, "[default]\naws_access_key_id=new\naws_secret_access_key=key\n");
  const auto put = [&](const FilePath& file, Words more) {
    Words words = {
        "install",  "--provider",    "aws",        "--bucket", "b", "--backup-location-config",
        "region=x", "--secret-file", file.string()};
    words.insert(words.end(), more.begin(), more.end());
    return harbour_->lateen(words);
  };
  const auto kept = [this] {
    return harbour_->must_kubectl(
        {"-n", "velero", "get", "secret", "cloud-credentials", "-o", "jsonpath={.data.cloud}"});
  };
  EXPECT_EQ(put(old_file, {}).err, "");
  const std::string before = kept();
  EXPECT_EQ(put(old_file, {}).err, "");
  const Outcome over = put(new_file, {});
  EXPECT_EQ(over.code, 0) << over.story();
  EXPECT_NE(over.err.find("keeps its credentials, which differ from " + new_file.string()),
            std::string::npos)
      << over.story();
  EXPECT_EQ(over.err.find("=new"), std::string::npos);
  EXPECT_EQ(kept(), before);
  EXPECT_EQ(put(new_file, {"--apply"}).err, "");
  EXPECT_NE(kept(), before);
}

// What helm makes of the chart (testdata/helm/PROVENANCE.md), by hand.
TEST_F(InstallVoyageChart, ItsObjectsAppliedByKubectlLeadToAVerifiedRestore) {
  harbour_->must_kubectl({"create", "namespace", "velero"});
  harbour_->must_kubectl({"apply", "-f", LATEEN_SOURCE_DIR "/deploy/helm/lateen/crds"});
  harbour_->must_kubectl({"wait", "--for=condition=Established", "crd", "--all"});
  harbour_->apply(replace_all(text_of(FilePath(LATEEN_TESTDATA) / "helm/sandbox-rendered.yaml"),
                              "/srv/lateen-backups", bucket().parent_path().string()));
  wait_available();
  wait_until("the job that keeps the definitions up to date has ended", [this] {
    return harbour_->must_kubectl({"-n", "velero", "get", "job", "velero-upgrade-crds", "-o",
                                   "jsonpath={.status.succeeded}"}) == "1";
  });
  harbour_->must_kubectl({"-n", "velero", "wait", "--for=condition=Ready", "pod", "-l",
                          "name=node-agent", "--timeout=120s"});
  harbour_->apply(kNotes);
  harbour_->must_kubectl(
      {"-n", "notes", "wait", "--for=condition=Ready", "pod/writer", "--timeout=120s"});
  harbour_->must_kubectl(
      {"-n", "notes", "exec", "writer", "--", "sh", "-c", "echo remember > /paper/note"});
  harbour_->must_lateen({"backup", "create", "notes", "--include-namespaces", "notes",
                         "--default-volumes-to-fs-backup", "--wait"});
  const Outcome drill = harbour_->lateen(
      {"drill", "create", "first", "--from-backup", "notes", "--wait", "--check",
       "{name: note, type: exec, pod: writer, command: [cat, /paper/note], expect: {equals: "
       "remember}}"});
  EXPECT_EQ(drill.code, 0) << drill.story();
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

// A new bucket at moto's that holds a folder's files.
std::string bucket_of(const FilePath& folder) {
  namespace s3 = objects::s3;
  const std::string bucket = s3::make_bucket(s3::moto_url());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string key = std::filesystem::relative(entry.path(), folder).string();
    const std::string bytes = text_of(entry.path());
    const auto put = s3::ask_s3(s3::moto_url(), "PUT", fmt::format("/{}/{}", bucket, key),
                                Bytes(bytes.begin(), bytes.end()));
    if (!put || put->status != 200) ADD_FAILURE() << "cannot put " << key;
  }
  return bucket;
}

// The objects that Velero's server had made when it was stopped, as another cluster takes them.
std::string made_by_velero(const FilePath& file) {
  Json list = parse_json(text_of(file)).value();
  JsonArray kept;
  for (Json& one : list.as_object()["items"].as_array()) {
    if (string_at(one, "kind") == "BackupStorageLocation") continue;
    for (const char* field : {"metadata.resourceVersion", "metadata.uid", "metadata.managedFields",
                              "metadata.ownerReferences"})
      erase(one, field);
    kept.push_back(std::move(one));
  }
  list.as_object()["items"] = std::move(kept);
  return write_json(list);
}

TEST_F(InstallVoyageTakeover, ServesWhatTheRealVeleroHasInstalledAndMade) {
  const FilePath data = FilePath(LATEEN_TESTDATA);
  const std::string s3_bucket = bucket_of(data / "velero-bucket/bucket");
  std::string installed = replace_all(text_of(data / "takeover/installed.json"),
                                      "http://127.0.0.1:9000", objects::s3::moto_url());
  installed = replace_all(installed, R"("bucket":"lateen")", R"("bucket":")" + s3_bucket + "\"");
  // kubectl asks for every kind before it creates the first object: definitions, then the rest.
  harbour_->kubectl({"apply", "-f", "-"}, installed);
  harbour_->must_kubectl({"wait", "--for=condition=Established", "crd", "--all"});
  harbour_->apply(installed);
  harbour_->must_kubectl({"create", "-f", "-"},
                         made_by_velero(data / "velero-bucket/velero-crs.json"));
  const auto phases = [this](const char* plural) {
    return harbour_->must_kubectl({"-n", "velero", "get", plural, "-o",
                                   "jsonpath={range .items[*]}{.metadata.name}={.status.phase} "
                                   "{end}"});
  };
  constexpr std::array<const char*, 5> kKinds = {
      "backups.velero.io", "restores.velero.io", "schedules.velero.io",
      "podvolumebackups.velero.io", "podvolumerestores.velero.io"};
  std::vector<std::string> before;
  for (const char* plural : kKinds)
    before.push_back(phases(plural));

  const std::string told = harbour_->must_lateen({"takeover"});
  EXPECT_NE(told.find("restoredrills.lateen.io: created"), std::string::npos) << told;
  EXPECT_NE(told.find("Lateen is in Velero's place"), std::string::npos) << told;
  wait_available();
  for (std::size_t n = 0; n < kKinds.size(); ++n)
    EXPECT_EQ(phases(kKinds[n]), before[n]) << kKinds[n];
  wait_until("the repository is served", [&] {
    return phases("backuprepositories.velero.io").find("=Ready") != std::string::npos;
  });
  const std::string listed = harbour_->must_lateen({"backup", "get"});
  for (const char* name : {"bookstore-full", "cluster-all", "nightly-20261122103737"})
    EXPECT_NE(listed.find(name), std::string::npos) << listed;
  EXPECT_NE(harbour_->must_lateen({"restore", "get"}).find("dr "), std::string::npos);

  harbour_->must_lateen({"restore", "create", "config", "--from-backup", "bookstore-full",
                         "--include-resources", "configmaps,secrets", "--namespace-mappings",
                         "bookstore:copy", "--wait"});
  EXPECT_EQ(phase_of("restores", "config"), "Completed");
  EXPECT_TRUE(harbour_->find({"-n", "copy", "configmap", "payments-config"}).has_value());
  harbour_->must_lateen({"backup", "create", "new", "--include-namespaces", "copy", "--wait"});
  EXPECT_EQ(phase_of("backups", "new"), "Completed");
  const auto stored = objects::s3::ask_s3(
      objects::s3::moto_url(), "GET", fmt::format("/{}/backups/new/velero-backup.json", s3_bucket));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->status, 200);
  EXPECT_NE(harbour_->must_lateen({"schedule", "get"}).find("nightly"), std::string::npos);
}

}  // namespace
}  // namespace lateen::voyages
