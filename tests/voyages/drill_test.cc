// Restore drills: one that passes, each flaw that one must find, and that nothing of them stays.
#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

// A till whose ledger is on a volume.
std::string till(std::string_view ns, std::string_view annotations = "{}") {
  return fmt::format(R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: {0}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: till, namespace: {0}, labels: {{app: till}}, annotations: {1}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox
      command: [/bin/sh, -c, "test -e /data/ledger || echo 4711 > /data/ledger; exec sleep 3600"]
      readinessProbe: {{exec: {{command: [test, -e, /data/ledger]}}, periodSeconds: 1}}
      volumeMounts: [{{name: data, mountPath: /data}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: mailer, namespace: {0}, annotations: {{argocd.argoproj.io/tracking-id: "shop:x"}}}}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: m, image: busybox, command: ["true"]}}]}}}}}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: front, namespace: {0}}}
spec: {{defaultBackend: {{service: {{name: till, port: {{number: 80}}}}}}}}
)",
                     ns, annotations);
}

class DrillVoyage : public Voyage<DrillVoyage> {
 protected:
  static void open_till(const std::string& ns, std::string_view annotations = "{}") {
    harbour().must_kubectl({"create", "namespace", ns});
    harbour().apply(till(ns, annotations));
    harbour().must_kubectl({"-n", ns, "wait", "--for=condition=Ready", "pod/till"});
    back_up(ns, {"--include-namespaces", ns});
  }

  static Json drill(const std::string& name) {
    return harbour().get({"-n", "velero", "restoredrills.lateen.io", name});
  }

  static bool has_passed(const std::string& name) {
    return !string_at(drill(name), "status.lastPassed").empty();
  }

  static std::string phase(const std::string& name) {
    return std::string(string_at(drill(name), "status.phase"));
  }

  static Json last_run(const std::string& name) {
    const Json all = drill(name);
    const JsonArray* runs = array_at(all, "status.runs");
    return runs == nullptr || runs->empty() ? Json() : runs->at(0);
  }

  static Outcome run_drill(const std::string& name, const std::string& backup, Words flags = {}) {
    Words words = {"drill", "create", name, "--from-backup", backup, "--wait",
                   // Two runs of one day would take turns with their names.
                   "--namespace-prefix", "test-" + name};
    words.insert(words.end(), flags.begin(), flags.end());
    return harbour().lateen(words);
  }

  static void expect_nothing_left() {
    EXPECT_EQ(harbour().names({"namespaces", "-l", "lateen.io/drill"}), std::vector<std::string>());
    EXPECT_EQ(harbour().names({"volumesnapshotcontents"}), std::vector<std::string>());
    EXPECT_EQ(harbour().names({"-n", "velero", "configmaps", "-l", "lateen.io/drill"}),
              std::vector<std::string>());
    EXPECT_EQ(harbour().names({"-n", "velero", "restores.velero.io", "-l", "lateen.io/drill"}),
              std::vector<std::string>());
  }

  // Of every problem in `lateen verify`.
  static std::vector<std::string> problems(const std::string& backup) {
    const Outcome ran = harbour().lateen({"verify", backup, "-o", "json"});
    const auto report = parse_json(ran.out);
    std::vector<std::string> ids;
    if (!report) {
      ADD_FAILURE() << ran.story();
      return ids;
    }
    for (const Json& one : *array_at(array_at(*report, "backups")->at(0), "findings")) {
      if (string_at(one, "level") == "problem") ids.emplace_back(string_at(one, "id"));
    }
    EXPECT_EQ(ran.code, ids.empty() ? 0 : 2) << ran.story();
    return ids;
  }
};

const char* const kAnswers =
    "{name: ledger, type: exec, selector: app=till, command: [cat, "
    "/data/ledger], expect: {equals: \"4711\"}, timeout: 2m}";

