// Secrets of type kubernetes.io/service-account-token: filled with a token that does not expire,
// and removed with their account. What kube-controller-manager's tokens controller does.
#pragma once

#include <stop_token>
#include <string>
#include <thread>

#include "base/log.h"
#include "sandbox/api/api.h"
#include "sandbox/api/token_authority.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

// Runs two threads, from start() to its destruction.
class TokenSecrets {
 public:
  // All of them must outlive it. `ca_pem` is the API server's: what ca.crt holds.
  TokenSecrets(
      Api& api, const Store& store, const TokenAuthority& tokens, std::string ca_pem, Log log);

  void start();

 private:
  void follow_secrets(std::stop_token stop);
  void follow_accounts(std::stop_token stop);
  void look_at(const StoredObject& stored);
  Status fill(const Json& secret, const StoredObject& account);
  void remove(const StoredObject& secret);

  Api& api_;
  const Store& store_;
  const TokenAuthority& tokens_;
  const std::string ca_pem_;
  const Log log_;
  std::jthread secrets_;
  std::jthread accounts_;
};

}  // namespace lateen::sandbox
