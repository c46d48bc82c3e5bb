// metav1.Status: what an API server says when it refuses, and our Error for it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace lateen::kube {

struct StatusCause {
  std::string reason;  // "FieldValueInvalid"
  std::string message;
  std::string field;  // "spec.replicas"
};

struct ApiStatus {
  int code = 0;        // the HTTP status
  std::string reason;  // "NotFound", "AlreadyExists", "Conflict", "Expired", …; may be empty
  std::string message;
  std::string kind;  // details.kind
  std::string name;  // details.name
  std::string uid;
  std::vector<StatusCause> causes;
  std::optional<std::chrono::seconds> retry_after;
  std::string continue_token;  // metadata.continue: of a 410, where an inconsistent list may go on

  bool has_cause(std::string_view cause_reason) const;
};

bool is_status(const Json& object);  // kind Status, apiVersion v1
ApiStatus parse_status(const Json& object);

// From an answer that is not 2xx: the Status in the body, or one made of the HTTP code and the
// plain text
// ("404 page not found" for an unknown group).
ApiStatus status_of_answer(int http_status, std::string_view body);

// NotFound, AlreadyExists, Conflict, Gone (410 and Expired), Forbidden, Unauthenticated,
// InvalidArgument (400, 422), DeadlineExceeded (504), TooManyRequests, Unavailable (5xx),
// Unsupported (405, 406, 415). The message is the server's own.
Error to_error(const ApiStatus& status);

}  // namespace lateen::kube
