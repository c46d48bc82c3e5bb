// Hooks: commands that run in pods before and after they are backed up, and after they come back.
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

// A pod whose /work is a volume, so that what a hook writes there can be looked at.
std::string pod(std::string_view ns, std::string_view name, std::string_view annotations = "{}") {
  return fmt::format(R"(
apiVersion: v1
kind: Pod
metadata: {{name: {1}, namespace: {0}, labels: {{app: {1}}}, annotations: {2}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox
      command: [/bin/sh, -c, "touch /work/up; exec sleep 3600"]
      readinessProbe: {{exec: {{command: [test, -e, /work/up]}}, periodSeconds: 1}}
      volumeMounts: [{{name: work, mountPath: /work}}]
  volumes: [{{name: work, emptyDir: {{}}}}]
---)",
                     ns, name, annotations);
}

class HooksVoyage : public Voyage<HooksVoyage> {
 protected:
  static void put(const std::string& ns, const std::string& pods) {
    harbour().must_kubectl({"create", "namespace", ns});
    harbour().apply(pods);
    harbour().must_kubectl({"-n", ns, "wait", "--for=condition=Ready", "pod", "--all"});
  }

  static std::string in_pod(const std::string& ns, const std::string& name, const Words& command) {
    Words words = {"-n", ns, "exec", name, "--"};
    words.insert(words.end(), command.begin(), command.end());
    return harbour().must_kubectl(words);
  }

  static bool has_pod(const std::string& backup, const std::string& path) {
    const std::string listed =
        run_program({"tar", "tzf", (backup_dir(backup) / (backup + ".tar.gz")).string()}).out;
    return listed.find("resources/pods/namespaces/" + path + ".json") != std::string::npos;
  }

  static void create_backup(const std::string& yaml, const std::string& name) {
    harbour().apply(yaml);
    wait_until("backup " + name + " has ended", [&name] {
      const std::string phase = phase_of("backups", name);
      return phase == "Completed" || phase.find("ailed") != std::string::npos;
    });
  }
};

TEST_F(HooksVoyage, AFailingPreHookIsToldWithItsOutputAndItsPodIsLeftOut) {
  put("failing", pod("failing", "good") + pod("failing", "bad"));
  create_backup(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {name: failing, namespace: velero}
spec:
  includedNamespaces: [failing]
  hooks:
    resources:
      - name: freeze
        labelSelector: {matchLabels: {app: bad}}
        pre:
          - exec:
              container: main
              command: [/bin/sh, -c, "echo the disk is on fire; echo help me >&2; exit 7"]
              onError: Fail
              timeout: 1m
)",
                "failing");
  EXPECT_EQ(phase_of("backups", "failing"), "PartiallyFailed");
  const Json backup = velero("backups", "failing");
  EXPECT_EQ(int_at(backup, "status.hookStatus.hooksAttempted"), 1);
  EXPECT_EQ(int_at(backup, "status.hookStatus.hooksFailed"), 1);
  EXPECT_GE(int_at(backup, "status.errors").value_or(0), 1);
  EXPECT_TRUE(has_pod("failing", "failing/good"));
  EXPECT_FALSE(has_pod("failing", "failing/bad"));

  const std::string told = harbour().must_lateen({"backup", "describe", "failing", "--details"});
  EXPECT_NE(told.find("Phase:  PartiallyFailed"), std::string::npos) << told;
  EXPECT_NE(told.find("the disk is on fire"), std::string::npos) << told;
  EXPECT_NE(told.find("HooksFailed:     1"), std::string::npos) << told;
  const std::string log = harbour().must_lateen({"backup", "logs", "failing"});
  EXPECT_NE(log.find("the disk is on fire"), std::string::npos) << log;
  EXPECT_NE(log.find("help me"), std::string::npos) << log;
  EXPECT_NE(log.find("hookName=freeze"), std::string::npos) << log;
}

