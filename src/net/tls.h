// Who we are and whom we trust on a TLS connection, and the small certificate authority that the
// sandbox and the tests use. Everything is PEM in memory: no file is written or read here.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace lateen::net {

// The client's side of a connection.
struct TlsOptions {
  std::string ca_pem = {};  // trusted instead of the system's authorities; empty: the system's
  std::string client_certificate_pem = {};  // with its chain; goes with the key
  Secret client_key_pem = {};
  bool insecure_skip_verify = false;
  std::string server_name = {};  // to verify and to ask for, instead of the URL's host
};

// A certificate (its chain after it) and its key.
struct CertificatePair {
  std::string certificate_pem = {};
  Secret key_pem = {};
};

struct CertificateRequest {
  std::string common_name = {};                 // a user's name, for a client
  std::vector<std::string> organizations = {};  // a user's groups, for a client
  std::vector<std::string> dns_names = {};      // SANs: what a server is called
  std::vector<std::string> ip_addresses = {};
  bool for_client = false;
  bool for_server = false;
  std::chrono::hours validity = std::chrono::hours(24 * 365);
};

// A new self-signed authority: ECDSA P-256, valid from an hour ago for ten years.
Result<CertificatePair> make_certificate_authority(std::string_view common_name,
                                                   const Clock& clock);

// A certificate signed by `authority`, with a key of its own. Valid from an hour ago (clocks
// differ), and never longer than the authority.
Result<CertificatePair> issue_certificate(const CertificatePair& authority,
                                          const CertificateRequest& request,
                                          const Clock& clock);

struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> organizations;
  TimePoint not_before;
  TimePoint not_after;
};

// The first certificate of a PEM text.
Result<CertificateInfo> read_certificate(std::string_view pem);

}  // namespace lateen::net
