// The command line as people and scripts meet it: codes, lists, globs, bundles, and documents that
// come through the API server.
#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

class CliVoyage : public Voyage<CliVoyage> {
 protected:
  static void SetUpTestSuite() {
    Voyage<CliVoyage>::SetUpTestSuite();
    if (HasFatalFailure()) return;
    harbour().must_kubectl({"create", "namespace", "shop"});
    harbour().must_kubectl({"-n", "shop", "create", "configmap", "settings", "--from-literal=a=b"});
  }

  static Outcome as_velero(Words args) {
    args.insert(args.begin(), {"env", "LATEEN_COMPAT=velero", lateen_binary()});
    return run_program(args, {.env = {{"KUBECONFIG", harbour().kubeconfig().string()},
                                      {"HOME", (harbour().dir() / "home").string()}}});
  }

  static Json json_of(const Words& args) {
    const std::string text = harbour().must_lateen(args);
    auto json = parse_json(text);
    EXPECT_TRUE(json) << text;
    return json ? std::move(*json) : Json();
  }
};

TEST_F(CliVoyage, AListOfOneIsAListAndAsVeleroItIsTheObject) {
  back_up("single", {"--include-namespaces", "shop"});
  const Json list =
      json_of({"backup", "get", "-l", "velero.io/storage-location=default", "-o", "json"});
  EXPECT_EQ(string_at(list, "kind"), "BackupList");
  EXPECT_EQ(string_at(json_of({"backup", "get", "single", "-o", "json"}), "metadata.name"),
            "single");
  const Outcome velero = as_velero({"backup-location", "get", "-o", "json"});
  EXPECT_NE(velero.out.find("\"kind\": \"BackupStorageLocation\""), std::string::npos)
      << velero.story();
}

TEST_F(CliVoyage, TheExitCodeSaysHowItEndedOrThatItIsNotThere) {
  EXPECT_EQ(
      harbour().lateen({"backup", "create", "fine", "--include-namespaces", "shop", "-w"}).code, 0);
  const Words refused = {"restore", "create",
                         "refused", "--from-backup",
                         "fine",    "--include-resources",
                         "pods",    "--exclude-resources",
                         "pods",    "--wait"};
  EXPECT_EQ(harbour().lateen(refused).code, 2);
  EXPECT_EQ(harbour().lateen({"backup", "get", "nowhere"}).code, 10);
  EXPECT_EQ(harbour().lateen({"backup", "logs", "nowhere"}).code, 10);
  EXPECT_EQ(as_velero({"backup", "get", "nowhere"}).code, 1);
}

TEST_F(CliVoyage, WhoWaitsNoLongerThanHeSaidIsToldThatItGoesOn) {
  server().stop();
  const Outcome late = harbour().lateen(
      {"backup", "create", "late", "--include-namespaces", "shop", "--wait", "--timeout", "300ms"});
  EXPECT_EQ(late.code, 5) << late.story();
  EXPECT_NE(late.err.find("backup late has not ended within 300ms"), std::string::npos) << late.err;
}

TEST_F(CliVoyage, AGlobIsShownBeforeItDeletesAndOneIsCanceledByName) {
  for (const char* name : {"test-1", "test-2", "kept"})
    back_up(name, {"--include-namespaces", "shop"});
  EXPECT_EQ(harbour().must_lateen({"backup", "delete", "test-*", "--dry-run"}),
            "Would delete these backups:\n  test-1\n  test-2\n");
  EXPECT_EQ(phase_of("backups", "test-1"), "Completed");
  const Json deleted = json_of({"backup", "delete", "test-*", "--confirm", "-o", "json"});
  EXPECT_EQ(texts_at(deleted, "deleted"), (std::vector<std::string>{"test-1", "test-2"}));
  wait_until("both are gone", [] {
    return phase_of("backups", "test-1").empty() && phase_of("backups", "test-2").empty();
  });
  EXPECT_EQ(phase_of("backups", "kept"), "Completed");
  EXPECT_EQ(harbour().must_lateen({"backup", "cancel", "kept"}),
            "The backup kept has ended already: Completed\n");
}

TEST_F(CliVoyage, ABundleHoldsWhatIsNeededAndNoLinksThatAreGood) {
  back_up("shown", {"--include-namespaces", "shop"});
  const std::string path = (harbour().dir() / "bundle.tgz").string();
  harbour().must_lateen({"debug", "--backup", "shown", "--output", path});
  const Outcome listed = run_program({"tar", "tzf", path});
  for (const char* name :
       {"version.txt", "kubernetes-version.json", "objects/backups.velero.io.yaml",
        "backup_describe_shown.txt", "backup_shown.log"}) {
    EXPECT_NE(listed.out.find(fmt::format("velero-bundle/{}\n", name)), std::string::npos)
        << name << " is not in\n"
        << listed.out;
  }
  const Outcome all = run_program({"tar", "xzOf", path});
  EXPECT_NE(all.out.find("Phase:  Completed"), std::string::npos);
  EXPECT_EQ(all.out.find("signature="), std::string::npos);
}

// The server runs in a pod, as an installation has it; its links are good inside of the pod alone.
TEST_F(CliVoyage, LogsAndDescriptionsComeThroughTheApiServerFromThePodOfTheServer) {
  back_up("far", {"--include-namespaces", "shop"});
  server().stop();
  harbour().must_kubectl({"apply", "-f", "-"}, fmt::format(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: velero}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}
subjects: [{{kind: ServiceAccount, name: default, namespace: velero}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: server, namespace: velero}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: velero
      image: lateen/lateen:v1
      command: [/velero, server, --metrics-address, "127.0.0.1:0"]
      env: [{{name: VELERO_NAMESPACE, value: velero}}]
      volumeMounts: [{{name: bucket, mountPath: {0}}}]
  volumes: [{{name: bucket, hostPath: {{path: {0}}}}}]
)",
                                                           (harbour().dir() / "bucket").string()));
  harbour().must_kubectl(
      {"-n", "velero", "wait", "--for=condition=Ready", "pod", "server", "--timeout=120s"});
  for (const char* via : {"server", "auto"}) {
    const Outcome log = harbour().lateen({"backup", "logs", "far", "--via", via});
    EXPECT_NE(log.out.find("backup=velero/far"), std::string::npos) << log.story();
  }
  const std::string file = (harbour().dir() / "far.tgz").string();
  harbour().must_lateen({"backup", "download", "far", "--via", "server", "-o", file});
  EXPECT_NE(run_program({"tar", "tzf", file}).out.find("resources/configmaps/"), std::string::npos);
  harbour().must_kubectl({"-n", "velero", "delete", "pod", "server"});
}

}  // namespace
}  // namespace lateen::voyages
