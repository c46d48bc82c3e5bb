// The time machine: an object's versions across backups, what differs, what was deleted and comes
// back, and which schedules cover it.
#include <algorithm>

#include "base/text.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

constexpr const char* kLedger = R"(
apiVersion: v1
kind: Namespace
metadata: {name: ledger}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: ledger}
data: {currency: EUR}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: doomed, namespace: ledger}
data: {left: "1"}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: ledger}
stringData: {password: old-not-a-real-one}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ledger}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "busybox:1", command: [sleep, "3600"]}]}
)";

class HistoryVoyage : public Voyage<HistoryVoyage> {
 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    start_server();
    harbour().apply(kLedger);
    back_up("first", {"--include-namespaces", "ledger"});
    patch("configmap", "settings", R"({"data":{"currency":"USD"}})");
    patch("secret", "key", R"({"stringData":{"password":"new-not-a-real-one"}})");
    back_up("second", {"--include-namespaces", "ledger"});
    harbour().must_kubectl({"-n", "ledger", "delete", "configmap", "doomed"});
    patch("deployment", "web",
          R"({"spec":{"template":{"spec":{"containers":[{"name":"web","image":"busybox:2"}]}}}})");
    back_up("third", {"--include-namespaces", "ledger"});
  }

  // None where there is no list: the test has failed already then.
  static JsonArray list_at(const Json& json, std::string_view path) {
    const JsonArray* list = array_at(json, path);
    EXPECT_NE(list, nullptr) << path;
    return list == nullptr ? JsonArray() : *list;
  }

  static void patch(const std::string& kind, const std::string& name, const std::string& patch) {
    harbour().must_kubectl({"-n", "ledger", "patch", kind, name, "-p", patch});
  }

  static Json document(Words words) {
    words.insert(words.end(), {"-o", "json"});
    const Outcome ran = harbour().lateen(words);
    const auto json = parse_json(ran.out);
    EXPECT_TRUE(json) << ran.story();
    return json ? *json : Json();
  }

  // "added configmaps/later" of each difference in the namespace.
  static Words differences(const std::string& before, const std::string& after) {
    Words lines;
    const Json found = document({"diff", before, after, "-n", "ledger"});
    for (const Json& one : list_at(found, "differences")) {
      lines.push_back(fmt::format("{} {}/{}", string_at(one, "difference"),
                                  string_at(one, "resource"), string_at(one, "name")));
    }
    return lines;
  }

  // Gone, and not in the way of what the next test reads.
  static void delete_backup(const std::string& name) {
    harbour().must_lateen({"backup", "delete", name, "--confirm"});
    wait_until("backup " + name + " is gone", [&] { return phase_of("backups", name).empty(); });
  }

  static bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(HistoryVoyage, HistoryListsTheVersionsAndWhatChanged) {
  const Outcome ran = harbour().lateen({"history", "configmap/settings", "-n", "ledger"});
  EXPECT_TRUE(ran.ok()) << ran.story();
  EXPECT_TRUE(has(ran.out, "configmaps/ledger/settings: 2 versions in 3 of 3 backups.")) << ran.out;
  EXPECT_TRUE(has(ran.out, R"(data.currency: "EUR" -> "USD")")) << ran.out;
  const Json json = document({"history", "cm/settings", "-n", "ledger"});
  const JsonArray versions = list_at(json, "versions");
  ASSERT_EQ(versions.size(), 2U);
  EXPECT_EQ(string_at(versions[0], "lastBackup"), "first");
  EXPECT_EQ(string_at(versions[1], "firstBackup"), "second");
  EXPECT_EQ(int_at(versions[1], "backups"), 2);
}

TEST_F(HistoryVoyage, HistoryTellsWhereAnObjectIsGoneAndWhereItNeverWas) {
  const Json doomed = document({"history", "configmap/doomed", "-n", "ledger"});
  const JsonArray backups = list_at(doomed, "backups");
  ASSERT_EQ(backups.size(), 3U);
  EXPECT_EQ(string_at(backups[1], "state"), "held");
  EXPECT_EQ(string_at(backups[2], "state"), "absent");
  const Outcome never = harbour().lateen({"history", "configmap/never", "-n", "ledger"});
  EXPECT_EQ(never.code, 10) << never.story();
  EXPECT_TRUE(has(never.err, "holds configmaps/ledger/never")) << never.err;
  const Outcome elsewhere = harbour().lateen({"history", "configmap/x", "-n", "default"});
  EXPECT_TRUE(has(elsewhere.out, "not covered (namespace default is not included)"))
      << elsewhere.story();
}

