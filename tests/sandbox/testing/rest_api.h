// The sandbox's API server on a loopback port, with nothing behind it: objects are records, nobody
// runs pods. For tests of what talks to an API server.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/temp.h"
#include "base/yaml.h"
#include "kube/client.h"
#include "kube/object.h"
#include "net/http_server.h"
#include "sandbox/api/api_server.h"
#include "sandbox/api/token_authority.h"
#include "sandbox/http/front.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox::testing {

// Fails the test when something cannot be set up. Not thread-safe.
class RestApi {
  template <typename T>
  static T must(Result<T> result) {
    if (!result) {
      ADD_FAILURE() << result.error().describe();
      std::abort();
    }
    return std::move(*result);
  }

 public:
  // `clock` is what objects' times are from; it must outlive us. Tokens go by the machine's.
  explicit RestApi(const Clock* clock = nullptr) {
    dir_ = std::make_unique<TempDir>(must(TempDir::create("lateen-api")));
    store_ = must(Store::open({.path = (dir_->path() / "state.db").string()}));
    api_ = std::make_unique<ApiServer>(*store_, clock == nullptr ? clock_ : *clock, rng_, Log());
    tokens_ = std::make_unique<TokenAuthority>(Secret("a key of the tests"), *store_, clock_);
    front_ = std::make_unique<Front>(*api_, *tokens_);
    front_->set_faults(&gate_);
    front_->set_ready(true);
    server_ = must(net::HttpServer::start({}, *front_));
    create_yaml(R"(
{apiVersion: v1, kind: Namespace, metadata: {name: default}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: admin, namespace: default}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cluster-admin}
rules:
  - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
  - {nonResourceURLs: ["*"], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: test-admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: admin, namespace: default}]
)");
    kube::ClusterConfig config;
    config.server = server_->url();
    config.source = "the test";
    config.identity.token =
        Secret(must(tokens_->issue({.ns = "default", .service_account = "admin"})).token);
    client_ = must(kube::Client::open(std::move(config)));
  }

  RestApi(const RestApi&) = delete;
  RestApi& operator=(const RestApi&) = delete;

  ~RestApi() { server_->stop(); }

  kube::Client& client() { return *client_; }

  ApiServer& api() { return *api_; }

  // What goes wrong with requests; the client's, too.
  FaultBook& faults() { return faults_; }

  std::string url() const { return server_->url(); }

  // Of the ServiceAccount that may do all.
  std::string token() const {
    return must(tokens_->issue({.ns = "default", .service_account = "admin"})).token;
  }

  // Creates the object, and then gives it its status.
  void create(const Json& object) {
    const auto served = api_->find_kind(kube::api_version_of(object), kube::kind_of(object));
    ASSERT_TRUE(served) << kube::kind_of(object);
    Json fresh = object;
    for (const std::string_view key : {"uid", "resourceVersion", "managedFields", "generation"})
      erase(ensure(fresh, "metadata").as_object(), JsonKey{key});
    auto made = api_->create(served->type.gvr, kube::namespace_of(object), fresh, {});
    ASSERT_TRUE(made) << kube::object_key(object) << ": " << made.error().message();
    const Json* status = find(object, "status");
    if (status == nullptr || served->type.find_subresource("status") == nullptr) return;
    Json with_status = std::move(*made);
    ensure(with_status, "status") = *status;
    WriteOptions options;
    options.subresource = "status";
    auto written = api_->update(served->type.gvr, std::move(with_status), options);
    EXPECT_TRUE(written) << kube::object_key(object) << ": " << written.error().message();
  }

  void create_yaml(std::string_view yaml) {
    for (const Json& object : must(parse_yaml_documents(yaml)))
      create(object);
  }

 private:
  std::unique_ptr<TempDir> dir_;
  SystemClock clock_;
  SystemRng rng_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<TokenAuthority> tokens_;
  FaultBook faults_;
  FaultGate gate_{faults_};
  std::unique_ptr<Front> front_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<kube::Client> client_;
};

}  // namespace lateen::sandbox::testing
