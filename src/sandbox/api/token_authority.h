// Tokens of ServiceAccounts: JSON web tokens that only this sandbox makes and reads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "sandbox/api/caller.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

struct ServiceAccountToken {
  std::string ns = {};
  std::string service_account = {};
  std::string pod_name = {};  // the token ends with this pod; "" for none
  std::string pod_uid = {};
  std::string secret_name = {};  // the same for a Secret
  std::string secret_uid = {};
  std::vector<std::string> audiences = {};  // empty: the API server's
  std::int64_t expiration_seconds = 3600;   // 0: never (the tokens of Secrets)
};

struct IssuedToken {
  std::string token;
  TimePoint expires;
  std::string service_account_uid;
};

// Thread-safe.
class TokenAuthority {
 public:
  // `key` signs; whoever has it is every ServiceAccount.
  TokenAuthority(Secret key, const Store& store, const Clock& clock)
      : key_(std::move(key)), store_(store), clock_(clock) {}

  // NotFound when there is no such account.
  Result<IssuedToken> issue(const ServiceAccountToken& wanted) const;

  // Unauthenticated for a token that is not ours, has expired, is for none of the audiences (none
  // given: the API server), or whose account, pod or Secret is gone.
  Result<Caller> verify(std::string_view token, std::span<const std::string> audiences = {}) const;

  // The audience of the API server itself.
  static std::string_view own_audience();

 private:
  Status check_binding(const Json& bound, std::string_view kind, std::string_view resource) const;
  Result<std::string> uid_of(std::string_view resource,
                             std::string_view ns,
                             std::string_view name) const;

  const Secret key_;
  const Store& store_;
  const Clock& clock_;
};

}  // namespace lateen::sandbox
