#include "objects/s3/client.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"
#include "net/aws/sigv4.h"
#include "net/aws/xml.h"
#include "net/retry.h"

namespace lateen::objects::s3 {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::aws::ServiceFault;

// Where a bucket whose region nobody knows is asked for.
constexpr std::string_view kFirstRegion = "us-east-1";
constexpr Duration kLongestPause = std::chrono::seconds(20);

double random_share() {
  SystemRng rng;
  return static_cast<double>(random_below(rng, 1'000'000)) / 1e6;
}

// Over TLS the body needs no hash of its own in the signature.
std::string payload_hash(const HttpRequest& request) {
  const bool hidden = request.url.starts_with("https://");
  return hidden && !request.body.empty() ? std::string(net::aws::kUnsignedPayload)
                                         : sha256_hex(request.body);
}

std::string region_in(const HttpResponse& response) {
  const std::string_view header = response.headers.get("x-amz-bucket-region");
  if (!header.empty()) return std::string(header);
  const auto document = net::aws::parse_xml(response.body);
  return document ? std::string(document->text_of("Region")) : std::string();
}

}  // namespace

struct S3Client::Attempt {
  const S3Call& call;
  HttpRequest request = {};
  std::string hash = {};  // of the body, once it was made
  std::string region = {};
  net::aws::Credentials credentials = {};
  ServiceFault fault = {};
  int corrections = 0;
};

bool RetryBudget::take() {
  const Lock lock(mu_);
  if (left_ < kCost) return false;
  left_ -= kCost;
  return true;
}

void RetryBudget::give_back(bool was_retried) {
  const Lock lock(mu_);
  left_ = std::min(kCapacity, left_ + (was_retried ? kCost : 1));
}

S3Client::S3Client(Private /*tag*/,
                   S3Config config,
                   std::unique_ptr<net::aws::CredentialsProvider> credentials,
                   std::unique_ptr<net::HttpClient> http)
    : config_(std::move(config)),
      credentials_(std::move(credentials)),
      http_(std::move(http)),
      region_(config_.region) {}

Result<std::unique_ptr<S3Client>> S3Client::open(
    S3Config config, std::unique_ptr<net::aws::CredentialsProvider> credentials) {
  // What is no AWS has no regions to ask for.
  if (config.region.empty() && !config.endpoint.empty()) {
    for (const char* const name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
      if (config.region.empty()) config.region = config.environment(name).value_or("");
    }
    if (config.region.empty()) config.region = kFirstRegion;
  }
  auto http = TRY(open_http(config, config.stall_timeout));
  return std::make_unique<S3Client>(Private(), std::move(config), std::move(credentials),
                                    std::move(http));
}

Result<std::unique_ptr<net::HttpClient>> S3Client::open_http(const S3Config& config,
                                                             Duration stall) {
  constexpr std::size_t kSpare = 16;
  return net::HttpClient::open({.tls = config.tls,
                                .max_connections = 2 * config.parallel + kSpare,
                                .proxy_url = config.proxy_url,
                                .stall_timeout = stall});
}

TimePoint S3Client::now() const {
  return config_.clock->now() + std::chrono::seconds(skew_seconds_);
}

std::string S3Client::name_of(std::string_view key) const {
  return key.empty() ? fmt::format("bucket {}", config_.bucket)
                     : fmt::format("s3://{}/{}", config_.bucket, key);
}

bool S3Client::pause(int failures, std::stop_token stop) const {
  const Duration wait =
      net::backoff({.first_backoff = config_.first_pause, .max_backoff = kLongestPause}, failures,
                   random_share());
  return sleep_unless_stopped(wait, std::move(stop));
}

void S3Client::add_customer_key(net::Headers& headers) const {
  if (config_.customer_key.empty()) return;
  constexpr std::string_view kPrefix = "x-amz-server-side-encryption-customer-";
  const std::string_view key = config_.customer_key.reveal();
  headers.set(fmt::format("{}algorithm", kPrefix), "AES256");
  headers.set(fmt::format("{}key", kPrefix), Secret(base64_encode(key)).reveal());
  headers.set(fmt::format("{}key-MD5", kPrefix), md5_base64(key));
}

Status S3Client::prepare(Attempt& attempt, std::stop_token stop) const {
  const S3Call& call = attempt.call;
  const BucketAddress address = TRY(address_of({.bucket = config_.bucket,
                                                .endpoint = config_.endpoint,
                                                .region = attempt.region,
                                                .force_path_style = config_.force_path_style},
                                               config_.environment));
  net::Url url = address.url_of(call.key);
  // A blank is %20 in what is signed: '+' would be read as either.
  url.query = replace_all(call.query.encode(), "+", "%20");
  attempt.request.url = url.format();
  if (attempt.hash.empty()) attempt.hash = payload_hash(attempt.request);
  attempt.credentials = TRY(credentials_->get(std::move(stop)));
  return net::aws::sign_request(attempt.request,
                                {.credentials = attempt.credentials,
                                 .scope = {.region = attempt.region, .service = "s3"},
                                 .time = now(),
                                 .payload_hash = attempt.hash});
}

