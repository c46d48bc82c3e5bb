// What clients see on the wire, against what a real API server was recorded to answer.
#include <gtest/gtest.h>

#include "base/temp.h"
#include "base/text.h"
#include "base/yaml.h"
#include "net/http_client.h"
#include "sandbox/api/bootstrap.h"
#include "sandbox/http/accept.h"
#include "sandbox/http/front.h"
#include "sandbox/http/request_info.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
constexpr std::string_view kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

class HttpFrontTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.path = (dir_.path() / "state.db").string();
    store_ = std::move(*Store::open(options));
    api_ = std::make_unique<ApiServer>(*store_, clock_, rng_, Log());
    tokens_ = std::make_unique<TokenAuthority>(Secret("a key of this test"), *store_, clock_);
    front_ = std::make_unique<Front>(*api_, *tokens_);
    server_ = std::move(*net::HttpServer::start({}, *front_));
    client_ = std::move(*net::HttpClient::open({}));
    ASSERT_TRUE(ensure_initial_objects(*api_, server_->port()));
    const GroupVersionResource accounts{
        .group = "", .version = "v1", .resource = "serviceaccounts"};
    const Json account = JsonObject{{"metadata", JsonObject{{"name", "tester"}}}};
    ASSERT_TRUE(api_->create(accounts, "default", account, {}));
    const auto admin = parse_yaml(R"(
metadata: {name: tester}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: tester, namespace: default}]
)");
    const GroupVersionResource bindings{
        .group = "rbac.authorization.k8s.io", .version = "v1", .resource = "clusterrolebindings"};
    ASSERT_TRUE(api_->create(bindings, "", *admin, {}));
    const auto issued = tokens_->issue({.ns = "default", .service_account = "tester"});
    ASSERT_TRUE(issued);
    bearer_ = "Bearer " + issued->token;
  }

  net::HttpResponse ask(std::string_view method,
                        std::string_view target,
                        std::string_view accept = "application/json",
                        std::string_view body = {},
                        std::string_view type = "application/json") {
    net::HttpRequest request;
    request.method = method;
    request.url = server_->url() + std::string(target);
    request.headers.add("Authorization", bearer_);
    request.headers.add("Accept", accept);
    if (!etag_.empty()) request.headers.add("If-None-Match", etag_);
    if (!body.empty()) request.headers.add("Content-Type", type);
    request.body = body;
    request.deadline = Deadline::after(std::chrono::seconds(60));
    auto answer = client_->send(request, {});
    EXPECT_TRUE(answer) << answer.error().describe();
    return answer ? std::move(*answer) : net::HttpResponse{};
  }

  Json ask_json(std::string_view method,
                std::string_view target,
                std::string_view accept = "application/json",
                std::string_view body = {},
                std::string_view type = "application/json") {
    const auto answer = ask(method, target, accept, body, type);
    auto tree = parse_json(answer.body);
    EXPECT_TRUE(tree) << answer.body;
    return tree ? std::move(*tree) : Json(JsonObject{});
  }

  TempDir dir_ = std::move(*TempDir::create());
  SystemClock clock_;
  SystemRng rng_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<TokenAuthority> tokens_;
  std::unique_ptr<Front> front_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::HttpClient> client_;
  std::string bearer_;
  std::string etag_;
};

TEST_F(HttpFrontTest, HealthIsPlainTextAndReadinessWaits) {
  EXPECT_EQ(ask("GET", "/livez").body, "ok");
  EXPECT_EQ(ask("GET", "/readyz").status, 500);
  front_->set_ready(true);
  EXPECT_EQ(ask("GET", "/readyz").body, "ok");
}

