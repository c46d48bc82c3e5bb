// What an AWS service says when it refuses, whatever protocol it says it in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace lateen::net::aws {

struct ServiceFault {
  int status = 0;
  std::string code = {};  // "UnauthorizedOperation"
  std::string message = {};
  std::string request_id = {};
};

// Reads the error documents of the query protocol, EC2's, S3's and (for KMS) JSON's. Where there is
// none, as after HEAD, the status alone gives a code.
ServiceFault read_fault(const HttpResponse& response);

// An Error of the nearest code (Forbidden, Unauthenticated, NotFound, TooManyRequests, …):
// "<what>: <Code>: <message> (request <id>)". Retryable where trying again can help.
Error error_of_fault(const ServiceFault& fault, std::string_view what);

// The credentials have expired, or are no longer known.
bool is_expired_credential(const ServiceFault& fault);

// Our clock may be wrong: compare it with the answer's Date.
bool may_be_clock_skew(const ServiceFault& fault);

bool is_throttling(const ServiceFault& fault);

// The same request may work later.
bool is_transient(const ServiceFault& fault);

// How far the service's clock is ahead of `now`, if the answer says so and it is far enough to
// spoil signatures.
std::optional<Duration> clock_skew(const HttpResponse& response, TimePoint now);

}  // namespace lateen::net::aws
