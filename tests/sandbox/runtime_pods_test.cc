#include <gtest/gtest.h>

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/testing/cluster.h"

namespace lateen::sandbox {
namespace {

using testing::Cluster;

#define NEEDS_CONTAINERS(cluster) \
  if (!(cluster).runs_pods()) GTEST_SKIP() << (cluster).node().why_records_only()

std::string_view phase(const Json& object) {
  return string_at(object, "status.phase");
}

TEST(Pods, RunWithTheirEnvironmentFilesAndNames) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {color: green, "greeting.txt": "hello\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: shop}
stringData: {password: hunter2}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  initContainers:
    - {name: first, image: busybox, command: [sh, -c, "echo prepared > /shared/state"], volumeMounts: [{name: shared, mountPath: /shared}]}
  containers:
    - name: main
      image: nginx
      command: [sh, -c]
      args: ["echo $(COLOR) $PASSWORD $NAME $POD_IP $WHO '$(MISSING)'; cat /config/greeting.txt /shared/state; hostname; exec sleep 1000"]
      env:
        - {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}
        - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: WHO, value: "$(COLOR)-$(NAME)"}
      volumeMounts:
        - {name: config, mountPath: /config}
        - {name: shared, mountPath: /shared}
  volumes:
    - {name: config, configMap: {name: settings}}
    - {name: shared, emptyDir: {}}
)yaml");
  const Json pod = cluster.wait_ready("shop", "web");
  const std::string ip(string_at(pod, "status.podIP"));
  EXPECT_TRUE(ip.starts_with("127.10."));
  const Deadline deadline = Deadline::after(std::chrono::seconds(60));
  while (cluster.logs("shop", "web").find("web\n") == std::string::npos && !deadline.expired()) {
  }
  EXPECT_EQ(cluster.logs("shop", "web"),
            fmt::format("green hunter2 web {} green-web $(MISSING)\nhello\nprepared\nweb\n", ip));
  const auto ran = cluster.exec("shop", "web", {"sh", "-c", "cat; exit 4"}, "from outside");
  EXPECT_EQ(ran.out, "from outside");
  EXPECT_EQ(ran.exit_code, 4);
}

TEST(Pods, RunTheProgramThatTheirImageStandsFor) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: tool, namespace: shop}
spec:
  restartPolicy: Never
  initContainers:
    - {name: brings-files, image: elsewhere/plugin:v1}
    - {name: tells, image: "a.registry:5000/x/shell@sha256:00", args: ["-c", "echo entrypoint $0"]}
  containers:
    - {name: main, image: "x/shell:v2", command: [/shell, -c, "echo $OWN_ADDRESS; exec sleep 1000"]}
)yaml");
  const Json pod = cluster.wait_ready("shop", "tool");
  const Deadline deadline = Deadline::after(std::chrono::seconds(60));
  while (cluster.logs("shop", "tool").empty() && !deadline.expired()) {
  }
  EXPECT_EQ(cluster.logs("shop", "tool"), fmt::format("{}\n", string_at(pod, "status.podIP")));
  const auto entrypoint =
      cluster.node().pods().logs({.ns = "shop", .pod = "tool", .container = "tells"}, {});
  ASSERT_TRUE(entrypoint) << entrypoint.error().message();
}

