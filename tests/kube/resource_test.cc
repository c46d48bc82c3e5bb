#include "kube/resource.h"

#include <gtest/gtest.h>

namespace lateen::kube {
namespace {

TEST(ObjectPath, IsTheUrlPathOfAnObjectOrCollection) {
  const GroupVersionResource pods{.group = "", .version = "v1", .resource = "pods"};
  const GroupVersionResource deployments{
      .group = "apps", .version = "v1", .resource = "deployments"};
  EXPECT_EQ((ObjectPath{.gvr = pods, .ns = "", .name = "", .subresource = ""}.url_path()),
            "/api/v1/pods");
  EXPECT_EQ(
      (ObjectPath{.gvr = pods, .ns = "shop", .name = "db-0", .subresource = "exec"}.url_path()),
      "/api/v1/namespaces/shop/pods/db-0/exec");
  EXPECT_EQ(
      (ObjectPath{.gvr = deployments, .ns = "shop", .name = "", .subresource = ""}.url_path()),
      "/apis/apps/v1/namespaces/shop/deployments");
  EXPECT_EQ((ObjectPath{.gvr = {"rbac.authorization.k8s.io", "v1", "clusterroles"},
                        .ns = "",
                        .name = "system:node",
                        .subresource = ""}
                 .url_path()),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node");
  EXPECT_EQ((ObjectPath{.gvr = pods, .ns = "a/b", .name = "c d", .subresource = ""}.url_path()),
            "/api/v1/namespaces/a%2Fb/pods/c%20d");
}

TEST(ObjectPath, IsReadBackFromItsUrl) {
  for (const char* url : {"/api/v1/pods", "/api/v1/namespaces", "/api/v1/namespaces/shop",
                          "/api/v1/namespaces/shop/status", "/api/v1/namespaces/shop/finalize",
                          "/api/v1/namespaces/shop/pods", "/api/v1/namespaces/shop/pods/db-0",
                          "/api/v1/namespaces/shop/pods/db-0/exec",
                          "/apis/apps/v1/namespaces/shop/deployments/web/scale",
                          "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"}) {
    const auto path = parse_object_path(url);
    ASSERT_TRUE(path) << url;
    EXPECT_EQ(path->url_path(), url);
  }
  const auto ns = parse_object_path("/api/v1/namespaces/shop/status");
  EXPECT_EQ(ns->gvr.resource, "namespaces");
  EXPECT_EQ(ns->name, "shop");
  EXPECT_EQ(ns->subresource, "status");
  for (const char* url : {"/", "/version", "/api", "/api/v1", "/apis", "/apis/apps",
                          "/apis/apps/v1", "/api/v1/namespaces/shop/pods/db-0/exec/more"}) {
    EXPECT_FALSE(parse_object_path(url)) << url;
  }
}

TEST(ApiVersion, HasAtMostOneSlash) {
  EXPECT_EQ(parse_api_version("apps/v1"), (GroupVersion{.group = "apps", .version = "v1"}));
  EXPECT_EQ(parse_api_version("v1"), (GroupVersion{.group = "", .version = "v1"}));
  const auto bad = parse_api_version("a/b/c");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message(), "unexpected GroupVersion string: a/b/c");
}

TEST(GroupResource, SplitsAtTheFirstDot) {
  EXPECT_EQ(parse_group_resource("backups.velero.io"),
            (GroupResource{.group = "velero.io", .resource = "backups"}));
  EXPECT_EQ(parse_group_resource("pods").to_string(), "pods");
}

}  // namespace
}  // namespace lateen::kube
