// Velero plugins at work: a program in another language that implements every kind
// (tests/plugins/testing/plugin.py) in the server's plugin directory.
#include <algorithm>

#include <signal.h>

#include "base/text.h"
#include "plugins/testing/plugin_program.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using plugins::testing::PluginDir;

// A ConfigMap that the plugin's actions want, with annotations that tell them what to do.
std::string config_map(std::string_view ns,
                       std::string_view name,
                       std::string_view label = "yes",
                       std::string_view annotations = "{}") {
  return fmt::format(R"(
apiVersion: v1
kind: ConfigMap
metadata: {{name: {}, namespace: {}, labels: {{test-plugin: "{}"}}, annotations: {}}}
data: {{a: b}}
---
)",
                     name, ns, label, annotations);
}

std::string ns_yaml(std::string_view name) {
  return fmt::format("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {}}}\n---\n", name);
}

class PluginsVoyage : public Voyage<PluginsVoyage> {
 public:
  static Words server_flags() {
    return {
        "--backup-sync-period",   "1s", "--item-operation-sync-frequency", "300ms", "--plugin-dir",
        plugins_->path().string()};
  }

 protected:
  static void SetUpTestSuite() {
    plugins_ = PluginDir::create();
    ASSERT_NE(plugins_, nullptr);
    plugins_->add();
    Voyage::SetUpTestSuite();
  }

  static void TearDownTestSuite() {
    Voyage::TearDownTestSuite();
    plugins_.reset();
  }

  static std::string annotation(const Json& object, std::string_view key) {
    return std::string(as_text(find(find(object, "metadata.annotations"), JsonKey{key})));
  }

  static Json get(std::string_view ns, std::string_view kind, std::string_view name) {
    return harbour().get({"-n", std::string(ns), std::string(kind), std::string(name)});
  }

  static std::vector<Json> calls(std::string_view name) { return plugins_->calls(name); }

  // Not one that waits to be buried, and not somebody else who has been given its pid since.
  static bool is_plugin(pid_t pid) {
    const auto command = read_file(fmt::format("/proc/{}/cmdline", pid));
    return command && command->find("plugin.py") != std::string::npos;
  }

  static inline std::unique_ptr<PluginDir> plugins_;
};

TEST_F(PluginsVoyage, TheServerListsItsPlugins) {
  const std::string table = harbour().must_lateen({"plugin", "get"});
  EXPECT_NE(table.find("NAME"), std::string::npos) << table;
  EXPECT_NE(table.find("example.io/annotate"), std::string::npos) << table;
  EXPECT_NE(table.find("velero.io/csi-pvc-backupper"), std::string::npos) << table;
  EXPECT_EQ(harbour().must_lateen({"get", "plugins"}), table);
}

TEST_F(PluginsVoyage, ActionsChangeObjectsAndLeadToOthers) {
  harbour().apply(
      ns_yaml("shop") +
      config_map("shop", "settings", "yes", R"({example.io/needs: "secrets/shop/key"})") +
      "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\n");
  back_up("shop", {"--include-namespaces", "shop", "--selector", "test-plugin"});
  restore("copy", {"--from-backup", "shop", "--namespace-mappings", "shop:copy"});
  const Json settings = get("copy", "configmap", "settings");
  EXPECT_EQ(annotation(settings, "example.io/backup-v1"), "shop");
  EXPECT_EQ(annotation(settings, "example.io/backup-v2"), "shop");
  EXPECT_EQ(annotation(settings, "example.io/restore-v1"), "copy");
  EXPECT_EQ(annotation(settings, "example.io/restore-v2"), "copy");
  // The selector does not match it: it came with the ConfigMap, both ways.
  EXPECT_TRUE(harbour().find({"-n", "copy", "secret", "key"}));
  // The object that the restore's action got was stripped; the pristine one was with it.
  const Json call = calls("restore-v2.Execute").at(0);
  EXPECT_EQ(bool_at(call, "had_uid"), true);
  EXPECT_EQ(bool_at(call, "has_uid"), false);
  EXPECT_NE(
      harbour().must_lateen({"backup", "logs", "shop"}).find("pluginName=velero-plugin-example"),
      std::string::npos);
}