TEST(Pods, OfANodeAgentReachThePodsVolumesWhereKubeletHasThem) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  cluster.create_namespace("shop");
  const FilePath shared = cluster.dir() / "made/for-it";
  cluster.create(fmt::format(R"yaml(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: shop}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: owner, namespace: shop}}
spec:
  containers:
    - {{name: main, image: x, command: [sh, -c, "echo mine > /data/file; exec sleep 1000"], volumeMounts: [{{name: data, mountPath: /data}}]}}
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: agent, namespace: shop}}
spec:
  containers:
    - name: main
      image: x
      command: [sleep, "1000"]
      volumeMounts: [{{name: pods, mountPath: /host_pods}}, {{name: plugins, mountPath: /plugins}}, {{name: made, mountPath: /made}}]
  volumes:
    - {{name: pods, hostPath: {{path: /var/lib/kubelet/pods}}}}
    - {{name: plugins, hostPath: {{path: /var/lib/kubelet/plugins}}}}
    - {{name: made, hostPath: {{path: {}, type: DirectoryOrCreate}}}}
)yaml",
                             shared.string()));
  cluster.wait_ready("shop", "owner");
  cluster.wait_ready("shop", "agent");
  const auto read = cluster.exec("shop", "agent",
                                 {"sh", "-c",
                                  "cd /host_pods/*/volumes/kubernetes.io~csi/*/mount/ && until [ "
                                  "-s file ]; do sleep 0.1; done; "
                                  "cat file && echo back > other && "
                                  "echo kept > /made/file"});
  EXPECT_EQ(read.out, "mine\n") << read.err;
  EXPECT_EQ(cluster.exec("shop", "owner", {"cat", "/data/other"}).out, "back\n");
  const auto kept = read_file(shared / "file");
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(*kept, "kept\n");
}

TEST(Pods, ThatFailAreRestartedWithABackOffAndKeepTheirPreviousLog) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: crashing, namespace: shop}
spec:
  containers: [{name: main, image: x, command: [sh, -c, "echo run; echo why > /dev/termination-log; exit 3"]}]
)yaml");
  const Json pod = cluster.wait(resources::kPods, "shop", "crashing", [](const Json& object) {
    const JsonArray* statuses = array_at(object, "status.containerStatuses");
    return statuses != nullptr &&
           string_at(statuses->front(), "state.waiting.reason") == "CrashLoopBackOff";
  });
  const Json& status = array_at(pod, "status.containerStatuses")->front();
  EXPECT_EQ(int_at(status, "lastState.terminated.exitCode"), 3);
  EXPECT_EQ(string_at(status, "lastState.terminated.reason"), "Error");
  EXPECT_EQ(string_at(status, "lastState.terminated.message"), "why\n");
  EXPECT_EQ(phase(pod), "Running");
  EXPECT_EQ(cluster.logs("shop", "crashing"), "run\n");
}

TEST(Pods, ThatEndSucceedOrFailAsTheirPolicySays) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: good, namespace: shop}
spec: {restartPolicy: OnFailure, containers: [{name: main, image: x, command: ["true"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: shop}
spec: {restartPolicy: Never, containers: [{name: main, image: x, command: ["false"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: missing, namespace: shop}
spec: {restartPolicy: Never, containers: [{name: main, image: x, command: ["no-such-program"]}]}
)yaml");
  (void)cluster.wait(resources::kPods, "shop", "good",
                     [](const Json& pod) { return phase(pod) == "Succeeded"; });
  (void)cluster.wait(resources::kPods, "shop", "bad",
                     [](const Json& pod) { return phase(pod) == "Failed"; });
  const Json missing = cluster.wait(resources::kPods, "shop", "missing",
                                    [](const Json& pod) { return phase(pod) == "Failed"; });
  const Json& status = array_at(missing, "status.containerStatuses")->front();
  EXPECT_EQ(string_at(status, "state.terminated.reason"), "StartError");
  EXPECT_EQ(int_at(status, "state.terminated.exitCode"), 128);
}

TEST(Pods, EndGracefullyAndGo) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: polite, namespace: shop}
spec:
  containers:
    - name: main
      image: x
      command: [sh, -c, "trap 'echo goodbye > /kept/word; exit 0' TERM; echo up > /kept/word; while :; do sleep 0.05; done"]
      readinessProbe: {exec: {command: [test, -s, /kept/word]}, periodSeconds: 1}
      volumeMounts: [{name: kept, mountPath: /kept}]
  volumes: [{name: kept, persistentVolumeClaim: {claimName: kept}}]
)yaml");
  (void)cluster.wait_ready("shop", "polite");
  const Json claim = *cluster.get(resources::kPersistentVolumeClaims, "shop", "kept");
  const FilePath word = cluster.dir() / "volumes" /
                        std::string(string_at(claim, "spec.volumeName")) / "data" / "word";
  cluster.remove(resources::kPods, "shop", "polite");
  cluster.wait_gone(resources::kPods, "shop", "polite");
  EXPECT_EQ(*read_file(word), "goodbye\n");
}

TEST(Pods, AreRunAgainAfterTheNodeWasStopped) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: main, image: x, command: [sh, -c, "echo up; exec sleep 1000"]}]
)yaml");
  const Json before = cluster.wait_ready("shop", "web");
  cluster.restart_node();
  const Json after = cluster.wait(resources::kPods, "shop", "web", [](const Json& pod) {
    return kube::is_condition_true(pod, "Ready") &&
           int_at(array_at(pod, "status.containerStatuses")->front(), "restartCount") == 1;
  });
  EXPECT_EQ(string_at(after, "status.podIP"), string_at(before, "status.podIP"));
  EXPECT_EQ(string_at(array_at(after, "status.containerStatuses")->front(),
                      "lastState.terminated.reason"),
            "ContainerStatusUnknown");
  EXPECT_EQ(cluster.exec("shop", "web", {"echo", "alive"}).out, "alive\n");
}

