// Sending again what a peer could not take just now.
//
//   HttpResponse r = TRY(send_with_retry(client, request, {.max_attempts = 8}, {clock, rng},
//   stop));
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"
#include "net/http_client.h"

namespace lateen {
class Rng;
}

namespace lateen::net {

// What is repeated: failures that error().retryable() allows, 429 for every method (the peer did
// not take the request), and 502, 503 and 504 for idempotent methods. Retry-After is obeyed; else
// the wait doubles, with jitter.
struct RetryPolicy {
  int max_attempts = 5;  // the first one counts
  Duration first_backoff = std::chrono::milliseconds(200);
  Duration max_backoff = std::chrono::seconds(10);
  Duration max_retry_after =
      std::chrono::minutes(2);        // a peer that asks for longer gets its answer handed on
  bool retry_unsafe_methods = false;  // POST and PATCH too: only where repeating one does no harm
};

struct RetryTools {
  const Clock& clock;  // what a Retry-After date is held against
  Rng& rng;            // jitter
};

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form of HTTP dates that is still sent.
std::optional<TimePoint> parse_http_date(std::string_view text);

// "120" or an HTTP date; nothing when it is neither. Never negative.
std::optional<Duration> parse_retry_after(std::string_view value, TimePoint now);

// How long to wait after the `failures`th failure (1, 2, …) when the peer has not said: half of the
// doubled wait, and `jitter` (0..1) of the other half.
Duration backoff(const RetryPolicy& policy, int failures, double jitter);

bool should_retry(const RetryPolicy& policy,
                  std::string_view method,
                  const Result<HttpResponse>& result);

// The last answer or error. The request's deadline bounds all attempts and the waits between them:
// a wait that would pass it is not begun.
Result<HttpResponse> send_with_retry(HttpClient& client,
                                     const HttpRequest& request,
                                     const RetryPolicy& policy,
                                     const RetryTools& tools,
                                     std::stop_token stop);

}  // namespace lateen::net
