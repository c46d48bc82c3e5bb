#include "kube/discovery.h"

#include "kube/testing/fake_api.h"
#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

const char* const kAggregatedType =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

std::string resource(const std::string& name,
                     const std::string& kind,
                     const std::string& singular,
                     const std::string& short_names = "",
                     const std::string& scope = "Namespaced") {
  return R"({"resource":")" + name + R"(","responseKind":{"group":"","version":"","kind":")" +
         kind + R"("},"scope":")" + scope + R"(","singularResource":")" + singular +
         R"(","verbs":["create","delete","get","list","watch"],"shortNames":[)" + short_names +
         R"(],"categories":["all"],"subresources":[{"subresource":"status","responseKind":{"group":"","version":"","kind":")" +
         kind + R"("},"verbs":["get"]}]})";
}

std::string version(const std::string& name,
                    const std::string& resources,
                    const std::string& freshness = "Current") {
  return R"({"version":")" + name + R"(","resources":[)" + resources + R"(],"freshness":")" +
         freshness + R"("})";
}

std::string group(const std::string& name, const std::string& versions) {
  return R"({"metadata":{"name":")" + name + R"("},"versions":[)" + versions + "]}";
}

std::string aggregated(const std::string& groups) {
  return R"({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[)" +
         groups + "]}";
}

// Core, apps, autoscaling with two versions, events twice, a stale group.
Discovery sample() {
  DiscoveryParts parts;
  EXPECT_TRUE(add_aggregated(
      json(aggregated(
          R"({"metadata":{},"versions":[)" +
          version("v1", resource("pods", "Pod", "pod", R"("po")") + "," +
                            resource("namespaces", "Namespace", "namespace", R"("ns")", "Cluster") +
                            "," + resource("events", "Event", "event", R"("ev")")) +
          "]}")),
      parts));
  EXPECT_TRUE(add_aggregated(
      json(aggregated(
          group("apps",
                version("v1", resource("deployments", "Deployment", "deployment", R"("deploy")"))) +
          "," +
          group("events.k8s.io", version("v1", resource("events", "Event", "event", R"("ev")"))) +
          "," +
          group("autoscaling",
                version("v2", resource("horizontalpodautoscalers", "HorizontalPodAutoscaler",
                                       "horizontalpodautoscaler", R"("hpa")")) +
                    "," +
                    version("v1", resource("horizontalpodautoscalers", "HorizontalPodAutoscaler",
                                           "horizontalpodautoscaler", R"("hpa")") +
                                      "," + resource("olds", "Old", "old"))) +
          "," +
          group("storage.k8s.io", version("v1", resource("storageclasses", "StorageClass",
                                                         "storageclass", R"("sc")", "Cluster"))) +
          "," + group("metrics.k8s.io", version("v1beta1", "", "Stale")))),
      parts));
  return Discovery(parts.groups, parts.types, parts.failures);
}

std::string found(const Discovery& discovery, const char* name) {
  const ResourceType* type = discovery.find(name);
  return type == nullptr ? "nothing" : type->gvr.version + "/" + type->group_resource();
}

TEST(Discovery, KnowsThingsByEveryNameTheyHave) {
  const Discovery discovery = sample();
  for (const char* name : {"deployments", "deployment", "deploy", "Deployment", "deployments.apps",
                           "deploy.apps", "deployments.v1.apps", "DEPLOYMENTS"}) {
    EXPECT_EQ(found(discovery, name), "v1/deployments.apps") << name;
  }
  EXPECT_EQ(found(discovery, "po"), "v1/pods");
  EXPECT_EQ(found(discovery, "events"), "v1/events") << "the earlier group counts";
  EXPECT_EQ(found(discovery, "events.events.k8s.io"), "v1/events.events.k8s.io");
  EXPECT_EQ(found(discovery, "storageclass.storage"), "v1/storageclasses.storage.k8s.io");
  EXPECT_EQ(found(discovery, "hpa"), "v2/horizontalpodautoscalers.autoscaling");
  EXPECT_EQ(found(discovery, "horizontalpodautoscalers.v1.autoscaling"),
            "v1/horizontalpodautoscalers.autoscaling");
  EXPECT_EQ(found(discovery, "olds"), "v1/olds.autoscaling") << "only an older version has it";
  EXPECT_EQ(found(discovery, "widgets"), "nothing");
  EXPECT_EQ(found(discovery, "pods.apps"), "nothing");
}

TEST(Discovery, KeepsTheServersOrderAndOnePreferredVersionOfEach) {
  const Discovery discovery = sample();
  std::vector<std::string> names;
  for (const ResourceType* type : discovery.preferred())
    names.push_back(type->gvr.version + "/" + type->group_resource());
  EXPECT_EQ(names, (std::vector<std::string>{
                       "v1/pods", "v1/namespaces", "v1/events", "v1/deployments.apps",
                       "v1/events.events.k8s.io", "v2/horizontalpodautoscalers.autoscaling",
                       "v1/olds.autoscaling", "v1/storageclasses.storage.k8s.io"}));
  EXPECT_EQ(discovery.preferred_with_verbs({"list", "create", "get", "delete"}).size(), 8U);
  EXPECT_TRUE(discovery.preferred_with_verbs({"escalate"}).empty());
}