TEST_F(PluginsVoyage, AnActionMaySkipAnObject) {
  harbour().apply(ns_yaml("skips") +
                  config_map("skips", "one", "yes", R"({example.io/skip: restore-v2})") +
                  config_map("skips", "two"));
  back_up("skips", {"--include-namespaces", "skips"});
  restore("skipped", {"--from-backup", "skips", "--namespace-mappings", "skips:skipped"});
  EXPECT_FALSE(harbour().find({"-n", "skipped", "configmap", "one"}));
  EXPECT_TRUE(harbour().find({"-n", "skipped", "configmap", "two"}));
}

TEST_F(PluginsVoyage, WhatBelongsTogetherIsBackedUpTogether) {
  harbour().apply(
      ns_yaml("blocks") +
      config_map("blocks", "one", "yes", R"({example.io/together-with: configmaps/partner})") +
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: partner, namespace: blocks}\n");
  back_up("blocks", {"--include-namespaces", "blocks", "--selector", "test-plugin"});
  restore("blocks", {"--from-backup", "blocks", "--namespace-mappings", "blocks:reunited"});
  EXPECT_TRUE(harbour().find({"-n", "reunited", "configmap", "one"}));
  // No label selects it.
  EXPECT_TRUE(harbour().find({"-n", "reunited", "configmap", "partner"}));
}

TEST_F(PluginsVoyage, AnActionsErrorIsOfItsObjectAlone) {
  harbour().apply(ns_yaml("errors") + config_map("errors", "bad", "fail") +
                  config_map("errors", "rubbish", "rubbish") +
                  config_map("errors", "crash", "crash") + config_map("errors", "good"));
  back_up("errors", {"--include-namespaces", "errors"}, "PartiallyFailed");
  const std::string logs = harbour().must_lateen({"backup", "logs", "errors"});
  EXPECT_NE(logs.find("rpc error: code = Unknown desc = the storage said no"), std::string::npos);
  EXPECT_NE(logs.find("Raised in the plugin by main.(*Action).Execute at example.go:42."),
            std::string::npos);
  EXPECT_NE(logs.find("it has returned an item that is no JSON object"), std::string::npos);
  EXPECT_NE(logs.find("ended during the call (exit code 9)"), std::string::npos);
  restore("errors", {"--from-backup", "errors", "--namespace-mappings", "errors:survivors"});
  EXPECT_EQ(harbour().names({"-n", "survivors", "configmaps", "-l", "test-plugin"}),
            std::vector<std::string>{"good"});
}

TEST_F(PluginsVoyage, ABackupWaitsForTheOperationsOfActions) {
  harbour().apply(ns_yaml("slow") +
                  config_map("slow", "three", "yes", R"({example.io/operation: "3"})"));
  back_up("slow", {"--include-namespaces", "slow"});
  const Json backup = velero("backups", "slow");
  EXPECT_EQ(int_at(backup, "status.backupItemOperationsAttempted"), 1);
  EXPECT_EQ(int_at(backup, "status.backupItemOperationsCompleted"), 1);
  const std::string told = harbour().must_lateen({"backup", "describe", "slow", "--details"});
  EXPECT_NE(told.find("example.io/annotate"), std::string::npos) << told;
  EXPECT_NE(told.find("3 of 3 complete (Polls)"), std::string::npos) << told;
  // Finalizing stores the object once more: v1 and v2 see it a second time.
  EXPECT_EQ(std::ranges::count_if(
                calls("backup-v1.Execute"),
                [](const Json& call) { return string_at(call, "item") == "slow/three"; }),
            2);
  restore("slow", {"--from-backup", "slow", "--namespace-mappings", "slow:slow-copy"});
  const Json restored = velero("restores", "slow");
  EXPECT_EQ(int_at(restored, "status.restoreItemOperationsCompleted"), 1);
}

TEST_F(PluginsVoyage, AFailedOperationIsTheBackups) {
  harbour().apply(ns_yaml("full") +
                  config_map("full", "two", "yes", R"({example.io/operation: "2 disk full"})"));
  back_up("full", {"--include-namespaces", "full"}, "PartiallyFailed");
  const std::string told = harbour().must_lateen({"backup", "describe", "full", "--details"});
  EXPECT_NE(told.find("disk full, plugin: example.io/annotate"), std::string::npos) << told;
}

TEST_F(PluginsVoyage, ARestoreWaitsForWhatAnObjectNeeds) {
  harbour().apply(ns_yaml("waits") +
                  config_map("waits", "first", "yes",
                             R"({example.io/needs: "secrets/waits/key", example.io/wait: "60"})") +
                  "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: waits}\n");
  back_up("waits", {"--include-namespaces", "waits"});
  restore("waits", {"--from-backup", "waits", "--namespace-mappings", "waits:waited"});
  EXPECT_TRUE(harbour().find({"-n", "waited", "configmap", "first"}));
  EXPECT_GE(calls("AreAdditionalItemsReady").size(), 2U);
}

