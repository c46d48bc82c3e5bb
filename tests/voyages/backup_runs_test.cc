// Backups as their owner steers them: tried first, ended before their end, chosen by a label.
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

// A pod that writes into its claim's volume, at /data.
std::string pod_with_claim(std::string_view ns, std::string_view annotations = "{}") {
  return fmt::format(R"(
apiVersion: v1
kind: Namespace
metadata: {{name: {0}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: {0}, labels: {{keep: "yes"}}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: writer, namespace: {0}, annotations: {1}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox
      command: [/bin/sh, -c, "touch /data/up; exec sleep 3600"]
      readinessProbe: {{exec: {{command: [test, -e, /data/up]}}, periodSeconds: 1}}
      volumeMounts: [{{name: data, mountPath: /data}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
)",
                     ns, annotations);
}

class BackupRunsVoyage : public Voyage<BackupRunsVoyage> {
 protected:
  static void put(const std::string& ns, const std::string& yaml) {
    harbour().apply(yaml);
    harbour().must_kubectl({"-n", ns, "wait", "--for=condition=Ready", "pod", "--all"});
  }

  static std::string in_pod(const std::string& ns, const std::string& file) {
    return harbour().must_kubectl({"-n", ns, "exec", "writer", "--", "cat", "/data/" + file});
  }

  static std::string tarball_entries(const std::string& backup) {
    return run_program({"tar", "tzf", (backup_dir(backup) / (backup + ".tar.gz")).string()}).out;
  }
};

TEST_F(BackupRunsVoyage, ADryRunSaysWhatTheBackupThenHolds) {
  put("tried", pod_with_claim(
                   "tried", R"({pre.hook.backup.velero.io/command: '["touch","/data/frozen"]'})"));
  const Words asked = {"backup", "create", "tried", "--include-namespaces", "tried", "--dry-run"};
  const std::string told = harbour().must_lateen(asked);
  EXPECT_NE(told.find("CSI snapshot"), std::string::npos) << told;
  EXPECT_NE(told.find("touch /data/frozen"), std::string::npos) << told;
  EXPECT_NE(told.find("Namespaces that are not covered:"), std::string::npos) << told;
  EXPECT_EQ(told.find("Volumes whose data are not covered"), std::string::npos) << told;
  Words as_json = asked;
  as_json.insert(as_json.end(), {"-o", "json"});
  const auto plan = parse_json(harbour().must_lateen(as_json));
  ASSERT_TRUE(plan);
  // Nothing of it has happened.
  EXPECT_FALSE(harbour().find({"-n", "velero", "backups.velero.io", "tried"}).has_value());
  EXPECT_TRUE(harbour().names({"-A", "volumesnapshots"}).empty());
  EXPECT_FALSE(
      harbour().kubectl({"-n", "tried", "exec", "writer", "--", "cat", "/data/frozen"}).ok());

  back_up("tried", {"--include-namespaces", "tried"});
  const std::string entries = tarball_entries("tried");
  for (const auto& [kind, names] : find(*plan, "objects")->as_object()) {
    for (const Json& name : names.as_array()) {
      const std::string file = std::string(as_text(&name));
      const std::size_t slash = file.find('/');
      const std::string path =
          slash == std::string::npos ? "cluster/" + file : fmt::format("namespaces/{}", file);
      EXPECT_NE(entries.find("/" + path + ".json"), std::string::npos) << kind << " " << file;
    }
  }
  EXPECT_EQ(in_pod("tried", "frozen"), "");
}

TEST_F(BackupRunsVoyage, ACanceledBackupThawsItsPodsAndLeavesOnlyItsLog) {
  put("stopped",
      pod_with_claim(
          "stopped",
          R"({pre.hook.backup.velero.io/command: '["/bin/sh","-c","echo frozen > /data/state; sleep 50"]',)"
          R"( pre.hook.backup.velero.io/timeout: 1m,)"
          R"( post.hook.backup.velero.io/command: '["/bin/sh","-c","echo thawed > /data/state"]'})"));
  harbour().must_lateen({"backup", "create", "stopped", "--include-namespaces", "stopped"});
  wait_until("the pod is frozen", [] {
    const Outcome looked =
        harbour().kubectl({"-n", "stopped", "exec", "writer", "--", "cat", "/data/state"});
    return looked.out == "frozen\n";
  });
  harbour().must_kubectl(
      {"-n", "velero", "annotate", "backups.velero.io", "stopped", "lateen.io/cancel=true"});
  wait_until("the backup has ended", [] { return phase_of("backups", "stopped") == "Failed"; });
  EXPECT_EQ(string_at(velero("backups", "stopped"), "status.failureReason"),
            "canceled by annotation lateen.io/cancel");
  wait_until("no snapshot object is left",
             [] { return harbour().names({"-A", "volumesnapshots"}).empty(); });
  const auto left = list_dir(backup_dir("stopped"));
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1U);
  const std::string log = harbour().must_lateen({"backup", "logs", "stopped"});
  EXPECT_NE(log.find("canceled by annotation"), std::string::npos) << log;
}

// Velero's item blocks: the claim is chosen, and the pod that writes into it comes along, for its
// hooks.
TEST_F(BackupRunsVoyage, APodComesAlongWithTheClaimThatASelectorChooses) {
  put("labelled",
      pod_with_claim("labelled",
                     R"({pre.hook.backup.velero.io/command: '["touch","/data/frozen"]'})"));
  back_up("labelled", {"--include-namespaces", "labelled", "--selector", "keep=yes"});
  const std::string entries = tarball_entries("labelled");
  EXPECT_NE(entries.find("resources/pods/namespaces/labelled/writer.json"), std::string::npos)
      << entries;
  EXPECT_EQ(in_pod("labelled", "frozen"), "");
}

}  // namespace
}  // namespace lateen::voyages