TEST(Discovery, ReportsAStaleGroupAndGoesOn) {
  const Discovery discovery = sample();
  ASSERT_EQ(discovery.failures().size(), 1U);
  EXPECT_EQ(discovery.failures()[0].message,
            "stale GroupVersion discovery: metrics.k8s.io/v1beta1");
  EXPECT_TRUE(discovery.serves({.group = "metrics.k8s.io", .version = "v1beta1"}));
  EXPECT_FALSE(discovery.serves({.group = "velero.io", .version = "v1"}));
}

TEST(Discovery, KnowsKindsAndSubresources) {
  const Discovery discovery = sample();
  const ResourceType* pods = discovery.find_kind("v1", "Pod");
  ASSERT_NE(pods, nullptr);
  EXPECT_TRUE(pods->namespaced);
  EXPECT_NE(pods->find_subresource("status"), nullptr);
  EXPECT_FALSE(discovery.find("ns")->namespaced);
  EXPECT_EQ(discovery.find_kind("apps/v2", "Deployment"), nullptr);
  EXPECT_EQ(discovery.resolve_name("deploy"), "deployments.apps");
  EXPECT_EQ(discovery.resolve_name("nonsense.example.com"), "nonsense.example.com");
  EXPECT_EQ(discovery.in_category("all").size(), 8U);
}

TEST(Discover, TakesTwoRequestsWhereTheServerAggregates) {
  FakeApi api;
  api.answer("GET /api", 200,
             aggregated(R"({"metadata":{},"versions":[)" +
                        version("v1", resource("pods", "Pod", "pod")) + "]}"),
             {{"Content-Type", kAggregatedType}});
  api.answer(
      "GET /apis", 200,
      aggregated(group("apps", version("v1", resource("deployments", "Deployment", "deployment")))),
      {{"Content-Type", kAggregatedType}});
  const auto client = api.client();
  const auto discovery = discover(*client);
  ASSERT_TRUE(discovery) << discovery.error().message();
  EXPECT_EQ(found(*discovery, "deployments"), "v1/deployments.apps");
  EXPECT_EQ(api.asked().size(), 2U);
  EXPECT_NE(api.asked()[0].headers.get("Accept").find("apidiscovery.k8s.io;v=v2;"),
            std::string::npos);
}

TEST(Discover, AsksForEachGroupVersionOfAnOlderServerAndReportsWhatFails) {
  FakeApi api;
  api.answer("GET /api", 200, R"({"kind":"APIVersions","versions":["v1"]})");
  api.answer(
      "GET /apis", 200,
      R"({"kind":"APIGroupList","groups":[{"name":"autoscaling","versions":[{"groupVersion":"autoscaling/v1","version":"v1"},)"
      R"({"groupVersion":"autoscaling/v2","version":"v2"}],"preferredVersion":{"groupVersion":"autoscaling/v2","version":"v2"}},)"
      R"({"name":"metrics.k8s.io","versions":[{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}],)"
      R"("preferredVersion":{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}}]})");
  api.answer(
      "GET /api/v1", 200,
      R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod",)"
      R"("verbs":["get","list"],"shortNames":["po"]},{"name":"pods/log","singularName":"","namespaced":true,"kind":"Pod","verbs":["get"]}]})");
  for (const char* v : {"v1", "v2"}) {
    api.answer(
        std::string("GET /apis/autoscaling/") + v, 200,
        std::string(R"({"kind":"APIResourceList","groupVersion":"autoscaling/)") + v +
            R"(","resources":[{"name":"horizontalpodautoscalers","singularName":"","namespaced":true,"kind":"HorizontalPodAutoscaler","verbs":["list"]}]})");
  }
  api.answer("GET /apis/metrics.k8s.io/v1beta1", 503,
             status_body(503, "ServiceUnavailable", "the server is currently unable"),
             {{"Retry-After", "1000"}});
  const auto client = api.client();
  const auto discovery = discover(*client);
  ASSERT_TRUE(discovery) << discovery.error().message();
  EXPECT_EQ(found(*discovery, "horizontalpodautoscaler"),
            "v2/horizontalpodautoscalers.autoscaling");
  EXPECT_NE(discovery->find("pods")->find_subresource("log"), nullptr);
  ASSERT_EQ(discovery->failures().size(), 1U);
  EXPECT_EQ(discovery->failures()[0].group_version.api_version(), "metrics.k8s.io/v1beta1");
  EXPECT_EQ(discovery->failures()[0].message, "the server is currently unable");
  EXPECT_EQ(discovery->groups()[1].versions, (std::vector<std::string>{"v2", "v1"}));
}

TEST(Discover, FailsWhereNothingCanBeRead) {
  FakeApi api;
  const auto client = api.client();
  EXPECT_FALSE(discover(*client));
}

}  // namespace
}  // namespace lateen::kube
