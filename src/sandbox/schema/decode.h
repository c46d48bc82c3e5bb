// What the API server does with a built-in object before anything else looks at it: checks that
// each value has the type of its field, names the fields that it does not know, drops them, and
// writes the object as Go's types would (null and empty optional members left out, zero values of
// plain members put in, quantities in canonical form).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sandbox/schema/types.h"

namespace lateen::sandbox::schema {

// The first value of a wrong type, in Go's words: `json: cannot unmarshal string into Go struct
// field DeploymentSpec.spec.replicas of type int32`. Ok when all fit. Unknown fields are not looked
// at.
Status check_types(const Type& type, const Json& object);

// Fields that the type does not have, as strict decoding names them: `unknown field
// "spec.template.spec.foo"`, `unknown field "spec.containers[0].imag"`. In order of the document.
// Names differing only in case are unknown too.
std::vector<std::string> unknown_fields(const Type& type, const Json& object);

// Keys given twice in a JSON text, as strict decoding names them: `duplicate field "data.a"`. For
// any type.
std::vector<std::string> duplicate_fields(BytesView json_text);

// Removes what unknown_fields would name.
void prune_unknown(const Type& type, Json& object);

// The object as the Go type would write it again, members in the type's order. For objects that
// passed check_types. Prunes too. apiVersion and kind come first.
Json normalized(const Type& type, const Json& object);

// All of it, as a create or update does. The unknown fields come back by name, for the caller to
// refuse (Strict), warn of (Warn) or pass over (Ignore). Duplicates can only be seen in the text:
// duplicate_fields.
struct Decoded {
  Json object;
  std::vector<std::string> strict_errors;
};

Result<Decoded> decode_object(const Type& type, const Json& object);

// `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field
// "datum"`
std::string strict_error_message(std::string_view kind,
                                 std::string_view version,
                                 const std::vector<std::string>& errors);

// `Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal …`
std::string decode_error_message(std::string_view kind,
                                 std::string_view version,
                                 std::string_view why);

}  // namespace lateen::sandbox::schema