TEST_F(PluginsVoyage, ADeletionCallsItsActions) {
  harbour().apply(ns_yaml("gone") + config_map("gone", "wanted") +
                  config_map("gone", "fails", "fail"));
  back_up("gone", {"--include-namespaces", "gone", "--exclude-resources", "secrets"},
          "PartiallyFailed");
  harbour().must_lateen({"backup", "delete", "gone", "--confirm"});
  wait_until("the backup is gone",
             [] { return !harbour().find({"-n", "velero", "backups.velero.io", "gone"}); });
  const auto told = calls("delete.Execute");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(string_at(told[0], "item"), "gone/wanted");
  EXPECT_EQ(string_at(told[0], "backup"), "velero/gone");
}

TEST_F(PluginsVoyage, AnObjectStorePluginHoldsBackups) {
  const FilePath root = harbour().dir() / "folders";
  ASSERT_TRUE(make_dirs(root / "b"));
  harbour().must_lateen({"backup-location", "create", "folder", "--provider", "example.io/folder",
                         "--bucket", "b", "--prefix", "p", "--config", "path=" + root.string()});
  wait_until("the location is Available", [] {
    const auto location = harbour().find({"-n", "velero", "backupstoragelocations", "folder"});
    return location && string_at(*location, "status.phase") == "Available";
  });
  harbour().apply(ns_yaml("kept") + config_map("kept", "here"));
  back_up("kept", {"--include-namespaces", "kept", "--storage-location", "folder"});
  EXPECT_TRUE(path_exists(root / "b/p/backups/kept/velero-backup.json"));
  EXPECT_TRUE(path_exists(root / "b/p/backups/kept/kept.tar.gz"));
  restore("kept", {"--from-backup", "kept", "--namespace-mappings", "kept:kept-copy"});
  EXPECT_TRUE(harbour().find({"-n", "kept-copy", "configmap", "here"}));
  harbour().must_lateen({"backup", "delete", "kept", "--confirm"});
  wait_until("the files are gone", [&] { return !path_exists(root / "b/p/backups/kept"); });
}

TEST_F(PluginsVoyage, AMistakeInALocationIsToldInThePluginsWords) {
  harbour().must_lateen({"backup-location", "create", "mistaken", "--provider", "example.io/folder",
                         "--bucket", "b", "--config", "pathh=x"});
  wait_until("the location is Unavailable", [] {
    const auto location = harbour().find({"-n", "velero", "backupstoragelocations", "mistaken"});
    return location && string_at(*location, "status.phase") == "Unavailable";
  });
  const Json location = harbour().get({"-n", "velero", "backupstoragelocations", "mistaken"});
  EXPECT_NE(string_at(location, "status.message").find("config has invalid keys ['pathh']"),
            std::string_view::npos)
      << string_at(location, "status.message");
  harbour().must_kubectl({"-n", "velero", "delete", "backupstoragelocations", "mistaken"});
}

TEST_F(PluginsVoyage, AVolumeSnapshotterPluginSavesVolumes) {
  const FilePath data = harbour().dir() / "volume";
  ASSERT_TRUE(make_dirs(data));
  write_text(data / "file", "precious");
  harbour().must_lateen({"snapshot-location", "create", "copies", "--provider", "example.io/copy"});
  harbour().apply(ns_yaml("volumes") + fmt::format(R"(
apiVersion: v1
kind: PersistentVolume
metadata: {{name: pv-precious, labels: {{topology.kubernetes.io/zone: north-1}}}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: ""
  hostPath: {{path: "{}"}}
  claimRef: {{namespace: volumes, name: precious}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: precious, namespace: volumes}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: "", volumeName: pv-precious, resources: {{requests: {{storage: 1Gi}}}}}}
)",
                                                   data.string()));
  wait_until("the claim is bound", [] {
    return string_at(get("volumes", "persistentvolumeclaim", "precious"), "status.phase") ==
           "Bound";
  });
  back_up("volumes",
          {"--include-namespaces", "volumes", "--snapshot-volumes", "--labels", "purpose=test"});
  const auto taken = calls("CreateSnapshot");
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(string_at(taken[0], "volume"), data.string());
  EXPECT_EQ(string_at(taken[0], "az"), "north-1");
  const Json* tags = find(taken[0], "tags");
  EXPECT_EQ(as_text(find(tags, JsonKey{"velero.io/backup"})), "volumes");
  EXPECT_EQ(as_text(find(tags, JsonKey{"velero.io/pv"})), "pv-precious");
  EXPECT_EQ(as_text(find(tags, JsonKey{"purpose"})), "test");

  harbour().must_kubectl({"delete", "namespace", "volumes"});
  harbour().must_kubectl({"delete", "persistentvolume", "pv-precious"});
  restore("volumes", {"--from-backup", "volumes"});
  const auto made = calls("CreateVolume");
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(string_at(made[0], "type"), "folder");
  EXPECT_EQ(int_at(made[0], "iops"), 7);
  const Json volume = harbour().get({"persistentvolume", "pv-precious"});
  EXPECT_EQ(string_at(volume, "spec.hostPath.path"), string_at(made[0], "volume"));
  EXPECT_EQ(text_of(FilePath(string_at(made[0], "volume")) / "file"), "precious");

  harbour().must_lateen({"backup", "delete", "volumes", "--confirm"});
  wait_until("the snapshot is gone", [] { return !calls("DeleteSnapshot").empty(); });
}

