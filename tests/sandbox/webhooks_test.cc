// Admission webhooks over loopback HTTPS, and what the API server makes of their answers.
#include <functional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/text.h"
#include "base/yaml.h"
#include "net/tls.h"
#include "sandbox/testing/http_api.h"
#include "sandbox/webhooks/match.h"

namespace lateen::sandbox {
namespace {

using testing::Ask;
using testing::HttpApi;
using testing::Told;
using webhooks::Operation;
using webhooks::Target;

// ---- Matching

webhooks::Rule rule(std::vector<std::string> resources, std::string scope = "*") {
  return {.operations = {"CREATE", "UPDATE"},
          .api_groups = {"apps"},
          .api_versions = {"v1"},
          .resources = std::move(resources),
          .scope = std::move(scope)};
}

Target deployments(std::string sub = {}) {
  return {.gvr = {.group = "apps", .version = "v1", .resource = "deployments"},
          .subresource = std::move(sub),
          .namespaced = true};
}

TEST(WebhookMatch, ResourcesAndSubresourcesAreNamedApart) {
  EXPECT_TRUE(rule_matches(rule({"deployments"}), Operation::Create, deployments()));
  EXPECT_FALSE(rule_matches(rule({"deployments"}), Operation::Delete, deployments()));
  EXPECT_FALSE(rule_matches(rule({"deployments"}), Operation::Update, deployments("status")));
  EXPECT_TRUE(rule_matches(rule({"deployments/*"}), Operation::Update, deployments("status")));
  EXPECT_TRUE(rule_matches(rule({"*/scale"}), Operation::Update, deployments("scale")));
  EXPECT_FALSE(rule_matches(rule({"*"}), Operation::Update, deployments("scale")));
  EXPECT_TRUE(rule_matches(rule({"*/*"}), Operation::Update, deployments("scale")));
  EXPECT_FALSE(rule_matches(rule({"*"}, "Cluster"), Operation::Create, deployments()));
}

TEST(WebhookMatch, EquivalentVersionsCountUnlessExactIsAsked) {
  const kube::GroupVersionResource v2{.group = "apps", .version = "v2", .resource = "deployments"};
  const Target target{.gvr = v2, .subresource = {}, .namespaced = true};
  const std::vector<kube::GroupVersionResource> served = {deployments().gvr};
  webhooks::Webhook webhook{.rules = {rule({"deployments"})}};
  const auto* seen = matching_version(webhook, Operation::Create, target, served);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->version, "v1");
  webhook.exact_match = true;
  EXPECT_EQ(matching_version(webhook, Operation::Create, target, served), nullptr);
}

// ---- Calls

// An HTTPS server that answers AdmissionReviews by a function of the request.
class Hook final : public net::HttpHandler {
 public:
  using Answer = std::function<Json(const Json& request)>;

  explicit Hook(Answer answer) : answer_(std::move(answer)) {
    const auto authority = *net::make_certificate_authority("hooks", clock_);
    ca_ = authority.certificate_pem;
    auto own = *net::issue_certificate(
        authority, {.common_name = "hook", .ip_addresses = {"127.0.0.1"}, .for_server = true},
        clock_);
    net::HttpServerOptions options;
    options.tls = net::ServerTls{.certificate_pem = std::move(own.certificate_pem),
                                 .key_pem = std::move(own.key_pem),
                                 .client_ca_pem = {}};
    server_ = std::move(*net::HttpServer::start(std::move(options), *this));
  }

  ~Hook() override { server_->stop(); }

  void serve(net::ServerExchange& exchange) override {
    const auto review = parse_json(exchange.request().body);
    const Json request = review ? review->at("request") : Json(JsonObject{});
    Json response = answer_(request);
    {
      const Lock lock(mu_);
      seen_.push_back(request);
    }
    response.as_object()["uid"] = request.at("uid");
    const Json answer = {
        {"apiVersion", "admission.k8s.io/v1"}, {"kind", "AdmissionReview"}, {"response", response}};
    net::HttpResponse out;
    out.headers.add("Content-Type", "application/json");
    out.body = write_json(answer);
    (void)exchange.respond(std::move(out));  // the API server has gone
  }

  std::vector<Json> seen() const {
    const Lock lock(mu_);
    return seen_;
  }

  // {url, caBundle} for a clientConfig.
  std::string client_config() const {
    return fmt::format("{{url: '{}/admit', caBundle: {}}}", server_->url(), base64_encode(ca_));
  }

