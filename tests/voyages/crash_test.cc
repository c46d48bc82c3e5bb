// The server is killed with -9 at many moments: what it leaves behind never looks like a whole
// backup that it is not, and the next server goes on from there.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::milliseconds;

constexpr int kConfigMaps = 250;

class CrashVoyage : public Voyage<CrashVoyage> {
 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    start_server();
    harbour().must_kubectl({"create", "namespace", "fleet"});
    std::string yaml = R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: fleet}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: sailor, namespace: fleet}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox
      command: [/bin/sh, -c, "test -e /data/up || head -c 4000000 /dev/urandom > /data/cargo; touch /data/up; exec sleep 3600"]
      readinessProbe: {exec: {command: [test, -e, /data/up]}, periodSeconds: 1}
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
)";
    const std::string filler(2000, 'x');
    for (int i = 0; i < kConfigMaps; ++i) {
      yaml += fmt::format(
          "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ship-{:03}, namespace: fleet}}\n"
          "data: {{number: \"{}\", filler: {}}}\n",
          i, i, filler);
    }
    // Server-side: one request an object, and no second copy in an annotation.
    harbour().must_kubectl({"apply", "--server-side", "-f", "-"}, yaml);
    harbour().must_kubectl({"-n", "fleet", "wait", "--for=condition=Ready", "pod/sailor"});
  }

  static bool has_ended(const std::string& phase) {
    return phase == "Completed" || phase == "PartiallyFailed" || phase == "Failed" ||
           phase == "FailedValidation";
  }

  // The server dies `later` after the object was created, and another one takes its place.
  static void kill_server(milliseconds later) {
    sleep_unless_stopped(later, {});
    server().kill9();
  }

  static std::string outcome_of(std::string_view plural, const std::string& name) {
    wait_until(fmt::format("{} {} has ended", plural, name),
               [&] { return has_ended(phase_of(plural, name)); });
    return phase_of(plural, name);
  }

  // What a bucket must be at every instant: metadata only beside all that it speaks of.
  static void expect_whole_or_absent(const std::string& name) {
    const FilePath dir = backup_dir(name);
    if (!path_exists(dir / "velero-backup.json")) return;
    const FilePath tarball = dir / (name + ".tar.gz");
    const Outcome listed = run_program({"tar", "tzf", tarball.string()});
    EXPECT_TRUE(listed.ok()) << listed.story();
    const auto ships =
        std::count_if(listed.out.begin(), listed.out.end(), [](char c) { return c == '\n'; });
    EXPECT_GT(ships, 2 * kConfigMaps) << name;
    for (const char* document : {"-results.gz", "-resource-list.json.gz", "-volumeinfo.json.gz",
                                 "-itemoperations.json.gz", "-logs.gz"}) {
      const Outcome tested = run_program({"gzip", "-t", (dir / (name + document)).string()});
      EXPECT_TRUE(tested.ok()) << name << ": " << tested.story();
    }
  }

  static std::size_t stored_snapshots() {
    const Outcome found = run_program({"find", harbour().sandbox_dir().string(), "-path",
                                       "*/snapshots/*", "-name", "snapshot.json"});
    EXPECT_TRUE(found.ok()) << found.story();
    return split_trimmed(found.out, '\n').size();
  }

  static void expect_no_snapshot_objects() {
    const bool gone = wait_until("no snapshot object is left", [] {
      return harbour().names({"-A", "volumesnapshots"}).empty() &&
             harbour().names({"volumesnapshotcontents"}).empty();
    });
    if (gone) return;
    ADD_FAILURE() << harbour().must_kubectl(
        {"get", "volumesnapshots,volumesnapshotcontents", "-A", "-o", "yaml"});
  }
};