TEST_F(HistoryVoyage, ASecretThatChangedIsNamedAndNotShown) {
  for (const Words& words : {Words{"history", "secret/key", "-n", "ledger"},
                             Words{"diff", "first", "second", "-n", "ledger"}}) {
    const Outcome ran = harbour().lateen(words);
    EXPECT_TRUE(has(ran.out, "data.password: changed")) << ran.story();
    // What the two passwords look like in a Secret.
    for (const char* part : {"b2xkLW5vdC1h", "bmV3LW5vdC1h", "not-a-real-one"})
      EXPECT_FALSE(has(ran.out + ran.err, part)) << ran.story();
  }
}

TEST_F(HistoryVoyage, DiffHoldsBackupsAgainstEachOtherAndTheCluster) {
  EXPECT_EQ(differences("first", "third"),
            (Words{"removed configmaps/doomed", "changed configmaps/settings",
                   "changed deployments.apps/web", "changed secrets/key"}));
  const Outcome same = harbour().lateen({"diff", "third", "third"});
  EXPECT_EQ(same.code, 0) << same.story();
  harbour().apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: later, namespace: ledger}\n");
  const Outcome live = harbour().lateen({"diff", "third", "live", "--kind", "cm", "-n", "ledger"});
  EXPECT_EQ(live.code, 1) << live.story();
  EXPECT_TRUE(has(live.out, "added configmaps/ledger/later")) << live.story();
  harbour().must_kubectl({"-n", "ledger", "delete", "configmap", "later"});
  const Outcome again = harbour().lateen({"diff", "third", "live", "--kind", "cm", "-n", "ledger"});
  EXPECT_EQ(again.code, 0) << again.story();
  const Outcome none = harbour().lateen({"diff", "third", "nowhere"});
  EXPECT_EQ(none.code, 2) << none.story();
}

TEST_F(HistoryVoyage, UndeleteBringsBackTheNewestThatThereIs) {
  const Outcome alive = harbour().lateen({"undelete", "configmap/settings", "-n", "ledger"});
  EXPECT_EQ(alive.code, 1) << alive.story();
  EXPECT_TRUE(has(alive.err, "configmaps/ledger/settings is in the cluster")) << alive.err;
  const Outcome back = harbour().lateen({"undelete", "configmap/doomed", "-n", "ledger", "--wait"});
  EXPECT_EQ(back.code, 0) << back.story();
  EXPECT_TRUE(has(back.out, "second")) << back.out;
  EXPECT_EQ(string_at(harbour().get({"-n", "ledger", "configmap", "doomed"}), "data.left"), "1");
  harbour().must_kubectl({"-n", "ledger", "delete", "configmap", "doomed"});
}

TEST_F(HistoryVoyage, TwoUndeletesOfOneSecondAreTwoRestores) {
  harbour().must_kubectl({"-n", "ledger", "delete", "secret/key", "deployment/web"});
  const Outcome first = harbour().lateen({"undelete", "secret/key", "-n", "ledger"});
  const Outcome second = harbour().lateen({"undelete", "deployment/web", "-n", "ledger", "--wait"});
  EXPECT_EQ(first.code, 0) << first.story();
  EXPECT_EQ(second.code, 0) << second.story();
  wait_until("the Secret is there",
             [] { return harbour().find({"-n", "ledger", "secret", "key"}).has_value(); });
  EXPECT_TRUE(harbour().find({"-n", "ledger", "deployment", "web"}));
}

TEST_F(HistoryVoyage, UndeleteSinceShowsWhatWasLostAndBringsItBack) {
  harbour().must_kubectl({"-n", "ledger", "delete", "secret/key", "deployment/web"});
  const Json lost = document({"undelete", "--since", "1h", "-n", "ledger", "--dry-run"});
  Words names;
  for (const Json& one : list_at(lost, "objects")) {
    names.push_back(fmt::format("{}/{} from {}", string_at(one, "resource"), string_at(one, "name"),
                                string_at(one, "backup")));
  }
  EXPECT_EQ(names, (Words{"configmaps/doomed from second", "deployments.apps/web from third",
                          "secrets/key from third"}));
  const Outcome unsure = harbour().lateen({"undelete", "--since", "1h", "-n", "ledger"}, "n\n");
  EXPECT_EQ(unsure.code, 0) << unsure.story();
  EXPECT_EQ(harbour().find({"-n", "ledger", "secret", "key"}), std::nullopt);
  const Outcome back =
      harbour().lateen({"undelete", "--since", "1h", "-n", "ledger", "--confirm", "--wait"});
  EXPECT_EQ(back.code, 0) << back.story();
  EXPECT_TRUE(harbour().find({"-n", "ledger", "secret", "key"}));
  EXPECT_TRUE(harbour().find({"-n", "ledger", "deployment", "web"}));
  harbour().must_kubectl({"-n", "ledger", "delete", "configmap", "doomed"});
  EXPECT_EQ(differences("third", "live"), Words()) << "as if nothing had happened";
}

