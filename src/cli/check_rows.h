// The rows of `lateen check`, by what they ask: each reads what it needs, and says in its own row
// what it could not read.
#pragma once

#include <string>
#include <vector>

#include "assurance/check_rules.h"
#include "cli/command.h"
#include "cli/session.h"

namespace lateen::cli {

struct CheckRequest {
  bool with_coverage = true;        // lists the whole cluster
  std::size_t snapshot_quota = 0;   // of the account and region
  std::string snapshot_claim = {};  // "ns/name", for --deep
};

using assurance::CheckResults;

// --pre.
CheckResults check_before_install(const Session& session, const Invocation& call);

// Location, schedules, drills, snapshots, clock: from objects of the cluster.
Result<CheckResults> check_objects(const Session& session,
                                   const CheckRequest& request,
                                   const Invocation& call);

// Each location's bucket.
CheckResults check_buckets(const std::vector<model::BackupStorageLocation>& locations,
                           const Session& session,
                           std::stop_token stop);

// Keys, alerts and the server itself.
CheckResults check_surroundings(const Session& session, const Invocation& call);

// --deep: writes an object into each bucket and deletes it; takes a snapshot of a claim and deletes
// it.
CheckResults check_by_doing(const std::vector<model::BackupStorageLocation>& locations,
                            const Session& session,
                            const CheckRequest& request,
                            const Invocation& call);

}  // namespace lateen::cli
