// What examples/ says of databases and operators: each is applied, backed up, destroyed and brought
// back. PostgreSQL and Redis run; operators are the test itself, which makes what they would make.
#include "base/text.h"
#include "voyages/testing/node_agent.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::seconds;

class ExamplesVoyage : public Voyage<ExamplesVoyage> {
 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    if (IsSkipped() || HasFailure()) return;
    harbour().must_kubectl({"apply", "-f", LATEEN_TESTDATA "/examples/operators.yaml"});
    harbour().must_kubectl(
        {"wait", "--for=condition=Established", "crd", "-l", "lateen.test/operators"});
  }

  static FilePath example(std::string_view name) {
    return FilePath(LATEEN_SOURCE_DIR "/examples") / std::string(name);
  }

  static void apply_example(std::string_view name) {
    harbour().must_kubectl({"apply", "-f", example(name).string()});
  }

  static void wait_ready(const std::string& ns, const std::string& pod) {
    wait_until("pod " + pod + " is there",
               [&] { return harbour().find({"-n", ns, "pod", pod}).has_value(); });
    harbour().must_kubectl(
        {"-n", ns, "wait", "--for=condition=Ready", "pod/" + pod, "--timeout=120s"});
  }

  static std::string in_pod(const std::string& ns, const std::string& pod, const Words& command) {
    Words words = {"-n", ns, "exec", pod, "--"};
    words.insert(words.end(), command.begin(), command.end());
    return harbour().must_kubectl(words);
  }

  static void destroy(const std::string& ns) {
    harbour().must_kubectl({"delete", "namespace", ns, "--wait", "--timeout=120s"});
  }

  // The Restore of an example's own file, to its end.
  static void restore_by(std::string_view file, const std::string& name) {
    harbour().must_kubectl({"apply", "-f", example(file).string()});
    wait_until("restore " + name + " has ended", [&name] {
      const std::string phase = phase_of("restores", name);
      return phase == "Completed" || phase.find("ailed") != std::string::npos;
    });
    EXPECT_EQ(phase_of("restores", name), "Completed")
        << harbour().lateen({"restore", "describe", name, "--details"}).story();
  }

  static std::int64_t hooks_of(std::string_view plural, const std::string& name) {
    const Json object = velero(plural, name);
    EXPECT_EQ(int_at(object, "status.hookStatus.hooksFailed").value_or(0), 0);
    return int_at(object, "status.hookStatus.hooksAttempted").value_or(0);
  }

  static void status(std::string_view path, std::string_view patch) {
    // This kubectl may be older than --subresource.
    const FilePath file = harbour().dir() / "status.json";
    Json object = parse_json(harbour().must_kubectl({"get", "--raw", std::string(path)})).value();
    ensure(object, "status") = parse_json(patch).value();
    write_text(file, write_json(object));
    harbour().must_kubectl(
        {"replace", "--raw", fmt::format("{}/status", path), "-f", file.string()});
  }
};

TEST_F(ExamplesVoyage, PostgresqlIsDumpedByAHookAndLoadedByAnother) {
  const auto agent = start_node_agent(harbour());
  ASSERT_NE(agent, nullptr);
  const auto sql = [](const std::string& statement) {
    return in_pod(
        "ledger", "postgres-0",
        {"psql", "-h", "/run/postgresql", "-U", "ledger", "-d", "postgres", "-qAtc", statement});
  };
  apply_example("postgresql");
  wait_ready("ledger", "postgres-0");
  sql("CREATE TABLE entries AS SELECT n AS id, md5(n::text) AS note FROM generate_series(1, 1000) "
      "n");
  const std::string rows = sql("SELECT md5(string_agg(e::text, '' ORDER BY id)) FROM entries e");
  back_up("ledger", {"--from-schedule", "ledger-nightly"});
  EXPECT_EQ(hooks_of("backups", "ledger"), 1);
  const std::string listed =
      run_program({"tar", "tzf", (backup_dir("ledger") / "ledger.tar.gz").string()}).out;
  EXPECT_EQ(listed.find("persistentvolumeclaims/"), std::string::npos) << listed;

  destroy("ledger");
  restore("ledger-back", {"--from-backup", "ledger"});
  EXPECT_EQ(hooks_of("restores", "ledger-back"), 1);
  EXPECT_EQ(sql("SELECT md5(string_agg(e::text, '' ORDER BY id)) FROM entries e"), rows);
}