TEST_F(PluginsVoyage, AKilledServerTakesItsPluginsWithIt) {
  harbour().apply(ns_yaml("hangs") + config_map("hangs", "never", "hang"));
  harbour().must_lateen({"backup", "create", "hangs", "--include-namespaces", "hangs"});
  const auto hanging = [] {
    const auto all = calls("backup-v1.Execute");
    return std::ranges::find_if(all, [](const Json& call) {
             return string_at(call, "item") == "hangs/never";
           }) != all.end();
  };
  wait_until("the action hangs", hanging);
  const auto starts = calls("start");
  server().kill9();
  for (const Json& start : starts) {
    const auto pid = static_cast<pid_t>(*int_at(start, "pid"));
    wait_until("the plugin is gone", [pid] { return !is_plugin(pid); });
  }
  start_server();
  // The next server begins it anew, and calls the action again.
  wait_until("the action hangs again", [] {
    return std::ranges::count_if(calls("backup-v1.Execute"), [](const Json& call) {
             return string_at(call, "item") == "hangs/never";
           }) == 2;
  });
}

TEST_F(PluginsVoyage, AServerDoesNotStartWithABrokenPlugin) {
  const auto broken = PluginDir::create();
  broken->add({.mode = "junk"});
  const Outcome refused = harbour().lateen(
      {"server", "--metrics-address", "", "--plugin-dir", broken->path().string()});
  EXPECT_FALSE(refused.ok());
  EXPECT_NE(refused.err.find("it printed \"Welcome to the plugin!\" where a plugin's handshake "
                             "should be"),
            std::string::npos)
      << refused.story();
}

TEST_F(PluginsVoyage, AddAndRemoveEditTheDeployment) {
  harbour().apply(R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: velero, namespace: velero, labels: {component: velero}}
spec:
  replicas: 0
  selector: {matchLabels: {deploy: velero}}
  template:
    metadata: {labels: {deploy: velero}}
    spec: {containers: [{name: velero, image: "lateen:test"}]}
)");
  harbour().must_lateen(
      {"plugin", "add", "registry.example/velero/velero-plugin-for-aws:v1.13.0", "--confirm"});
  const Json with = get("velero", "deployment", "velero");
  const JsonArray* init = array_at(with, "spec.template.spec.initContainers");
  ASSERT_NE(init, nullptr);
  ASSERT_EQ(init->size(), 1U);
  EXPECT_EQ(string_at(init->front(), "name"), "velero-velero-plugin-for-aws");
  EXPECT_EQ(string_at(init->front(), "imagePullPolicy"), "IfNotPresent");
  EXPECT_EQ(write_json(*find(with, "spec.template.spec.volumes")),
            R"([{"emptyDir":{},"name":"plugins"}])");
  harbour().must_lateen({"plugin", "remove", "velero-velero-plugin-for-aws"});
  const Json without = get("velero", "deployment", "velero");
  EXPECT_EQ(array_at(without, "spec.template.spec.initContainers"), nullptr);
  const Outcome again = harbour().lateen({"plugin", "remove", "nothing"});
  EXPECT_NE(again.err.find("init container nothing not found in Velero server deployment"),
            std::string::npos);
}

}  // namespace
}  // namespace lateen::voyages
