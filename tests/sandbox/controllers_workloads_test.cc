#include <gtest/gtest.h>

#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/testing/cluster.h"

namespace lateen::sandbox {
namespace {

using testing::Cluster;

constexpr std::string_view kWeb = R"yaml(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: "web:1", command: [sleep, "1000"]}]
)yaml";

bool is_rolled_out(const Json& deployment, std::int64_t replicas) {
  return int_at(deployment, "status.observedGeneration") == kube::generation_of(deployment) &&
         int_at(deployment, "status.updatedReplicas").value_or(0) == replicas &&
         int_at(deployment, "status.replicas").value_or(0) == replicas &&
         int_at(deployment, "status.availableReplicas").value_or(0) == replicas;
}

TEST(Deployments, RollOutScaleRollOverAndGoWithAllTheyOwn) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(kWeb);
  Json web = cluster.wait(resources::kDeployments, "shop", "web",
                          [](const Json& object) { return is_rolled_out(object, 2); });
  EXPECT_TRUE(kube::is_condition_true(web, "Available"));
  EXPECT_EQ(kube::annotation_of(web, "deployment.kubernetes.io/revision"), "1");

  cluster.patch(resources::kDeployments, "shop", "web", R"({"spec":{"replicas":3}})");
  (void)cluster.wait(resources::kDeployments, "shop", "web",
                     [](const Json& object) { return is_rolled_out(object, 3); });
  EXPECT_EQ(cluster.list(resources::kPods, "shop").size(), 3U);

  cluster.patch(resources::kDeployments, "shop", "web",
                R"({"spec":{"template":{"metadata":{"labels":{"app":"web","v":"2"}}}}})");
  web = cluster.wait(resources::kDeployments, "shop", "web",
                     [](const Json& object) { return is_rolled_out(object, 3); });
  EXPECT_EQ(kube::annotation_of(web, "deployment.kubernetes.io/revision"), "2");
  EXPECT_EQ(cluster.list(resources::kReplicaSets, "shop").size(), 2U);
  EXPECT_EQ(cluster.list(resources::kPods, "shop", "v=2").size(), 3U);

  cluster.remove(resources::kDeployments, "shop", "web");
  for (const Json& set : cluster.list(resources::kReplicaSets, "shop")) {
    cluster.wait_gone(resources::kReplicaSets, "shop", kube::name_of(set));
  }
  for (const Json& pod : cluster.list(resources::kPods, "shop"))
    cluster.wait_gone(resources::kPods, "shop", kube::name_of(pod));
}

TEST(Deployments, TakeInReplicaSetsAndPodsThatARestoreMadeWithoutOwners) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: web-abc-1, namespace: shop, labels: {app: web, pod-template-hash: abc}}
spec: {containers: [{name: main, image: "web:1", command: [sleep, "1000"]}]}
)yaml");
  // Seen by the controllers' cache, as it is when a restore comes to the ReplicaSets: another pod
  // is made in its place otherwise.
  (void)cluster.wait(resources::kPods, "shop", "web-abc-1", [](const Json& object) {
    return string_at(object, "status.phase") == "Running";
  });
  cluster.create(R"yaml(
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-abc, namespace: shop, labels: {app: web, pod-template-hash: abc}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web, pod-template-hash: abc}}
  template:
    metadata: {labels: {app: web, pod-template-hash: abc}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: "web:1", command: [sleep, "1000"]}]}
)yaml");
  // So is this one, when a restore comes to the Deployments.
  (void)cluster.wait(resources::kReplicaSets, "shop", "web-abc", [](const Json& object) {
    return int_at(object, "status.observedGeneration").value_or(0) > 0;
  });
  cluster.create(kWeb);
  (void)cluster.wait(resources::kDeployments, "shop", "web",
                     [](const Json& object) { return is_rolled_out(object, 2); });
  ASSERT_EQ(cluster.list(resources::kReplicaSets, "shop").size(), 1U);
  const auto owner_of = [&](const kube::GroupVersionResource& gvr, std::string_view name) {
    const auto object = cluster.get(gvr, "shop", name);
    const auto owner = object ? kube::controller_of(*object) : std::nullopt;
    return owner ? owner->name : "nobody";
  };
  EXPECT_EQ(owner_of(resources::kPods, "web-abc-1"), "web-abc");
  EXPECT_EQ(owner_of(resources::kReplicaSets, "web-abc"), "web");
}

TEST(StatefulSets, MakePodsInOrderWithClaimsThatOutliveThem) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: main, image: x, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
)yaml");
  const Json set = cluster.wait(resources::kStatefulSets, "shop", "db", [](const Json& object) {
    return int_at(object, "status.readyReplicas") == 2;
  });
  EXPECT_EQ(string_at(set, "status.currentRevision"), string_at(set, "status.updateRevision"));
  const Json pod = *cluster.get(resources::kPods, "shop", "db-1");
  EXPECT_EQ(string_at(pod, "spec.subdomain"), "db");
  EXPECT_EQ(kube::label_of(pod, "apps.kubernetes.io/pod-index"), "1");
  cluster.remove(resources::kStatefulSets, "shop", "db");
  cluster.wait_gone(resources::kPods, "shop", "db-0");
  cluster.wait_gone(resources::kPods, "shop", "db-1");
  EXPECT_EQ(string_at(*cluster.get(resources::kPersistentVolumeClaims, "shop", "data-db-0"),
                      "status.phase"),
            "Bound");
}

