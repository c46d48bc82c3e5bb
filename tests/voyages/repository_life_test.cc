// A BackupRepository through its life: filled, maintained by Jobs, given another key, measured, and
// restored from; and the commands for that on a repository by itself.
#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "voyages/testing/node_agent.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/repository_voyage.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

class RepositoryLifeVoyage : public Voyage<RepositoryLifeVoyage> {
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

  // A namespace with a pod whose claim has files, saved.
  static void save_files_of(const std::string& ns) {
    harbour().apply(replace_all(kFiles, "NAMESPACE", ns));
    harbour().must_kubectl(
        {"-n", ns, "wait", "--for=condition=Ready", "pod/keeper", "--timeout=120s"});
    write_file_in(ns, "first");
    back_up(ns, {"--include-namespaces", ns, "--default-volumes-to-fs-backup"});
  }

  static void write_file_in(const std::string& ns, const std::string& name) {
    harbour().must_kubectl({"-n", ns, "exec", "keeper", "--", "/bin/sh", "-c",
                            fmt::format("echo {0} of {1} > /data/{0}", name, ns)});
  }

  static std::string repository_of(const std::string& ns) { return ns + "-default-kopia"; }

  static Json repository(const std::string& ns) {
    return velero("backuprepositories", repository_of(ns));
  }

  // The Deployment that an installation has; its own pod runs nowhere, for the voyage's server is a
  // program that it can kill.
  static void describe_server() {
    auto printed = parse_json(harbour().must_lateen(
        {"install", "--provider", "filesystem", "--bucket", "lateen", "--backup-location-config",
         fmt::format("path={}", bucket().parent_path().string()), "--dry-run", "-o", "json"}));
    ASSERT_TRUE(printed) << printed.error().message();
    for (Json& object : items_of(*printed)) {
      const std::string kind(string_at(object, "kind"));
      if (kind == "Deployment") ensure(object, "spec.replicas") = 0;
      if (kind == "Deployment" || kind == "ServiceAccount" || kind == "ClusterRoleBinding")
        harbour().apply(write_json(object));
    }
  }

  static void maintain_every(const std::string& ns, const std::string& period) {
    harbour().must_kubectl({"-n", "velero", "patch", "backuprepositories.velero.io",
                            repository_of(ns), "--type=merge", "-p",
                            fmt::format(R"({{"spec":{{"maintenanceFrequency":"{}"}}}})", period)});
  }

  static std::string key_in_secret(const std::string& entry) {
    const Json secret = harbour().get({"-n", "velero", "secret", "velero-repo-credentials"});
    const Json* data = find(secret, "data");
    for (const auto& [name, value] : data->as_object()) {
      if (std::string_view(name).starts_with(entry)) return std::string(as_text(&value));
    }
    return {};
  }

  static constexpr std::string_view kFiles = R"(
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: NAMESPACE}
spec: {accessModes: [ReadWriteOnce], storageClassName: sandbox-efs, resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: keeper, namespace: NAMESPACE}
spec:
  containers:
    - name: main
      image: busybox
      command: [/bin/sh, -c, "while true; do sleep 1; done"]
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
)";

  static inline std::unique_ptr<Server> agent_;
};

TEST_F(RepositoryLifeVoyage, MaintenanceRunsInAJobOfTheServersImage) {
  describe_server();
  save_files_of("kept");
  maintain_every("kept", "1s");
  wait_until("a Job has maintained the repository", [] {
    const Json now = repository("kept");
    const JsonArray* runs = array_at(now, "status.recentMaintenance");
    return runs != nullptr && !runs->empty();
  });
  maintain_every("kept", "24h");
  const Json now = repository("kept");
  for (const Json& run : *array_at(now, "status.recentMaintenance"))
    EXPECT_EQ(string_at(run, "result"), "Succeeded") << string_at(run, "message");
  const auto jobs = items_of(harbour().get(
      {"-n", "velero", "jobs", "-l", "velero.io/repo-name=" + repository_of("kept")}));
  ASSERT_FALSE(jobs.empty());
  EXPECT_NE(string_at(jobs.front(), "metadata.name").find("kept-default-kopia-maintain-job-"),
            std::string_view::npos);
  // The next test gives the repository another key.
  wait_until("no Job is at work", [] {
    const auto all = items_of(harbour().get({"-n", "velero", "jobs"}));
    return std::all_of(all.begin(), all.end(), [](const Json& job) {
      return !string_at(job, "status.completionTime").empty() ||
             int_at(job, "status.failed").value_or(0) > 0;
    });
  });
}

