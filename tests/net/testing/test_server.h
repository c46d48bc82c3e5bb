// A server for one test: its handler is a lambda, its certificate comes from an authority made for
// the test program.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/process.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/tls.h"

namespace lateen::net::testing {

using namespace std::literals;  // NOLINT(google-global-names-in-headers): for tests only

// The value, or the test program's end with its error: for what a test stands on, not for what it
// tests.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    assertion_failed("must", result.error().describe().c_str(), __FILE__, __LINE__);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class FixedClock final : public Clock {
 public:
  explicit FixedClock(TimePoint now) : now_(now) {}

  TimePoint now() const override { return now_; }

 private:
  const TimePoint now_;
};

struct Authority {
  CertificatePair ca;
  CertificatePair server;  // for 127.0.0.1, ::1 and localhost
  CertificatePair client;  // CN=alice, O=dev, O=ops

  static const Authority& get() {
    static const Authority authority = make();
    return authority;
  }

  ServerTls server_tls(bool ask_for_client = false) const {
    return {.certificate_pem = server.certificate_pem,
            .key_pem = server.key_pem,
            .client_ca_pem = ask_for_client ? ca.certificate_pem : ""};
  }

 private:
  static Authority make() {
    const SystemClock clock;
    Authority a;
    a.ca = must(make_certificate_authority("test authority", clock));
    a.server = must(issue_certificate(a.ca,
                                      {.common_name = "server",
                                       .dns_names = {"localhost", "kubernetes.default.svc"},
                                       .ip_addresses = {"127.0.0.1", "::1"},
                                       .for_server = true},
                                      clock));
    a.client = must(issue_certificate(
        a.ca, {.common_name = "alice", .organizations = {"dev", "ops"}, .for_client = true},
        clock));
    return a;
  }
};

class TestServer final : public HttpHandler {
 public:
  using Serve = std::function<void(ServerExchange&)>;

  explicit TestServer(Serve serve, HttpServerOptions options = {})
      : serve_(std::move(serve)), server_(must(HttpServer::start(std::move(options), *this))) {}

  static HttpServerOptions with_tls(bool ask_for_client = false) {
    return {.tls = Authority::get().server_tls(ask_for_client)};
  }

  void serve(ServerExchange& exchange) override { serve_(exchange); }

  HttpServer& server() { return *server_; }

  std::string url(std::string_view path = "/") const { return server_->url() + std::string(path); }

 private:
  const Serve serve_;
  const std::unique_ptr<HttpServer> server_;
};

inline std::unique_ptr<HttpClient> make_client(HttpClientOptions options = {}) {
  return must(HttpClient::open(std::move(options)));
}

inline HttpClientOptions trusting() {
  return {.tls = {.ca_pem = Authority::get().ca.certificate_pem}};
}

// Runs a program of the machine; the test is skipped where there is none.
inline ProcessResult run(std::vector<std::string> argv, Bytes input = {}) {
  return must(run_process({.argv = std::move(argv), .stdin_bytes = std::move(input)},
                          Deadline::after(60s), {}));
}

inline bool has_program(const std::string& name) {
  const auto found =
      run_process({.argv = {"/bin/sh", "-c", "command -v " + name}}, Deadline::after(60s), {});
  return found && found->ok();
}

}  // namespace lateen::net::testing