TEST(StatefulSets, MakeTheClaimThatAPodOfSomebodyElsesWaitsFor) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db}}
spec:
  containers: [{name: main, image: x, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data-db-0}}]
)yaml");
  cluster.create(R"yaml(
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  updateStrategy: {type: OnDelete}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: main, image: x, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
)yaml");
  cluster.wait(resources::kPersistentVolumeClaims, "shop", "data-db-0",
               [](const Json& object) { return string_at(object, "status.phase") == "Bound"; });
}

TEST(Jobs, RunToTheirEndAndAreForgottenWhenTheySaySo) {
  Cluster cluster;
  if (!cluster.runs_pods()) GTEST_SKIP() << cluster.node().why_records_only();
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: batch/v1
kind: Job
metadata: {name: good, namespace: shop}
spec:
  completions: 3
  parallelism: 2
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: x, command: ["true"]}]}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: bad, namespace: shop}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: x, command: ["false"]}]}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: brief, namespace: shop}
spec:
  ttlSecondsAfterFinished: 0
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: x, command: ["true"]}]}}
)yaml");
  const Json good = cluster.wait(resources::kJobs, "shop", "good", [](const Json& job) {
    return kube::is_condition_true(job, "Complete");
  });
  EXPECT_EQ(int_at(good, "status.succeeded"), 3);
  const Json bad = cluster.wait(resources::kJobs, "shop", "bad", [](const Json& job) {
    return kube::is_condition_true(job, "Failed");
  });
  EXPECT_EQ(int_at(bad, "status.failed"), 1);
  cluster.wait_gone(resources::kJobs, "shop", "brief");
}

TEST(DaemonSets, RunOnePodOnTheOneNode) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(R"yaml(
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: main, image: x, command: [sleep, "1000"]}]}
)yaml");
  (void)cluster.wait(resources::kDaemonSets, "shop", "agent",
                     [](const Json& set) { return int_at(set, "status.numberReady") == 1; });
  EXPECT_EQ(cluster.list(resources::kPods, "shop").size(), 1U);
}

TEST(Services, HaveTheirReadyPodsAsEndpoints) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(kWeb);
  cluster.create(R"yaml(
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
)yaml");
  const Json endpoints = cluster.wait(resources::kEndpoints, "shop", "web", [](const Json& object) {
    const JsonArray* subsets = array_at(object, "subsets");
    const JsonArray* addresses =
        subsets != nullptr && !subsets->empty() ? array_at(subsets->front(), "addresses") : nullptr;
    return addresses != nullptr && addresses->size() == 2;
  });
  EXPECT_EQ(int_at(array_at(array_at(endpoints, "subsets")->front(), "ports")->front(), "port"),
            8080);
  const auto slices =
      cluster.list(resources::kEndpointSlices, "shop", "kubernetes.io/service-name=web");
  ASSERT_EQ(slices.size(), 1U);
}

TEST(Namespaces, HaveTheirDefaultsAndEndWithAllTheirContent) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  (void)cluster.wait(resources::kConfigMaps, "shop", "kube-root-ca.crt",
                     [](const Json&) { return true; });
  cluster.create(kWeb);
  cluster.create(R"yaml(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
)yaml");
  const Json claim =
      cluster.wait(resources::kPersistentVolumeClaims, "shop", "data",
                   [](const Json& object) { return string_at(object, "status.phase") == "Bound"; });
  (void)cluster.wait(resources::kDeployments, "shop", "web",
                     [](const Json& object) { return is_rolled_out(object, 2); });
  cluster.remove(resources::kNamespaces, "", "shop");
  cluster.wait_gone(resources::kNamespaces, "", "shop");
  EXPECT_TRUE(cluster.list(resources::kPods, "shop").empty());
  cluster.wait_gone(resources::kPersistentVolumes, "", string_at(claim, "spec.volumeName"));
}

TEST(GarbageCollection, FollowsThePropagationPolicy) {
  Cluster cluster(true);
  cluster.create_namespace("shop");
  cluster.create(kWeb);
  (void)cluster.wait(resources::kDeployments, "shop", "web",
                     [](const Json& object) { return is_rolled_out(object, 2); });
  const std::string set(kube::name_of(cluster.list(resources::kReplicaSets, "shop").front()));
  cluster.remove(resources::kDeployments, "shop", "web", "Orphan");
  cluster.wait_gone(resources::kDeployments, "shop", "web");
  const Json orphan = cluster.wait(resources::kReplicaSets, "shop", set,
                                   [](const Json& object) { return !kube::controller_of(object); });
  EXPECT_FALSE(kube::is_being_deleted(orphan));
  cluster.remove(resources::kReplicaSets, "shop", set, "Foreground");
  cluster.wait_gone(resources::kReplicaSets, "shop", set);
  EXPECT_TRUE(cluster.list(resources::kPods, "shop").empty());
}

}  // namespace
}  // namespace lateen::sandbox
