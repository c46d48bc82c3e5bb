// How a Client's requests reach the server: credentials, concurrency, retries. Internal to
// client.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/thread.h"
#include "kube/client.h"
#include "kube/credentials.h"
#include "kube/limiter.h"
#include "net/http_client.h"

namespace lateen::kube {

// One request, whatever number of times it is sent.
struct ApiCall {
  std::string method = "GET";
  std::string url_path;
  Query query;
  std::string content_type;  // of the body; empty: no body
  Bytes body;
  std::string accept;
  Deadline deadline = Deadline::never();
  CallReport* report = nullptr;
};

// Thread-safe.
class ClientTransport {
  struct Key {};  // makes the constructor open()'s alone

 public:
  ClientTransport(Key, const ClusterConfig& cluster, const ClientOptions& options);

  static Result<std::unique_ptr<ClientTransport>> open(const ClusterConfig& cluster,
                                                       const ClientOptions& options);

  // A 2xx answer; anything else is an Error.
  Result<net::HttpResponse> send(const ApiCall& call, std::stop_token stop);

  Result<std::unique_ptr<net::HttpStream>> open_stream(const ApiCall& call, std::stop_token stop);

  // Headers (authorization, impersonation), TLS and generation of the current credential.
  Result<Client::UpgradeTarget> upgrade_target(Deadline deadline, std::stop_token stop);

  void refuse(std::uint64_t generation) { credentials_.refuse(generation); }

  AdaptiveLimiter& limiter() { return limiter_; }

 private:
  using Pool = std::shared_ptr<net::HttpClient>;
  using Exchange = std::function<Result<net::HttpResponse>(const Pool&, const net::HttpRequest&)>;

  Result<net::HttpResponse> send_with_retries(const ApiCall& call,
                                              bool holds_place,
                                              const Exchange& exchange,
                                              std::stop_token stop);
  Result<net::HttpResponse> send_once(const ApiCall& call,
                                      const Credential& credential,
                                      bool holds_place,
                                      const Exchange& exchange,
                                      std::stop_token stop);
  Result<Pool> pool_for(const Credential& credential);
  net::HttpRequest make_request(const ApiCall& call, const Credential& credential) const;
  net::Headers identity_headers(const Credential& credential) const;
  net::TlsOptions tls_for(const Credential& credential) const;
  Error unreachable(Error error) const;

  const ClusterConfig cluster_;
  const ClientOptions options_;
  const bool accept_gzip_;
  const SystemClock clock_;
  SystemRng rng_;
  Credentials credentials_;
  AdaptiveLimiter limiter_;
  Mutex mu_;
  // Shared with the requests under way: a plugin's new certificate needs a new pool while the old
  // one still serves.
  Pool http_ LATEEN_GUARDED_BY(mu_);
  std::string http_certificate_ LATEEN_GUARDED_BY(mu_);
};

// The texts of `Warning: 299 - "…"` headers.
std::vector<std::string> parse_warnings(const net::Headers& headers);

}  // namespace lateen::kube
