// Credentials of where a process runs: a container's endpoint (EKS Pod Identity, ECS) and an
// instance's metadata (IMDSv2). Plain HTTP on addresses that only this machine can reach.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "net/aws/credentials.h"
#include "net/aws/sigv4.h"

namespace lateen::net::aws {

// Credentials, or why this source does not apply here. An Error is a source that applies and fails.
struct Sought {
  std::optional<Credentials> found = {};
  std::string why_not = {};
};

Result<Sought> from_container(const Environment& environment, std::stop_token stop);
Result<Sought> from_instance(const Environment& environment, std::stop_token stop);

// {"AccessKeyId":…, "SecretAccessKey":…, "Token" or "SessionToken":…, "Expiration":…}, as these and
// credential_process give it.
Result<Credentials> read_json_credentials(BytesView text);

}  // namespace lateen::net::aws