TEST_F(ExamplesVoyage, RedisWritesItsFileBeforeItsVolumeIsSnapshotted) {
  ASSERT_TRUE(run_program({"sh", "-c", "command -v redis-server"}).ok())
      << "the example needs redis-server (Debian: redis-server)";
  const auto redis = [](Words words) {
    words.insert(words.begin(), {"redis-cli", "-s", "/run/redis/redis.sock"});
    return in_pod("cache", "redis-0", words);
  };
  apply_example("redis");
  wait_ready("cache", "redis-0");
  redis({"MSET", "book", "4711", "pen", "12"});

  EXPECT_EQ(in_pod("cache", "redis-0", {"ls", "/data"}), "") << "it saves by itself";
  back_up("cache", {"--from-schedule", "cache-nightly"});
  EXPECT_EQ(hooks_of("backups", "cache"), 1);
  redis({"SET", "book", "too late"});

  destroy("cache");
  restore("cache-back", {"--from-backup", "cache"});
  wait_ready("cache", "redis-0");
  EXPECT_EQ(redis({"MGET", "book", "pen"}), "4711\n12\n");
}

// mongod and mongosh of the test: they note what they are asked, on the volume.
constexpr std::string_view kStandIn = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: stand-in, namespace: orders}
data:
  mongod: |
    #!/bin/sh
    touch /data/db/up; exec sleep 3600
  mongosh: |
    #!/bin/sh
    case "$*" in
      *fsyncLock\(\)*) echo lock >> /data/db/asked; test ! -e /data/db/broken ;;
      *fsyncUnlock\(\)*) echo unlock >> /data/db/asked ;;
    esac
)";

TEST_F(ExamplesVoyage, MongodbIsLockedBeforeAndUnlockedAfterItsSnapshotWhateverHappens) {
  std::string text = text_of(example("mongodb") / "10-mongodb.yaml");
  text = replace_all(
      text, "          env:\n",
      "          env:\n            - {name: PATH, value: \"/stand-in:/usr/bin:/bin\"}\n");
  text = replace_all(
      text, "          volumeMounts:\n",
      "          volumeMounts:\n            - {name: stand-in, mountPath: /stand-in}\n");
  text = replace_all(
      text, "  volumeClaimTemplates:\n",
      "      volumes: [{name: stand-in, configMap: {name: stand-in, defaultMode: 0755}}]\n"
      "  volumeClaimTemplates:\n");
  harbour().must_kubectl({"create", "namespace", "orders"});
  harbour().apply(kStandIn);
  harbour().apply(text);
  harbour().must_kubectl({"apply", "-f", (example("mongodb") / "schedule.yaml").string()});
  wait_ready("orders", "mongodb-0");
  wait_until("it is up", [] {
    return in_pod("orders", "mongodb-0", {"ls", "/data/db"}).find("up") != std::string::npos;
  });
  back_up("orders", {"--from-schedule", "orders-nightly"});
  EXPECT_EQ(hooks_of("backups", "orders"), 2);
  EXPECT_EQ(in_pod("orders", "mongodb-0", {"cat", "/data/db/asked"}), "lock\nunlock\n");

  destroy("orders");
  restore("orders-back", {"--from-backup", "orders"});
  wait_ready("orders", "mongodb-0");
  EXPECT_EQ(in_pod("orders", "mongodb-0", {"cat", "/data/db/asked"}), "lock\n")
      << "the snapshot was not taken between the two hooks";

  in_pod("orders", "mongodb-0", {"touch", "/data/db/broken"});
  back_up("orders-broken", {"--from-schedule", "orders-nightly"}, "PartiallyFailed");
  EXPECT_EQ(in_pod("orders", "mongodb-0", {"cat", "/data/db/asked"}), "lock\nlock\nunlock\n");
}

// What CloudNativePG's operator makes of the example's Cluster, with the annotations that it hands
// down; and what it makes of it when it takes the claim in after a restore.
constexpr std::string_view kInstance = R"(
apiVersion: v1
kind: ConfigMap
metadata: {{name: instance, namespace: shop-db}}
data:
  passwd: |
    root:x:0:0:root:/root:/bin/sh
    postgres:x:26:26::/var/lib/postgresql:/bin/sh
  start.sh: |
    set -eu
    PATH="$(ls -d /usr/lib/postgresql/*/bin | tail -n 1):$PATH"
    test -d "$PGDATA" || initdb -D "$PGDATA" --auth=trust -E UTF8 --locale=C >/dev/null
    exec postgres -D "$PGDATA" -c listen_addresses= -k /run -c shared_buffers=16MB
