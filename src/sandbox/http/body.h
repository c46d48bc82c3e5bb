// Request bodies: JSON, YAML or Kubernetes' protobuf, as trees.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "net/http_server.h"
#include "sandbox/api/api_error.h"

namespace lateen::sandbox {

struct RequestBody {
  Json object;                                     // null for an empty body
  std::vector<std::string> duplicate_fields = {};  // `duplicate field "data.a"`
};

// BadRequest for what does not parse, 415 for other content types.
ApiResult<RequestBody> read_body(const net::ServerRequest& request);

}  // namespace lateen::sandbox
