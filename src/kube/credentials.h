// The current credential of an Identity: constant ones, files that are read again, and exec
// plugins, whose answer is kept until it expires or the server refuses it.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/thread.h"
#include "kube/kubeconfig.h"

namespace lateen::kube {

// What goes out with a request. `generation` changes whenever the credential does.
struct Credential {
  Secret authorization;           // the Authorization header's value; empty: none
  Secret client_certificate_pem;  // empty: none
  Secret client_key_pem;
  std::uint64_t generation = 0;
};

// Thread-safe.
class Credentials {
 public:
  // `clock` must outlive it.
  Credentials(const ClusterConfig& cluster, const Clock& clock);

  // Runs the plugin or reads the file when that is due. An error names the user, the command and
  // its install hint.
  Result<Credential> current(Deadline deadline, std::stop_token stop);

  // The server answered 401 to the credential of this generation: the next current() asks anew,
  // unless that happened already.
  void refuse(std::uint64_t generation);

  // Whether asking anew can give another answer: exec plugins and token files.
  bool renewable() const;

 private:
  struct Cached {
    Credential credential;
    std::optional<TimePoint> renew_at;  // never, when absent
    bool usable = false;
  };

  // The cached one if it is fresh; otherwise nothing, and it is the caller's turn to fetch.
  Result<std::optional<Credential>> fresh_or_my_turn(Deadline deadline, std::stop_token stop);
  Result<Cached> fetch(Deadline deadline, std::stop_token stop) const;
  Result<Cached> read_token_file() const;
  Result<Cached> run_plugin(Deadline deadline, std::stop_token stop) const;
  Cached constant() const;

  const Identity identity_;
  const Json cluster_info_;  // spec.cluster of KUBERNETES_EXEC_INFO; null unless asked for
  const Clock& clock_;
  Mutex mu_;
  Condition fetched_;
  bool fetching_ LATEEN_GUARDED_BY(mu_) = false;  // a hundred requests run the plugin once
  Cached cached_ LATEEN_GUARDED_BY(mu_);
  std::uint64_t generation_ LATEEN_GUARDED_BY(mu_) = 0;
};

// Reads what a plugin printed: an ExecCredential of `api_version`.
struct ExecAnswer {
  Credential credential;
  std::optional<TimePoint> expires;
};

Result<ExecAnswer> parse_exec_credential(std::string_view output, std::string_view api_version);

}  // namespace lateen::kube
