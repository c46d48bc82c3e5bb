// What a namespace allows: LimitRanges, ResourceQuotas, priority classes.
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/testing/cluster.h"

namespace lateen::sandbox {
namespace {

using testing::Cluster;

class Limits : public ::testing::Test {
 protected:
  Limits() { cluster_.create_namespace("shop"); }

  ApiResult<Json> create(std::string_view yaml) {
    const Json object = *parse_yaml(yaml);
    const auto served =
        cluster_.api().find_kind(kube::api_version_of(object), kube::kind_of(object));
    return cluster_.api().create(served->type.gvr, "shop", object);
  }

  std::string refusal_of(std::string_view yaml) {
    const auto made = create(yaml);
    return made ? "" : made.error().message();
  }

  static std::string pod(std::string_view name, std::string_view resources = "{}") {
    return fmt::format(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: {}}}, spec: {{containers: [{{name: main, "
        "image: x, resources: {}}}]}}}}",
        name, resources);
  }

  Cluster cluster_{/*records_only=*/true};
};

TEST_F(Limits, FillInWhatPodsDoNotSayAndRefuseWhatIsTooMuch) {
  cluster_.create(R"yaml(
apiVersion: v1
kind: LimitRange
metadata: {name: sizes, namespace: shop}
spec:
  limits:
    - type: Container
      default: {memory: 128Mi}
      defaultRequest: {memory: 64Mi}
      max: {memory: 256Mi}
    - type: PersistentVolumeClaim
      max: {storage: 1Gi}
)yaml");
  const auto made = create(pod("plain"));
  ASSERT_TRUE(made) << made.error().message();
  const Json& container = array_at(*made, "spec.containers")->front();
  EXPECT_EQ(string_at(container, "resources.requests.memory"), "64Mi");
  EXPECT_EQ(string_at(container, "resources.limits.memory"), "128Mi");
  EXPECT_EQ(kube::annotation_of(*made, "kubernetes.io/limit-ranger"),
            "LimitRanger plugin set: memory request for container main; memory limit for container "
            "main");
  EXPECT_EQ(refusal_of(pod("greedy", "{limits: {memory: 1Gi}}")),
            "pods \"greedy\" is forbidden: maximum memory usage per Container is 256Mi, but limit "
            "is 1Gi");
  EXPECT_EQ(refusal_of("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: big}, spec: "
                       "{accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}"),
            "persistentvolumeclaims \"big\" is forbidden: maximum storage usage per "
            "PersistentVolumeClaim is 1Gi, but request is 2Gi");
}

TEST_F(Limits, OfQuotasHoldAndAreCounted) {
  cluster_.create(R"yaml(
apiVersion: v1
kind: ResourceQuota
metadata: {name: few, namespace: shop}
spec: {hard: {pods: "1", requests.memory: 100Mi, count/deployments.apps: "0", secrets: "1"}}
)yaml");
  EXPECT_EQ(refusal_of(pod("silent")),
            "pods \"silent\" is forbidden: failed quota: few: must specify requests.memory");
  EXPECT_EQ(refusal_of(pod("greedy", "{requests: {memory: 200Mi}}")),
            "pods \"greedy\" is forbidden: exceeded quota: few, requested: requests.memory=200Mi, "
            "used: requests.memory=0, limited: requests.memory=100Mi");
  EXPECT_EQ(refusal_of(pod("one", "{requests: {memory: 60Mi}}")), "");
  EXPECT_EQ(refusal_of(pod("two", "{requests: {memory: 10Mi}}")),
            "pods \"two\" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, "
            "limited: pods=1");
  EXPECT_EQ(refusal_of("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: "
                       "{selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, "
                       "spec: {containers: [{name: main, image: x}]}}}}"),
            "deployments.apps \"web\" is forbidden: exceeded quota: few, requested: "
            "count/deployments.apps=1, used: count/deployments.apps=0, limited: "
            "count/deployments.apps=0");
  const Json quota = cluster_.wait(resources::kResourceQuotas, "shop", "few", [](const Json& now) {
    return string_at(now, "status.used.pods") == "1";
  });
  EXPECT_EQ(as_text(find(find(quota, "status.used"), JsonKey{"requests.memory"})), "60Mi");
}

TEST_F(Limits, OfPriorityComeFromClasses) {
  EXPECT_EQ(refusal_of("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {priorityClassName: "
                       "nope, containers: [{name: main, image: x}]}}"),
            "pods \"p\" is forbidden: no PriorityClass with name nope was found");
  cluster_.create(R"yaml(
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: usual}
value: 77
globalDefault: true
)yaml");
  const auto made = create(pod("plain"));
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(int_at(*made, "spec.priority"), 77);
  EXPECT_EQ(string_at(*made, "spec.priorityClassName"), "usual");
}

TEST_F(Limits, DeploymentsKeepTheirGenerationWhenTheirRevisionIsNoted) {
  cluster_.create(R"yaml(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: x}]}}
)yaml");
  const Json done = cluster_.wait(resources::kDeployments, "shop", "web", [](const Json& now) {
    return kube::annotation_of(now, "deployment.kubernetes.io/revision") == "1" &&
           int_at(now, "status.readyReplicas") == 1;
  });
  EXPECT_EQ(kube::generation_of(done), 1);
}

}  // namespace
}  // namespace lateen::sandbox
