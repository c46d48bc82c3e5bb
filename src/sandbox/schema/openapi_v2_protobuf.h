// An OpenAPI v2 document in gnostic's protobuf form, which kubectl asks for. Internal to the
// OpenAPI documents.
#pragma once

#include <string>

#include "base/json.h"

namespace lateen::sandbox::schema {

// `document` is one of ours: what it does not use of OpenAPI v2 is not written.
std::string encode_openapi_v2(const Json& document);

}  // namespace lateen::sandbox::schema
