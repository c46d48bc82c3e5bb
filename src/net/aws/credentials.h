// Where AWS credentials come from, in the order in which AWS' own tools look:
//
//   1. the credentials file of a location (its Secret); it excludes all others
//   2. a profile that a location names
//   3. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
//   4. IRSA: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN
//   5. AWS_SHARED_CREDENTIALS_FILE (then 4 is left out, as in Velero's plugin), or
//   ~/.aws/credentials
//      and ~/.aws/config: keys, role chains, credential_process
//   6. the container's endpoint: EKS Pod Identity, ECS
//   7. the instance's metadata, IMDSv2
//
//   auto provider = TRY(make_credentials({.region = "eu-west-1"}));
//   Credentials c = TRY(provider->get(stop));     // kept until shortly before they expire
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/aws/endpoints.h"
#include "net/aws/sigv4.h"
#include "net/tls.h"

namespace lateen::net::aws {

// Implementations are thread-safe.
class CredentialsProvider {
 public:
  CredentialsProvider() = default;
  CredentialsProvider(const CredentialsProvider&) = delete;
  CredentialsProvider& operator=(const CredentialsProvider&) = delete;
  virtual ~CredentialsProvider() = default;

  // Good for some minutes at least. Unauthenticated names every source that was tried and why it
  // had none.
  virtual Result<Credentials> get(std::stop_token stop) = 0;

  // A server has refused `used` (expired, revoked): the next get() asks the source again. Whether
  // that could give others.
  virtual bool refuse(const Credentials& used) = 0;
};

struct CredentialsOptions {
  std::string region = {};   // for STS' regional endpoint; empty: AWS_REGION, or the global one
  std::string profile = {};  // empty: AWS_PROFILE, or "default"
  Secret file = {};          // the content of a credentials file, with profiles
  FilePath file_path = {};   // or where one lies
  TlsOptions tls = {};       // of the calls to STS; instance and container endpoints are plain HTTP
  Environment environment = process_environment();
  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
};

// Asks no source yet. InvalidArgument if `file` can't be read as a credentials file.
Result<std::unique_ptr<CredentialsProvider>> make_credentials(CredentialsOptions options);

// Always the same: for keys that are given, and for tests.
std::unique_ptr<CredentialsProvider> fixed_credentials(Credentials credentials);

}  // namespace lateen::net::aws
