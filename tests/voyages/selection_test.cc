// Restores that bring back a part, or bring it elsewhere: exactly what was chosen, nothing else.
#include <algorithm>

#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kLibrary = R"(
apiVersion: v1
kind: Namespace
metadata: {name: library, labels: {team: books}}
---
apiVersion: v1
kind: Namespace
metadata: {name: annex}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: library, labels: {app: web, tier: front}}
data: {a: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shelves, namespace: library, labels: {app: shelf}}
data: {b: "2"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: annex-settings, namespace: annex, labels: {app: web}}
data: {c: "3"}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: library, labels: {app: web}}
stringData: {key: not-a-real-key}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: library, labels: {app: web}}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: library, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: busybox, command: [sleep, "3600"]}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: librarian, namespace: library}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: librarian, namespace: library}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: librarian, namespace: library}]
)";

constexpr const char* kEverything =
    "configmaps,secrets,services,deployments,serviceaccounts,rolebindings";

class SelectionVoyage : public Voyage<SelectionVoyage> {
 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    start_server();
    harbour().apply(kLibrary);
    back_up("library", {"--include-namespaces", "library,annex"});
  }

  // What is in a namespace but for what Kubernetes puts into every one.
  static Names found_in(const std::string& ns) {
    Names names = kinds_and_names(harbour().get({"-n", ns, kEverything}));
    std::erase(names, "ConfigMap/kube-root-ca.crt");
    std::erase(names, "ServiceAccount/default");
    return names;
  }

  static void destroy(const std::string& ns) {
    harbour().must_kubectl({"delete", "namespace", ns, "--wait", "--timeout=120s"});
  }
};

TEST_F(SelectionVoyage, AMappedNamespaceGetsEverythingAndTheOldOneIsLeftAlone) {
  const Names all = found_in("library");
  const std::string before = as_written_text(harbour().get({"-n", "library", kEverything}));
  restore("mapped", {"--from-backup", "library", "--include-namespaces", "library",
                     "--namespace-mappings", "library:library-copy"});
  EXPECT_EQ(found_in("library-copy"), all);
  EXPECT_EQ(as_written_text(harbour().get({"-n", "library", kEverything})), before);
  const Json binding = harbour().get({"-n", "library-copy", "rolebinding", "librarian"});
  EXPECT_EQ(string_at(array_at(binding, "subjects")->front(), "namespace"), "library-copy");
  const Json ns = harbour().get({"namespace", "library-copy"});
  EXPECT_EQ(string_at(ns, "metadata.labels.team"), "books");
  const Json config = harbour().get({"-n", "library-copy", "configmap", "settings"});
  EXPECT_EQ(as_text(find(find(config, "metadata.labels"), JsonKey{"velero.io/restore-name"})),
            "mapped");
  EXPECT_EQ(as_text(find(find(config, "metadata.labels"), JsonKey{"velero.io/backup-name"})),
            "library");
}

TEST_F(SelectionVoyage, ASelectorBringsWhatBearsTheLabel) {
  restore("selected", {"--from-backup", "library", "--selector", "app=web", "--namespace-mappings",
                       "library:selected,annex:selected-annex"});
  EXPECT_EQ(found_in("selected"),
            (Names{"ConfigMap/settings", "Deployment/web", "Secret/key", "Service/web"}));
  EXPECT_EQ(found_in("selected-annex"), (Names{"ConfigMap/annex-settings"}));
}

TEST_F(SelectionVoyage, OneOfSeveralSelectorsIsEnough) {
  restore("either", {"--from-backup", "library", "--or-selector", "app=shelf or tier=front",
                     "--namespace-mappings", "library:either,annex:either-annex"});
  EXPECT_EQ(found_in("either"), (Names{"ConfigMap/settings", "ConfigMap/shelves"}));
}

TEST_F(SelectionVoyage, IncludedResourcesAreAllThatComesBack) {
  restore("chosen", {"--from-backup", "library", "--include-resources", "configmaps,secrets",
                     "--namespace-mappings", "library:chosen,annex:chosen-annex"});
  EXPECT_EQ(found_in("chosen"), (Names{"ConfigMap/settings", "ConfigMap/shelves", "Secret/key"}));
  EXPECT_EQ(found_in("chosen-annex"), (Names{"ConfigMap/annex-settings"}));
}

TEST_F(SelectionVoyage, ExcludedResourcesAndNamespacesStayAway) {
  restore("without",
          {"--from-backup", "library", "--exclude-resources",
           "deployments,secrets,rolebindings.rbac.authorization.k8s.io", "--exclude-namespaces",
           "annex", "--namespace-mappings", "library:without,annex:without-annex"});
  EXPECT_EQ(found_in("without"), (Names{"ConfigMap/settings", "ConfigMap/shelves", "Service/web",
                                        "ServiceAccount/librarian"}));
  EXPECT_EQ(harbour().find({"namespace", "without-annex"}), std::nullopt);
}

