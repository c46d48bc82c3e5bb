// Who may do what, asked over HTTP as clients ask, and the rules by themselves.
#include <gtest/gtest.h>

#include "base/text.h"
#include "base/yaml.h"
#include "sandbox/rbac/policy_rule.h"
#include "sandbox/testing/http_api.h"

namespace lateen::sandbox {
namespace {

using rbac::AccessRequest;
using rbac::PolicyRule;
using testing::Ask;
using testing::HttpApi;
using testing::Told;

PolicyRule rule(std::string_view yaml) {
  return PolicyRule::from_json(*parse_yaml(yaml));
}

TEST(PolicyRule, AllowsWhatItNamesAndNothingElse) {
  const PolicyRule pods = rule("{verbs: [get, list], apiGroups: [''], resources: [pods]}");
  EXPECT_TRUE(pods.allows({.verb = "get", .resource = "pods", .name = "x"}));
  EXPECT_FALSE(pods.allows({.verb = "delete", .resource = "pods"}));
  EXPECT_FALSE(pods.allows({.verb = "get", .group = "apps", .resource = "pods"}));
  EXPECT_FALSE(pods.allows({.verb = "get", .resource = "pods", .subresource = "log"}));
}

TEST(PolicyRule, StarsStandForAllVerbsGroupsAndResources) {
  const PolicyRule all = rule("{verbs: ['*'], apiGroups: ['*'], resources: ['*']}");
  EXPECT_TRUE(all.allows({.verb = "x", .group = "g", .resource = "r", .subresource = "s"}));
  EXPECT_FALSE(all.allows({.verb = "get", .is_resource = false, .path = "/version"}));
  const PolicyRule scales = rule("{verbs: [get], apiGroups: ['*'], resources: ['*/scale']}");
  EXPECT_TRUE(scales.allows(
      {.verb = "get", .group = "apps", .resource = "deployments", .subresource = "scale"}));
  EXPECT_FALSE(scales.allows({.verb = "get", .group = "apps", .resource = "deployments"}));
}

TEST(PolicyRule, ResourceNamesKeepToTheNamedObjects) {
  const PolicyRule one =
      rule("{verbs: [get, create], apiGroups: [''], resources: [secrets], resourceNames: [a]}");
  EXPECT_TRUE(one.allows({.verb = "get", .resource = "secrets", .name = "a"}));
  EXPECT_FALSE(one.allows({.verb = "get", .resource = "secrets", .name = "b"}));
  // A create has no name yet.
  EXPECT_FALSE(one.allows({.verb = "create", .resource = "secrets"}));
}

TEST(PolicyRule, PathsMatchWholeOrByTheirBeginning) {
  const PolicyRule paths = rule("{verbs: [get], nonResourceURLs: [/healthz, /api/*]}");
  const auto allowed = [&](std::string_view path) {
    return paths.allows({.verb = "get", .is_resource = false, .path = std::string(path)});
  };
  EXPECT_TRUE(allowed("/healthz"));
  EXPECT_TRUE(allowed("/api/v1"));
  EXPECT_FALSE(allowed("/healthz/etcd"));
  EXPECT_FALSE(allowed("/api"));
}

TEST(PolicyRule, WhatIsNotCoveredIsNamedPiecemeal) {
  const std::vector<PolicyRule> owned = {
      rule("{verbs: [get], apiGroups: [''], resources: [pods, secrets]}"),
      rule("{verbs: ['*'], apiGroups: [apps], resources: ['*']}")};
  const std::vector<PolicyRule> wanted = {
      rule("{verbs: [get, list], apiGroups: ['', apps], resources: [pods, secrets]}")};
  const auto missing = compacted(uncovered(owned, wanted));
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_EQ(missing[0].to_string(), R"({APIGroups:[""], Resources:["pods"], Verbs:["list"]})");
  EXPECT_EQ(missing[1].to_string(), R"({APIGroups:[""], Resources:["secrets"], Verbs:["list"]})");
  EXPECT_TRUE(uncovered(wanted, wanted).empty());
}

class Rbac : public ::testing::Test {
 protected:
  void SetUp() override {
    api_.create(R"(
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c1, namespace: shop}, data: {a: b}}
)");
    joe_ = api_.token_of("shop", "joe");
  }

  // Gives joe a ClusterRole inside `shop`.
  void bind_in_shop(std::string_view role) {
    api_.create(fmt::format(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: joe-{0}, namespace: shop}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {0}}}
subjects: [{{kind: ServiceAccount, name: joe, namespace: shop}}]
)",
                            role));
  }

  Told joe(Ask what) {
    what.token = joe_;
    return api_.ask(what);
  }

  bool can_i(std::string_view attributes) {
    const Told told = joe({.method = "POST",
                           .target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                           .body = fmt::format("{{spec: {{{}}}}}", attributes)});
    EXPECT_EQ(told.status, 201) << told.text;
    return bool_at(told.json, "status.allowed").value_or(false);
  }

  HttpApi api_;
  std::string joe_;
};

