// The type and resource tables, and the merge rules in them.
#include <gtest/gtest.h>

#include "sandbox/schema/merge_schema.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

TEST(SchemaResources, ListsGroupsInTheOrderOfARealServer) {
  std::vector<std::string> groups;
  for (const GroupVersion& served : group_versions()) {
    groups.push_back(std::string(served.group) + "/" + std::string(served.version));
  }
  EXPECT_EQ(groups, (std::vector<std::string>{"/v1",
                                              "apiregistration.k8s.io/v1",
                                              "apps/v1",
                                              "events.k8s.io/v1",
                                              "authentication.k8s.io/v1",
                                              "authorization.k8s.io/v1",
                                              "autoscaling/v2",
                                              "autoscaling/v1",
                                              "batch/v1",
                                              "certificates.k8s.io/v1",
                                              "networking.k8s.io/v1",
                                              "policy/v1",
                                              "rbac.authorization.k8s.io/v1",
                                              "storage.k8s.io/v1",
                                              "admissionregistration.k8s.io/v1",
                                              "apiextensions.k8s.io/v1",
                                              "scheduling.k8s.io/v1",
                                              "coordination.k8s.io/v1",
                                              "node.k8s.io/v1",
                                              "discovery.k8s.io/v1",
                                              "snapshot.storage.k8s.io/v1"}));
}

TEST(SchemaResources, HasATypeForEachKindItsListAndItsSubresources) {
  const TypeTable& table = TypeTable::builtin();
  for (const GroupVersion& served : group_versions()) {
    for (const Resource* resource : served.resources) {
      SCOPED_TRACE(resource->resource);
      EXPECT_NE(table.find(resource->group, resource->version, resource->kind), nullptr);
      const std::string list = std::string(resource->kind) + "List";
      if (resource->has_verb("list")) {
        EXPECT_NE(table.find(resource->group, resource->version, list), nullptr);
      }
      for (const Subresource& sub : resource->subresources) {
        EXPECT_NE(table.find(sub.group, sub.version, sub.kind), nullptr) << sub.name;
      }
    }
  }
}

TEST(SchemaResources, KnowsWhatDeploymentsAre) {
  const Resource* deployments = find_resource("apps", "v1", "deployments");
  ASSERT_NE(deployments, nullptr);
  EXPECT_EQ(deployments->singular, "deployment");
  EXPECT_EQ(deployments->short_names, (std::vector<std::string_view>{"deploy"}));
  EXPECT_EQ(deployments->categories, (std::vector<std::string_view>{"all"}));
  EXPECT_TRUE(deployments->namespaced);
  ASSERT_NE(deployments->find_subresource("scale"), nullptr);
  EXPECT_EQ(deployments->find_subresource("scale")->kind, "Scale");
  EXPECT_EQ(deployments->find_subresource("scale")->group, "autoscaling");
}

TEST(SchemaResources, KeepsEachObjectInOneVersion) {
  EXPECT_EQ(find_resource("autoscaling", "v1", "horizontalpodautoscalers")->storage_version, "v2");
  EXPECT_EQ(find_resource("events.k8s.io", "v1", "events")->storage_group, "");
  EXPECT_EQ(find_resource("", "v1", "endpoints")->singular, "endpoints");
}

TEST(SchemaTypes, FindsOptionsInAnyGroupsName) {
  const TypeTable& table = TypeTable::builtin();
  EXPECT_NE(table.find("", "v1", "DeleteOptions"), nullptr);
  EXPECT_EQ(table.find("apps", "v1", "DeleteOptions"), table.find("", "v1", "DeleteOptions"));
  EXPECT_NE(table.find("", "v1", "Status"), nullptr);
  EXPECT_EQ(table.find("apps", "v1", "Pod"), nullptr);
}

TEST(SchemaTypes, LooksThroughInlinedMembers) {
  const Type* volume = TypeTable::builtin().find_named("io.k8s.api.core.v1.Volume");
  ASSERT_NE(volume, nullptr);
  ASSERT_NE(volume->find("persistentVolumeClaim"), nullptr);
  EXPECT_EQ(volume->find("volumeSource"), nullptr);
}

TEST(SchemaMerge, KnowsHowListsMerge) {
  const auto schema = merge_schema("apps", "v1", "Deployment");
  const auto rule = [&schema](std::vector<std::string_view> path) { return schema->rule(path); };
  EXPECT_EQ(rule({"spec", "template", "spec", "containers"}).merge_key, "name");
  EXPECT_EQ(rule({"spec", "template", "spec", "containers", "ports"}).merge_key, "containerPort");
  EXPECT_TRUE(rule({"spec", "template", "spec", "volumes"}).retain_keys);
  EXPECT_TRUE(rule({"spec", "strategy"}).retain_keys);
  EXPECT_TRUE(rule({"metadata", "finalizers"}).merge);
  EXPECT_FALSE(rule({"spec", "template", "spec", "tolerations"}).merge);
  EXPECT_FALSE(rule({"spec", "nothing", "here"}).merge);
  EXPECT_FALSE(
      merge_schema("example.com", "v1", "Book")->rule(std::vector<std::string_view>{"spec"}).merge);
}

}  // namespace
}  // namespace lateen::sandbox::schema
