// What the API server refuses: create- and update-validation of built-in kinds, in its own words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lateen::sandbox::schema {

enum class FieldErrorType {
  Required,
  Invalid,
  NotSupported,
  Forbidden,
  Duplicate,
  NotFound,
  TooLong,
  TooMany,
  TypeInvalid
};

struct FieldError {
  FieldErrorType type = FieldErrorType::Invalid;
  std::string field;      // "spec.containers[0].image"
  std::string bad_value;  // as the message shows it: `-1`, `"x"`, `{"a":"b"}`; not used by Required
                          // and Forbidden
  std::string detail;

  // `spec.replicas: Invalid value: -1: must be greater than or equal to 0`
  std::string message() const;

  // The same without the field: the `message` of a Status cause.
  std::string cause_message() const;

  // "FieldValueInvalid", "FieldValueRequired" …: the `reason` of a Status cause.
  std::string_view cause_reason() const;
};

FieldError required(std::string field, std::string detail);
FieldError invalid(std::string field, const Json& value, std::string detail);
FieldError not_supported(std::string field,
                         const Json& value,
                         const std::vector<std::string>& supported);
FieldError forbidden(std::string field, std::string detail);
FieldError duplicate(std::string field, const Json& value);
FieldError not_found(std::string field, const Json& value);
FieldError too_long(std::string field, std::size_t most_bytes);

using FieldErrors = std::vector<FieldError>;

// `Deployment.apps "bad" is invalid: spec.replicas: Invalid value: -1: must be greater than or
// equal to 0`, with
// `[a, b]` around several. `group` "" gives `Pod "x" is invalid: …`.
std::string invalid_message(std::string_view group,
                            std::string_view kind,
                            std::string_view name,
                            const FieldErrors& errors);

// The 422 Status object: reason Invalid, details {name, group, kind, causes}.
Json invalid_status(std::string_view group,
                    std::string_view kind,
                    std::string_view name,
                    const FieldErrors& errors);

// metadata of any kind, custom resources included. `dns_label` for kinds whose names are labels
// (namespaces, services); generateName counts when there is no name.
enum class NameRule { DnsSubdomain, DnsLabel, Dns1035Label, PathSegment };
FieldErrors validate_metadata(const Json& object, bool namespaced, NameRule rule);
FieldErrors validate_metadata_update(const Json& old_object, const Json& object);

// Objects with defaults applied. Kinds that are not known are only checked for their metadata.
FieldErrors validate_create(std::string_view group,
                            std::string_view version,
                            std::string_view kind,
                            const Json& object);
FieldErrors validate_update(std::string_view group,
                            std::string_view version,
                            std::string_view kind,
                            const Json& old_object,
                            const Json& object);

}  // namespace lateen::sandbox::schema