TEST_F(SelectionVoyage, ABackupTakesOnlyWhatItWasTold) {
  back_up("narrow", {"--include-namespaces", "library", "--include-resources",
                     "configmaps,services", "--selector", "app=web"});
  const std::string listed =
      run_program({"tar", "tzf", (backup_dir("narrow") / "narrow.tar.gz").string()}).out;
  Names objects;
  for (const std::string& entry : split_trimmed(listed, '\n')) {
    if (entry.find("preferredversion") == std::string::npos) objects.push_back(entry);
  }
  std::sort(objects.begin(), objects.end());
  EXPECT_EQ(objects,
            (Names{"metadata/version", "resources/configmaps/namespaces/library/settings.json",
                   "resources/services/namespaces/library/web.json"}));
}

TEST_F(SelectionVoyage, WhatExistsIsLeftAsItIsUnlessThePolicySaysUpdate) {
  restore("first", {"--from-backup", "library", "--include-resources", "configmaps",
                    "--namespace-mappings", "library:kept,annex:kept-annex"});
  harbour().must_kubectl({"-n", "kept", "patch", "configmap", "settings", "--type", "merge", "-p",
                          R"({"data":{"a":"changed"}})"});
  const Words again = {"--from-backup",        "library",
                       "--include-resources",  "configmaps",
                       "--namespace-mappings", "library:kept,annex:kept-annex"};
  restore("second", again);
  EXPECT_EQ(string_at(harbour().get({"-n", "kept", "configmap", "settings"}), "data.a"), "changed");
  EXPECT_GE(int_at(velero("restores", "second"), "status.warnings").value_or(0), 1);
  const std::string told = harbour().must_lateen({"restore", "describe", "second", "--details"});
  EXPECT_NE(told.find("could not restore, ConfigMap:settings already exists"), std::string::npos)
      << told;

  Words update = again;
  update.insert(update.end(), {"--existing-resource-policy", "update"});
  restore("third", update);
  EXPECT_EQ(string_at(harbour().get({"-n", "kept", "configmap", "settings"}), "data.a"), "1");
}

// The exit code says whether there is something to do, and the plan what: nothing is done by it.
TEST_F(SelectionVoyage, APlanSaysBeforehandWhatARestoreWouldDo) {
  const Words words = {"--include-resources", "configmaps,secrets", "--namespace-mappings",
                       "*:planned-*"};
  Words plan = {"restore", "plan", "library"};
  plan.insert(plan.end(), words.begin(), words.end());
  const Outcome before = harbour().lateen(plan);
  EXPECT_EQ(before.code, 1) << before.story();
  EXPECT_NE(before.out.find("planned-library"), std::string::npos) << before.out;
  EXPECT_NE(harbour().kubectl({"get", "namespace", "planned-library"}).code, 0);

  Words carried_out = {"--from-backup", "library"};
  carried_out.insert(carried_out.end(), words.begin(), words.end());
  restore("planned", carried_out);
  const Outcome after = harbour().lateen(plan);
  EXPECT_EQ(after.code, 0) << after.story();

  harbour().must_kubectl({"-n", "planned-library", "patch", "secret", "key", "--type", "merge",
                          "-p", R"({"stringData":{"key":"changed-by-hand"}})"});
  Words update = {"restore", "create", "--dry-run", "-o", "json", "--existing-resource-policy",
                  "recreate"};
  update.insert(update.end(), carried_out.begin(), carried_out.end());
  const Outcome differing = harbour().lateen(update);
  EXPECT_EQ(differing.code, 1) << differing.story();
  EXPECT_NE(differing.out.find("\"recreate\""), std::string::npos) << differing.out;
  EXPECT_EQ(differing.out.find("changed-by-hand"), std::string::npos);
  EXPECT_EQ(harbour().lateen({"restore", "plan", "no-such-backup"}).code, 2);
}

TEST_F(SelectionVoyage, ADeletedNamespaceComesBackWithItsLabels) {
  const std::string before = as_written_text(harbour().get({"-n", "annex", kEverything}));
  destroy("annex");
  restore("annex-back", {"--from-backup", "library", "--include-namespaces", "annex"});
  EXPECT_EQ(as_written_text(harbour().get({"-n", "annex", kEverything})), before);
}

TEST_F(SelectionVoyage, ModifiersChangeWhatIsRestored) {
  harbour().apply(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: modifiers, namespace: velero}
data:
  rules.yaml: |
    version: v1
    resourceModifierRules:
      - conditions:
          groupResource: configmaps
          resourceNameRegex: "^settings$"
        patches:
          - operation: replace
            path: "/data/a"
            value: "modified"
)");
  restore("modified", {"--from-backup", "library", "--include-resources", "configmaps",
                       "--resource-modifier-configmap", "modifiers", "--namespace-mappings",
                       "library:modified,annex:modified-annex"});
  EXPECT_EQ(string_at(harbour().get({"-n", "modified", "configmap", "settings"}), "data.a"),
            "modified");
  EXPECT_EQ(string_at(harbour().get({"-n", "modified", "configmap", "shelves"}), "data.b"), "2");
}

}  // namespace
}  // namespace lateen::voyages
