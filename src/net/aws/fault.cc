#include "net/aws/fault.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/json.h"
#include "base/text.h"
#include "net/aws/xml.h"
#include "net/retry.h"

namespace lateen::net::aws {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 14> kThrottling = {"Throttling",
                                                          "ThrottlingException",
                                                          "ThrottledException",
                                                          "RequestThrottledException",
                                                          "RequestThrottled",
                                                          "TooManyRequestsException",
                                                          "TooManyRequests",
                                                          "ProvisionedThroughputExceededException",
                                                          "RequestLimitExceeded",
                                                          "BandwidthLimitExceeded",
                                                          "SlowDown",
                                                          "PriorRequestNotComplete",
                                                          "EC2ThrottledException",
                                                          "ServiceUnavailable"};

constexpr std::array<std::string_view, 6> kTransient = {
    "RequestTimeout",  "RequestTimeoutException", "InternalError",
    "InternalFailure", "IDPCommunicationError",   "OperationAborted"};

constexpr std::array<std::string_view, 6> kExpired = {"ExpiredToken",   "ExpiredTokenException",
                                                      "InvalidToken",   "TokenRefreshRequired",
                                                      "RequestExpired", "ExpiredTokenError"};

constexpr std::array<std::string_view, 7> kSkew = {
    "RequestTimeTooSkewed",      "RequestExpired",        "RequestInTheFuture",
    "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
    "SignatureExpiredException"};

constexpr std::array<std::string_view, 8> kForbidden = {"AccessDenied",
                                                        "AccessDeniedException",
                                                        "UnauthorizedOperation",
                                                        "Forbidden",
                                                        "AllAccessDisabled",
                                                        "AccountProblem",
                                                        "KMS.AccessDeniedException",
                                                        "UnauthorizedAccess"};

constexpr std::array<std::string_view, 9> kUnknownCaller = {"AuthFailure",
                                                            "InvalidClientTokenId",
                                                            "InvalidAccessKeyId",
                                                            "SignatureDoesNotMatch",
                                                            "IncompleteSignature",
                                                            "InvalidIdentityToken",
                                                            "MissingAuthenticationToken",
                                                            "UnrecognizedClientException",
                                                            "InvalidSignatureException"};

bool is_among(Names names, std::string_view code) {
  return std::ranges::find(names, code) != names.end();
}

void read_xml_fault(const XmlElement& root, ServiceFault& fault) {
  const XmlElement* error = &root;  // S3: the root is the Error
  if (const XmlElement* const inner = root.find("Error")) error = inner;
  if (const XmlElement* const errors = root.find("Errors")) {  // EC2
    if (const XmlElement* const inner = errors->find("Error")) error = inner;
  }
  fault.code = trim(error->text_of("Code"));
  fault.message = trim(error->text_of("Message"));
  for (const std::string_view name : {"RequestId", "RequestID"}) {
    if (fault.request_id.empty()) fault.request_id = root.text_of(name);
  }
}

// {"__type":"com.amazonaws.kms#NotFoundException","message":"…"}
void read_json_fault(const Json& document, ServiceFault& fault) {
  const std::string_view type = as_text(find(document, "__type"));
  const Cut prefixed = cut_last(type, "#");
  fault.code = prefixed.found ? prefixed.after : type;
  fault.message = as_text(find(document, "message"));
  if (fault.message.empty()) fault.message = as_text(find(document, "Message"));
}

std::string_view code_of_status(int status) {
  switch (status) {
    case 301:
    case 307:
      return "PermanentRedirect";
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 412:
      return "PreconditionFailed";
    case 429:
      return "TooManyRequests";
    case 500:
      return "InternalError";
    case 503:
      return "ServiceUnavailable";
    default:
      return {};
  }
}

Code error_code(const ServiceFault& fault) {
  if (is_throttling(fault)) return Code::TooManyRequests;
  if (is_transient(fault)) return Code::Unavailable;
  if (is_expired_credential(fault) || is_among(kUnknownCaller, fault.code)) {
    return Code::Unauthenticated;
  }
  if (is_among(kForbidden, fault.code)) return Code::Forbidden;
  if (fault.status == 404 || fault.code.find("NotFound") != std::string::npos ||
      fault.code.starts_with("NoSuch")) {
    return Code::NotFound;
  }
  switch (fault.status) {
    case 401:
      return Code::Unauthenticated;
    case 403:
      return Code::Forbidden;
    case 409:
    case 412:
      return Code::Conflict;
    case 501:
      return Code::Unsupported;
    default:
      return Code::InvalidArgument;
  }
}

}  // namespace

ServiceFault read_fault(const HttpResponse& response) {
  ServiceFault fault{.status = response.status};
  const std::string_view body = trim(response.body);
  if (body.starts_with('<')) {
    if (const auto document = parse_xml(body)) read_xml_fault(*document, fault);
  } else if (body.starts_with('{')) {
    if (const auto document = parse_json(body)) read_json_fault(*document, fault);
  }
  if (fault.code.empty()) fault.code = code_of_status(response.status);
  for (const std::string_view name : {"x-amz-request-id", "x-amzn-requestid"}) {
    if (fault.request_id.empty()) fault.request_id = response.headers.get(name);
  }
  return fault;
}

Error error_of_fault(const ServiceFault& fault, std::string_view what) {
  std::string said = fault.code.empty() ? fmt::format("HTTP status {}", fault.status) : fault.code;
  if (!fault.message.empty()) said += ": " + fault.message;
  if (!fault.request_id.empty()) said += fmt::format(" (request {})", fault.request_id);
  return Error(error_code(fault), "{}: {}", what, to_valid_utf8(said))
      .with_retryable(is_throttling(fault) || is_transient(fault));
}

bool is_expired_credential(const ServiceFault& fault) {
  return is_among(kExpired, fault.code);
}

bool may_be_clock_skew(const ServiceFault& fault) {
  return is_among(kSkew, fault.code) || (fault.status == 403 && fault.code == "Forbidden");
}

bool is_throttling(const ServiceFault& fault) {
  return is_among(kThrottling, fault.code) || fault.status == 429;
}

bool is_transient(const ServiceFault& fault) {
  return is_among(kTransient, fault.code) || (fault.status >= 500 && fault.status != 501);
}

std::optional<Duration> clock_skew(const HttpResponse& response, TimePoint now) {
  constexpr std::chrono::minutes kTolerated{4};  // AWS takes five, at some services fifteen
  const auto date = parse_http_date(response.headers.get("Date"));
  if (!date) return std::nullopt;
  const Duration ahead = *date - now;
  if (ahead > -kTolerated && ahead < kTolerated) return std::nullopt;
  return ahead;
}

}  // namespace lateen::net::aws