TEST(Pods, AreRecordsWhereNothingMayRun) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: main, image: x, command: ["false"]}]}
)yaml");
  const Json pod = cluster.wait_ready("shop", "web");
  EXPECT_EQ(phase(pod), "Running");
  auto session = cluster.node().pods().exec({.ns = "shop", .pod = "web", .container = "main"},
                                            {.command = {"true"}});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code(), Code::Unsupported);
}

TEST(Pods, SeeServicesByNameAndBecomeReadyByTheirProbes) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db}}
spec:
  hostname: db-0
  subdomain: db
  containers:
    - name: main
      image: x
      command: [sh, -c, "exec sleep 1000"]
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec:
  containers:
    - name: main
      image: x
      command: [sleep, "1000"]
      readinessProbe: {exec: {command: [sh, -c, "getent hosts db && getent hosts db-0.db.shop.svc.cluster.local"]}, periodSeconds: 1}
)yaml");
  const Json db = cluster.wait_ready("shop", "db-0");
  (void)cluster.wait_ready("shop", "client");
  const auto found = cluster.exec("shop", "client", {"getent", "hosts", "db.shop"});
  EXPECT_TRUE(found.out.starts_with(string_at(db, "status.podIP"))) << found.out;
}

TEST(Services, AreReachedByNameAndPortOfTheService) {
  Cluster cluster;
  NEEDS_CONTAINERS(cluster);
  if (!path_exists("/usr/bin/perl")) GTEST_SKIP() << "needs perl";
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 8000, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: main
      image: x
      command: [perl, -MIO::Socket::INET, -e]
      args: ['$l = IO::Socket::INET->new(LocalAddr => $ENV{POD_IP}, LocalPort => 9090, Listen => 9, ReuseAddr => 1) or die; while ($c = $l->accept) { $w = <$c>; print $c "you said $w"; close $c }']
      env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
      ports: [{name: http, containerPort: 9090}]
      readinessProbe: {tcpSocket: {port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec: {containers: [{name: main, image: x, command: [sleep, "1000"]}]}
)yaml");
  (void)cluster.wait_ready("shop", "server");
  (void)cluster.wait_ready("shop", "client");
  const std::string script =
      "for (1..1000) { $s = IO::Socket::INET->new(\"web:8000\"); if ($s) { print $s \"hello\\n\"; "
      "$a = <$s>; "
      "if ($a) { print $a; exit 0 } } select(undef, undef, undef, 0.05) } exit 1";
  const auto answer = cluster.exec("shop", "client", {"perl", "-MIO::Socket::INET", "-e", script});
  EXPECT_EQ(answer.out, "you said hello\n") << answer.err;
}

}  // namespace
}  // namespace lateen::sandbox