Result<HttpResponse> S3Client::send(S3Call& call, std::stop_token stop) {
  // Slow calls are rare enough to have a client of their own.
  std::unique_ptr<net::HttpClient> patient;
  if (call.slow) patient = TRY(open_http(config_, config_.completion_timeout));
  net::HttpClient& http = patient ? *patient : *http_;
  return send_until_done(
      call, [&http, &stop](const HttpRequest& request) { return http.send(request, stop); }, stop);
}

Result<std::unique_ptr<net::HttpStream>> S3Client::open_stream(S3Call& call, std::stop_token stop) {
  std::unique_ptr<net::HttpStream> stream;
  const auto send_once = [&](const HttpRequest& request) -> Result<HttpResponse> {
    HttpRequest timed = request;
    timed.deadline = Deadline::after(config_.stall_timeout);
    auto opened = http_->open_stream(timed, stop);
    if (!opened) {
      Error error = std::move(opened).error();
      const bool late = error.is(Code::DeadlineExceeded);
      return std::move(error).with_retryable(late || error.retryable());
    }
    stream = TRY(std::move(opened));
    HttpResponse head{.status = stream->status(), .headers = stream->headers()};
    if (head.ok()) return head;
    // Why not.
    constexpr std::size_t kMost = 64_KiB;
    while (head.body.size() < kMost) {
      auto part = stream->read(Deadline::after(config_.stall_timeout), stop);
      if (!part || !*part) break;
      head.body += **part;
    }
    return head;
  };
  TRY(send_until_done(call, send_once, stop));
  return stream;
}

Result<HttpResponse> S3Client::send_until_done(S3Call& call,
                                               const SendOnce& send_once,
                                               std::stop_token stop) {
  Attempt attempt{.call = call};
  attempt.request = {.method = call.method,
                     .headers = call.headers,
                     .body = std::move(call.body),
                     .deadline = call.deadline,
                     .max_response = call.max_response};
  attempt.region = TRY(region(stop));
  for (int tries = 1;; ++tries) {
    if (call.attempts != nullptr) *call.attempts = tries;
    if (const Status ready = prepare(attempt, stop); !ready) {
      call.body = std::move(attempt.request.body);
      return Status(ready).wrap("{}", name_of(call.key)).error();
    }
    Result<HttpResponse> answer = send_once(attempt.request);
    const bool ok = answer && answer->ok();
    attempt.fault = answer && !ok ? net::aws::read_fault(*answer) : ServiceFault{};
    if (call.fault != nullptr) *call.fault = attempt.fault;
    if (ok) budget_.give_back(tries > 1);
    const bool corrected = answer && !ok && put_right(*answer, attempt, stop);
    const bool again = !ok && !call.deadline.expired() &&
                       (corrected || (should_repeat(answer, attempt) && tries < config_.attempts &&
                                      budget_.take()));
    if (!again) {
      call.body = std::move(attempt.request.body);
      if (ok) return answer;
      if (answer) return refusal(attempt);
      return std::move(answer).wrap("{}", name_of(call.key));
    }
    if (!corrected && !pause(tries, stop)) {
      return Error(Code::Canceled, "{}: stopped", name_of(call.key));
    }
  }
}

bool S3Client::should_repeat(const Result<HttpResponse>& answer, const Attempt& attempt) const {
  if (answer) return error_of_fault(attempt.fault, "").retryable();
  if (answer.error().retryable()) return true;
  return attempt.call.repeatable && answer.error().is(Code::Unavailable) &&
         !net::is_idempotent(attempt.call.method);
}

bool S3Client::put_right(const HttpResponse& response, Attempt& attempt, std::stop_token stop) {
  constexpr int kMost = 4;
  if (++attempt.corrections > kMost || stop.stop_requested()) return false;
  if (learn_region(response, attempt)) {
    attempt.region = region(std::move(stop)).value_or(attempt.region);
    return true;
  }
  if (net::aws::may_be_clock_skew(attempt.fault)) {
    if (const auto ahead = net::aws::clock_skew(response, now())) {
      skew_seconds_ += std::chrono::round<std::chrono::seconds>(*ahead).count();
      return true;
    }
  }
  // A refused HEAD has no body that could name the reason.
  const bool unnamed = attempt.call.method == "HEAD" && response.status == 400;
  return (unnamed || net::aws::is_expired_credential(attempt.fault)) &&
         credentials_->refuse(attempt.credentials);
}

bool S3Client::learn_region(const HttpResponse& response, const Attempt& attempt) {
  const int status = response.status;
  const bool elsewhere = status == 301 || status == 307 ||
                         attempt.fault.code == "AuthorizationHeaderMalformed" ||
                         attempt.fault.code == "IllegalLocationConstraintException" ||
                         (status == 400 && response.headers.contains("x-amz-bucket-region"));
  if (!elsewhere) return false;
  const std::string found = region_in(response);
  if (found.empty() || found == attempt.region) return false;
  set_region(found);
  return true;
}