---
apiVersion: v1
kind: Pod
metadata:
  name: shop-1
  namespace: shop-db
  labels: {{cnpg.io/cluster: shop, cnpg.io/instanceRole: primary}}
  annotations: {0}
  ownerReferences: [{{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, name: shop, uid: {1}, controller: true}}]
spec:
  securityContext: {{runAsUser: 26, runAsGroup: 26, fsGroup: 26}}
  containers:
    - name: postgres
      image: cloudnative-pg/postgresql:16
      command: [/bin/sh, /config/start.sh]
      env: [{{name: PGDATA, value: /var/lib/postgresql/data/pgdata}}, {{name: PGHOST, value: /run}}]
      readinessProbe: {{exec: {{command: [psql, -d, postgres, -qc, "SELECT 1"]}}, periodSeconds: 1, timeoutSeconds: 5}}
      volumeMounts:
        - {{name: data, mountPath: /var/lib/postgresql/data}}
        - {{name: run, mountPath: /run}}
        - {{name: config, mountPath: /config}}
        - {{name: config, mountPath: /etc/passwd, subPath: passwd}}
  volumes:
    - {{name: data, persistentVolumeClaim: {{claimName: shop-1}}}}
    - {{name: run, emptyDir: {{}}}}
    - {{name: config, configMap: {{name: instance}}}}
)";

constexpr std::string_view kInstanceClaim = R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: shop-1
  namespace: shop-db
  labels: {{cnpg.io/cluster: shop, cnpg.io/instanceRole: primary}}
  annotations: {{cnpg.io/nodeSerial: "1", cnpg.io/pvcStatus: ready}}
  ownerReferences: [{{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, name: shop, uid: {0}, controller: true}}]
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
)";

void run_instance(const Harbour& harbour) {
  const Json cluster = harbour.get({"-n", "shop-db", "clusters.postgresql.cnpg.io", "shop"});
  harbour.apply(fmt::format(fmt::runtime(kInstance),
                            write_json(*find(cluster, "spec.inheritedMetadata.annotations")),
                            string_at(cluster, "metadata.uid")));
}

TEST_F(ExamplesVoyage, CnpgFindsItsClaimAsItsOperatorLooksForIt) {
  apply_example("cnpg/10-cluster.yaml");
  apply_example("cnpg/schedule.yaml");
  const std::string uid =
      harbour().must_kubectl({"-n", "shop-db", "get", "clusters.postgresql.cnpg.io", "shop", "-o",
                              "jsonpath={.metadata.uid}"});
  harbour().apply(fmt::format(fmt::runtime(kInstanceClaim), uid));
  run_instance(harbour());
  status("/apis/postgresql.cnpg.io/v1/namespaces/shop-db/clusters/shop",
         R"({"latestGeneratedNode": 1, "currentPrimary": "shop-1"})");
  harbour().apply(
      "apiVersion: postgresql.cnpg.io/v1\nkind: Backup\nmetadata: {name: last-night, namespace: "
      "shop-db}\nspec: {cluster: {name: shop}}\n");
  wait_ready("shop-db", "shop-1");
  const Words count = {"psql", "-d", "postgres", "-qAtc", "SELECT count(*) FROM books"};
  in_pod("shop-db", "shop-1",
         {"psql", "-d", "postgres", "-qc",
          "CREATE TABLE books AS SELECT generate_series(1, 5000) AS id"});
  back_up("shop-db", {"--from-schedule", "shop-db-nightly"});
  EXPECT_EQ(hooks_of("backups", "shop-db"), 1);

  destroy("shop-db");
  restore_by("cnpg/restore.yaml", "shop-db-back");
  const Json cluster = harbour().get({"-n", "shop-db", "clusters.postgresql.cnpg.io", "shop"});
  EXPECT_EQ(find(cluster, "status.latestGeneratedNode"), nullptr) << write_json(cluster);
  const Json claim = harbour().get({"-n", "shop-db", "pvc", "shop-1"});
  EXPECT_EQ(find(claim, "metadata.ownerReferences"), nullptr) << write_json(claim);
  EXPECT_EQ(harbour().names({"-n", "shop-db", "pvc", "-l", "cnpg.io/cluster=shop"}),
            (std::vector<std::string>{"shop-1"}));
  EXPECT_EQ(find(claim, "metadata.annotations")->as_object().at("cnpg.io/nodeSerial"), "1");
  EXPECT_LE(string_at(claim, "metadata.creationTimestamp"),
            string_at(cluster, "metadata.creationTimestamp"));
  EXPECT_TRUE(harbour().names({"-n", "shop-db", "pods"}).empty());
  EXPECT_TRUE(harbour().names({"-n", "shop-db", "backups.postgresql.cnpg.io"}).empty());
  EXPECT_EQ(harbour().names({"-n", "shop-db", "scheduledbackups.postgresql.cnpg.io"}).size(), 1U);
  run_instance(harbour());
  wait_ready("shop-db", "shop-1");
  EXPECT_EQ(in_pod("shop-db", "shop-1", count), "5000\n");
}

