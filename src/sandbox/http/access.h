// What a request wants, in the words of authorization; and who it claims to be for.
#pragma once

#include "net/http_server.h"
#include "sandbox/http/request_info.h"
#include "sandbox/rbac/authorizer.h"

namespace lateen::sandbox {

// `info` is null for paths that are no resources.
rbac::AccessRequest access_of(const net::ServerRequest& request, const RequestInfo* info);

// With Impersonate-User and its like: the caller that is asked for, once `caller` is allowed to be
// it. Forbidden otherwise; without these headers `caller` itself.
ApiResult<Caller> impersonated(const net::ServerRequest& request,
                               const Caller& caller,
                               const rbac::Authorizer& authorizer);

}  // namespace lateen::sandbox
