#include "sandbox/testing/http_api.h"

#include <cstdlib>
#include <utility>

#include <gtest/gtest.h>

#include "base/yaml.h"
#include "kube/object.h"
#include "sandbox/api/bootstrap.h"

namespace lateen::sandbox::testing {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().describe();
    std::abort();
  }
  return std::move(*result);
}

}  // namespace

HttpApi::HttpApi()
    : dir_(must(TempDir::create("lateen-http-api"))),
      store_(must(Store::open({.path = (dir_.path() / "state.db").string()}))),
      api_(std::make_unique<ApiServer>(*store_, clock_, rng_, Log())),
      tokens_(std::make_unique<TokenAuthority>(Secret("a key of the tests"), *store_, clock_)),
      front_(std::make_unique<Front>(*api_, *tokens_)),
      server_(must(net::HttpServer::start({}, *front_))),
      client_(must(net::HttpClient::open({}))) {
  front_->set_ready(true);
  const Status made = ensure_initial_objects(*api_, server_->port());
  EXPECT_TRUE(made) << made.error().describe();
  admin_ = token_of("kube-system", "test-admin");
  create(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: test-admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: test-admin, namespace: kube-system}]
)");
}

HttpApi::~HttpApi() {
  stop();
}

void HttpApi::stop() {
  server_->stop();
}

Told HttpApi::ask(const Ask& what) {
  net::HttpRequest request;
  request.method = what.method;
  request.url = server_->url() + what.target;
  request.headers = what.headers;
  const std::string& token = what.token.empty() ? admin_ : what.token;
  if (token != "-") request.headers.add("Authorization", "Bearer " + token);
  request.headers.add("Accept", what.accept);
  if (!what.body.empty()) {
    request.headers.add("Content-Type", what.content_type);
    const auto tree = parse_yaml(what.body);
    request.body = tree ? write_json(*tree) : what.body;
  }
  request.deadline = Deadline::after(std::chrono::seconds(60));
  auto answer = client_->send(request, {});
  EXPECT_TRUE(answer) << answer.error().describe();
  if (!answer) return {};
  Told told{.status = answer->status, .headers = answer->headers, .text = answer->body};
  if (auto json = parse_json(answer->body)) told.json = std::move(*json);
  return told;
}

void HttpApi::create(std::string_view yaml) {
  for (Json& object : must(parse_yaml_documents(yaml))) {
    const auto served = api_->find_kind(kube::api_version_of(object), kube::kind_of(object));
    ASSERT_TRUE(served) << kube::kind_of(object);
    const std::string ns(kube::namespace_of(object));
    const auto made = api_->create(served->type.gvr, ns, std::move(object), {});
    ASSERT_TRUE(made) << made.error().message();
  }
}

std::string HttpApi::token_of(std::string_view ns, std::string_view account) {
  const GroupVersionResource accounts{.group = "", .version = "v1", .resource = "serviceaccounts"};
  const Json object = {{"metadata", {{"name", account}}}};
  const auto made = api_->create(accounts, ns, object, {});
  EXPECT_TRUE(made || made.error().is(Code::AlreadyExists)) << made.error().message();
  return must(tokens_->issue({.ns = std::string(ns), .service_account = std::string(account)}))
      .token;
}

}  // namespace lateen::sandbox::testing
