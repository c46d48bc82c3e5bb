// `check`, `coverage` and `audit` in the sandbox: each flaw is found and named by the command that
// should find it, and without the flaw there is no alarm. The four questions of the handbook that
// the bookstore is from are four tests.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/time.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// A namespace with what a repository has, what a controller made, and data.
std::string shop(const std::string& ns, const std::string& storage_class = "standard") {
  return fmt::format(R"yaml(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: policyexceptions.kyverno.io}}
spec:
  group: kyverno.io
  scope: Namespaced
  names: {{plural: policyexceptions, singular: policyexception, kind: PolicyException, listKind: PolicyExceptionList}}
  versions: [{{name: v2, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}]
---
apiVersion: v1
kind: Namespace
metadata: {{name: {0}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: prices, namespace: {0}, annotations: {{argocd.argoproj.io/tracking-id: "shop:/ConfigMap:{0}/prices"}}}}
data: {{tea: "3"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: orders-db, namespace: {0}}}
stringData: {{url: "postgres://shop:hunter2@orders.c9akz.eu-west-1.rds.amazonaws.com:5432/orders"}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: {0}}}
spec: {{storageClassName: {1}, accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: till, namespace: {0}, labels: {{app: till}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox
      command: [sh, -c, "test -e /data/books || echo 42 >/data/books; exec sleep 100000"]
      readinessProbe: {{exec: {{command: [test, -s, /data/books]}}, periodSeconds: 1}}
      volumeMounts: [{{name: data, mountPath: /data}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
)yaml",
                     ns, storage_class);
}

class AssuranceVoyage : public Voyage<AssuranceVoyage> {
 protected:
  static void open_shop(const std::string& ns, const std::string& storage_class = "standard") {
    harbour().apply(shop(ns, storage_class));
    harbour().must_kubectl(
        {"wait", "--for=condition=Established", "crd", "policyexceptions.kyverno.io"});
    harbour().apply(fmt::format(
        "apiVersion: kyverno.io/v2\nkind: PolicyException\nmetadata: {{name: waiver, namespace: "
        "{}}}\nspec: {{}}\n",
        ns));
    harbour().must_kubectl(
        {"-n", ns, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s"});
  }

  void TearDown() override {
    if (harbour().find({"namespace", ns_})) {
      harbour().must_kubectl({"delete", "namespace", ns_, "--wait", "--timeout=120s"});
    }
    for (const std::string& name : harbour().names({"-n", "velero", "schedules.velero.io"}))
      harbour().must_lateen({"schedule", "delete", name, "--confirm"});
    Voyage<AssuranceVoyage>::TearDown();
  }

  // A schedule of every night, and its first backup.
  static void schedule_nightly(const Words& flags) {
    Words create = {"schedule", "create", "nightly", "--schedule", "0 2 * * *"};
    create.insert(create.end(), flags.begin(), flags.end());
    harbour().must_lateen(create);
    wait_until("the schedule is Enabled",
               [] { return phase_of("schedules", "nightly") == "Enabled"; });
  }

  static Json document(const Outcome& outcome) {
    auto json = parse_json(outcome.out);
    EXPECT_TRUE(json) << outcome.story();
    return json ? *json : Json();
  }

  // "schedule-fresh nightly failed" of each check.
  static std::vector<std::string> checks(Words flags = {}) {
    flags.insert(flags.begin(), "check");
    flags.insert(flags.end(), {"-o", "json"});
    const Outcome ran = harbour().lateen(flags);
    const Json report = document(ran);
    EXPECT_EQ(ran.code == 1, bool_at(report, "failed").value_or(false)) << ran.story();
    std::vector<std::string> lines;
    const JsonArray* all = array_at(report, "checks");
    if (all == nullptr) return lines;
    for (const Json& one : *all) {
      lines.push_back(fmt::format("{} {} {}: {}", string_at(one, "id"), string_at(one, "subject"),
                                  string_at(one, "verdict"), string_at(one, "evidence")));
    }
    return lines;
  }

  static void write_backup(const std::string& name, TimePoint started, TimePoint expires) {
    harbour().apply(fmt::format(R"yaml(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: {}, namespace: velero, labels: {{velero.io/schedule-name: nightly}}}}
spec: {{storageLocation: default}}
status: {{phase: Completed, startTimestamp: "{}", completionTimestamp: "{}", expiration: "{}"}}
)yaml",
                                name, format_rfc3339(started), format_rfc3339(started),
                                format_rfc3339(expires)));
  }

  const std::string ns_ = "shop";
  const SystemClock clock_;
};

auto starts(const std::string& text) {
  return Contains(::testing::StartsWith(text));
}

TEST_F(AssuranceVoyage, ChecksAreGreenWithoutAFlawAndNameEachFlaw) {
  open_shop(ns_);
  schedule_nightly({"--include-cluster-resources=true"});
  back_up("nightly-first", {"--from-schedule", "nightly"});
  const auto green = checks();
  for (const char* row :
       {"location-available default ok", "schedule-enabled nightly ok", "schedule-fresh nightly ok",
        "last-good-guard nightly ok", "volume-paths  ok", "exclusions  ok", "server-running  ok",
        "snapshot-quota  ok"}) {
    EXPECT_THAT(green, starts(row));
  }
  EXPECT_THAT(green, Not(starts("clock backups")));

  // An expired last good backup, and none after it.
  harbour().must_lateen({"backup", "delete", "nightly-first", "--confirm"});
  wait_until("the backup is gone", [] { return phase_of("backups", "nightly-first").empty(); });
  const TimePoint now = clock_.now();
  write_backup("nightly-old", now - std::chrono::hours(50), now - std::chrono::hours(2));
  const auto expired = checks({"--quick"});
  EXPECT_THAT(expired, starts("last-good-guard nightly failed: nightly-old"));
  EXPECT_THAT(expired, starts("schedule-fresh nightly failed"));
  EXPECT_THAT(expired, Not(starts("clock backups failed")));

  // A clock that was set back after a backup.
  write_backup("nightly-ahead", now + std::chrono::hours(3), now + std::chrono::hours(700));
  EXPECT_THAT(checks({"--quick"}), starts("clock backups failed: nightly-ahead"));
  harbour().must_kubectl({"-n", "velero", "delete", "backups.velero.io", "nightly-old",
                          "nightly-ahead", "--ignore-not-found"});

  // A credential that is none.
  harbour().must_kubectl({"-n", "velero", "create", "secret", "generic", "no-keys",
                          "--from-literal=cloud=[default]\nnonsense"});
  harbour().must_lateen({"backup-location", "create", "away", "--provider", "aws", "--bucket", "b",
                         "--credential", "no-keys=cloud", "--config",
                         "region=eu-west-1,s3ForcePathStyle=true,s3Url=http://127.0.0.1:1"});
  wait_until("the location was looked at", [] {
    return string_at(velero("backupstoragelocations", "away"), "status.phase") == "Unavailable";
  });
  EXPECT_THAT(checks({"--production", "--quick"}), starts("location-available away failed"));
  harbour().must_lateen({"backup-location", "delete", "away", "--confirm"});
}

TEST_F(AssuranceVoyage, ADeepCheckWritesReadsAndSnapshots) {
  open_shop(ns_);
  const auto green = checks({"--quick", "--deep", "--snapshot-claim", "shop/data"});
  EXPECT_THAT(green, starts("deep-canary default ok"));
  EXPECT_THAT(green, starts("deep-csi-snapshot shop/data ok"));
  wait_until("the snapshot is gone", [] {
    return harbour().names({"-A", "volumesnapshots"}).empty() &&
           harbour().names({"volumesnapshotcontents"}).empty();
  });
  // Files may not grow past 32 KiB, as on a full disk: the write fails, and nothing is left.
  ProgramOptions options = harbour().surroundings();
  const Outcome full = run_program(
      {"sh", "-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" check --quick --deep -o json",
       lateen_binary()},
      options);
  EXPECT_EQ(full.code, 1) << full.story();
  EXPECT_THAT(full.out, HasSubstr("writing an object"));
  const auto left = list_dir(bucket() / "metadata");
  EXPECT_TRUE(!left || left->empty()) << "a canary was left";
}

TEST_F(AssuranceVoyage, BeforeAnInstallTheClusterIsLookedAt) {
  const auto rows = checks({"--pre"});
  for (const char* row : {"pre-api-server  ok", "pre-permissions  ok", "pre-definitions  ok",
                          "pre-other-server  ok", "pre-snapshot-api  ok"}) {
    EXPECT_THAT(rows, starts(row));
  }
}

// What does a backup of Kubernetes add to snapshots of disks, of databases and of etcd?
TEST_F(AssuranceVoyage, Question1ObjectsAndTheirVolumesComeBackAsOneUnit) {
  open_shop(ns_);
  const std::string kinds = "configmaps,secrets,persistentvolumeclaims,policyexceptions.kyverno.io";
  const Json before = harbour().get({"-n", ns_, kinds});
  back_up("question-1", {"--include-namespaces", ns_});
  harbour().must_kubectl({"delete", "namespace", ns_, "--wait", "--timeout=120s"});
  restore("question-1-back", {"--from-backup", "question-1"});
  EXPECT_EQ(as_written_text(harbour().get({"-n", ns_, kinds})), as_written_text(before));
  harbour().must_kubectl(
      {"-n", ns_, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s"});
  EXPECT_EQ(harbour().must_kubectl({"-n", ns_, "exec", "till", "--", "cat", "/data/books"}),
            "42\n");
  // A subset by label, beside it.
  restore("question-1-part", {"--from-backup", "question-1", "--selector", "app=till",
                              "--namespace-mappings", "shop:shop-part"});
  EXPECT_TRUE(harbour().find({"-n", "shop-part", "pod", "till"}).has_value());
  EXPECT_FALSE(harbour().find({"-n", "shop-part", "configmap", "prices"}).has_value());
  harbour().must_kubectl({"delete", "namespace", "shop-part", "--wait", "--timeout=120s"});
}

// The namespace was deleted at 03:00, and had a database in RDS: what comes back, what does not?
TEST_F(AssuranceVoyage, Question2TheDatabaseOutsideIsNamedWithTheToolThatHoldsIt) {
  open_shop(ns_);
  back_up("question-2", {"--include-namespaces", ns_});
  const std::string told = harbour().must_lateen({"backup", "describe", "question-2", "--details"});
  EXPECT_THAT(told, HasSubstr("RDS database orders.c9akz.eu-west-1.rds.amazonaws.com (secrets "
                              "shop/orders-db, data.url): RDS automated backups"));
  EXPECT_THAT(told, Not(HasSubstr("hunter2")));
  const Json report = document(harbour().lateen({"coverage", "-n", ns_, "-o", "json"}));
  EXPECT_THAT(write_json(report.at("outside")), HasSubstr("AWS Backup"));
  // As Velero sees it: a file more, and no other warning.
  EXPECT_EQ(int_at(velero("backups", "question-2"), "status.warnings").value_or(0), 0);
}

// The namespace was excluded "because it's all in GitOps anyway": what is missing?
TEST_F(AssuranceVoyage, Question3TheExclusionTrapIsNamedBeforeItCloses) {
  open_shop(ns_);
  schedule_nightly({"--include-cluster-resources=true"});
  const Outcome included = harbour().lateen({"audit", "exclusions", "nightly", "-o", "json"});
  EXPECT_EQ(included.code, 0) << included.story();

  const FilePath file = harbour().dir() / "excluding.yaml";
  write_text(file, R"yaml(
apiVersion: velero.io/v1
kind: Schedule
metadata: {name: excluding}
spec: {schedule: "0 2 * * *", template: {excludedNamespaces: [shop, kube-system], includeClusterResources: true}}
)yaml");
  const Outcome excluded =
      harbour().lateen({"audit", "exclusions", "-f", file.string(), "-o", "json"});
  EXPECT_EQ(excluded.code, 2) << excluded.story();
  const Json audit = document(excluded);
  EXPECT_EQ(texts_at(audit, "lostVolumes"), std::vector<std::string>{"shop/data"});
  bool exceptions = false;
  bool prices = false;
  for (const Json& one : *array_at(audit, "lost")) {
    const std::string_view kind = string_at(one, "kind");
    if (string_at(one, "namespace") == "kube-system") {
      EXPECT_EQ(int_at(one, "atRisk"), 0);
    }
    exceptions =
        exceptions || (kind == "policyexceptions.kyverno.io" && int_at(one, "atRisk") == 1);
    if (kind == "configmaps" && string_at(one, "namespace") == "shop")
      prices = int_at(one, "atRisk") == 0;
  }
  EXPECT_TRUE(exceptions) << excluded.out;
  EXPECT_TRUE(prices) << "what Argo CD tracks comes back: " << excluded.out;
  // The same, once the schedule is there, is a check that fails.
  harbour().must_kubectl({"-n", "velero", "apply", "-f", file.string()});
  harbour().must_lateen({"schedule", "delete", "nightly", "--confirm"});
  EXPECT_THAT(checks(), starts("exclusions  failed: no schedule holds shop"));
}

// With CSI snapshots alone: what becomes of a claim whose driver has none?
TEST_F(AssuranceVoyage, Question4AVolumeWithoutSnapshotsNeedsAnotherPathAndSaysSo) {
  open_shop(ns_, "sandbox-efs");
  schedule_nightly({"--include-namespaces", ns_});
  EXPECT_THAT(checks(), starts("volume-paths  failed: shop/data"));
  // Its driver has no VolumeSnapshotClass.
  back_up("question-4", {"--include-namespaces", ns_}, "PartiallyFailed");
  EXPECT_THAT(harbour().must_lateen({"backup", "describe", "question-4", "--details"}),
              HasSubstr("Volumes without a path"));
  harbour().must_kubectl(
      {"-n", ns_, "annotate", "pod", "till", "backup.velero.io/backup-volumes=data"});
  const Json report = document(harbour().lateen({"coverage", "-n", ns_, "-o", "json"}));
  EXPECT_EQ(string_at(array_at(report, "volumes")->front(), "path"), "file-system backup");
  EXPECT_THAT(checks(), starts("volume-paths  ok"));
}

TEST_F(AssuranceVoyage, ARestorePlanWarnsOfWhatThisClusterDoesNotHave) {
  open_shop(ns_);
  harbour().apply(R"yaml(
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {ingressClassName: nginx, defaultBackend: {service: {name: web, port: {number: 80}}}}
)yaml");
  const Outcome tried = harbour().lateen(
      {"backup", "create", "x", "--include-namespaces", ns_, "--dry-run", "-o", "json"});
  EXPECT_THAT(tried.out, HasSubstr("missing-ingress-class"));
  EXPECT_THAT(tried.out, HasSubstr("came along, since other objects lead to"));
  back_up("plan-1", {"--include-namespaces", ns_});
  const Outcome plan = harbour().lateen({"restore", "plan", "plan-1"});
  EXPECT_THAT(plan.out, HasSubstr("missing-ingress-class: ingressclasses.networking.k8s.io nginx"));
  EXPECT_THAT(plan.out, HasSubstr("gitops-reverts"));
  EXPECT_THAT(plan.out, Not(HasSubstr("missing-storage-class"))) << "this cluster has it";
}

}  // namespace
}  // namespace lateen::voyages