// What Strimzi's operator makes of the example's Kafka: a Secret, a StrimziPodSet, a broker's claim
// and its pod, whose volume carries the cluster's identity.
constexpr std::string_view kBroker = R"(
apiVersion: v1
kind: Secret
metadata: {name: events-cluster-ca, namespace: events, labels: {strimzi.io/cluster: events}}
stringData: {ca.key: a-key}
---
apiVersion: core.strimzi.io/v1beta2
kind: StrimziPodSet
metadata: {name: events-brokers, namespace: events}
spec: {}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data-0-events-brokers-0, namespace: events, labels: {strimzi.io/cluster: events}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: events-brokers-0, namespace: events, labels: {strimzi.io/cluster: events}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: kafka
      image: strimzi/kafka
      command: [/bin/sh, -c, "test -e /data/meta.properties || echo cluster.id=Zg7 > /data/meta.properties; exec sleep 3600"]
      readinessProbe: {exec: {command: [test, -e, /data/meta.properties]}, periodSeconds: 1}
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data-0-events-brokers-0}}]
)";

TEST_F(ExamplesVoyage, StrimziKafkaKeepsItsIdentityAndTheVolumesThatCarryIt) {
  apply_example("strimzi/10-kafka.yaml");
  apply_example("strimzi/schedule.yaml");
  harbour().apply(kBroker);
  const std::string kafka = "/apis/kafka.strimzi.io/v1beta2/namespaces/events/";
  status(kafka + "kafkas/events", R"({"clusterId": "Zg7"})");
  status(kafka + "kafkanodepools/brokers", R"({"nodeIds": [0, 1, 4]})");
  wait_ready("events", "events-brokers-0");
  back_up("events", {"--from-schedule", "events-nightly"});
  destroy("events");
  restore_by("strimzi/restore.yaml", "events-back");
  const auto field = [](const std::string& what, const std::string& path) {
    return harbour().must_kubectl({"-n", "events", "get", what, "-o", "jsonpath={." + path + "}"});
  };
  EXPECT_EQ(field("kafkas.kafka.strimzi.io/events", "status.clusterId"), "Zg7");
  EXPECT_EQ(field("kafkanodepools.kafka.strimzi.io/brokers", "status.nodeIds"), "[0,1,4]");
  EXPECT_EQ(field("secret/events-cluster-ca", "data.ca\\.key"), "YS1rZXk=");
  EXPECT_EQ(harbour().names({"-n", "events", "kafkatopics,kafkausers"}).size(), 2U);
  EXPECT_TRUE(harbour().names({"-n", "events", "pods,strimzipodsets"}).empty());
  // The operator makes the broker again, over the claim that came back.
  harbour().apply(kBroker);
  wait_ready("events", "events-brokers-0");
  EXPECT_EQ(in_pod("events", "events-brokers-0", {"cat", "/data/meta.properties"}),
            "cluster.id=Zg7\n");
}

