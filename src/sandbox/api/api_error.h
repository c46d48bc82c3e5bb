// Why the API server said no, as clients see it: an Error (so that TRY and codes work as
// everywhere) that also carries the HTTP code, the reason and the details of a Kubernetes Status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/json.h"
#include "base/result.h"
#include "kube/resource.h"

namespace lateen::sandbox {

// One entry of details.causes.
struct StatusCause {
  std::string reason = {};  // FieldValueInvalid, FieldValueRequired, FieldManagerConflict, ...
  std::string message = {};
  std::string field = {};  // "spec.replicas"; empty where no field is to blame
};

// What a Status says beyond its message. Which of name, group and kind are set is part of each
// error's wording (apiserver: details.kind is the plural resource for NotFound, the Kind for
// Invalid).
struct StatusDetails {
  std::string name = {};
  std::string group = {};
  std::string kind = {};
  std::string uid = {};
  std::vector<StatusCause> causes = {};
  std::int64_t retry_after_seconds = 0;
};

// Immutable but for move.
class [[nodiscard]] ApiError : public Error {
 public:
  // Any other error as the API server would show it: its code decides (Internal where nothing
  // fits).
  ApiError(
      Error error);  // NOLINT(google-explicit-constructor): so that TRY works over base's errors

  ApiError(Error error,
           int http_code,
           std::string reason,
           StatusDetails details,
           bool with_details = true)
      : Error(std::move(error)),
        http_code_(http_code),
        reason_(std::move(reason)),
        details_(std::move(details)),
        with_details_(with_details) {}

  int http_code() const { return http_code_; }

  const std::string& reason() const { return reason_; }

  const StatusDetails& details() const { return details_; }

  // A continue token for an inconsistent rest of the list (410 Expired); lands in
  // metadata.continue.
  ApiError&& with_continue_token(std::string token) &&;

  // {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",...}
  Json to_status() const;

 private:
  int http_code_ = 500;
  std::string reason_;
  StatusDetails details_;
  bool with_details_ = true;
  std::string continue_token_;
};

// A value, or the ApiError why there is none. TRY works on it in functions that return Result, too
// (the Status details are dropped then; code and message stay).
template <typename T>
class [[nodiscard]] ApiResult : public tl::expected<T, ApiError> {
 public:
  using Base = tl::expected<T, ApiError>;
  using Base::Base;

  ApiResult(ApiError error)  // NOLINT(google-explicit-constructor)
      : Base(tl::unexpect, std::move(error)) {}

  ApiResult(Error error)  // NOLINT(google-explicit-constructor)
      : Base(tl::unexpect, ApiError(std::move(error))) {}
};

using ApiStatus = ApiResult<void>;

// ---- The errors, in the API server's words.

// 404: `configmaps "nope" not found`. `group` is empty for core.
ApiError not_found(std::string_view group, std::string_view resource, std::string_view name);
// 404 text for a resource that is not served: "the server could not find the requested resource".
ApiError no_such_resource();
// 409 AlreadyExists: `backups.velero.io "b" already exists`.
ApiError already_exists(std::string_view group, std::string_view resource, std::string_view name);
// 409 Conflict: `Operation cannot be fulfilled on <resource> "<name>": <why>`.
ApiError conflict(std::string_view group,
                  std::string_view resource,
                  std::string_view name,
                  std::string_view why);
// The stale-update conflict.
ApiError modified(std::string_view group, std::string_view resource, std::string_view name);
// 403 Forbidden: `<resource> "<name>" is forbidden: <why>`.
ApiError forbidden(std::string_view group,
                   std::string_view resource,
                   std::string_view name,
                   std::string_view why);
// 400 BadRequest with the message as it is.
ApiError bad_request(std::string_view message);
// 422 Invalid: `Deployment.apps "bad" is invalid: <cause>` or `...: [<cause>, <cause>]`. Each
// cause's message is without its field ("Invalid value: -1: must be ..."); the text puts "field: "
// before it.
ApiError invalid(std::string_view group,
                 std::string_view kind,
                 std::string_view name,
                 std::vector<StatusCause> causes);
// 405 MethodNotAllowed.
ApiError method_not_allowed(std::string_view group,
                            std::string_view resource,
                            std::string_view verb);
// 410 Expired.
ApiError expired(std::string_view message);
// 504 Timeout with cause ResourceVersionTooLarge.
ApiError too_large_resource_version(std::uint64_t asked, std::uint64_t current);
// 415 and 406.
ApiError unsupported_media_type();
ApiError not_acceptable();
// 401.
ApiError unauthorized();
// 429 with Retry-After (evictions that a PodDisruptionBudget forbids).
ApiError too_many_requests(std::string_view message, std::int64_t retry_after_seconds);

}  // namespace lateen::sandbox

namespace lateen {
template <typename T>
T take(tl::expected<T, sandbox::ApiError>&& r) {
  return std::move(*r);
}

inline void take(tl::expected<void, sandbox::ApiError>&&) {}
}  // namespace lateen
