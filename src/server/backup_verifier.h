// Verifies backups of this cluster's locations: their files (assurance/verify.h), their snapshots
// (snapshot_check.h), and that none was removed. What `lateen verify` and the server's rotation do.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "assurance/verify.h"
#include "base/result.h"
#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

struct VerifyRequest {
  std::vector<std::string> names = {};  // none: all
  std::string location = {};            // "": all
  std::size_t part = 1;                 // of all, the n-th of `parts`
  std::size_t parts = 1;
  bool read_data = false;
  std::vector<Ed25519PublicKey> trusted = {};  // besides the cluster's
  // Called as each is done.
  std::function<void(const assurance::BackupVerdict&)> tell = {};
};

struct VerifyReport {
  std::vector<assurance::BackupVerdict> backups = {};
  std::vector<assurance::Finding> removed = {};  // only looked for when all are asked for

  bool has_problem() const;
};

Json report_json(const VerifyReport& report);

// NotFound for a name that no bucket has. A location that is not to be reached is an Error.
Result<VerifyReport> verify_backups(const ServerContext& context,
                                    const VerifyRequest& request,
                                    std::stop_token stop);

// verify: each --verify-frequency one part of --verify-parts of all backups, in turn, so that each
// is read once a round. What it finds is in the log and the metrics, and in the ConfigMap
// lateen-verification.
std::unique_ptr<Controller> make_verify_controller(const ServerContext& context);

}  // namespace lateen::server
