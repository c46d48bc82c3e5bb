#include "sandbox/api/api_error.h"

#include <fmt/format.h>

namespace lateen::sandbox {

namespace {

std::string qualified(std::string_view group, std::string_view resource) {
  return group.empty() ? std::string(resource) : fmt::format("{}.{}", resource, group);
}

// `deployments.apps "x"`, or without a name just the resource.
std::string described(std::string_view group, std::string_view resource, std::string_view name) {
  return fmt::format("{} \"{}\"", qualified(group, resource), name);
}

StatusDetails details_of(std::string_view group, std::string_view kind, std::string_view name) {
  StatusDetails details;
  details.name = name;
  details.group = group;
  details.kind = kind;
  return details;
}

struct Shown {
  int http_code;
  std::string_view reason;
};

Shown shown_as(Code code) {
  switch (code) {
    case Code::InvalidArgument:
      return {400, "BadRequest"};
    case Code::NotFound:
      return {404, "NotFound"};
    case Code::AlreadyExists:
      return {409, "AlreadyExists"};
    case Code::Conflict:
      return {409, "Conflict"};
    case Code::Forbidden:
      return {403, "Forbidden"};
    case Code::Unauthenticated:
      return {401, "Unauthorized"};
    case Code::DeadlineExceeded:
      return {504, "Timeout"};
    case Code::TooManyRequests:
      return {429, "TooManyRequests"};
    case Code::Gone:
      return {410, "Expired"};
    case Code::Canceled:
    case Code::Unavailable:
      return {503, "ServiceUnavailable"};
    case Code::Unsupported:
      return {501, "NotImplemented"};
    case Code::Internal:
    case Code::Corrupt:
    case Code::Io:
      break;
  }
  return {500, "InternalError"};
}

JsonObject causes_entry(const StatusCause& cause) {
  JsonObject entry;
  if (!cause.reason.empty()) entry["reason"] = cause.reason;
  if (!cause.message.empty()) entry["message"] = cause.message;
  if (!cause.field.empty()) entry["field"] = cause.field;
  return entry;
}

Json to_json(const StatusDetails& details) {
  JsonObject out;
  if (!details.name.empty()) out["name"] = details.name;
  if (!details.group.empty()) out["group"] = details.group;
  if (!details.kind.empty()) out["kind"] = details.kind;
  if (!details.uid.empty()) out["uid"] = details.uid;
  if (!details.causes.empty()) {
    JsonArray causes;
    for (const StatusCause& cause : details.causes)
      causes.push_back(causes_entry(cause));
    out["causes"] = std::move(causes);
  }
  if (details.retry_after_seconds != 0) out["retryAfterSeconds"] = details.retry_after_seconds;
  return out;
}

}  // namespace

ApiError::ApiError(Error error)
    : Error(std::move(error)),
      http_code_(shown_as(code()).http_code),
      reason_(shown_as(code()).reason),
      with_details_(false) {}

ApiError&& ApiError::with_continue_token(std::string token) && {
  continue_token_ = std::move(token);
  return std::move(*this);
}

Json ApiError::to_status() const {
  JsonObject metadata;
  if (!continue_token_.empty()) metadata["continue"] = continue_token_;
  JsonObject status;
  status["kind"] = "Status";
  status["apiVersion"] = "v1";
  status["metadata"] = std::move(metadata);
  status["status"] = "Failure";
  status["message"] = message();
  if (!reason_.empty()) status["reason"] = reason_;
  if (with_details_) status["details"] = to_json(details_);
  status["code"] = http_code_;
  return status;
}

ApiError not_found(std::string_view group, std::string_view resource, std::string_view name) {
  return {Error(Code::NotFound, "{} not found", described(group, resource, name)), 404, "NotFound",
          details_of(group, resource, name)};
}

ApiError no_such_resource() {
  return {Error(Code::NotFound, "the server could not find the requested resource"),
          404,
          "NotFound",
          {}};
}

ApiError already_exists(std::string_view group, std::string_view resource, std::string_view name) {
  return {Error(Code::AlreadyExists, "{} already exists", described(group, resource, name)), 409,
          "AlreadyExists", details_of(group, resource, name)};
}

ApiError conflict(std::string_view group,
                  std::string_view resource,
                  std::string_view name,
                  std::string_view why) {
  return {Error(Code::Conflict, "Operation cannot be fulfilled on {}: {}",
                described(group, resource, name), why),
          409, "Conflict", details_of(group, resource, name)};
}

ApiError modified(std::string_view group, std::string_view resource, std::string_view name) {
  return conflict(group, resource, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

ApiError forbidden(std::string_view group,
                   std::string_view resource,
                   std::string_view name,
                   std::string_view why) {
  const std::string what =
      name.empty() ? qualified(group, resource) : described(group, resource, name);
  return {Error(Code::Forbidden, "{} is forbidden: {}", what, why), 403, "Forbidden",
          details_of(group, resource, name)};
}

ApiError bad_request(std::string_view message) {
  return {Error(Code::InvalidArgument, "{}", message), 400, "BadRequest", {}, false};
}

ApiError invalid(std::string_view group,
                 std::string_view kind,
                 std::string_view name,
                 std::vector<StatusCause> causes) {
  std::string text;
  for (const StatusCause& cause : causes) {
    if (!text.empty()) text += ", ";
    text += cause.field.empty() ? cause.message : fmt::format("{}: {}", cause.field, cause.message);
  }
  if (causes.size() > 1) text = fmt::format("[{}]", text);
  StatusDetails details = details_of(group, kind, name);
  details.causes = std::move(causes);
  return {Error(Code::InvalidArgument, "{} is invalid: {}", described(group, kind, name), text),
          422, "Invalid", std::move(details)};
}

ApiError method_not_allowed(std::string_view group,
                            std::string_view resource,
                            std::string_view verb) {
  (void)verb;  // the API server does not say it either
  return {
      Error(Code::Unsupported, "the server does not allow this method on the requested resource"),
      405, "MethodNotAllowed", details_of(group, resource, {})};
}

ApiError expired(std::string_view message) {
  return {Error(Code::Gone, "{}", message), 410, "Expired", {}, false};
}

ApiError too_large_resource_version(std::uint64_t asked, std::uint64_t current) {
  StatusDetails details;
  details.causes.push_back(
      {.reason = "ResourceVersionTooLarge", .message = "Too large resource version", .field = {}});
  details.retry_after_seconds = 1;
  return {Error(Code::DeadlineExceeded, "Timeout: Too large resource version: {}, current: {}",
                asked, current),
          504, "Timeout", std::move(details)};
}

ApiError unsupported_media_type() {
  return {Error(Code::Unsupported,
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json, application/yaml, application/vnd.kubernetes.protobuf"),
          415,
          "UnsupportedMediaType",
          {}};
}

ApiError not_acceptable() {
  return {Error(Code::Unsupported,
                "only the following media types are accepted: application/json, application/yaml, "
                "application/vnd.kubernetes.protobuf"),
          406,
          "NotAcceptable",
          {}};
}

ApiError unauthorized() {
  return {Error(Code::Unauthenticated, "Unauthorized"), 401, "Unauthorized", {}, false};
}

ApiError too_many_requests(std::string_view message, std::int64_t retry_after_seconds) {
  StatusDetails details;
  details.retry_after_seconds = retry_after_seconds;
  return {Error(Code::TooManyRequests, "{}", message), 429, "TooManyRequests", std::move(details)};
}

}  // namespace lateen::sandbox
