// Faults on request as clients meet them: raw HTTP for what goes over the wire, and Lateen's own
// client for what a program makes of it.
#include "sandbox/faults/fault_gate.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "kube/list.h"
#include "kube/watch.h"
#include "net/http_client.h"
#include "sandbox/testing/rest_api.h"

namespace lateen::sandbox {
namespace {

using namespace std::literals;
using kube::EventType;

const kube::GroupVersionResource kConfigMaps{
    .group = "", .version = "v1", .resource = "configmaps"};

class FaultGateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = net::HttpClient::open({});
    ASSERT_TRUE(opened);
    raw_ = std::move(*opened);
    for (const char* name : {"a", "b", "c"})
      rest_.create_yaml(
          fmt::format("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {}, namespace: "
                      "default}}, data: {{k: v}}}}",
                      name));
  }

  void add(std::string_view json) {
    auto fault = parse_fault(*parse_json(json));
    ASSERT_TRUE(fault) << fault.error().message();
    ASSERT_TRUE(rest_.faults().add(std::move(*fault)));
  }

  net::HttpRequest request(std::string method, std::string_view path, Bytes body = {}) {
    net::HttpRequest out;
    out.method = std::move(method);
    out.url = rest_.url() + std::string(path);
    out.headers = {{"Authorization", "Bearer " + rest_.token()},
                   {"Content-Type", "application/json"},
                   {"User-Agent", "tester/1"}};
    out.body = std::move(body);
    out.deadline = Deadline::after(60s);
    return out;
  }

  Result<net::HttpResponse> send(std::string method, std::string_view path, Bytes body = {}) {
    return raw_->send(request(std::move(method), path, std::move(body)), {});
  }

  // All that a watch says until it ends, and how it ends: nothing for an orderly end.
  std::pair<std::string, std::optional<Code>> watch_to_end(std::string_view query) {
    auto stream = raw_->open_stream(
        request("GET", fmt::format("/api/v1/namespaces/default/configmaps?watch=1&{}", query)), {});
    if (!stream) return {"", stream.error().code()};
    std::string all;
    for (;;) {
      auto piece = (*stream)->read(Deadline::after(60s), {});
      if (!piece) return {all, piece.error().code()};
      if (!*piece) return {all, std::nullopt};
      all += **piece;
    }
  }

  kube::ObjectPath config_map(std::string name = {}) const {
    return {.gvr = kConfigMaps, .ns = "default", .name = std::move(name)};
  }

  static std::size_t lines_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  testing::RestApi rest_;
  std::unique_ptr<net::HttpClient> raw_;
};

TEST_F(FaultGateTest, ThrottlesAsTheApiServerDoes) {
  add(R"({"kind":"throttle","resources":["configmaps"],"userAgents":["tester*"],"retryAfter":"2s"})");
  const auto answer = send("GET", "/api/v1/namespaces/default/configmaps/a");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(answer->headers.get("Retry-After"), "2");
  EXPECT_EQ(answer->headers.get("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer->body, "Too many requests, please try again later.\n");
  EXPECT_EQ(send("GET", "/api/v1/namespaces/default")->status, 200);
  EXPECT_TRUE(rest_.client().get(config_map("a")));  // another user agent
}

TEST_F(FaultGateTest, IsWaitedOutByLateensClient) {
  for (const std::string_view fault :
       {R"({"kind":"throttle","retryAfter":"0s","count":1})",
        R"({"kind":"error","status":500,"count":1})", R"({"kind":"error","status":503,"count":1})",
        R"({"kind":"reset","count":1})", R"({"kind":"reset","when":"during","count":1})"}) {
    add(fault);
    const auto read = rest_.client().get(config_map("a"));
    ASSERT_TRUE(read) << fault << ": " << read.error().message();
    EXPECT_EQ(string_at(*read, "data.k"), "v");
    EXPECT_EQ(rest_.faults().list().front().struck, 1U) << fault;
    ASSERT_TRUE(rest_.faults().clear(""));
  }
}

TEST_F(FaultGateTest, FailsWithAStatusThatSaysWhy) {
  add(R"({"kind":"error","message":"etcdserver: request timed out","verbs":["get"]})");
  const auto answer = send("GET", "/api/v1/namespaces/default/configmaps/a");
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(answer->body, R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
                          R"("message":"Internal error occurred: etcdserver: request timed out",)"
                          R"("reason":"InternalError","details":{"causes":[)"
                          R"({"message":"etcdserver: request timed out"}]},"code":500})");
}

TEST_F(FaultGateTest, CutsConnectionsBeforeTheWork) {
  add(R"({"kind":"reset","verbs":["delete"]})");
  const auto answer = send("DELETE", "/api/v1/namespaces/default/configmaps/a");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::Unavailable);
  EXPECT_TRUE(rest_.api().get(kConfigMaps, "default", "a"));
}

TEST_F(FaultGateTest, CutsConnectionsAfterTheWork) {
  add(R"({"kind":"reset","when":"after","names":["new"]})");
  const auto answer = send("POST", "/api/v1/namespaces/default/configmaps",
                           R"({"metadata":{"name":"new"},"data":{"k":"v"}})");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::Unavailable);
  EXPECT_TRUE(rest_.api().get(kConfigMaps, "default", "new"));
}