TEST_F(CrashVoyage, ABackupCutShortNeverLooksWhole) {
  constexpr std::array<milliseconds, 7> kMoments = {
      milliseconds(0),   milliseconds(80),  milliseconds(180), milliseconds(300),
      milliseconds(500), milliseconds(800), milliseconds(1300)};
  std::size_t whole = 0;
  std::size_t cut_short = 0;
  for (const milliseconds moment : kMoments) {
    const std::string name = fmt::format("cut-{:04}", moment.count());
    harbour().must_lateen({"backup", "create", name, "--include-namespaces", "fleet"});
    kill_server(moment);
    expect_whole_or_absent(name);
    start_server();
    const std::string phase = outcome_of("backups", name);
    expect_whole_or_absent(name);
    if (phase == "Completed") {
      ++whole;
      EXPECT_TRUE(path_exists(backup_dir(name) / "velero-backup.json")) << name;
    } else {
      ++cut_short;
      EXPECT_EQ(phase, "Failed") << name;
      EXPECT_FALSE(path_exists(backup_dir(name) / "velero-backup.json")) << name;
      EXPECT_FALSE(path_exists(backup_dir(name) / (name + ".tar.gz"))) << name;
      const Json backup = velero("backups", name);
      EXPECT_NE(string_at(backup, "status.failureReason"), "") << name;
    }
    expect_no_snapshot_objects();
    wait_until("only whole backups have a snapshot in the storage",
               [&] { return stored_snapshots() == whole; });
  }
  RecordProperty("cut_short", static_cast<int>(cut_short));
  back_up("after-all", {"--include-namespaces", "fleet"});
  expect_whole_or_absent("after-all");
  EXPECT_EQ(stored_snapshots(), whole + 1);
}

TEST_F(CrashVoyage, TheMomentOfUploadIsNoExceptionEither) {
  // As soon as anything of the backup is in the bucket, and a little later.
  for (const milliseconds moment : {milliseconds(0), milliseconds(5), milliseconds(20)}) {
    const std::string name = fmt::format("upload-{:02}", moment.count());
    harbour().must_lateen({"backup", "create", name, "--include-namespaces", "fleet"});
    wait_until("the bucket has a document of the backup",
               [&] { return path_exists(backup_dir(name) / (name + "-logs.gz")); });
    kill_server(moment);
    expect_whole_or_absent(name);
    start_server();
    const std::string phase = outcome_of("backups", name);
    EXPECT_TRUE(phase == "Completed" || phase == "Failed") << phase;
    EXPECT_EQ(path_exists(backup_dir(name) / "velero-backup.json"), phase == "Completed") << name;
    expect_whole_or_absent(name);
    expect_no_snapshot_objects();
  }
}

TEST_F(CrashVoyage, ARestoreCutShortSaysSoAndAnotherOneFinishesTheWork) {
  back_up("whole", {"--include-namespaces", "fleet"});
  for (const milliseconds moment :
       {milliseconds(50), milliseconds(250), milliseconds(600), milliseconds(1200)}) {
    const std::string name = fmt::format("cut-{:04}", moment.count());
    const std::string ns = "fleet-" + name;
    harbour().must_lateen({"restore", "create", name, "--from-backup", "whole",
                           "--namespace-mappings", "fleet:" + ns});
    kill_server(moment);
    start_server();
    const std::string phase = outcome_of("restores", name);
    EXPECT_TRUE(phase == "Completed" || phase == "Failed") << phase;
    if (phase == "Failed") {
      EXPECT_NE(string_at(velero("restores", name), "status.failureReason"), "") << name;
    }
    restore(name + "-again", {"--from-backup", "whole", "--namespace-mappings", "fleet:" + ns});
    EXPECT_EQ(harbour().names({"-n", ns, "configmaps"}),
              harbour().names({"-n", "fleet", "configmaps"}));
    harbour().must_kubectl(
        {"-n", ns, "wait", "--for=condition=Ready", "pod/sailor", "--timeout=120s"});
    EXPECT_EQ(
        harbour().must_kubectl({"-n", ns, "exec", "sailor", "--", "cksum", "/data/cargo"}),
        harbour().must_kubectl({"-n", "fleet", "exec", "sailor", "--", "cksum", "/data/cargo"}));
    harbour().must_kubectl({"delete", "namespace", ns, "--wait", "--timeout=120s"});
  }
}

}  // namespace
}  // namespace lateen::voyages
