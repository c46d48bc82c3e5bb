// Temporary credentials from AWS' Security Token Service.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "net/aws/credentials.h"
#include "net/aws/sigv4.h"

namespace lateen::net::aws {

// Where STS is, and how it is reached.
struct StsOptions {
  std::string region = {};  // empty: the global endpoint
  TlsOptions tls = {};
  Environment environment = process_environment();
  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
};

struct RoleRequest {
  std::string role_arn = {};
  std::string session_name = {};
  std::string external_id = {};
  std::string duration_seconds = {};  // empty: STS' own (an hour)
};

// The role, for whom `caller` is.
Result<Credentials> assume_role(const StsOptions& options,
                                const RoleRequest& role,
                                CredentialsProvider& caller,
                                std::stop_token stop);

// The role, for whom an OIDC token speaks: IRSA. A refusal says what the token claims to be.
Result<Credentials> assume_role_with_web_identity(const StsOptions& options,
                                                  const RoleRequest& role,
                                                  const Secret& token,
                                                  std::stop_token stop);

}  // namespace lateen::net::aws
