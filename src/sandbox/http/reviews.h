// The resources that are questions: access reviews, token reviews. Nothing is stored; the answer is
// the question with its status filled in.
#pragma once

#include "base/json.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/served_type.h"
#include "sandbox/api/token_authority.h"

namespace lateen::sandbox {

// `review` is decoded. RBAC is not evaluated here, and the answers say so: all that is
// authenticated is allowed.
ApiResult<Json> answer_review(const ServedType& type,
                              Json review,
                              const Caller& caller,
                              const TokenAuthority& tokens);

}  // namespace lateen::sandbox
