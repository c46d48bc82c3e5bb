#include "net/retry.h"

#include <algorithm>
#include <ctime>

#include "base/random.h"
#include "base/text.h"
#include "net/url.h"

namespace lateen::net {

namespace {

bool asks_for_retry(int status, std::string_view method, bool unsafe_too) {
  if (status == 429) return true;
  const bool overloaded = status == 502 || status == 503 || status == 504;
  return overloaded && (unsafe_too || is_idempotent(method));
}

double jitter(Rng& rng) {
  return static_cast<double>(random_below(rng, 1'000'000)) / 1e6;
}

// Nothing if the peer wants us to stay away for longer than we are willing to wait.
std::optional<Duration> next_wait(const RetryPolicy& policy,
                                  const RetryTools& tools,
                                  const Result<HttpResponse>& result,
                                  int failures) {
  if (result) {
    const auto asked = parse_retry_after(result->headers.get("Retry-After"), tools.clock.now());
    if (asked && *asked > policy.max_retry_after) return std::nullopt;
    if (asked) return *asked;
  }
  return backoff(policy, failures, jitter(tools.rng));
}

}  // namespace

std::optional<TimePoint> parse_http_date(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* const end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

std::optional<Duration> parse_retry_after(std::string_view value, TimePoint now) {
  const std::string_view text = trim(value);
  constexpr std::int64_t kYear = 365LL * 24 * 3600;
  if (const auto seconds = parse_int(text)) {
    return std::chrono::seconds(std::clamp<std::int64_t>(*seconds, 0, kYear));
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::max(Duration::zero(), *date - now);
}

Duration backoff(const RetryPolicy& policy, int failures, double jitter_share) {
  Duration wait = policy.first_backoff;
  for (int i = 1; i < failures && wait < policy.max_backoff; ++i)
    wait *= 2;
  wait = std::min(wait, policy.max_backoff);
  const auto half = static_cast<double>(wait.count()) / 2;
  return Duration(static_cast<Duration::rep>(half + half * jitter_share));
}

bool should_retry(const RetryPolicy& policy,
                  std::string_view method,
                  const Result<HttpResponse>& result) {
  if (result) return asks_for_retry(result->status, method, policy.retry_unsafe_methods);
  if (result.error().retryable()) return true;
  return policy.retry_unsafe_methods && !is_idempotent(method) &&
         result.error().is(Code::Unavailable);
}

Result<HttpResponse> send_with_retry(HttpClient& client,
                                     const HttpRequest& request,
                                     const RetryPolicy& policy,
                                     const RetryTools& tools,
                                     std::stop_token stop) {
  for (int attempt = 1;; ++attempt) {
    if (attempt > 1 && request.source != nullptr) TRY(request.source->rewind());
    Result<HttpResponse> result = client.send(request, stop);
    if (attempt >= policy.max_attempts || !should_retry(policy, request.method, result)) {
      return result;
    }
    const std::optional<Duration> wait = next_wait(policy, tools, result, attempt);
    if (!wait || *wait >= request.deadline.remaining()) return result;
    if (!sleep_unless_stopped(*wait, stop)) {
      return Error(Code::Canceled, "{} {}: stopped while waiting to try again", request.method,
                   redact_url(request.url));
    }
  }
}

}  // namespace lateen::net