void S3Client::set_region(std::string_view region) {
  const Lock lock(mu_);
  region_ = region;
}

Result<std::string> S3Client::region(std::stop_token stop) {
  {
    const Lock lock(mu_);
    if (!region_.empty()) return region_;
  }
  std::string found = TRY(ask_for_region(std::move(stop)));
  set_region(found);
  return found;
}

// S3 names a bucket's region in every answer, also in refusals.
Result<std::string> S3Client::ask_for_region(std::stop_token stop) {
  std::string guess;
  for (const char* const name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (guess.empty()) guess = config_.environment(name).value_or("");
  }
  if (guess.empty()) guess = kFirstRegion;
  const S3Call call{.permission = "s3:ListBucket", .method = "HEAD"};
  for (int tries = 1;; ++tries) {
    Attempt attempt{.call = call, .request = {.method = "HEAD"}, .region = guess};
    TRY(prepare(attempt, stop).wrap("{}", name_of({})));
    const auto answer = http_->send(attempt.request, stop);
    if (answer) {
      std::string region = region_in(*answer);
      if (!region.empty()) return region;
      attempt.fault = net::aws::read_fault(*answer);
      if (answer->ok()) return guess;
      if (answer->status == 404) return refusal(attempt);
    }
    if (!should_repeat(answer, attempt) || tries >= config_.attempts || !pause(tries, stop)) {
      const Error why = answer ? refusal(attempt) : answer.error();
      return Error(why.code(), "unable to determine the region of bucket {}: {}", config_.bucket,
                   why.message())
          .with_hint("Set config.region of the location.")
          .with_retryable(why.retryable());
    }
  }
}

Error S3Client::refusal(const Attempt& attempt) const {
  const S3Call& call = attempt.call;
  Error error = error_of_fault(attempt.fault, name_of(call.key));
  // A bucket that isn't there must not look like an object that isn't.
  if (attempt.fault.code == "NoSuchBucket" || (call.key.empty() && error.is(Code::NotFound))) {
    return Error(Code::Unavailable, "bucket {} does not exist{}", config_.bucket,
                 config_.endpoint.empty() ? "" : " at " + net::redact_url(config_.endpoint))
        .with_hint("Make it, or correct objectStorage.bucket, config.region and config.s3Url.");
  }
  return std::move(error).with_hint(hint_of(attempt));
}

std::string S3Client::hint_of(const Attempt& attempt) const {
  const std::string source = attempt.credentials.source.empty()
                                 ? std::string("the credentials")
                                 : "the credentials from " + attempt.credentials.source;
  const std::string& code = attempt.fault.code;
  if (attempt.fault.status == 301) {
    return "The bucket is in another region: correct or remove config.region.";
  }
  if (code == "SignatureDoesNotMatch") {
    return fmt::format("The secret access key in {} is wrong.", source);
  }
  if (code == "InvalidAccessKeyId") {
    return fmt::format("The access key in {} is not known there.", source);
  }
  if (net::aws::is_expired_credential(attempt.fault)) {
    return fmt::format("Renew {}.", source);
  }
  if (attempt.fault.status != 403) return {};
  const S3Call& call = attempt.call;
  const std::string_view partition = net::aws::partition_of(attempt.region).name;
  std::string hint = fmt::format("{} need {} on arn:{}:s3:::{}{}", source, call.permission,
                                 partition, config_.bucket, call.key.empty() ? "" : "/*");
  if (call.method == "HEAD" && !call.key.empty()) {
    hint +=
        ", and s3:ListBucket on the bucket, without which an object that isn't there is "
        "refused too";
  }
  const bool kms =
      attempt.fault.message.find("kms:") != std::string::npos || !config_.write.kms_key_id.empty();
  if (kms) hint += "; with SSE-KMS also kms:GenerateDataKey and kms:Decrypt on the key";
  hint[0] = to_upper(hint.substr(0, 1))[0];
  return hint + ".";
}

Result<std::string> S3Client::presign_get(std::string_view key,
                                          Duration ttl,
                                          std::stop_token stop) {
  const std::string at = TRY(region(stop));
  const BucketAddress address = TRY(
      address_of({.bucket = config_.bucket,
                  .endpoint = config_.public_url.empty() ? config_.endpoint : config_.public_url,
                  .region = at,
                  .force_path_style = config_.force_path_style},
                 config_.environment));
  net::aws::Credentials credentials = TRY(credentials_->get(stop));
  // The URL ends with the credentials: fresh ones, if these end before it.
  if (credentials.expires && *credentials.expires - now() < ttl &&
      credentials_->refuse(credentials)) {
    credentials = TRY(credentials_->get(std::move(stop)));
  }
  return net::aws::presign_url(
      "GET", address.url_of(key).format(), ttl,
      {.credentials = credentials, .scope = {.region = at, .service = "s3"}, .time = now()});
}

}  // namespace lateen::objects::s3
