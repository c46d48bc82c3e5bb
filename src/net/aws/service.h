// Calls of AWS' query protocol (EC2, STS, IAM): a form goes up, XML comes down. Signed, retried,
// and refused with what the service says.
//
//   Service ec2 = TRY(Service::open({.service = "ec2", .region = "eu-west-1", .api_version =
//   "2016-11-15"}, *credentials));
//   XmlElement answer = TRY(ec2.call("DescribeSnapshots", {{"SnapshotId.1", id}}, stop));
//   answer.text_of("snapshotSet/item/status");
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "net/aws/credentials.h"
#include "net/aws/endpoints.h"
#include "net/aws/fault.h"
#include "net/aws/xml.h"
#include "net/http_client.h"
#include "net/retry.h"
#include "net/url.h"

namespace lateen::net::aws {

struct ServiceOptions {
  std::string service = {};  // "ec2": in the host and in the signature
  std::string region = {};
  std::string api_version = {};  // "2016-11-15"
  std::string endpoint = {};     // empty: find_endpoint()
  TlsOptions tls = {};
  Environment environment = process_environment();
  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
  RetryPolicy retry = {.max_attempts = 5};
  Duration timeout = std::chrono::minutes(2);  // of one call with all its attempts
};

// Thread-safe.
class Service {
 public:
  // `credentials` must outlive it; null for calls that are not signed (AssumeRoleWithWebIdentity).
  static Result<std::unique_ptr<Service>> open(ServiceOptions options,
                                               CredentialsProvider* credentials);

  // A query call. The error's code tells what kind of refusal it is; `fault` gets the service's own
  // words.
  Result<XmlElement> call(std::string_view action,
                          const QueryValues& parameters,
                          std::stop_token stop,
                          ServiceFault* fault = nullptr);

  // A JSON 1.1 call (KMS): `target` is "TrentService.DescribeKey".
  Result<Json> call_json(std::string_view target,
                         const Json& parameters,
                         std::stop_token stop,
                         ServiceFault* fault = nullptr);

  const std::string& endpoint() const { return options_.endpoint; }

 private:
  struct Private {
    explicit Private() = default;
  };

  // The answer of the last attempt; an Error when there was none or when it is a refusal.
  Result<HttpResponse> send(const HttpRequest& request,
                            std::string_view what,
                            std::stop_token stop,
                            ServiceFault* fault);
  Result<HttpResponse> send_once(HttpRequest request,
                                 std::optional<Credentials>& used,
                                 std::stop_token stop);
  // Whether another attempt can help now that something has been put right.
  bool put_right(const HttpResponse& response,
                 const ServiceFault& fault,
                 const std::optional<Credentials>& used);

  const ServiceOptions options_;
  CredentialsProvider* const credentials_;
  const std::unique_ptr<HttpClient> client_;
  std::atomic<std::int64_t> skew_seconds_ = 0;  // the service's clock less ours

 public:
  // For open() alone.
  Service(Private,
          ServiceOptions options,
          CredentialsProvider* credentials,
          std::unique_ptr<HttpClient> client);
};

}  // namespace lateen::net::aws
