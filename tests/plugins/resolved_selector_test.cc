#include "plugins/resolved_selector.h"

#include <gtest/gtest.h>

namespace lateen::plugins {
namespace {

kube::Discovery discovery() {
  kube::ResourceType deployments{.gvr = {"apps", "v1", "deployments"}, .kind = "Deployment"};
  deployments.namespaced = true;
  deployments.singular = "deployment";
  deployments.short_names = {"deploy"};
  kube::ResourceType pods{.gvr = {"", "v1", "pods"}, .kind = "Pod"};
  pods.namespaced = true;
  pods.singular = "pod";
  return {{{.name = "", .versions = {"v1"}}, {.name = "apps", .versions = {"v1"}}},
          {pods, deployments},
          {}};
}

ResolvedSelector resolve(const ResourceSelector& selector) {
  return ResolvedSelector::resolve(selector, discovery()).value();
}

Json object(std::string_view ns, std::string_view labels = "{}") {
  return parse_json(fmt::format(R"({{"metadata":{{"namespace":"{}","labels":{}}}}})", ns, labels))
      .value();
}

TEST(ResolvedSelector, OfNothingWantsEverything) {
  const ResolvedSelector all = resolve({});
  EXPECT_TRUE(all.wants_kind("pods"));
  EXPECT_TRUE(all.wants_kind("widgets.example.io"));
  EXPECT_TRUE(all.wants_object(object("shop")));
  EXPECT_TRUE(all.wants_object(object("")));
}

TEST(ResolvedSelector, KnowsKindsByAnyOfTheirNames) {
  const ResolvedSelector some = resolve({.included_resources = {"deploy", "Pod", "widgets.x.io"}});
  EXPECT_TRUE(some.wants_kind("deployments.apps"));
  EXPECT_TRUE(some.wants_kind("pods"));
  EXPECT_TRUE(some.wants_kind("widgets.x.io"));
  EXPECT_FALSE(some.wants_kind("deployments"));
  const ResolvedSelector others = resolve({.excluded_resources = {"deployments"}});
  EXPECT_FALSE(others.wants_kind("deployments.apps"));
  EXPECT_TRUE(others.wants_kind("pods"));
  EXPECT_TRUE(resolve({.included_resources = {"*"}}).wants_kind("pods"));
  EXPECT_TRUE(resolve({.included_resources = {"*.apps"}}).wants_kind("deployments.apps"));
}

TEST(ResolvedSelector, WithNamespacesWantsNothingClusterScoped) {
  const ResolvedSelector named = resolve({.included_namespaces = {"shop"}});
  EXPECT_TRUE(named.wants_object(object("shop")));
  EXPECT_FALSE(named.wants_object(object("other")));
  EXPECT_FALSE(named.wants_object(object("")));
  const ResolvedSelector without = resolve({.excluded_namespaces = {"shop"}});
  EXPECT_FALSE(without.wants_object(object("shop")));
  EXPECT_TRUE(without.wants_object(object("other")));
  EXPECT_FALSE(without.wants_object(object("")));
  EXPECT_TRUE(resolve({.included_namespaces = {"*"}}).wants_object(object("")));
}

TEST(ResolvedSelector, LooksAtLabels) {
  const ResolvedSelector labelled = resolve({.label_selector = "app in (web, db),!old"});
  EXPECT_TRUE(labelled.wants_object(object("shop", R"({"app":"web"})")));
  EXPECT_FALSE(labelled.wants_object(object("shop", R"({"app":"web","old":""})")));
  EXPECT_FALSE(labelled.wants_object(parse_json(R"({"metadata":{}})").value()));
  EXPECT_FALSE(ResolvedSelector::resolve({.label_selector = "a=(b"}, discovery()));
}

}  // namespace
}  // namespace lateen::plugins