TEST_F(HistoryVoyage, ADeletedNamespaceComesBackWithWhatWasInIt) {
  harbour().apply(
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: annals}\n---\n"
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page, namespace: annals}\ndata: {a: b}\n");
  back_up("annals", {"--include-namespaces", "annals"});
  harbour().must_kubectl({"delete", "namespace", "annals", "--wait", "--timeout=120s"});
  const Outcome back =
      harbour().lateen({"undelete", "--since", "1h", "-n", "annals", "--confirm", "--wait"});
  EXPECT_EQ(back.code, 0) << back.story();
  EXPECT_EQ(string_at(harbour().get({"-n", "annals", "configmap", "page"}), "data.a"), "b");
  delete_backup("annals");
}

TEST_F(HistoryVoyage, BrowseGoesDownToTheObjectsAndCatPrintsOne) {
  EXPECT_TRUE(has(harbour().must_lateen({"browse", "first"}), "ledger"));
  EXPECT_TRUE(has(harbour().must_lateen({"browse", "first", "ledger"}), "deployments.apps"));
  EXPECT_TRUE(has(harbour().must_lateen({"browse", "first", "ledger/configmaps"}), "doomed"));
  EXPECT_TRUE(
      has(harbour().must_lateen({"cat", "first", "configmaps/ledger/settings"}), "currency: EUR"));
  const Outcome none = harbour().lateen({"browse", "first", "nowhere"});
  EXPECT_EQ(none.code, 1) << none.story();
}

TEST_F(HistoryVoyage, TraceSaysWhoCoversAnObjectAndWhyOthersDoNot) {
  harbour().must_lateen({"schedule", "create", "books", "--schedule", "0 2 1 1 *",
                         "--include-namespaces", "ledger", "--exclude-resources", "secrets"});
  const Outcome covered = harbour().lateen({"trace", "configmap/settings", "-n", "ledger"});
  EXPECT_EQ(covered.code, 0) << covered.story();
  EXPECT_TRUE(has(covered.out, "third")) << covered.out;
  const Outcome secret = harbour().lateen({"trace", "secret/key", "-n", "ledger"});
  EXPECT_EQ(secret.code, 1) << secret.story();
  EXPECT_TRUE(has(secret.out, "NOT covered by a schedule")) << secret.out;
  EXPECT_TRUE(has(secret.out, "books")) << secret.out;
  const Json json = document({"trace", "secret/key", "-n", "ledger"});
  const JsonArray schedules = list_at(json, "schedules");
  ASSERT_EQ(schedules.size(), 2U);
  EXPECT_FALSE(string_at(schedules[0], "reason").empty());
  EXPECT_EQ(string_at(schedules[1], "lastGood.backup"), "third");
}

TEST_F(HistoryVoyage, ABackupWithoutIndexIsReadAndABrokenOneIsNamed) {
  back_up("indexless", {"--include-namespaces", "ledger"});
  back_up("spoiled", {"--include-namespaces", "ledger"});
  for (const char* name : {"indexless", "spoiled"})
    std::filesystem::remove(backup_dir(name) / (std::string(name) + "-index.json.gz"));
  const FilePath tarball = backup_dir("spoiled") / "spoiled.tar.gz";
  const std::string whole = text_of(tarball);
  std::string bytes = whole;
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  write_text(tarball, bytes);
  const Json json = document({"history", "configmap/settings", "-n", "ledger"});
  std::string states;
  for (const Json& one : list_at(json, "backups"))
    states += fmt::format("{} {}, ", string_at(one, "backup"), string_at(one, "state"));
  EXPECT_TRUE(has(states, "indexless held")) << states;
  EXPECT_TRUE(has(states, "spoiled unreadable")) << states;
  const Outcome since =
      harbour().lateen({"undelete", "--since", "1h", "-n", "ledger", "--dry-run"});
  EXPECT_EQ(since.code, 0) << since.story();
  EXPECT_TRUE(has(since.err, "Passed over: the contents of backup spoiled")) << since.story();
  // A backup whose tarball cannot be read is not deleted: it may have snapshots.
  write_text(tarball, whole);
  for (const char* name : {"indexless", "spoiled"})
    delete_backup(name);
}

TEST_F(HistoryVoyage, CostMeasuresTheClustersBackups) {
  const Json json = document({"cost", "--plan", "23"});
  EXPECT_GE(int_at(json, "measured.backups").value_or(0), 3);
  const JsonArray plans = list_at(json, "plans");
  ASSERT_EQ(plans.size(), 1U);
  EXPECT_EQ(int_at(plans[0], "backups"), 23);
  EXPECT_EQ(string_at(list_at(plans[0], "lines").at(0), "what"), "objects");
}

}  // namespace
}  // namespace lateen::voyages