TEST_F(RepositoryLifeVoyage, ARekeyLocksTheFormerKeyOutAndBackupsComeBackByTheNewOne) {
  save_files_of("locked");
  const std::string name = repository_of("locked");
  const std::string told = harbour().must_lateen({"repo", "rekey", "--all", "--confirm"});
  EXPECT_NE(told.find(name + ": under the new key\n"), std::string::npos) << told;
  const std::string former = key_in_secret("replaced-password.");
  ASSERT_NE(former, "");
  EXPECT_NE(former, key_in_secret("repository-password"));
  const FilePath file = harbour().dir() / "password";
  for (const bool is_new : {false, true}) {
    const auto key = base64_decode(is_new ? key_in_secret("repository-password") : former);
    ASSERT_TRUE(key);
    write_text(file, *key);
    const Outcome listed =
        harbour().lateen({"repo", "snapshots", "-r", (bucket() / "kopia/locked").string(),
                          "--password-file", file.string(), "--no-cache"});
    EXPECT_EQ(listed.code, is_new ? 0 : 12) << listed.story();
  }
  // What follows goes on in the same repository, and all of it comes back.
  write_file_in("locked", "second");
  back_up("locked-again", {"--include-namespaces", "locked", "--default-volumes-to-fs-backup"});
  const auto growth = parse_json(harbour().must_lateen(
      {"repo", "stats", "--mode", "growth", "--json", "--no-cache", "-r", "k8s:" + name}));
  ASSERT_TRUE(growth);
  const JsonArray* snapshots = array_at(*growth, "snapshots");
  ASSERT_NE(snapshots, nullptr);
  ASSERT_EQ(snapshots->size(), 2U) << write_json(*growth);
  EXPECT_EQ(int_at(snapshots->front(), "size"), 16);
  EXPECT_EQ(int_at(snapshots->front(), "changed"), 16);
  EXPECT_EQ(int_at(snapshots->back(), "size"), 33);
  EXPECT_EQ(int_at(snapshots->back(), "changed"), 17);
  EXPECT_EQ(int_at(*growth, "logical_size"), 49);
  harbour().must_kubectl({"delete", "namespace", "locked", "--wait", "--timeout=120s"});
  restore("locked-back", {"--from-backup", "locked-again"});
  harbour().must_kubectl(
      {"-n", "locked", "wait", "--for=condition=Ready", "pod/keeper", "--timeout=120s"});
  EXPECT_EQ(harbour().must_kubectl({"-n", "locked", "exec", "keeper", "--", "/bin/sh", "-c",
                                    "cat /data/first /data/second"}),
            "first of locked\nsecond of locked\n");
}

// A repository by itself, in both formats.
class RepositoryLifeVoyageAlone : public RepositoryVoyage,
                                  public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(,
                         RepositoryLifeVoyageAlone,
                         ::testing::Values("kopia", "restic"),
                         [](const auto& format) { return std::string(format.param); });

TEST_P(RepositoryLifeVoyageAlone, RekeyGivesItAnotherPasswordAndKeepsWhatIsStored) {
  make_source();
  expect_ok(lateen({"init", "--format", GetParam()}));
  expect_ok(lateen({"backup", source().string()}));
  const FilePath fresh = dir() / "fresh";
  write_text(fresh, "another one\n");
  expect_ok(lateen({"rekey", "--new-password-file", fresh.string()}));
  EXPECT_EQ(lateen({"snapshots"}).code, 12) << "by the former password";
  expect_ok(lateen({"check", "--read-data", "--password-file", fresh.string()}));
  expect_ok(lateen({"backup", source().string(), "--password-file", fresh.string()}));
  if (std::string_view(GetParam()) == "restic") {
    EXPECT_NE(restic({"snapshots"}).code, 0);
    expect_ok(restic({"check", "--read-data", "--password-file", fresh.string()}));
  }
}

TEST_P(RepositoryLifeVoyageAlone, GrowthSaysWhatEachSnapshotChangedAndAdded) {
  ASSERT_TRUE(make_dirs(source()));
  write_text(source() / "old", noise(300'000, 1));
  write_text(source() / "copy", noise(300'000, 1));
  expect_ok(lateen({"init", "--format", GetParam()}));
  expect_ok(lateen({"backup", source().string()}));
  write_text(source() / "new", noise(100'000, 2));
  expect_ok(lateen({"backup", source().string()}));
  expect_ok(lateen({"backup", source().string()}));
  const Outcome told = lateen({"stats", "--mode", "growth", "--json"});
  const auto growth = parse_json(told.out);
  ASSERT_TRUE(growth) << told.story();
  const JsonArray* snapshots = array_at(*growth, "snapshots");
  ASSERT_TRUE(snapshots != nullptr && snapshots->size() == 3U) << told.story();
  EXPECT_EQ(int_at(snapshots->at(0), "size"), 600'000);
  EXPECT_EQ(int_at(snapshots->at(1), "size"), 700'000);
  EXPECT_EQ(int_at(snapshots->at(1), "changed"), 100'000);
  // Files, and what folders and their names take.
  EXPECT_NEAR(static_cast<double>(int_at(snapshots->at(0), "new").value_or(0)), 300'000, 5'000);
  EXPECT_NEAR(static_cast<double>(int_at(snapshots->at(1), "new").value_or(0)), 100'000, 5'000);
  EXPECT_EQ(int_at(snapshots->at(2), "changed"), 0);
  EXPECT_EQ(int_at(*growth, "logical_size"), 2'000'000);
  EXPECT_GT(find(*growth, "dedup_ratio")->to_number<double>(), 4.5);
}

}  // namespace
}  // namespace lateen::voyages
