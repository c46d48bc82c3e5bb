#include "cli/plugin_image.h"

#include <gtest/gtest.h>

namespace lateen::cli {
namespace {

TEST(PluginContainer, IsNamedAfterItsImage) {
  EXPECT_EQ(plugin_container_name("velero/velero-plugin-for-aws:v1.13.0"),
            "velero-velero-plugin-for-aws");
  EXPECT_EQ(plugin_container_name("registry.example:5000/velero/plugin_a.b:v1"),
            "velero-plugin-a-b");
  EXPECT_EQ(plugin_container_name("r.example/a/b/c@sha256:0123456789abcdef"), "a-b-c");
  EXPECT_EQ(plugin_container_name("plugin"), "plugin");
  EXPECT_EQ(plugin_container_name("/plugin:v1"), "plugin");
  EXPECT_LE(plugin_container_name(std::string(100, 'x')).size(), 63U);
}

Json deployment() {
  return parse_json(R"({"spec":{"template":{"spec":{"containers":[{"name":"velero"}]}}}})").value();
}

TEST(PluginContainer, BringsItsVolume) {
  const auto with = with_plugin(deployment(), "a/b:v1", "Always");
  ASSERT_TRUE(with) << with.error().message();
  EXPECT_EQ(write_json(*find(*with, "spec.template.spec.volumes")),
            R"([{"emptyDir":{},"name":"plugins"}])");
  const Json& server = array_at(*with, "spec.template.spec.containers")->front();
  EXPECT_EQ(write_json(*find(server, "volumeMounts")),
            R"([{"mountPath":"/plugins","name":"plugins"}])");
  // A second one finds the volume there.
  const auto two = with_plugin(*with, "c/d:v2", "Always");
  EXPECT_EQ(array_at(*two, "spec.template.spec.volumes")->size(), 1U);
  EXPECT_EQ(array_at(*two, "spec.template.spec.initContainers")->size(), 2U);
  const auto one = without_plugin(*two, "a/b:v1");
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_EQ(array_at(*one, "spec.template.spec.initContainers")->size(), 1U);
  EXPECT_FALSE(without_plugin(*one, "a/b:v1"));
}

TEST(PluginContainer, NeedsTheServersContainer) {
  const auto none =
      with_plugin(parse_json(R"({"spec":{"template":{"spec":{}}}})").value(), "a/b", "Always");
  EXPECT_EQ(none.error().message(), "velero container not found in velero deployment");
}

}  // namespace
}  // namespace lateen::cli