std::string message_of(const Told& told) {
  return std::string(string_at(told.json, "message"));
}

TEST_F(Rbac, WithoutABindingNothingIsAllowedAndTheRefusalSaysWhat) {
  const Told list = joe({.target = "/api/v1/namespaces/shop/configmaps"});
  EXPECT_EQ(list.status, 403);
  EXPECT_EQ(message_of(list),
            "configmaps is forbidden: User \"system:serviceaccount:shop:joe\" cannot list resource "
            "\"configmaps\" in API group \"\" in the namespace \"shop\"");
  EXPECT_EQ(string_at(list.json, "reason"), "Forbidden");
  EXPECT_EQ(string_at(list.json, "details.kind"), "configmaps");
  EXPECT_EQ(message_of(joe({.target = "/apis/apps/v1/deployments"})),
            "deployments.apps is forbidden: User \"system:serviceaccount:shop:joe\" cannot list "
            "resource \"deployments\" in API group \"apps\" at the cluster scope");
  EXPECT_EQ(message_of(joe({.target = "/api/v1/namespaces/shop/pods/p/log"})),
            "pods \"p\" is forbidden: User \"system:serviceaccount:shop:joe\" cannot get resource "
            "\"pods/log\" in API group \"\" in the namespace \"shop\"");
  EXPECT_EQ(message_of(joe({.target = "/metrics"})),
            "forbidden: User \"system:serviceaccount:shop:joe\" cannot get path \"/metrics\"");
}

TEST_F(Rbac, EveryoneWhoIsKnownMayDiscover) {
  for (const std::string_view path : {"/api", "/apis", "/apis/apps/v1", "/openapi/v3", "/version"})
    EXPECT_EQ(joe({.target = std::string(path)}).status, 200) << path;
  EXPECT_EQ(api_.ask({.target = "/version", .token = "-"}).status, 200);
  const Told unknown = api_.ask({.target = "/apis", .token = "-"});
  EXPECT_EQ(unknown.status, 403);
  EXPECT_EQ(message_of(unknown), "forbidden: User \"system:anonymous\" cannot get path \"/apis\"");
  const Told bad = api_.ask({.target = "/version", .token = "nonsense"});
  EXPECT_EQ(bad.status, 401);
  EXPECT_EQ(message_of(bad), "Unauthorized");
}

TEST_F(Rbac, ARoleBindingHoldsInItsNamespaceAlone) {
  bind_in_shop("view");
  EXPECT_EQ(joe({.target = "/api/v1/namespaces/shop/configmaps/c1"}).status, 200);
  EXPECT_EQ(joe({.target = "/api/v1/namespaces/shop"}).status, 200);
  EXPECT_EQ(joe({.target = "/api/v1/namespaces/other/configmaps"}).status, 403);
  EXPECT_EQ(joe({.target = "/api/v1/configmaps"}).status, 403);
  EXPECT_EQ(joe({.target = "/api/v1/namespaces/shop/secrets"}).status, 403);
  EXPECT_EQ(joe({.method = "DELETE", .target = "/api/v1/namespaces/shop/configmaps/c1"}).status,
            403);
  EXPECT_TRUE(can_i("resourceAttributes: {verb: list, resource: pods, namespace: shop}"));
  EXPECT_FALSE(can_i("resourceAttributes: {verb: list, resource: pods}"));
  EXPECT_TRUE(can_i("nonResourceAttributes: {verb: get, path: /apis/apps}"));
}

TEST_F(Rbac, ARoleThatIsGoneIsNamedInTheRefusal) {
  bind_in_shop("nowhere");
  EXPECT_TRUE(message_of(joe({.target = "/api/v1/namespaces/shop/pods"}))
                  .ends_with("in the namespace \"shop\": RBAC: "
                             "clusterrole.rbac.authorization.k8s.io \"nowhere\" not found"));
}

TEST_F(Rbac, AdminEditAndViewAreMadeOfOtherRoles) {
  const auto rules_of_role = [&](std::string_view role) {
    const Told told = api_.ask(
        {.target = "/apis/rbac.authorization.k8s.io/v1/clusterroles/" + std::string(role)});
    const JsonArray* rules = array_at(told.json, "rules");
    return rules == nullptr ? std::size_t{0} : rules->size();
  };
  EXPECT_GT(rules_of_role("view"), 5U);
  EXPECT_GT(rules_of_role("edit"), rules_of_role("view"));
  EXPECT_GT(rules_of_role("admin"), rules_of_role("edit"));
  const std::size_t before = rules_of_role("admin");
  api_.create(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: view-books, labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}}
rules: [{apiGroups: [library.example.com], resources: [books], verbs: [get]}]
)");
  EXPECT_EQ(rules_of_role("admin"), before + 1);
  bind_in_shop("admin");
  EXPECT_TRUE(
      can_i("resourceAttributes: {verb: get, group: library.example.com, resource: books, "
            "namespace: shop}"));
}

