// What a profile of the shared files leads to: its keys, a role (through other profiles or the
// environment), a web identity, or another program.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/aws/metadata.h"
#include "net/aws/profile_file.h"
#include "net/aws/sts.h"

namespace lateen::net::aws {

// Finds the credentials of one profile. Not thread-safe.
class ProfileResolver {
 public:
  ProfileResolver(const Profiles& profiles, StsOptions sts)
      : profiles_(profiles), sts_(std::move(sts)) {}

  // `why_not` when there is no such profile, or nothing about credentials in it.
  Result<Sought> resolve(std::string_view profile, std::stop_token stop);

 private:
  Result<Sought> from_role(const Profile& profile, std::string_view name, std::stop_token stop);
  Result<Credentials> source_of(const Profile& profile,
                                std::string_view name,
                                std::stop_token stop);
  Result<Credentials> from_credential_source(std::string_view source, std::stop_token stop);

  const Profiles& profiles_;
  StsOptions sts_;
  std::vector<std::string> passed_;  // profiles of the chain so far
};

// IRSA: the token's file is read at each call. `session_name` may be empty.
Result<Credentials> from_token_file(const StsOptions& sts,
                                    const RoleRequest& role,
                                    const std::string& token_file,
                                    std::stop_token stop);

// "lateen-1763805600": for roles that are assumed without a name of their own.
std::string default_session_name(const Clock& clock);

// The keys in the environment.
Sought from_environment(const Environment& environment);

}  // namespace lateen::net::aws