TEST_F(ExamplesVoyage, ArgocdsApplicationsComeBackPausedAndCopiesAreNotItsOwn) {
  apply_example("argocd");
  const std::string mark = "argocd.argoproj.io/tracking-id";
  harbour().must_kubectl({"-n", "velero", "annotate", "schedule.velero.io", "gitops-nightly",
                          mark + "=ops:velero.io/Schedule:velero/gitops-nightly"});
  harbour().must_kubectl({"-n", "argocd", "patch", "application", "storefront", "--type=merge",
                          "-p", R"({"operation": {"sync": {"prune": true}}})"});
  harbour().must_kubectl({"create", "namespace", "storefront"});
  harbour().apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: front, namespace: storefront, "
      "annotations: "
      "{argocd.argoproj.io/tracking-id: \"storefront:/ConfigMap:storefront/front\"}, labels: "
      "{argocd.argoproj.io/instance: storefront}}\ndata: {title: Books}\n");
  back_up("gitops", {"--from-schedule", "gitops-nightly"});
  EXPECT_FALSE(
      find(velero("backups", "gitops"), "metadata.annotations")->as_object().contains(mark));

  // Nobody is there to carry out the finalizer.
  harbour().must_kubectl({"-n", "argocd", "patch", "application", "storefront", "--type=merge",
                          "-p", R"({"metadata": {"finalizers": null}})"});
  destroy("argocd");
  restore("argocd-back", {"--from-backup", "gitops", "--include-namespaces", "argocd",
                          "--resource-modifier-configmap", "argocd-paused"});
  const Json application = harbour().get({"-n", "argocd", "application", "storefront"});
  EXPECT_EQ(find(application, "metadata.annotations")
                ->as_object()
                .at("argocd.argoproj.io/skip-reconcile"),
            "true");
  EXPECT_EQ(find(application, "operation"), nullptr);
  EXPECT_EQ(bool_at(application, "spec.syncPolicy.automated.selfHeal"), true);
  EXPECT_EQ(harbour().names({"-n", "argocd", "appprojects"}).size(), 1U);
  EXPECT_TRUE(harbour().find({"-n", "argocd", "secret", "repo-shop"}).has_value());

  restore("look",
          {"--from-backup", "gitops", "--include-namespaces", "storefront", "--namespace-mappings",
           "storefront:storefront-old", "--resource-modifier-configmap", "argocd-untracked"});
  const Json copy = harbour().get({"-n", "storefront-old", "configmap", "front"});
  EXPECT_FALSE(find(copy, "metadata.annotations")->as_object().contains(mark)) << write_json(copy);
  EXPECT_FALSE(find(copy, "metadata.labels")->as_object().contains("argocd.argoproj.io/instance"))
      << write_json(copy);
}

// Of a Kyverno that is not there to answer.
constexpr std::string_view kClosedWebhook = R"(
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: kyverno-resource-validating-webhook-cfg
  labels: {webhook.kyverno.io/managed-by: kyverno}
webhooks:
  - name: validate.kyverno.svc-fail
    clientConfig: {url: "https://127.0.0.1:1/validate/fail"}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
    namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [team-blue]}]}
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
    timeoutSeconds: 1
)";

TEST_F(ExamplesVoyage, KyvernosPoliciesAndExceptionsComeBackPastItsWebhooks) {
  apply_example("kyverno");
  harbour().apply(
      "apiVersion: wgpolicyk8s.io/v1alpha2\nkind: PolicyReport\nmetadata: {name: r, namespace: "
      "team-blue}\n");
  back_up("team-blue", {"--from-schedule", "team-blue-nightly"});
  destroy("team-blue");
  harbour().must_kubectl({"delete", "clusterpolicies", "require-labels"});
  harbour().apply(kClosedWebhook);
  harbour().must_kubectl({"create", "namespace", "team-blue"});
  const Outcome plan = harbour().lateen({"restore", "plan", "team-blue"});
  EXPECT_EQ(plan.code, 2) << plan.story();
  EXPECT_NE(plan.out.find("broken   configmaps"), std::string::npos) << plan.story();
  EXPECT_NE(plan.out.find("validate.kyverno.svc-fail"), std::string::npos) << plan.story();

  harbour().must_kubectl({"delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations",
                          "-l", "webhook.kyverno.io/managed-by=kyverno"});
  restore("exceptions", {"--from-backup", "team-blue", "--include-resources",
                         "namespaces,policyexceptions.kyverno.io"});
  EXPECT_EQ(harbour().names({"-n", "team-blue", "policyexceptions"}).size(), 1U);
  EXPECT_TRUE(harbour().names({"-n", "team-blue", "policies"}).empty());
  restore("team-blue-back", {"--from-backup", "team-blue"});
  EXPECT_EQ(harbour().names({"clusterpolicies"}).size(), 1U);
  EXPECT_EQ(harbour().names({"-n", "team-blue", "policies"}).size(), 1U);
  EXPECT_TRUE(harbour().find({"-n", "team-blue", "configmap", "legacy"}).has_value());
  EXPECT_TRUE(harbour().names({"-n", "team-blue", "policyreports"}).empty());
}

}  // namespace
}  // namespace lateen::voyages