TEST_F(Rbac, NobodyGrantsWhatTheyDoNotHave) {
  bind_in_shop("admin");
  const Told refused = joe({.method = "POST",
                            .target = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles",
                            .body = R"(
metadata: {name: more}
rules: [{apiGroups: [""], resources: [pods, nodes], verbs: [get]}])"});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(message_of(refused),
            "roles.rbac.authorization.k8s.io \"more\" is forbidden: user "
            "\"system:serviceaccount:shop:joe\" (groups=[\"system:serviceaccounts\" "
            "\"system:serviceaccounts:shop\" \"system:authenticated\"]) is attempting to grant "
            "RBAC permissions not currently held:\n"
            "{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}");
  const auto bind = [&](std::string_view role) {
    return joe({.method = "POST",
                .target = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings",
                .body = fmt::format(
                    "{{metadata: {{name: b-{0}}}, roleRef: {{apiGroup: rbac.authorization.k8s.io, "
                    "kind: ClusterRole, name: {0}}}, subjects: [{{kind: User, apiGroup: "
                    "rbac.authorization.k8s.io, name: jane}}]}}",
                    role)});
  };
  EXPECT_EQ(bind("view").status, 201);
  EXPECT_EQ(bind("cluster-admin").status, 403);
  api_.create(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: binder}
rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind],
         resourceNames: [cluster-admin]}]
)");
  bind_in_shop("binder");
  EXPECT_EQ(bind("cluster-admin").status, 201);
}

TEST_F(Rbac, ImpersonationNeedsItsRightAndThenIsComplete) {
  net::Headers as_jane = {{"Impersonate-User", "jane"}, {"Impersonate-Group", "sales"}};
  const Told refused = joe({.target = "/api", .headers = as_jane});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(message_of(refused),
            "users \"jane\" is forbidden: User \"system:serviceaccount:shop:joe\" cannot "
            "impersonate resource \"users\" in API group \"\" at the cluster scope");
  const Told who = api_.ask({.method = "POST",
                             .target = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                             .body = "{}",
                             .headers = as_jane});
  EXPECT_EQ(who.status, 201) << who.text;
  EXPECT_EQ(string_at(who.json, "status.userInfo.username"), "jane");
  EXPECT_EQ(write_json(*find(who.json, "status.userInfo.groups")),
            R"(["sales","system:authenticated"])");
  EXPECT_EQ(api_.ask({.target = "/api/v1/pods", .headers = as_jane}).status, 403);
}

TEST_F(Rbac, ReviewsAnswerForOthersAndRefuseToGuess) {
  bind_in_shop("view");
  const auto review = [&](std::string_view spec) {
    return api_.ask({.method = "POST",
                     .target = "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                     .body = fmt::format("{{spec: {{{}}}}}", spec)});
  };
  const Told yes = review(
      "user: 'system:serviceaccount:shop:joe', resourceAttributes: {verb: get, resource: pods, "
      "namespace: shop}");
  EXPECT_EQ(bool_at(yes.json, "status.allowed"), true);
  EXPECT_EQ(string_at(yes.json, "status.reason"),
            "RBAC: allowed by RoleBinding \"joe-view/shop\" of ClusterRole \"view\" to "
            "ServiceAccount \"joe/shop\"");
  EXPECT_EQ(review("user: jane").status, 422);
  const Told token = api_.ask({.method = "POST",
                               .target = "/apis/authentication.k8s.io/v1/tokenreviews",
                               .body = fmt::format("{{spec: {{token: {}}}}}", joe_)});
  EXPECT_EQ(bool_at(token.json, "status.authenticated"), true);
  EXPECT_EQ(string_at(token.json, "status.user.username"), "system:serviceaccount:shop:joe");
}

TEST_F(Rbac, TokensAreBoundToTheirAudienceAndTheirObject) {
  const std::string target = "/api/v1/namespaces/shop/serviceaccounts/joe/token";
  const auto request = [&](std::string_view spec) {
    return api_.ask({.method = "POST",
                     .target = target,
                     .body = fmt::format("{{kind: TokenRequest, apiVersion: "
                                         "authentication.k8s.io/v1, spec: {{{}}}}}",
                                         spec)});
  };
  const auto works = [&](const Told& told) {
    return api_.ask({.target = "/api", .token = std::string(string_at(told.json, "status.token"))})
               .status == 200;
  };
  EXPECT_TRUE(works(request("boundObjectRef: null")));
  EXPECT_FALSE(works(request("audiences: [vault]")));
  EXPECT_EQ(request("expirationSeconds: 60").status, 422);
  EXPECT_EQ(request("boundObjectRef: {kind: Pod, apiVersion: v1, name: none}").status, 404);
  api_.create("{apiVersion: v1, kind: Secret, metadata: {name: s1, namespace: shop}}");
  const Told bound = request("boundObjectRef: {kind: Secret, apiVersion: v1, name: s1}");
  EXPECT_TRUE(works(bound));
  api_.ask({.method = "DELETE", .target = "/api/v1/namespaces/shop/secrets/s1"});
  EXPECT_FALSE(works(bound));
}

}  // namespace
}  // namespace lateen::sandbox