TEST_F(DrillVoyage, AScheduledDrillOverTheBookstorePassesAndLeavesItsEvidence) {
  const std::string shop = LATEEN_SOURCE_DIR "/examples/bookstore";
  harbour().must_kubectl({"apply", "-f", shop + "/00-cluster.yaml"});
  harbour().must_kubectl(
      {"wait", "--for=condition=Established", "crd", "tenantclaims.platform.bookstore.example"});
  harbour().must_kubectl({"apply", "-f", shop});
  harbour().must_kubectl({"apply", "-f", shop + "/backup"});
  harbour().must_kubectl(
      {"-n", "bookstore", "wait", "--for=condition=Ready", "pod/postgres-0", "--timeout=120s"});
  back_up("daily", {"--from-schedule", "bookstore-daily"});
  ASSERT_FALSE(HasFailure());
  harbour().must_lateen(
      {"drill", "create", "quarterly", "--from-schedule", "bookstore-daily", "--schedule",
       "@every 3s", "--max-recovery-time", "5m", "--check",
       "{name: books, type: sql, selector: app=postgres, host: /run/postgresql, user: bookstore, "
       "database: bookstore, query: SELECT count(*) FROM books, expect: {equals: \"5000\"}}"});
  // Runs follow one another: the phase may be Passed for an instant only.
  wait_until("the drill passes", [] { return has_passed("quarterly"); }, std::chrono::seconds(120));
  harbour().must_kubectl({"-n", "velero", "patch", "restoredrills.lateen.io", "quarterly",
                          "--type=merge", "-p", R"({"spec": {"paused": true}})"});
  wait_until(
      "its last run has ended", [] { return phase("quarterly") != "InProgress"; },
      std::chrono::seconds(120));
  expect_nothing_left();
  const Json run = last_run("quarterly");
  EXPECT_EQ(string_at(run, "phase"), "Passed") << write_json_pretty(run);
  EXPECT_EQ(bool_at(run, "tornDown"), true);
  EXPECT_TRUE(string_at(run, "namespaces.bookstore").starts_with("restore-test-"));
  const std::string described = harbour().must_lateen({"drill", "describe", "quarterly"});
  EXPECT_NE(described.find("✓ books (sql): 5000"), std::string::npos) << described;
  const std::string evidence = harbour().must_lateen({"drill", "logs", "quarterly"});
  EXPECT_NE(evidence.find("\"signature\":"), std::string::npos) << evidence;
  EXPECT_NE(harbour().must_lateen({"drill", "logs", "quarterly", "--html"}).find("passed"),
            std::string::npos);
}

TEST_F(DrillVoyage, ADrillIsQuietAndTouchesNothingOfTheOriginal) {
  open_till("quiet");
  const Json before = harbour().get({"-n", "quiet", "pods,cronjobs,ingresses,pvc"});
  // It asks a question that nothing answers, so that there is time to look.
  harbour().must_lateen({"drill", "create", "quiet", "--from-backup", "quiet", "--check",
                         "{type: exec, selector: app=till, command: [test, -e, /data/go], "
                         "timeout: 5m}"});
  wait_until("it has restored", [] { return string_at(last_run("quiet"), "step") == "Checking"; });
  const auto namespaces = harbour().names({"namespaces", "-l", "lateen.io/drill=quiet"});
  ASSERT_EQ(namespaces.size(), 1U);
  const std::string& ns = namespaces.front();
  EXPECT_EQ(bool_at(harbour().get({"-n", ns, "cronjob", "mailer"}), "spec.suspend"), true);
  EXPECT_EQ(find(find(harbour().get({"-n", ns, "cronjob", "mailer"}), "metadata.annotations"),
                 JsonKey{"argocd.argoproj.io/tracking-id"}),
            nullptr);
  EXPECT_EQ(harbour().names({"-n", ns, "ingresses"}), std::vector<std::string>());
  EXPECT_EQ(harbour().names({"-n", ns, "networkpolicies"}),
            (std::vector<std::string>{"lateen-drill-deny-all"}));
  harbour().must_kubectl({"-n", ns, "wait", "--for=condition=Ready", "pod/till"});
  harbour().must_kubectl({"-n", ns, "exec", "till", "--", "touch", "/data/go"});
  wait_until("it ends", [] { return phase("quiet") == "Passed"; });
  expect_nothing_left();
  EXPECT_EQ(as_written_text(harbour().get({"-n", "quiet", "pods,cronjobs,ingresses,pvc"})),
            as_written_text(before));
}

