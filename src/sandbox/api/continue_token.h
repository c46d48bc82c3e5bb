// Where a paged list goes on: the API server's own form, base64 of
// {"v":"meta.k8s.io/v1","rv":900,"start":"shop/db\u0000"}, and how many are left.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/api/api_error.h"

namespace lateen::sandbox {

struct ContinueToken {
  std::int64_t revision = 0;  // -1: whatever is newest (a token that a 410 handed out)
  std::string after;          // the key of the last object that was given out
  std::size_t left = 0;       // how many come after it at that revision; 0: not known

  std::string encode() const;
  // BadRequest.
  static ApiResult<ContinueToken> decode(std::string_view text);
};

}  // namespace lateen::sandbox
