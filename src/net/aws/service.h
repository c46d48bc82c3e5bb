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
#include "net/aws/xml.h"
#include "net/http_client.h"
#include "net/retry.h"
#include "net/url.h"

namespace lateen::net::aws {

// What an AWS service says when it refuses.
struct ServiceFault {
  int status = 0;
  std::string code = {};  // "UnauthorizedOperation"
  std::string message = {};
  std::string request_id = {};
};

// Reads the error documents of the query protocol, EC2's, S3's and (for KMS) JSON's.
ServiceFault read_fault(const HttpResponse& response);

// An Error of the nearest code (Forbidden, Unauthenticated, NotFound, TooManyRequests, …), "<what>:
// <Code>: <message> (request <id>)". Retryable where trying again can help.
Error error_of_fault(const ServiceFault& fault, std::string_view what);

// Whether the fault says that the credentials have expired or were revoked.
bool is_expired_credential(const ServiceFault& fault);
// Whether it says that our clock is wrong.
bool is_clock_skew(const ServiceFault& fault);
bool is_throttling(const ServiceFault& fault);

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

// One attempt of a call at an AWS service, answered. The body and the headers are what the protocol
// wants. Thread-safe.
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

  Result<HttpResponse> send(HttpRequest request,
                            std::string_view what,
                            std::stop_token stop,
                            ServiceFault* fault);
  Result<HttpResponse> send_once(const HttpRequest& request,
                                 Credentials& used,
                                 std::stop_token stop);

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
