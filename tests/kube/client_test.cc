#include "kube/client.h"

#include "base/file.h"
#include "base/temp.h"
#include "kube/client_transport.h"
#include "kube/testing/fake_api.h"
#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

using namespace std::literals;

const std::string kOne = std::string(kConfigMaps) + "/c1";

TEST(Client, GetsAnObject) {
  FakeApi api;
  api.answer("GET " + kOne, 200, R"({"kind":"ConfigMap","metadata":{"name":"c1"}})");
  const auto object = api.client()->get(config_maps("c1"));
  ASSERT_TRUE(object) << object.error().message();
  EXPECT_EQ(string_at(*object, "metadata.name"), "c1");
  EXPECT_EQ(api.asked().front().headers.get("User-Agent"), "lateen");
  EXPECT_EQ(api.asked().front().headers.get("Accept"), "application/json");
}

struct RefusalCase {
  int http;
  const char* reason;
  Code code;
};

TEST(Client, TurnsRefusalsIntoCodesWithTheServersOwnWords) {
  for (const RefusalCase& c :
       {RefusalCase{404, "NotFound", Code::NotFound},
        RefusalCase{409, "AlreadyExists", Code::AlreadyExists},
        RefusalCase{409, "Conflict", Code::Conflict},
        RefusalCase{403, "Forbidden", Code::Forbidden},
        RefusalCase{401, "Unauthorized", Code::Unauthenticated},
        RefusalCase{410, "Expired", Code::Gone}, RefusalCase{422, "Invalid", Code::InvalidArgument},
        RefusalCase{400, "BadRequest", Code::InvalidArgument},
        RefusalCase{415, "UnsupportedMediaType", Code::Unsupported},
        RefusalCase{500, "InternalError", Code::Unavailable}}) {
    FakeApi api;
    api.answer("GET " + kOne, c.http, status_body(c.http, c.reason, "what the server says"));
    CallReport report;
    const auto object = api.client()->get(config_maps("c1"), {.report = &report});
    ASSERT_FALSE(object) << c.reason;
    EXPECT_EQ(object.error().code(), c.code) << c.reason;
    EXPECT_EQ(object.error().message(), "what the server says");
    EXPECT_EQ(report.http_status, c.http);
    ASSERT_TRUE(report.status);
    EXPECT_EQ(report.status->reason, c.reason);
  }
}

TEST(Client, KeepsTheCausesOfARefusal) {
  FakeApi api;
  api.answer("POST " + std::string(kConfigMaps), 422,
             status_body(422, "Invalid", "no",
                         R"(,"details":{"name":"c","kind":"ConfigMap","causes":[)"
                         R"({"reason":"FieldValueInvalid","message":"m","field":"data"}]})"));
  CallReport report;
  ASSERT_FALSE(api.client()->create(config_maps(), JsonObject(), {.report = &report}));
  ASSERT_EQ(report.status->causes.size(), 1U);
  EXPECT_EQ(report.status->causes[0].field, "data");
  EXPECT_EQ(report.status->kind, "ConfigMap");
  EXPECT_TRUE(report.status->has_cause("FieldValueInvalid"));
}

TEST(Client, SaysWhatAPlainTextRefusalSays) {
  FakeApi api;
  const auto object = api.client()->get(config_maps("nope"));
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Code::NotFound);
  EXPECT_EQ(object.error().message(), "404 page not found");
}

TEST(Client, AsksAgainAfterTooManyRequestsEvenToCreate) {
  FakeApi api;
  api.answer("POST " + std::string(kConfigMaps), 429,
             status_body(429, "TooManyRequests", "slow down"), {{"Retry-After", "0"}});
  api.answer("POST " + std::string(kConfigMaps), 201, R"({"metadata":{"name":"c1"}})");
  const auto created = api.client()->create(config_maps(), JsonObject());
  ASSERT_TRUE(created) << created.error().message();
  EXPECT_EQ(api.count("POST " + std::string(kConfigMaps)), 2U);
}