TEST_F(DrillVoyage, AWrongAnswerFailsTheDrillAndItsExitCode) {
  open_till("wrong");
  const Outcome ran = run_drill(
      "wrong", "wrong",
      {"--check",
       "{name: ledger, type: exec, selector: app=till, command: [cat, /data/ledger], expect: "
       "{equals: \"4712\"}, timeout: 2s}"});
  EXPECT_EQ(ran.code, 2) << ran.story();
  EXPECT_NE(ran.out.find("check ledger failed: expected \"4712\", got \"4711\""), std::string::npos)
      << ran.story();
  expect_nothing_left();
  EXPECT_EQ(run_drill("right", "wrong", {"--check", kAnswers}).code, 0);
}

TEST_F(DrillVoyage, AChangedByteIsNamedByVerifyAndByTheDrill) {
  open_till("byte");
  EXPECT_EQ(problems("byte"), std::vector<std::string>());
  const FilePath tarball = backup_dir("byte") / "byte.tar.gz";
  std::string bytes = text_of(tarball);
  bytes[bytes.size() / 2] ^= 1;
  write_text(tarball, bytes);
  const auto found = problems("byte");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front(), "object-changed");
  const Outcome ran = run_drill("byte", "byte", {"--timeout", "150s"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.out.find("object-changed byte.tar.gz"), std::string::npos) << ran.story();
  expect_nothing_left();
}

TEST_F(DrillVoyage, ADeletedSnapshotIsNamed) {
  open_till("snapless");
  EXPECT_EQ(problems("snapless"), std::vector<std::string>());
  const std::string infos =
      run_program(
          {"gunzip", "-c", (backup_dir("snapless") / "snapless-volumeinfo.json.gz").string()})
          .out;
  const Json volumes = parse_json(infos).value();
  const std::string handle(string_at(volumes.as_array().at(0), "csiSnapshotInfo.snapshotHandle"));
  ASSERT_FALSE(handle.empty()) << infos;
  harbour().apply(fmt::format(R"(
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshotContent
metadata: {{name: to-delete}}
spec:
  deletionPolicy: Delete
  driver: dir.sandbox.lateen.dev
  source: {{snapshotHandle: "{}"}}
  volumeSnapshotRef: {{name: none, namespace: default}}
)",
                              handle));
  harbour().must_kubectl({"delete", "volumesnapshotcontent", "to-delete"});
  EXPECT_EQ(problems("snapless"), (std::vector<std::string>{"snapshot-missing"}));
  EXPECT_EQ(harbour().names({"volumesnapshotcontents"}), std::vector<std::string>());
}

TEST_F(DrillVoyage, AChangedManifestAndARemovedBackupAreNoticed) {
  open_till("signed");
  back_up("second", {"--include-namespaces", "signed"});
  const FilePath manifest = backup_dir("signed") / "signed-manifest.jsonl";
  const std::string text = text_of(manifest);
  // What openssl says of it.
  const FilePath dir = harbour().dir();
  write_text(dir / "key.pem", harbour().must_lateen({"signing-key", "export"}));
  write_text(dir / "line", text.substr(0, text.find('\n')));
  const Json envelope = parse_json(trim(text.substr(text.find('\n') + 1))).value();
  write_text(dir / "signature.b64", std::string(string_at(envelope, "signature")) + "\n");
  run_program({"openssl", "base64", "-d", "-A", "-in", (dir / "signature.b64").string(), "-out",
               (dir / "signature").string()});
  const auto checked = run_program(
      {"openssl", "pkeyutl", "-verify", "-pubin", "-inkey", (dir / "key.pem").string(), "-rawin",
       "-in", (dir / "line").string(), "-sigfile", (dir / "signature").string()});
  EXPECT_TRUE(checked.ok()) << checked.story();
  write_text(manifest, text.substr(0, 20) + "x" + text.substr(21));
  EXPECT_EQ(problems("signed"), (std::vector<std::string>{"manifest-broken"}));
  write_text(manifest, text);
  EXPECT_EQ(problems("signed"), std::vector<std::string>());
  // Deleted by the server, it is not missed; removed from the bucket, it is.
  harbour().must_lateen({"backup", "delete", "second", "--confirm"});
  wait_until("second is deleted", [] { return phase_of("backups", "second").empty(); });
  std::filesystem::remove_all(backup_dir("signed"));
  const Outcome all = harbour().lateen({"verify", "--all"});
  EXPECT_NE(all.out.find("backup-removed signed"), std::string::npos) << all.story();
  EXPECT_EQ(all.out.find("backup-removed second"), std::string::npos) << all.story();
  harbour().must_lateen({"signing-key", "accept-removal", "signed"});
  EXPECT_EQ(harbour().lateen({"verify", "--all"}).out.find("backup-removed"), std::string::npos);
}