TEST_F(HooksVoyage, AHookThatMayFailLeavesThePodIn) {
  put("lenient", pod("lenient", "pod",
                     R"({pre.hook.backup.velero.io/command: '["/bin/sh","-c","exit 3"]',)"
                     R"( pre.hook.backup.velero.io/on-error: Continue})"));
  back_up("lenient", {"--include-namespaces", "lenient"}, "PartiallyFailed");
  EXPECT_TRUE(has_pod("lenient", "lenient/pod"));
}

TEST_F(HooksVoyage, AnnotationsOfAPodRunCommandsBeforeAndAfterItIsSaved) {
  put("annotated",
      pod("annotated", "pod",
          R"({pre.hook.backup.velero.io/command: '["/bin/sh","-c","echo before >> /work/order"]',)"
          R"( pre.hook.backup.velero.io/container: main,)"
          R"( post.hook.backup.velero.io/command: '["/bin/sh","-c","echo after >> /work/order"]'})"));
  back_up("annotated", {"--include-namespaces", "annotated"});
  EXPECT_EQ(in_pod("annotated", "pod", {"cat", "/work/order"}), "before\nafter\n");
  EXPECT_EQ(int_at(velero("backups", "annotated"), "status.hookStatus.hooksAttempted"), 2);
}

TEST_F(HooksVoyage, PostHooksOfABackupRunAfterThePod) {
  put("posted", pod("posted", "pod"));
  create_backup(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {name: posted, namespace: velero}
spec:
  includedNamespaces: [posted]
  hooks:
    resources:
      - name: thaw
        includedNamespaces: [posted]
        pre: [{exec: {command: [/bin/sh, -c, "echo frozen >> /work/order"]}}]
        post: [{exec: {command: [/bin/sh, -c, "echo thawed >> /work/order"]}}]
)",
                "posted");
  EXPECT_EQ(phase_of("backups", "posted"), "Completed");
  EXPECT_EQ(in_pod("posted", "pod", {"cat", "/work/order"}), "frozen\nthawed\n");
}

TEST_F(HooksVoyage, AHookThatHangsIsEndedByItsTimeout) {
  put("hanging", pod("hanging", "pod",
                     R"({pre.hook.backup.velero.io/command: '["/bin/sleep","300"]',)"
                     R"( pre.hook.backup.velero.io/timeout: 1s})"));
  back_up("hanging", {"--include-namespaces", "hanging"}, "PartiallyFailed");
  const std::string log = harbour().must_lateen({"backup", "logs", "hanging"});
  EXPECT_NE(log.find("timed out"), std::string::npos) << log;
}

TEST_F(HooksVoyage, ARestoredPodRunsItsPostHookWhenItIsUp) {
  put("revived",
      pod("revived", "pod",
          R"({post.hook.restore.velero.io/command: '["/bin/sh","-c","echo back > /work/order"]',)"
          R"( post.hook.restore.velero.io/container: main})"));
  back_up("revived", {"--include-namespaces", "revived"});
  harbour().must_kubectl({"delete", "namespace", "revived", "--wait", "--timeout=120s"});
  restore("revived", {"--from-backup", "revived"});
  EXPECT_EQ(in_pod("revived", "pod", {"cat", "/work/order"}), "back\n");
  EXPECT_EQ(int_at(velero("restores", "revived"), "status.hookStatus.hooksAttempted"), 1);
}

TEST_F(HooksVoyage, AFailingPostHookOfARestoreIsTold) {
  put("sulking",
      pod("sulking", "pod",
          R"({post.hook.restore.velero.io/command: '["/bin/sh","-c","echo no such shelf; exit 4"]',)"
          R"( post.hook.restore.velero.io/on-error: Fail})"));
  back_up("sulking", {"--include-namespaces", "sulking"});
  harbour().must_kubectl({"delete", "namespace", "sulking", "--wait", "--timeout=120s"});
  restore("sulking", {"--from-backup", "sulking"}, "PartiallyFailed");
  const std::string told = harbour().must_lateen({"restore", "describe", "sulking", "--details"});
  EXPECT_NE(told.find("HooksFailed:      1"), std::string::npos) << told;
}

}  // namespace
}  // namespace lateen::voyages