TEST(Client, AsksAgainWhenTheServerNamesTheTime) {
  FakeApi api;
  api.answer("PUT " + kOne, 503, status_body(503, "ServiceUnavailable", "starting"),
             {{"Retry-After", "0"}});
  api.answer("PUT " + kOne, 200, R"({"metadata":{"name":"c1"}})");
  EXPECT_TRUE(api.client()->update(config_maps("c1"), JsonObject()));
}

TEST(Client, DoesNotRepeatAWriteThatFailedInside) {
  FakeApi api;
  api.answer("POST " + std::string(kConfigMaps), 500,
             status_body(500, "InternalError", "etcd is sad"));
  EXPECT_FALSE(api.client()->create(config_maps(), JsonObject()));
  EXPECT_EQ(api.asked().size(), 1U);
}

TEST(Client, SoonSaysThatAReadHasNoServer) {
  FakeApi api;
  api.answer("GET " + kOne, 503, status_body(503, "ServiceUnavailable", "no backend"));
  ASSERT_FALSE(api.client()->get(config_maps("c1")));
  EXPECT_EQ(api.asked().size(), 3U);
}

TEST(Client, GivesUpWhereTheServerAsksForMoreTimeThanThereIs) {
  FakeApi api;
  api.answer("GET " + kOne, 429, status_body(429, "TooManyRequests", "slow down"),
             {{"Retry-After", "60"}});
  const auto object = api.client()->get(config_maps("c1"), {.deadline = Deadline::after(50s)});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Code::TooManyRequests);
  EXPECT_TRUE(object.error().retryable());
}

TEST(Client, HearsAStop) {
  FakeApi api;
  api.on("GET " + kOne,
         [](net::ServerExchange& exchange) { sleep_unless_stopped(60s, exchange.stop()); });
  std::stop_source stop;
  stop.request_stop();
  const auto object = api.client()->get(config_maps("c1"), {}, stop.get_token());
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Code::Canceled);
}

TEST(Client, SaysWhichServerCannotBeReachedAndWhereTheAddressComesFrom) {
  ClusterConfig cluster;
  cluster.server = "http://127.0.0.1:1";
  cluster.context = "prod";
  cluster.source = "the kubeconfig /home/me/.kube/config";
  const auto client = FakeApi::client(cluster);
  const auto object =
      client->update(config_maps("c1"), JsonObject(), {.deadline = Deadline::after(60s)});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Code::Unavailable);
  EXPECT_TRUE(
      object.error().message().starts_with("talking to the API server http://127.0.0.1:1: "))
      << object.error().message();
  EXPECT_NE(object.error().hint().find("context \"prod\" of the kubeconfig /home/me/.kube/config"),
            std::string::npos)
      << object.error().hint();
}