TEST_F(DrillVoyage, AFailingRestoreHookFailsTheDrill) {
  open_till("hook", R"({post.hook.restore.velero.io/container: main, )"
                    R"(post.hook.restore.velero.io/command: '["/bin/sh", "-c", "exit 7"]'})");
  const Outcome ran = run_drill("hook", "hook");
  EXPECT_EQ(ran.code, 2) << ran.story();
  EXPECT_NE(ran.out.find("the restore ended PartiallyFailed"), std::string::npos) << ran.story();
  expect_nothing_left();
}

TEST_F(DrillVoyage, AServerThatIsKilledInTheMiddleOfADrillLeavesNothingOnceItIsBack) {
  open_till("killed");
  harbour().must_lateen({"drill", "create", "killed", "--from-backup", "killed", "--check",
                         "{type: exec, selector: app=till, command: [test, -e, /never], timeout: "
                         "10m}"});
  wait_until("it checks", [] { return string_at(last_run("killed"), "step") == "Checking"; });
  EXPECT_EQ(harbour().names({"namespaces", "-l", "lateen.io/drill=killed"}).size(), 1U);
  server().kill9();
  start_server();
  wait_until("the next server has ended it", [] { return phase("killed") == "Failed"; });
  expect_nothing_left();
  EXPECT_EQ(bool_at(last_run("killed"), "tornDown"), true);
  EXPECT_NE(string_at(last_run("killed"), "message").find("the server ended in the middle"),
            std::string_view::npos);
}

TEST_F(DrillVoyage, TheFireDrillDestroysOnlyWhatIsTypedAndBringsItBack) {
  open_till("fire");
  const Words words = {"drill",
                       "destroy-and-restore",
                       "fire",
                       "--from-backup",
                       "fire",
                       "--selector",
                       "app=till",
                       "--query",
                       "cat /data/ledger",
                       "--expect",
                       "4711"};
  const std::string uid(string_at(harbour().get({"namespace", "fire"}), "metadata.uid"));
  EXPECT_EQ(harbour().lateen(words, "fier\n").code, 1);
  EXPECT_EQ(string_at(harbour().get({"namespace", "fire"}), "metadata.uid"), uid);
  const Outcome ran = harbour().lateen(words, "fire\n");
  EXPECT_EQ(ran.code, 0) << ran.story();
  EXPECT_NE(ran.out.find("✓ query: 4711"), std::string::npos) << ran.story();
  EXPECT_NE(string_at(harbour().get({"namespace", "fire"}), "metadata.uid"), uid);
}

TEST_F(DrillVoyage, TheExportedCronJobIsOneThatAClusterTakes) {
  const std::string yaml = harbour().must_lateen(
      {"drill", "export-cronjob", "--from-schedule", "nightly", "--source-namespace", "bookstore",
       "--selector", "app=postgres", "--query", "psql -tAc 'SELECT count(*) FROM books'",
       "--expect", "5000"});
  harbour().apply(yaml);
  const Json job = harbour().get({"-n", "velero", "cronjob", "velero-restore-drill"});
  EXPECT_EQ(string_at(job, "spec.schedule"), "0 4 1 */3 *");
  const Json& container = array_at(job, "spec.jobTemplate.spec.template.spec.containers")->at(0);
  const std::string script(as_text(&array_at(container, "command")->at(2)));
  write_text(harbour().dir() / "drill.sh", script);
  EXPECT_TRUE(run_program({"sh", "-n", (harbour().dir() / "drill.sh").string()}).ok());
}

}  // namespace
}  // namespace lateen::voyages
