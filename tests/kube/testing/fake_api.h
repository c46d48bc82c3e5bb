// An API server of canned answers, for the odd cases that a real one shows once a year.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/thread.h"
#include "kube/client.h"
#include "net/http_server.h"

namespace lateen::kube {

// Answers "METHOD /path" by handlers in turn; the last one stays. Remembers what it was asked.
// Thread-safe.
class FakeApi final : public net::HttpHandler {
 public:
  using Handler = std::function<void(net::ServerExchange&)>;

  FakeApi() {
    auto started = net::HttpServer::start({}, *this);
    EXPECT_TRUE(started) << started.error().message();
    server_ = *std::move(started);
  }

  ~FakeApi() override { server_->stop(); }

  void on(const std::string& what, Handler handler) {
    const Lock lock(mu_);
    handlers_[what].push_back(std::move(handler));
  }

  // The same with a JSON answer.
  void answer(const std::string& what, int status, std::string body, net::Headers headers = {}) {
    headers.set_default("Content-Type", "application/json");
    on(what, [=](net::ServerExchange& exchange) {
      (void)exchange.respond({.status = status, .headers = headers, .body = body});
    });
  }

  void serve(net::ServerExchange& exchange) override {
    const net::ServerRequest& request = exchange.request();
    Handler handler;
    {
      const Lock lock(mu_);
      asked_.push_back(request);
      const auto it = handlers_.find(request.method + " " + request.path);
      if (it != handlers_.end() && !it->second.empty()) {
        handler = it->second.front();
        if (it->second.size() > 1) it->second.pop_front();
      }
    }
    if (handler) {
      handler(exchange);
    } else {
      (void)exchange.respond({.status = 404, .headers = {}, .body = "404 page not found"});
    }
  }

  std::vector<net::ServerRequest> asked() const {
    const Lock lock(mu_);
    return asked_;
  }

  // How often that was asked.
  std::size_t count(const std::string& what) const {
    std::size_t n = 0;
    for (const auto& request : asked())
      n += (request.method + " " + request.path) == what ? 1 : 0;
    return n;
  }

  ClusterConfig cluster() const {
    ClusterConfig config;
    config.server = server_->url();
    config.source = "the test";
    return config;
  }

  std::unique_ptr<Client> client() const { return client(cluster()); }

  static std::unique_ptr<Client> client(ClusterConfig config, ClientOptions options = {}) {
    auto opened = Client::open(std::move(config), std::move(options));
    EXPECT_TRUE(opened) << opened.error().message();
    return *std::move(opened);
  }

 private:
  mutable Mutex mu_;
  std::map<std::string, std::deque<Handler>> handlers_ LATEEN_GUARDED_BY(mu_);
  std::vector<net::ServerRequest> asked_ LATEEN_GUARDED_BY(mu_);
  std::unique_ptr<net::HttpServer> server_;
};

inline ObjectPath config_maps(std::string name = {}) {
  return {.gvr = {.group = "", .version = "v1", .resource = "configmaps"},
          .ns = "shop",
          .name = std::move(name),
          .subresource = {}};
}

inline constexpr const char* kConfigMaps = "/api/v1/namespaces/shop/configmaps";

inline std::string status_body(int code,
                               const std::string& reason,
                               const std::string& message,
                               const std::string& more = "") {
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" +
         message + R"(","reason":")" + reason + R"(","code":)" + std::to_string(code) + more + "}";
}

}  // namespace lateen::kube