 private:
  const Answer answer_;
  SystemClock clock_;
  std::string ca_;
  mutable Mutex mu_;
  std::vector<Json> seen_ LATEEN_GUARDED_BY(mu_);
  std::unique_ptr<net::HttpServer> server_;
};

Json allow() {
  return {{"allowed", true}};
}

Json patch_with(std::string_view operations) {
  return {{"allowed", true}, {"patchType", "JSONPatch"}, {"patch", base64_encode(operations)}};
}

class WebhookCalls : public ::testing::Test {
 protected:
  void SetUp() override {
    api_.create(R"(
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: sales}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other}}
)");
  }

  // A webhook on ConfigMaps; `more` are further fields of it.
  void configure(std::string_view kind,
                 std::string_view name,
                 const std::string& client_config,
                 std::string_view more = "") {
    api_.create(fmt::format(R"(
apiVersion: admissionregistration.k8s.io/v1
kind: {}WebhookConfiguration
metadata: {{name: {}}}
webhooks:
- name: {}.hooks.example.com
  clientConfig: {}
  rules: [{{operations: ["*"], apiGroups: [""], apiVersions: [v1], resources: [configmaps]}}]
  sideEffects: None
  admissionReviewVersions: [v1]
  {}
)",
                            kind, name, name, client_config, more));
  }

  Told create(std::string_view ns, std::string_view object, std::string_view query = "") {
    return api_.ask({.method = "POST",
                     .target = fmt::format("/api/v1/namespaces/{}/configmaps{}", ns, query),
                     .body = std::string(object)});
  }

  HttpApi api_;
};

TEST_F(WebhookCalls, AMutatingWebhookChangesWhatIsStored) {
  Hook hook([](const Json&) {
    return patch_with(R"([{"op":"add","path":"/data","value":{"by":"hook"}}])");
  });
  configure("Mutating", "add", hook.client_config());
  const Told made = create("shop", "{metadata: {name: c1}}");
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(string_at(made.json, "data.by"), "hook");
  const auto seen = hook.seen();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(string_at(seen[0], "operation"), "CREATE");
  EXPECT_EQ(string_at(seen[0], "namespace"), "shop");
  EXPECT_EQ(string_at(seen[0], "name"), "c1");
  EXPECT_EQ(string_at(seen[0], "kind.kind"), "ConfigMap");
  EXPECT_EQ(string_at(seen[0], "userInfo.username"),
            "system:serviceaccount:kube-system:test-admin");
  EXPECT_EQ(string_at(seen[0], "object.metadata.name"), "c1");
  EXPECT_TRUE(seen[0].at("oldObject").is_null());
}

TEST_F(WebhookCalls, ADenialIsTheWebhooksInItsOwnWords) {
  Hook hook([](const Json&) -> Json {
    return {{"allowed", false},
            {"status", {{"code", 403}, {"message", "no maps on sundays"}, {"reason", "Closed"}}},
            {"warnings", JsonArray{"try monday"}}};
  });
  configure("Validating", "deny", hook.client_config());
  const Told refused = create("shop", "{metadata: {name: c1}}");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(string_at(refused.json, "message"),
            "admission webhook \"deny.hooks.example.com\" denied the request: no maps on sundays");
  EXPECT_EQ(string_at(refused.json, "reason"), "Closed");
  EXPECT_EQ(api_.ask({.target = "/api/v1/namespaces/shop/configmaps/c1"}).status, 404);
}

TEST_F(WebhookCalls, WarningsReachTheClient) {
  Hook hook([](const Json&) -> Json {
    return {{"allowed", true}, {"warnings", JsonArray{"maps are old-fashioned"}}};
  });
  configure("Validating", "warn", hook.client_config());
  const Told made = create("shop", "{metadata: {name: c1}}");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.headers.get("Warning"), "299 - \"maps are old-fashioned\"");
}

TEST_F(WebhookCalls, UpdatesAndDeletesBringTheObjectAsItWas) {
  Hook hook([](const Json&) { return allow(); });
  create("shop", "{metadata: {name: c1}, data: {a: old}}");
  configure("Validating", "see", hook.client_config());
  api_.ask({.method = "PATCH",
            .target = "/api/v1/namespaces/shop/configmaps/c1",
            .body = "{data: {a: new}}",
            .content_type = "application/merge-patch+json"});
  api_.ask({.method = "DELETE", .target = "/api/v1/namespaces/shop/configmaps/c1"});
  const auto seen = hook.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(string_at(seen[0], "operation"), "UPDATE");
  EXPECT_EQ(string_at(seen[0], "oldObject.data.a"), "old");
  EXPECT_EQ(string_at(seen[0], "object.data.a"), "new");
  EXPECT_EQ(string_at(seen[1], "operation"), "DELETE");
  EXPECT_EQ(string_at(seen[1], "oldObject.data.a"), "new");
  EXPECT_TRUE(seen[1].at("object").is_null());
}

TEST_F(WebhookCalls, SelectorsChooseNamespacesAndObjects) {
  Hook hook([](const Json&) { return allow(); });
  configure("Validating", "some", hook.client_config(),
            "namespaceSelector: {matchLabels: {team: sales}}\n"
            "  objectSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}");
  create("shop", "{metadata: {name: c1}}");
  create("shop", "{metadata: {name: c2, labels: {skip: 'yes'}}}");
  create("other", "{metadata: {name: c3}}");
  const auto seen = hook.seen();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(string_at(seen[0], "name"), "c1");
}

