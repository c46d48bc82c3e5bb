#include "net/retry.h"

#include <atomic>

#include "base/random.h"
#include "testing/test_server.h"

namespace lateen::net {
namespace {

using namespace std::literals;
using testing::make_client;
using testing::must;
using testing::TestServer;

constexpr RetryPolicy kQuick{.max_attempts = 4, .first_backoff = 1ms, .max_backoff = 2ms};

class Retrying : public ::testing::Test {
 protected:
  Result<HttpResponse> send(const HttpRequest& request, const RetryPolicy& policy = kQuick) {
    return send_with_retry(*client_, request, policy, {clock_, rng_}, stop_.get_token());
  }

  const SystemClock clock_;
  SystemRng rng_;
  std::stop_source stop_;
  const std::unique_ptr<HttpClient> client_ = make_client();
};

// Refuses the first `refusals` requests.
struct Busy {
  int status;
  int refusals;
  Headers headers = {};
  std::atomic<int> requests = 0;

  void serve(ServerExchange& exchange) {
    const bool refuse = ++requests <= refusals;
    ASSERT_TRUE(exchange.respond({.status = refuse ? status : 200, .headers = headers}));
  }
};

TEST_F(Retrying, GoesOnUntilThePeerCanTakeIt) {
  Busy busy{.status = 503, .refusals = 2};
  TestServer server([&](ServerExchange& e) { busy.serve(e); });
  EXPECT_EQ(must(send({.url = server.url()})).status, 200);
  EXPECT_EQ(busy.requests, 3);
}

TEST_F(Retrying, GivesTheLastAnswerWhenAttemptsAreUsedUp) {
  Busy busy{.status = 504, .refusals = 100};
  TestServer server([&](ServerExchange& e) { busy.serve(e); });
  EXPECT_EQ(must(send({.url = server.url()})).status, 504);
  EXPECT_EQ(busy.requests, 4);
}

TEST_F(Retrying, RepeatsAPostOnlyWhenItWasNotTaken) {
  Busy broken{.status = 502, .refusals = 1};
  TestServer first([&](ServerExchange& e) { broken.serve(e); });
  EXPECT_EQ(must(send({.method = "POST", .url = first.url()})).status, 502);

  Busy limited{.status = 429, .refusals = 1};
  TestServer second([&](ServerExchange& e) { limited.serve(e); });
  EXPECT_EQ(must(send({.method = "POST", .url = second.url()})).status, 200);

  RetryPolicy unsafe = kQuick;
  unsafe.retry_unsafe_methods = true;
  broken.requests = 0;
  EXPECT_EQ(must(send({.method = "POST", .url = first.url()}, unsafe)).status, 200);
}

TEST_F(Retrying, DoesNotWaitPastTheDeadline) {
  Busy busy{.status = 429, .refusals = 1, .headers = {{"Retry-After", "60"}}};
  TestServer server([&](ServerExchange& e) { busy.serve(e); });
  const auto response = must(send({.url = server.url(), .deadline = Deadline::after(50s)}));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(busy.requests, 1);
}

TEST_F(Retrying, HandsOnAnAnswerThatAsksForTooLong) {
  Busy busy{.status = 503, .refusals = 1, .headers = {{"Retry-After", "86400"}}};
  TestServer server([&](ServerExchange& e) { busy.serve(e); });
  EXPECT_EQ(must(send({.url = server.url()})).status, 503);
}

TEST_F(Retrying, HearsAStopWhileItWaits) {
  Busy busy{.status = 503, .refusals = 1, .headers = {{"Retry-After", "60"}}};
  TestServer server([&](ServerExchange& e) {
    busy.serve(e);
    stop_.request_stop();
  });
  const auto response = send({.url = server.url()});
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().is(Code::Canceled));
}

TEST_F(Retrying, TriesARefusedConnectionAgainEvenForAPost) {
  const auto result = client_->send({.method = "POST", .url = "http://127.0.0.1:1/"}, {});
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().retryable());
  EXPECT_TRUE(should_retry(kQuick, "POST", result));
}

TEST(RetryAfter, IsSecondsOrADate) {
  const TimePoint now = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min;
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after(" 0 ", now), 0s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 37s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:48:37 GMT", now), 0s);
  EXPECT_EQ(parse_retry_after("-5", now), 0s);
  EXPECT_EQ(parse_retry_after("soon", now), std::nullopt);
  EXPECT_EQ(parse_retry_after("", now), std::nullopt);
}

TEST(Backoff, DoublesUpToItsBoundWithJitterInTheUpperHalf) {
  const RetryPolicy policy{.first_backoff = 200ms, .max_backoff = 1s};
  EXPECT_EQ(backoff(policy, 1, 0), 100ms);
  EXPECT_EQ(backoff(policy, 1, 1), 200ms);
  EXPECT_EQ(backoff(policy, 2, 0), 200ms);
  EXPECT_EQ(backoff(policy, 60, 0), 500ms);
  EXPECT_EQ(backoff(policy, 60, 1), 1s);
}

}  // namespace
}  // namespace lateen::net
