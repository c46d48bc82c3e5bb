// A node that is heard of no more, and comes back.
#include <gtest/gtest.h>

#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/testing/cluster.h"

namespace lateen::sandbox {
namespace {

using testing::Cluster;

std::string pod(std::string_view name, std::string_view more = "") {
  return fmt::format(R"yaml(
apiVersion: v1
kind: Pod
metadata: {{name: {}, namespace: shop, labels: {{app: {}}}}}
spec:
  containers: [{{name: main, image: x, command: [sleep, "1000"]}}]{}
)yaml",
                     name, name, more);
}

constexpr std::string_view kImpatient = R"yaml(
  tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 0}]
)yaml";

bool is_pod_ready(const Json& object) {
  return kube::is_condition_true(object, "Ready");
}

std::string_view node_status(const Json& node) {
  const Json* const ready = kube::find_condition(node, "Ready");
  return ready == nullptr ? "" : string_at(*ready, "status");
}

TEST(NodeLost, MakesPodsUnreadyEvictsTheImpatientAndComesBack) {
  Cluster cluster(/*records_only=*/true);
  cluster.create_namespace("shop");
  cluster.create(pod("calm") + "---" + pod("impatient", kImpatient));
  (void)cluster.wait_ready("shop", "calm");
  (void)cluster.wait_ready("shop", "impatient");

  ASSERT_TRUE(cluster.faults().add({.name = "lost", .kind = FaultKind::NodeLost}));
  const Json node = cluster.wait(resources::kNodes, "", "sandbox", [](const Json& now) {
    return node_status(now) == "Unknown" && array_at(now, "spec.taints") != nullptr;
  });
  EXPECT_EQ(string_at(*kube::find_condition(node, "Ready"), "message"),
            "Kubelet stopped posting node status.");
  const Json calm = cluster.wait(resources::kPods, "shop", "calm",
                                 [](const Json& now) { return !is_pod_ready(now); });
  EXPECT_EQ(string_at(calm, "status.phase"), "Running");
  (void)cluster.wait(resources::kPods, "shop", "impatient",
                     [](const Json& now) { return kube::is_being_deleted(now); });
  const auto ran = cluster.node().pods().exec({.ns = "shop", .pod = "calm", .container = "main"},
                                              {.command = {"true"}});
  ASSERT_FALSE(ran);
  EXPECT_NE(ran.error().message().find("no route to host"), std::string::npos)
      << ran.error().message();
  cluster.create(pod("new"));
  (void)cluster.wait(resources::kPods, "shop", "new", [](const Json& now) {
    const Json* const scheduled = kube::find_condition(now, "PodScheduled");
    return scheduled != nullptr && string_at(*scheduled, "message") ==
                                       "0/1 nodes are available: 1 node(s) had untolerated taint "
                                       "{node.kubernetes.io/unreachable: }.";
  });
  EXPECT_TRUE(cluster.get(resources::kPods, "shop", "impatient"));  // nobody is there to end it

  ASSERT_TRUE(cluster.faults().clear("lost"));
  (void)cluster.wait(resources::kNodes, "", "sandbox", [](const Json& now) {
    return node_status(now) == "True" && array_at(now, "spec.taints") == nullptr;
  });
  (void)cluster.wait_ready("shop", "calm");
  (void)cluster.wait_ready("shop", "new");
  cluster.wait_gone(resources::kPods, "shop", "impatient");
}

}  // namespace
}  // namespace lateen::sandbox