TEST(Client, CollectsWarnings) {
  FakeApi api;
  api.answer(
      "GET " + kOne, 200, "{}",
      {{"Warning", R"(299 - "batch/v1beta1 CronJob is \"old\"")"}, {"Warning", R"(299 - "two")"}});
  CallReport report;
  ASSERT_TRUE(api.client()->get(config_maps("c1"), {.report = &report}));
  EXPECT_EQ(report.warnings, (std::vector<std::string>{"batch/v1beta1 CronJob is \"old\"", "two"}));
}

TEST(Client, SendsWhatAWriteIsToldTo) {
  FakeApi api;
  api.answer("PATCH " + kOne, 200, "{}");
  const auto client = api.client();
  ASSERT_TRUE(
      client->patch(config_maps("c1"), PatchType::Merge, json(R"({"data":{"a":null}})"),
                    {.field_manager = "me", .dry_run = true, .field_validation = "Strict"}));
  const auto merge = api.asked().back();
  EXPECT_EQ(merge.headers.get("Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(merge.body, R"({"data":{"a":null}})");
  EXPECT_EQ(merge.query.get("fieldManager"), "me");
  EXPECT_EQ(merge.query.get("dryRun"), "All");
  EXPECT_EQ(merge.query.get("fieldValidation"), "Strict");
  ASSERT_TRUE(client->patch(config_maps("c1"), PatchType::Apply, JsonObject(), {.force = true}));
  const auto apply = api.asked().back();
  EXPECT_EQ(apply.headers.get("Content-Type"), "application/apply-patch+yaml");
  EXPECT_EQ(apply.query.get("fieldManager"), "lateen");
  EXPECT_EQ(apply.query.get("force"), "true");
}

TEST(Client, DeletesOnlyWhatThePreconditionsName) {
  FakeApi api;
  api.answer("DELETE " + kOne, 200, R"({"kind":"Status","status":"Success"})");
  ASSERT_TRUE(api.client()->remove(config_maps("c1"), {.propagation = Propagation::Foreground,
                                                       .uid = "u1",
                                                       .resource_version = "7",
                                                       .grace_period_seconds = 0}));
  EXPECT_EQ(
      write_json(json(api.asked().back().body)),
      R"({"apiVersion":"v1","gracePeriodSeconds":0,"kind":"DeleteOptions",)"
      R"("preconditions":{"resourceVersion":"7","uid":"u1"},"propagationPolicy":"Foreground"})");
}

TEST(Client, NeverDeletesACollectionForWantOfAName) {
  FakeApi api;
  EXPECT_FALSE(api.client()->remove(config_maps()));
  EXPECT_TRUE(api.asked().empty());
}

TEST(Client, RenewsARefusedTokenOnce) {
  const TempDir dir = *TempDir::create();
  ASSERT_TRUE(write_file(dir.path() / "token", "old\n"));
  FakeApi api;
  api.on("GET " + kOne, [&](net::ServerExchange& exchange) {
    // The old token has expired; kubelet writes the new one.
    (void)write_file(dir.path() / "token", "new\n");
    (void)exchange.respond(
        {.status = 401, .headers = {}, .body = status_body(401, "Unauthorized", "Unauthorized")});
  });
  api.answer("GET " + kOne, 200, "{}");
  ClusterConfig cluster = api.cluster();
  cluster.identity.token_file = (dir.path() / "token").string();
  ASSERT_TRUE(FakeApi::client(cluster)->get(config_maps("c1")));
  EXPECT_EQ(api.asked().front().headers.get("Authorization"), "Bearer old");
  EXPECT_EQ(api.asked().back().headers.get("Authorization"), "Bearer new");
}

TEST(Client, GivesUpOnATokenThatIsRefusedAgain) {
  const TempDir dir = *TempDir::create();
  ASSERT_TRUE(write_file(dir.path() / "token", "bad"));
  FakeApi api;
  api.answer("GET " + kOne, 401, status_body(401, "Unauthorized", "Unauthorized"));
  ClusterConfig cluster = api.cluster();
  cluster.identity.token_file = (dir.path() / "token").string();
  const auto object = FakeApi::client(cluster)->get(config_maps("c1"));
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Code::Unauthenticated);
  EXPECT_EQ(api.asked().size(), 2U);
}

TEST(Client, ActsAsSomebodyElse) {
  FakeApi api;
  api.answer("GET " + kOne, 200, "{}");
  ClusterConfig cluster = api.cluster();
  cluster.identity.username = "u";
  cluster.identity.password = Secret("p");
  cluster.identity.impersonate_user = "jane";
  cluster.identity.impersonate_groups = {"a", "b"};
  ASSERT_TRUE(FakeApi::client(cluster)->get(config_maps("c1")));
  const auto asked = api.asked().back();
  EXPECT_EQ(asked.headers.get("Authorization"), "Basic dTpw");
  EXPECT_EQ(asked.headers.get("Impersonate-User"), "jane");
  EXPECT_EQ(asked.headers.all("Impersonate-Group").size(), 2U);
}

TEST(Client, RefusesAnAddressThatIsNone) {
  ClusterConfig cluster;
  cluster.server = "not a url";
  cluster.source = "the kubeconfig x";
  const auto client = Client::open(cluster);
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().message().find("the server's address in the kubeconfig x"),
            std::string::npos);
}

TEST(ListQuery, LeavesTheVersionToTheContinueToken) {
  EXPECT_EQ(encode_query(
                list_query({.label_selector = "a in (b,c)", .limit = 5, .resource_version = "0"})),
            "labelSelector=a+in+%28b%2Cc%29&limit=5&resourceVersion=0");
  EXPECT_EQ(encode_query(list_query({.continue_token = "t=", .resource_version = "0"})),
            "continue=t%3D");
}

}  // namespace
}  // namespace lateen::kube