TEST_F(FaultGateTest, CutsAnswersInHalf) {
  add(R"({"kind":"reset","when":"during","verbs":["list"]})");
  auto stream = raw_->open_stream(request("GET", "/api/v1/namespaces/default/configmaps"), {});
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_EQ((*stream)->status(), 200);
  std::string seen;
  Result<std::optional<Bytes>> piece = std::optional<Bytes>();
  while ((piece = (*stream)->read(Deadline::after(60s), {})) && *piece)
    seen += **piece;
  ASSERT_FALSE(piece) << "it came whole: " << seen;
  EXPECT_EQ(piece.error().code(), Code::Unavailable);
}

TEST_F(FaultGateTest, ConflictsAsAStaleVersionDoes) {
  add(R"({"kind":"conflict","count":1})");
  Json object = *rest_.client().get(config_map("a"));
  const auto stale = rest_.client().update(config_map("a"), object);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), Code::Conflict);
  EXPECT_EQ(stale.error().message(),
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; "
            "please apply your changes to the latest version and try again");
  EXPECT_TRUE(rest_.client().update(config_map("a"), object));
}

TEST_F(FaultGateTest, ExpiresOnlyWhatCanExpire) {
  add(R"({"kind":"gone","resources":["configmaps"]})");
  EXPECT_TRUE(rest_.client().list(config_map()));
  const auto [first, first_end] = watch_to_end("timeoutSeconds=1");
  EXPECT_EQ(first.find("ERROR"), std::string::npos) << first;
  const auto [old, old_end] = watch_to_end("resourceVersion=1");
  EXPECT_TRUE(old.starts_with(R"({"type":"ERROR","object":{"kind":"Status")")) << old;
  EXPECT_NE(old.find(R"("reason":"Expired","code":410)"), std::string::npos) << old;
}

TEST_F(FaultGateTest, ListsGoOnBehindAnExpiredToken) {
  add(R"({"kind":"gone","verbs":["list"],"count":1})");
  kube::ListPager pager(rest_.client(), config_map(), {.page_size = 1});
  std::size_t seen = 0;
  for (;;) {
    auto page = pager.next();
    ASSERT_TRUE(page) << page.error().message();
    if (!*page) break;
    seen += (*page)->items().size();
  }
  EXPECT_GE(seen, 3U);
  EXPECT_NE(pager.how(), kube::Listing::Consistent);
}

TEST_F(FaultGateTest, DropsAWatchAfterSoManyEvents) {
  add(R"({"kind":"watch-drop","events":2})");
  const auto [seen, end] = watch_to_end("");
  EXPECT_EQ(lines_of(seen), 2U) << seen;
  EXPECT_EQ(end, Code::Unavailable);
}

TEST_F(FaultGateTest, ExpiresAWatchAfterSoManyEvents) {
  add(R"({"kind":"gone","events":1,"verbs":["watch"]})");
  const auto [seen, end] = watch_to_end("resourceVersion=1");
  EXPECT_EQ(lines_of(seen), 2U) << seen;
  EXPECT_NE(seen.find(R"("code":410)"), std::string::npos) << seen;
}

TEST_F(FaultGateTest, DropsAWatchAfterItsTime) {
  add(R"({"kind":"watch-drop","delay":"3s"})");
  const auto [seen, end] = watch_to_end("");
  EXPECT_EQ(lines_of(seen), 3U) << seen;
  EXPECT_EQ(end, Code::Unavailable);
}

TEST_F(FaultGateTest, IsLateByItsDelay) {
  add(R"({"kind":"latency","delay":"120ms","count":1})");
  const auto begun = monotonic_now();
  EXPECT_EQ(send("GET", "/api/v1/namespaces/default")->status, 200);
  EXPECT_GE(monotonic_now() - begun, 120ms);
}

TEST_F(FaultGateTest, HappensToPathsThatAreNoResources) {
  add(R"({"kind":"error","paths":["/apis*"],"status":504})");
  EXPECT_EQ(send("GET", "/apis")->status, 504);
  EXPECT_EQ(send("GET", "/api")->status, 200);
}

TEST_F(FaultGateTest, IsNotForEverybodyToAskFor) {
  const auto answer = send("POST", "/sandbox/faults", R"({"kind":"throttle"})");
  EXPECT_EQ(answer->status, 403);
  EXPECT_NE(answer->body.find("faults are for cluster administrators"), std::string::npos)
      << answer->body;
  EXPECT_TRUE(rest_.faults().empty());
}

}  // namespace
}  // namespace lateen::sandbox