TEST_F(HttpFrontTest, UnknownGroupsArePagesAndUnknownResourcesAreStatuses) {
  const auto page = ask("GET", "/apis/nope.example.com/v1/things");
  EXPECT_EQ(page.status, 404);
  EXPECT_EQ(page.headers.get("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(page.body, "404 page not found\n");
  EXPECT_EQ(ask("GET", "/apis/groupsnapshot.storage.k8s.io/v1beta2").body, "404 page not found\n");
  EXPECT_EQ(ask_json("GET", "/api/v1/nope").at("reason").as_string(), "NotFound");
}

TEST_F(HttpFrontTest, StrangersAreTurnedAway) {
  bearer_ = "Bearer nonsense";
  EXPECT_EQ(ask("GET", "/api/v1/pods").status, 401);
  bearer_ = "Basic eDp5";
  EXPECT_EQ(ask("GET", "/api/v1/pods").status, 401);
}

TEST_F(HttpFrontTest, DiscoveryIsAggregatedAndCached) {
  const auto answer = ask("GET", "/apis", kAggregated);
  EXPECT_EQ(answer.headers.get("Content-Type"),
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  etag_ = answer.headers.get("ETag");
  EXPECT_EQ(etag_.size(), 130U) << "128 hex digits and two quotes";
  EXPECT_EQ(ask("GET", "/apis", kAggregated).status, 304);
  etag_.clear();
  const Json core = ask_json("GET", "/api", kAggregated);
  EXPECT_EQ(array_at(core, "items")->size(), 1U);
  EXPECT_EQ(find(array_at(core, "items")->at(0), "metadata.name"), nullptr);
  EXPECT_EQ(ask_json("GET", "/api").at("kind").as_string(), "APIVersions");
  EXPECT_EQ(ask_json("GET", "/apis/apps/v1").at("kind").as_string(), "APIResourceList");
}

TEST_F(HttpFrontTest, ListsOfBuiltinKindsHaveItemsWithoutAKind) {
  const Json list = ask_json("GET", "/api/v1/namespaces");
  EXPECT_EQ(string_at(list, "kind"), "NamespaceList");
  EXPECT_EQ(find(array_at(list, "items")->at(0), "kind"), nullptr);
  EXPECT_EQ(string_at(array_at(list, "items")->at(0), "metadata.name"), "default");
}

TEST_F(HttpFrontTest, ATableHasColumnsAndRows) {
  const Json table = ask_json("GET", "/api/v1/namespaces?limit=500", kTable);
  EXPECT_EQ(string_at(table, "kind"), "Table");
  EXPECT_EQ(string_at(table, "apiVersion"), "meta.k8s.io/v1");
  EXPECT_EQ(string_at(array_at(table, "columnDefinitions")->at(0), "name"), "Name");
  const Json& row = array_at(table, "rows")->at(0);
  EXPECT_EQ(array_at(row, "cells")->at(1), Json("Active"));
  EXPECT_EQ(string_at(row, "object.kind"), "PartialObjectMetadata");
}

TEST_F(HttpFrontTest, ADeleteAnswersAStatusWithTheUid) {
  const Json made = ask_json("POST", "/api/v1/namespaces/default/configmaps", "application/json",
                             R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c"}})");
  const Json gone = ask_json("DELETE", "/api/v1/namespaces/default/configmaps/c");
  EXPECT_EQ(string_at(gone, "status"), "Success");
  EXPECT_EQ(string_at(gone, "details.kind"), "configmaps");
  EXPECT_EQ(string_at(gone, "details.uid"), string_at(made, "metadata.uid"));
}

TEST_F(HttpFrontTest, BodiesMayBeYamlAndNotAnythingElse) {
  const auto made = ask("POST", "/api/v1/namespaces/default/configmaps", "application/yaml",
                        "metadata:\n  name: from-yaml\ndata:\n  a: b\n", "application/yaml");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.headers.get("Content-Type"), "application/yaml");
  EXPECT_EQ(
      ask("POST", "/api/v1/namespaces/default/configmaps", "application/json", "x", "text/html")
          .status,
      415);
  EXPECT_EQ(ask("GET", "/api/v1/namespaces", "text/html").status, 406);
  EXPECT_EQ(ask("POST", "/api/v1/namespaces/default/configmaps", "application/json", "{").status,
            400);
}

TEST_F(HttpFrontTest, UnknownFieldsAreWarnedOfAndRefusedWhenAskedTo) {
  constexpr std::string_view kBody = R"({"metadata":{"name":"w"},"datum":{}})";
  const auto warned =
      ask("POST", "/api/v1/namespaces/default/configmaps", "application/json", kBody);
  EXPECT_EQ(warned.status, 201);
  EXPECT_EQ(warned.headers.get("Warning"), R"(299 - "unknown field \"datum\"")");
  const auto refused = ask("POST", "/api/v1/namespaces/default/configmaps?fieldValidation=Strict",
                           "application/json", kBody);
  EXPECT_EQ(refused.status, 400);
}

TEST_F(HttpFrontTest, AWatchSendsTheInitialEventsAndTheirEnd) {
  const auto answer =
      ask("GET",
          "/api/v1/namespaces?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
          "allowWatchBookmarks=true&timeoutSeconds=1");
  std::vector<std::string> types;
  Json last;
  for (const std::string& line : split_trimmed(answer.body, '\n')) {
    last = std::move(*parse_json(line));
    types.emplace_back(string_at(last, "type"));
  }
  EXPECT_EQ(types, (std::vector<std::string>{"ADDED", "ADDED", "ADDED", "ADDED", "BOOKMARK"}));
  EXPECT_NE(write_json(last).find(R"("k8s.io/initial-events-end":"true")"), std::string::npos);
}

TEST_F(HttpFrontTest, AWatchFromAForgottenVersionIsAnErrorInsideTheStream) {
  store_->compact();
  const auto answer = ask("GET", "/api/v1/namespaces?watch=true&resourceVersion=1");
  EXPECT_EQ(answer.status, 200);
  const Json event = std::move(*parse_json(answer.body));
  EXPECT_EQ(string_at(event, "type"), "ERROR");
  EXPECT_EQ(string_at(event, "object.reason"), "Expired");
  EXPECT_EQ(int_at(event, "object.code"), 410);
}

TEST_F(HttpFrontTest, AFutureVersionIsATimeoutToRetry) {
  const auto answer = ask("GET", "/api/v1/namespaces?resourceVersion=999999");
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.headers.get("Retry-After"), "1");
}

TEST_F(HttpFrontTest, ScaleIsAViewOfReplicas) {
  ASSERT_EQ(
      ask("POST", "/apis/apps/v1/namespaces/default/deployments", "application/json",
          R"({"metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{
                  "metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})")
          .status,
      201);
  const Json scale =
      ask_json("PATCH", "/apis/apps/v1/namespaces/default/deployments/d/scale", "application/json",
               R"({"spec":{"replicas":3}})", "application/merge-patch+json");
  EXPECT_EQ(string_at(scale, "kind"), "Scale");
  EXPECT_EQ(int_at(scale, "spec.replicas"), 3);
  EXPECT_EQ(string_at(scale, "status.selector"), "a=b");
  EXPECT_EQ(
      int_at(ask_json("GET", "/apis/apps/v1/namespaces/default/deployments/d"), "spec.replicas"),
      3);
}

TEST(RequestPath, IsTakenApartAsTheApiServerDoes) {
  RequestInfo info;
  ASSERT_TRUE(parse_request_path("/api/v1/namespaces/shop/pods/db-0/log", info));
  EXPECT_EQ(info.ns, "shop");
  EXPECT_EQ(info.gvr.resource, "pods");
  EXPECT_EQ(info.name, "db-0");
  EXPECT_EQ(info.subresource, "log");
  info = {};
  ASSERT_TRUE(parse_request_path("/api/v1/namespaces/shop/finalize", info));
  EXPECT_EQ(info.gvr.resource, "namespaces");
  EXPECT_EQ(info.name, "shop");
  EXPECT_EQ(info.subresource, "finalize");
  info = {};
  ASSERT_TRUE(
      parse_request_path("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode", info));
  EXPECT_EQ(info.name, "system:node");
  EXPECT_FALSE(parse_request_path("/apis/apps/v1", info));
  EXPECT_FALSE(parse_request_path("/version", info));
}

TEST(Accept, TakesTheFirstThatCanBeServed) {
  EXPECT_TRUE(negotiate_object("application/vnd.kubernetes.protobuf,application/json").found);
  EXPECT_FALSE(negotiate_object("application/vnd.kubernetes.protobuf").found);
  EXPECT_EQ(negotiate_object(kTable).format.form, AnswerForm::Table);
  EXPECT_EQ(negotiate_object("").format.form, AnswerForm::Object);
  EXPECT_EQ(negotiate_discovery(kAggregated).version, "v2");
  EXPECT_EQ(negotiate_discovery("application/json, */*").version, "");
}

}  // namespace
}  // namespace lateen::sandbox
