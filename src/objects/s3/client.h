// Signed requests to one bucket, sent until they are answered for good: the region is found, the
// clock's difference learnt, expired credentials renewed, and what can pass is tried again.
// For s3/'s own sources.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/thread.h"
#include "net/aws/credentials.h"
#include "net/aws/fault.h"
#include "net/http_client.h"
#include "net/url.h"
#include "objects/s3/address.h"
#include "objects/s3/config.h"

namespace lateen::objects::s3 {

// One call of S3's API.
struct S3Call {
  std::string_view permission;  // what IAM calls it: "s3:GetObject"
  std::string method = "GET";
  std::string key = {};  // empty: the bucket's
  net::QueryValues query = {};
  net::Headers headers = {};
  Bytes body = {};
  bool repeatable = true;  // a POST that may be sent twice; all others may anyway
  bool slow = false;       // the server may be silent for as long as completion_timeout
  ByteCount max_response = 64_MiB;
  Deadline deadline = Deadline::never();    // of all attempts
  int* attempts = nullptr;                  // how many it took
  net::aws::ServiceFault* fault = nullptr;  // what the last refusal was
};

// What retries may cost all calls together: when everything fails, they stop soon. Thread-safe.
class RetryBudget {
 public:
  bool take();
  void give_back(bool was_retried);

 private:
  static constexpr int kCapacity = 500;
  static constexpr int kCost = 5;

  Mutex mu_;
  int left_ LATEEN_GUARDED_BY(mu_) = kCapacity;
};

// Thread-safe.
class S3Client {
 public:
  static Result<std::unique_ptr<S3Client>> open(
      S3Config config, std::unique_ptr<net::aws::CredentialsProvider> credentials);

  const S3Config& config() const { return config_; }

  // A 2xx answer, or an Error that names the object, the service's reason and what would help. The
  // call's body is given back.
  Result<net::HttpResponse> send(S3Call& call, std::stop_token stop);

  // The same for an answer that is read as it comes.
  Result<std::unique_ptr<net::HttpStream>> open_stream(S3Call& call, std::stop_token stop);

  Result<std::string> presign_get(std::string_view key, Duration ttl, std::stop_token stop);

  // The customer's key (SSE-C), where there is one.
  void add_customer_key(net::Headers& headers) const;

  // "s3://bucket/key"
  std::string name_of(std::string_view key) const;

  // Waits before the `failures`th repetition. False if stopped.
  bool pause(int failures, std::stop_token stop) const;

 private:
  struct Private {
    explicit Private() = default;
  };

  struct Attempt;
  using SendOnce = std::function<Result<net::HttpResponse>(const net::HttpRequest&)>;

  static Result<std::unique_ptr<net::HttpClient>> open_http(const S3Config& config, Duration stall);
  Result<net::HttpResponse> send_until_done(S3Call& call,
                                            const SendOnce& send_once,
                                            std::stop_token stop);
  Status prepare(Attempt& attempt, std::stop_token stop) const;
  bool put_right(const net::HttpResponse& response, Attempt& attempt, std::stop_token stop);
  bool learn_region(const net::HttpResponse& response, const Attempt& attempt);
  bool should_repeat(const Result<net::HttpResponse>& answer, const Attempt& attempt) const;
  Error refusal(const Attempt& attempt) const;
  std::string hint_of(const Attempt& attempt) const;
  Result<std::string> region(std::stop_token stop);
  Result<std::string> ask_for_region(std::stop_token stop);
  void set_region(std::string_view region);
  TimePoint now() const;

  const S3Config config_;
  const std::unique_ptr<net::aws::CredentialsProvider> credentials_;
  const std::unique_ptr<net::HttpClient> http_;
  RetryBudget budget_;
  std::atomic<std::int64_t> skew_seconds_ = 0;  // S3's clock less ours
  mutable Mutex mu_;
  std::string region_ LATEEN_GUARDED_BY(mu_);  // empty until known

 public:
  // For open() alone.
  S3Client(Private,
           S3Config config,
           std::unique_ptr<net::aws::CredentialsProvider> credentials,
           std::unique_ptr<net::HttpClient> http);
};

}  // namespace lateen::objects::s3