TEST_F(WebhookCalls, AWebhookThatIsNotThereRefusesOrIsPassedOver) {
  const std::string nobody = "{url: 'https://127.0.0.1:1/x'}";
  configure("Validating", "soft", nobody, "failurePolicy: Ignore");
  EXPECT_EQ(create("shop", "{metadata: {name: c1}}").status, 201);
  configure("Validating", "hard", nobody);
  const Told refused = create("shop", "{metadata: {name: c2}}");
  EXPECT_EQ(refused.status, 500);
  const std::string message(string_at(refused.json, "message"));
  EXPECT_TRUE(message.starts_with(
      "Internal error occurred: failed calling webhook \"hard.hooks.example.com\": failed to call "
      "webhook: Post \"https://127.0.0.1:1/x?timeout=10s\": "))
      << message;
  EXPECT_EQ(string_at(refused.json, "reason"), "InternalError");
}

TEST_F(WebhookCalls, AServiceThatIsNotThereIsNamed) {
  configure("Validating", "svc", "{service: {namespace: shop, name: gate}}");
  const Told refused = create("shop", "{metadata: {name: c1}}");
  EXPECT_EQ(string_at(refused.json, "message"),
            "Internal error occurred: failed calling webhook \"svc.hooks.example.com\": service "
            "\"gate\" not found");
}

TEST_F(WebhookCalls, AnAnswerToAnotherQuestionIsAFailure) {
  Hook hook([](const Json& request) {
    return Json{{"allowed", true}, {"patchType", "Weird"}, {"patch", "eA=="}, {"x", request}};
  });
  configure("Mutating", "odd", hook.client_config());
  const Told refused = create("shop", "{metadata: {name: c1}}");
  EXPECT_EQ(refused.status, 500);
  EXPECT_NE(refused.text.find("received invalid webhook response"), std::string::npos);
}

TEST_F(WebhookCalls, AnEarlierWebhookSeesLaterChangesOnceMore) {
  Hook first([](const Json&) { return allow(); });
  Hook second([](const Json&) {
    return patch_with(R"([{"op":"add","path":"/data","value":{"late":"yes"}}])");
  });
  configure("Mutating", "a-first", first.client_config(), "reinvocationPolicy: IfNeeded");
  configure("Mutating", "b-second", second.client_config());
  EXPECT_EQ(create("shop", "{metadata: {name: c1}}").status, 201);
  const auto seen = first.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(find(seen[0], "object.data.late"), nullptr);
  EXPECT_EQ(string_at(seen[1], "object.data.late"), "yes");
  EXPECT_EQ(second.seen().size(), 1U);
}

TEST_F(WebhookCalls, DryRunsAreToldToTheWebhook) {
  Hook hook([](const Json&) { return allow(); });
  configure("Validating", "dry", hook.client_config());
  EXPECT_EQ(create("shop", "{metadata: {name: c1}}", "?dryRun=All").status, 201);
  ASSERT_EQ(hook.seen().size(), 1U);
  EXPECT_EQ(bool_at(hook.seen()[0], "dryRun"), true);
  EXPECT_EQ(write_json(*find(hook.seen()[0], "options.dryRun")), R"(["All"])");
}

TEST_F(WebhookCalls, ConfigurationsAreCheckedAndNeverSentToWebhooks) {
  const Told bad =
      api_.ask({.method = "POST",
                .target = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
                .body = R"({metadata: {name: bad}, webhooks: [{name: x, sideEffects: Some,
                   clientConfig: {url: 'http://h/x'}, admissionReviewVersions: [v1]}]})"});
  EXPECT_EQ(bad.status, 422);
  for (const std::string_view part : {"webhooks[0].name: Invalid value: \\\"x\\\": should be a "
                                      "domain with at least three segments",
                                      "webhooks[0].clientConfig.url: Invalid value: \\\"http\\\": "
                                      "'https' is the only allowed URL "
                                      "scheme",
                                      "webhooks[0].sideEffects: Unsupported value: \\\"Some\\\""}) {
    EXPECT_NE(bad.text.find(part), std::string::npos) << part << "\n" << bad.text;
  }
  Hook hook([](const Json&) -> Json { return {{"allowed", false}}; });
  api_.create(fmt::format(R"(
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: lock}}
webhooks:
- name: lock.hooks.example.com
  clientConfig: {}
  rules: [{{operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"]}}]
  sideEffects: None
  admissionReviewVersions: [v1]
)",
                          hook.client_config()));
  EXPECT_EQ(create("shop", "{metadata: {name: c1}}").status, 400);
  EXPECT_EQ(
      api_.ask({.method = "DELETE",
                .target =
                    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/lock"})
          .status,
      200);
  EXPECT_EQ(create("shop", "{metadata: {name: c1}}").status, 201);
}

}  // namespace
}  // namespace lateen::sandbox
