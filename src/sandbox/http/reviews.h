// The resources that are questions: who am I, may I, whose token is this.
#pragma once

#include "base/json.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/served_type.h"
#include "sandbox/api/token_authority.h"
#include "sandbox/http/request_info.h"
#include "sandbox/rbac/authorizer.h"

namespace lateen::sandbox {

// `review` with its status filled in. Invalid where it asks nothing, or two things at once.
ApiResult<Json> answer_review(const ServedType& type,
                              const RequestInfo& info,
                              Json review,
                              const TokenAuthority& tokens,
                              const rbac::Authorizer& authorizer);

}  // namespace lateen::sandbox
