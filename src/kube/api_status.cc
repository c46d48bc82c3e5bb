#include "kube/api_status.h"

#include <algorithm>

#include "base/text.h"

namespace lateen::kube {

bool ApiStatus::has_cause(std::string_view cause_reason) const {
  return std::any_of(causes.begin(), causes.end(),
                     [&](const auto& cause) { return cause.reason == cause_reason; });
}

bool is_status(const Json& object) {
  return string_at(object, "kind") == "Status" && string_at(object, "apiVersion") == "v1";
}

ApiStatus parse_status(const Json& object) {
  ApiStatus status;
  status.code = static_cast<int>(int_at(object, "code").value_or(0));
  status.reason = string_at(object, "reason");
  status.message = string_at(object, "message");
  status.kind = string_at(object, "details.kind");
  status.name = string_at(object, "details.name");
  status.uid = string_at(object, "details.uid");
  status.continue_token = string_at(object, "metadata.continue");
  if (const auto wait = int_at(object, "details.retryAfterSeconds"); wait && *wait > 0) {
    status.retry_after = std::chrono::seconds(*wait);
  }
  if (const JsonArray* causes = array_at(object, "details.causes")) {
    for (const Json& cause : *causes) {
      status.causes.push_back({.reason = std::string(string_at(cause, "reason")),
                               .message = std::string(string_at(cause, "message")),
                               .field = std::string(string_at(cause, "field"))});
    }
  }
  return status;
}

namespace {

// What a proxy or an old server says in plain text, cut to a line.
std::string plain_message(int http_status, std::string_view body) {
  constexpr std::size_t kMost = 300;
  std::string text = to_valid_utf8(trim(body.substr(0, kMost)));
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (!text.empty()) return text;
  return fmt::format("the server answered {} without a message", http_status);
}

Code code_of_http(int http) {
  switch (http) {
    case 401:
      return Code::Unauthenticated;
    case 403:
      return Code::Forbidden;
    case 404:
      return Code::NotFound;
    case 405:
    case 406:
    case 415:
    case 501:
      return Code::Unsupported;
    case 409:
      return Code::Conflict;
    case 410:
      return Code::Gone;
    case 408:
    case 504:
      return Code::DeadlineExceeded;
    case 429:
      return Code::TooManyRequests;
    default:
      return http >= 500 ? Code::Unavailable : Code::InvalidArgument;
  }
}

Code code_of(const ApiStatus& status) {
  if (status.reason == "AlreadyExists") return Code::AlreadyExists;
  if (status.reason == "Expired" || status.reason == "Gone") return Code::Gone;
  // A list or watch from a version that this server has not seen yet: it will, in a moment.
  if (status.has_cause("ResourceVersionTooLarge")) return Code::Unavailable;
  return code_of_http(status.code);
}

bool is_retryable(Code code) {
  return code == Code::TooManyRequests || code == Code::Unavailable ||
         code == Code::DeadlineExceeded;
}

}  // namespace

ApiStatus status_of_answer(int http_status, std::string_view body) {
  if (auto tree = parse_json(body); tree && is_status(*tree)) {
    ApiStatus status = parse_status(*tree);
    if (status.code == 0) status.code = http_status;
    return status;
  }
  ApiStatus status;
  status.code = http_status;
  status.message = plain_message(http_status, body);
  return status;
}

Error to_error(const ApiStatus& status) {
  const Code code = code_of(status);
  std::string hint;
  if (code == Code::Unauthenticated) {
    hint = "The credential was not accepted: log in again, or check the user of this context.";
  } else if (code == Code::Forbidden) {
    hint = "Ask for a Role or ClusterRole that allows this, and a binding to it.";
  }
  return Error(code, "{}", status.message.empty() ? status.reason : status.message)
      .with_hint(std::move(hint))
      .with_retryable(is_retryable(code));
}

}  // namespace lateen::kube
