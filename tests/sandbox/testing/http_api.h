// The sandbox's API server on a loopback port, asked as raw HTTP by anyone: who asks is a
// ServiceAccount's token, made on demand. Pods are records only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/temp.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "sandbox/api/api_server.h"
#include "sandbox/api/token_authority.h"
#include "sandbox/http/front.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox::testing {

struct Ask {
  std::string method = "GET";
  std::string target = {};
  std::string body = {};   // JSON or YAML, sent as JSON
  std::string token = {};  // "": that of a member of cluster-admin; "-": none
  std::string accept = "application/json";
  std::string content_type = "application/json";
  net::Headers headers = {};
};

struct Told {
  int status = 0;
  net::Headers headers = {};
  std::string text = {};
  Json json = {};  // null when the body is none
};

// Fails the test when something cannot be set up. Not thread-safe.
class HttpApi {
 public:
  HttpApi();
  HttpApi(const HttpApi&) = delete;
  HttpApi& operator=(const HttpApi&) = delete;
  ~HttpApi();

  ApiServer& api() { return *api_; }

  Store& store() { return *store_; }

  const TokenAuthority& tokens() { return *tokens_; }

  // From now on.
  void set_audit(AuditLog* audit) { front_->set_audit(audit); }

  const Clock& clock() const { return clock_; }

  Rng& rng() { return rng_; }

  std::string url() const { return server_->url(); }

  Told ask(const Ask& what);

  // Waits for what goes on after an answer; nothing can be asked any more.
  void stop();

  // Creates each document of a YAML text as the sandbox itself; the test fails when one is refused.
  void create(std::string_view yaml);

  // The token of a ServiceAccount, which is made in the namespace if it is not there.
  std::string token_of(std::string_view ns, std::string_view account);

 private:
  TempDir dir_;
  SystemClock clock_;
  SystemRng rng_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<TokenAuthority> tokens_;
  std::unique_ptr<Front> front_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::HttpClient> client_;
  std::string admin_;
};

}  // namespace lateen::sandbox::testing
