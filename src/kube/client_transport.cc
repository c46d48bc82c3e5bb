#include "kube/client_transport.h"

#include <fmt/format.h>

#include "base/text.h"
#include "net/retry.h"
#include "net/url.h"

namespace lateen::kube {
namespace {

using std::chrono::seconds;

constexpr int kMaxAttempts =
    10;  // where the server says that it wants to be asked again; client-go's
constexpr int kMaxUnasked =
    3;  // else: a person who waits for `get` should soon hear that the server is down
constexpr ByteCount kMaxAnswer = 1_GiB;       // an unpaged list; pages are far smaller
constexpr ByteCount kMaxStreamError = 1_MiB;  // of an error's body on a stream

// The wait before attempt n+1 where the server does not name one.
constexpr net::RetryPolicy kBackoff{.max_attempts = kMaxAttempts,
                                    .first_backoff = std::chrono::milliseconds(200),
                                    .max_backoff = seconds(10),
                                    .max_retry_after = std::chrono::minutes(2),
                                    .retry_unsafe_methods = false};

bool is_loopback(std::string_view server) {
  const auto url = net::Url::parse(server);
  return url && (url->host == "localhost" || url->host == "::1" || url->host.starts_with("127."));
}

std::optional<Duration> asked_wait(const net::HttpResponse& response, TimePoint now) {
  const std::string_view value = response.headers.get("Retry-After");
  return value.empty() ? std::nullopt : net::parse_retry_after(value, now);
}

bool is_read(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

// Whether the server has surely not done what was asked (429, 5xx with Retry-After), or doing it
// twice is no harm (reads).
bool may_repeat(const ApiCall& call, const Result<net::HttpResponse>& result, bool asked) {
  if (!result) {
    // net says `retryable` of a lost PUT or DELETE, too; but the first may have arrived, and then
    // the second fails (409, 404).
    const bool repeats_safely = call.method != "PUT" && call.method != "DELETE";
    return repeats_safely && result.error().retryable() &&
           !result.error().is(Code::DeadlineExceeded);
  }
  const int status = result->status;
  if (status == 429) return true;
  if (status < 500) return false;
  // A read that failed inside (500: etcd's leader changes) is as good as one that was never sent.
  return asked || is_read(call.method);
}

AdaptiveLimiter::Outcome outcome_of(const Result<net::HttpResponse>& result) {
  if (!result) return AdaptiveLimiter::Outcome::Lost;
  const bool throttled =
      result->status == 429 || (result->status == 503 && result->headers.contains("Retry-After"));
  return throttled ? AdaptiveLimiter::Outcome::Throttled : AdaptiveLimiter::Outcome::Answered;
}

void fill_report(CallReport* report, const net::HttpResponse& response) {
  if (report == nullptr) return;
  report->http_status = response.status;
  report->warnings = parse_warnings(response.headers);
  report->headers = response.headers;
  if (!response.ok()) report->status = status_of_answer(response.status, response.body);
}

}  // namespace

std::vector<std::string> parse_warnings(const net::Headers& headers) {
  std::vector<std::string> texts;
  for (std::string_view value : headers.all("Warning")) {
    const std::size_t quote = value.find('"');
    if (!value.starts_with("299") || quote == std::string_view::npos) continue;
    std::string text;
    for (std::size_t i = quote + 1; i < value.size() && value[i] != '"'; ++i) {
      if (value[i] == '\\' && i + 1 < value.size()) ++i;
      text += value[i];
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

ClientTransport::ClientTransport(Key, const ClusterConfig& cluster, const ClientOptions& options)
    : cluster_(cluster),
      options_(options),
      // On the same machine gzip costs more time than it saves.
      accept_gzip_(!cluster.disable_compression && !is_loopback(cluster.server)),
      credentials_(cluster, clock_),
      limiter_(options.limiter) {}

Result<std::unique_ptr<ClientTransport>> ClientTransport::open(const ClusterConfig& cluster,
                                                               const ClientOptions& options) {
  TRY(net::Url::parse(cluster.server).wrap("the server's address in {}", cluster.source));
  auto transport = std::make_unique<ClientTransport>(Key{}, cluster, options);
  Credential fixed;
  fixed.client_certificate_pem = cluster.identity.client_certificate_pem;
  fixed.client_key_pem = cluster.identity.client_key_pem;
  TRY(transport->pool_for(fixed));
  return transport;
}

net::TlsOptions ClientTransport::tls_for(const Credential& credential) const {
  return {.ca_pem = cluster_.ca_pem,
          .client_certificate_pem = std::string(credential.client_certificate_pem.reveal()),
          .client_key_pem = credential.client_key_pem,
          .insecure_skip_verify = cluster_.insecure_skip_tls_verify,
          .server_name = cluster_.tls_server_name};
}

Result<ClientTransport::Pool> ClientTransport::pool_for(const Credential& credential) {
  const std::string_view certificate = credential.client_certificate_pem.reveal();
  {
    const Lock lock(mu_);
    if (http_ != nullptr && http_certificate_ == certificate) return http_;
  }
  std::shared_ptr<net::HttpClient> made =
      TRY(net::HttpClient::open(
              {
                  .tls = tls_for(credential),
                  .max_connections = options_.limiter.max + 64,  // watches and streams come on top
                  .http2 = true,
                  .user_agent = options_.user_agent,
                  .proxy_url = cluster_.proxy_url,
              })
              .wrap("preparing to talk to {} ({})", cluster_.server, cluster_.source));
  const Lock lock(mu_);
  http_ = made;
  http_certificate_ = certificate;
  return made;
}

net::Headers ClientTransport::identity_headers(const Credential& credential) const {
  net::Headers headers;
  if (!credential.authorization.empty()) {
    headers.set("Authorization", credential.authorization.reveal());
  }
  if (!cluster_.identity.impersonate_user.empty()) {
    headers.set("Impersonate-User", cluster_.identity.impersonate_user);
  }
  for (const std::string& group : cluster_.identity.impersonate_groups) {
    headers.add("Impersonate-Group", group);
  }
  return headers;
}

net::HttpRequest ClientTransport::make_request(const ApiCall& call,
                                               const Credential& credential) const {
  net::HttpRequest request;
  request.method = call.method;
  request.url = cluster_.server + call.url_path;
  if (!call.query.empty()) request.url += "?" + encode_query(call.query);
  request.headers = identity_headers(credential);
  request.headers.set("Accept", call.accept.empty() ? "application/json" : call.accept);
  if (!call.content_type.empty()) request.headers.set("Content-Type", call.content_type);
  request.body = call.body;
  request.deadline = call.deadline;
  request.accept_gzip = accept_gzip_;
  request.max_response = kMaxAnswer;
  return request;
}

Result<net::HttpResponse> ClientTransport::send_once(const ApiCall& call,
                                                     const Credential& credential,
                                                     bool holds_place,
                                                     const Exchange& exchange,
                                                     std::stop_token stop) {
  const Pool http = TRY(pool_for(credential));
  const net::HttpRequest request = make_request(call, credential);
  std::optional<AdaptiveLimiter::Permit> place;
  if (holds_place) place.emplace(TRY(limiter_.acquire(call.deadline, stop)));
  auto result = exchange(http, request);
  if (place) place->finish(outcome_of(result));
  return result;
}

Error ClientTransport::unreachable(Error error) const {
  const bool hinted = !error.hint().empty();
  Error out = std::move(error).wrap("talking to the API server {}", cluster_.server);
  if (hinted || out.is(Code::Canceled)) return out;
  const std::string context =
      cluster_.context.empty() ? "" : fmt::format("context \"{}\" of ", cluster_.context);
  return std::move(out).with_hint(
      fmt::format("Is the cluster running and reachable from here? The address comes from {}{}.",
                  context, cluster_.source));
}

Result<net::HttpResponse> ClientTransport::send_with_retries(const ApiCall& call,
                                                             bool holds_place,
                                                             const Exchange& exchange,
                                                             std::stop_token stop) {
  bool renewed = false;
  for (int attempt = 1;; ++attempt) {
    const Credential credential = TRY(credentials_.current(call.deadline, stop));
    auto result = send_once(call, credential, holds_place, exchange, stop);
    if (result) fill_report(call.report, *result);
    if (result && result->ok()) return result;
    if (result && result->status == 401 && !renewed && credentials_.renewable()) {
      credentials_.refuse(credential.generation);
      renewed = true;
      continue;
    }
    const std::optional<Duration> asked =
        result ? asked_wait(*result, clock_.now()) : std::optional<Duration>();
    const bool invited = asked.has_value() || (result && result->status == 429);
    const int attempts = invited ? kMaxAttempts : kMaxUnasked;
    if (attempt < attempts && may_repeat(call, result, asked.has_value())) {
      const double jitter = static_cast<double>(random_below(rng_, 1'000)) / 1'000;
      const Duration wait = asked.value_or(net::backoff(kBackoff, attempt, jitter));
      const bool in_time = wait < call.deadline.remaining() && wait <= kBackoff.max_retry_after;
      if (in_time && sleep_unless_stopped(wait, stop)) continue;
      if (stop.stop_requested())
        return Error(Code::Canceled, "stopped while waiting for the API server");
    }
    if (!result) return unreachable(std::move(result).error());
    return to_error(status_of_answer(result->status, result->body));
  }
}

Result<net::HttpResponse> ClientTransport::send(const ApiCall& call, std::stop_token stop) {
  return send_with_retries(
      call, true,
      [&](const Pool& http, const net::HttpRequest& request) { return http->send(request, stop); },
      stop);
}

namespace {

// A stream that keeps its connection pool alive: pools change as certificates are renewed. Not
// thread-safe.
class HeldStream final : public net::HttpStream {
 public:
  HeldStream(std::shared_ptr<net::HttpClient> pool, std::unique_ptr<net::HttpStream> stream)
      : pool_(std::move(pool)), stream_(std::move(stream)) {}

  int status() const override { return stream_->status(); }

  const net::Headers& headers() const override { return stream_->headers(); }

  Result<std::optional<Bytes>> read(Deadline deadline, std::stop_token stop) override {
    return stream_->read(deadline, stop);
  }

 private:
  std::shared_ptr<net::HttpClient> pool_;  // goes after the stream
  std::unique_ptr<net::HttpStream> stream_;
};

// The body of an error that came on a stream.
Bytes drain(net::HttpStream& stream, Deadline deadline, std::stop_token stop) {
  Bytes body;
  while (body.size() < kMaxStreamError) {
    auto part = stream.read(deadline, stop);
    if (!part || !*part) break;
    body += **part;
  }
  return body;
}

}  // namespace

Result<std::unique_ptr<net::HttpStream>> ClientTransport::open_stream(const ApiCall& call,
                                                                      std::stop_token stop) {
  std::unique_ptr<net::HttpStream> opened;
  const auto exchange = [&](const Pool& http,
                            const net::HttpRequest& request) -> Result<net::HttpResponse> {
    std::unique_ptr<net::HttpStream> stream = TRY(http->open_stream(request, stop));
    net::HttpResponse head{.status = stream->status(), .headers = stream->headers(), .body = {}};
    if (head.ok()) {
      opened = std::make_unique<HeldStream>(http, std::move(stream));
    } else {
      head.body = drain(*stream, call.deadline, stop);
    }
    return head;
  };
  TRY(send_with_retries(call, false, exchange, stop));
  return opened;
}

Result<Client::UpgradeTarget> ClientTransport::upgrade_target(Deadline deadline,
                                                              std::stop_token stop) {
  const Credential credential = TRY(credentials_.current(deadline, stop));
  Client::UpgradeTarget target;
  target.headers = identity_headers(credential);
  target.headers.set("User-Agent", options_.user_agent);
  target.tls = tls_for(credential);
  target.proxy_url = cluster_.proxy_url;
  target.credential_generation = credential.generation;
  return target;
}

}  // namespace lateen::kube
