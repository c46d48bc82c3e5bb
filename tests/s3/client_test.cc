// What a client puts right by itself, and how it explains what it can't: against a server that says
// what S3 documents.
#include <atomic>

#include <gtest/gtest.h>

#include "base/testing/fake_clock.h"
#include "base/text.h"
#include "net/testing/test_server.h"
#include "s3/servers.h"

namespace lateen::objects::s3 {
namespace {

using net::HttpResponse;
using net::ServerExchange;
using net::testing::must;
using net::testing::TestServer;

constexpr const char* kEmptyListing =
    "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

std::string error_xml(std::string_view code, std::string_view more = {}) {
  return fmt::format(
      "<Error><Code>{}</Code><Message>m</Message>{}<RequestId>R1</RequestId></Error>", code, more);
}

// Answers each request by a rule of the test's.
class S3Peer {
 public:
  using Rule = std::function<HttpResponse(const net::ServerRequest&)>;

  explicit S3Peer(Rule rule)
      : rule_(std::move(rule)), server_([this](ServerExchange& exchange) {
          ++requests_;
          (void)exchange.respond(rule_(exchange.request()));
        }) {}

  std::string url() const {
    std::string url = server_.url();
    url.pop_back();
    return url;
  }

  int requests() const { return requests_; }

 private:
  const Rule rule_;
  std::atomic<int> requests_ = 0;
  TestServer server_;
};

std::string scope_region(const net::ServerRequest& request) {
  const std::string_view authorization = request.headers.get("Authorization");
  const Cut credential = cut(authorization, "Credential=");
  const std::vector<std::string_view> parts = split(credential.after, '/');
  return parts.size() > 2 ? std::string(parts[2]) : std::string();
}

std::unique_ptr<ObjectStore> open(S3Config config) {
  net::aws::Credentials credentials = test_credentials();
  credentials.source = "the web identity (IRSA)";
  return must(open_s3_store(std::move(config), net::aws::fixed_credentials(credentials)));
}

TEST(S3Client, LearnsAServersClock) {
  auto clock = std::make_shared<FakeClock>("2020-01-01T00:00:00Z");  // far behind
  const S3Peer peer([](const net::ServerRequest& request) -> HttpResponse {
    const auto date = net::aws::parse_amz_date(request.headers.get("X-Amz-Date"));
    const Duration off = *date - *parse_rfc3339("2026-11-22T10:09:21Z");
    HttpResponse response{.status = 200, .body = kEmptyListing};
    if (off < -std::chrono::minutes(15) || off > std::chrono::minutes(15)) {
      response = {.status = 403, .body = error_xml("RequestTimeTooSkewed")};
    }
    response.headers.set("Date", "Sun, 22 Nov 2026 10:09:21 GMT");
    return response;
  });
  S3Config config = test_config(peer.url(), "bucket");
  config.clock = clock;
  const auto store = open(std::move(config));
  const auto listed = store->list("");
  EXPECT_TRUE(listed) << listed.error().describe();
  EXPECT_EQ(peer.requests(), 2);
  EXPECT_TRUE(store->list(""));
  EXPECT_EQ(peer.requests(), 3);
}

TEST(S3Client, FollowsABucketToItsRegion) {
  const S3Peer peer([](const net::ServerRequest& request) -> HttpResponse {
    if (scope_region(request) == "eu-west-1") return {.status = 200, .body = kEmptyListing};
    return {.status = 400,
            .body = error_xml("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")};
  });
  const auto store = open(test_config(peer.url(), "bucket"));
  EXPECT_TRUE(store->list(""));
  EXPECT_TRUE(store->list(""));
  EXPECT_EQ(peer.requests(), 3);
}

TEST(S3Client, AsksForTheRegionThatNobodyNamed) {
  const S3Peer peer([](const net::ServerRequest& request) -> HttpResponse {
    if (request.method == "HEAD") {
      return {.status = 403, .headers = {{"x-amz-bucket-region", "ap-south-1"}}};
    }
    if (scope_region(request) != "ap-south-1") return {.status = 500};
    return {.status = 200, .body = kEmptyListing};
  });
  S3Config config = test_config("", "bucket");
  config.region.clear();
  config.environment = [url = peer.url()](const std::string& name) -> std::optional<std::string> {
    if (name == "AWS_ENDPOINT_URL_S3") return url;
    return std::nullopt;
  };
  const auto listed = open(std::move(config))->list("");
  EXPECT_TRUE(listed) << listed.error().describe();
  EXPECT_EQ(peer.requests(), 2);
}

TEST(S3Client, NamesThePermissionThatIsMissing) {
  const S3Peer peer([](const net::ServerRequest&) -> HttpResponse {
    return {.status = 403, .body = error_xml("AccessDenied")};
  });
  const auto store = open(test_config(peer.url(), "bucket"));
  const auto listed = store->list("");
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code(), Code::Forbidden);
  EXPECT_EQ(listed.error().message(), "bucket bucket: AccessDenied: m (request R1)");
  EXPECT_EQ(listed.error().hint(),
            "The credentials from the web identity (IRSA) need s3:ListBucket on "
            "arn:aws:s3:::bucket.");
  EXPECT_EQ(store->put("k", "x").error().hint(),
            "The credentials from the web identity (IRSA) need s3:PutObject on "
            "arn:aws:s3:::bucket/*.");
  EXPECT_NE(store->head("k").error().hint().find("without which an object that isn't there is "
                                                 "refused too"),
            std::string::npos);
  EXPECT_EQ(peer.requests(), 3);
}

TEST(S3Client, TriesAgainWhenToldToSlowDown) {
  std::atomic<int> left = 2;
  const S3Peer peer([&left](const net::ServerRequest&) -> HttpResponse {
    if (left-- > 0) return {.status = 503, .body = error_xml("SlowDown")};
    return {.status = 200, .body = kEmptyListing};
  });
  EXPECT_TRUE(open(test_config(peer.url(), "bucket"))->list(""));
  EXPECT_EQ(peer.requests(), 3);
}

TEST(S3Client, SendsTheBodyUnsignedOverTlsOnly) {
  std::string over_http;
  const S3Peer peer([&over_http](const net::ServerRequest& request) -> HttpResponse {
    over_http = request.headers.get("X-Amz-Content-Sha256");
    return {.status = 200};
  });
  ASSERT_TRUE(open(test_config(peer.url(), "bucket"))->put("k", "hello"));
  EXPECT_EQ(over_http, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  std::string over_tls;
  const TestServer secure(
      [&over_tls](ServerExchange& exchange) {
        over_tls = exchange.request().headers.get("X-Amz-Content-Sha256");
        (void)exchange.respond({.status = 200});
      },
      TestServer::with_tls());
  S3Config config = test_config(secure.url(), "bucket");
  config.tls.ca_pem = net::testing::Authority::get().ca.certificate_pem;
  const Status put = open(std::move(config))->put("k", "hello");
  ASSERT_TRUE(put) << put.error().describe();
  EXPECT_EQ(over_tls, "UNSIGNED-PAYLOAD");
}

}  // namespace
}  // namespace lateen::objects::s3
