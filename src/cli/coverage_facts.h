// What `coverage` and `audit` ask a cluster: everything that there is, and what each schedule's
// next backup would hold of it, by the very run that `backup create --dry-run` makes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "assurance/coverage.h"
#include "base/result.h"
#include "cli/session.h"
#include "model/schedule.h"

namespace lateen::backup {
class ItemWitness;
}

namespace lateen::cli {

struct CoverageQuestion {
  std::optional<Duration> objective = {};  // else each schedule's own: its interval and an hour
};

// Lists the cluster once for everything, and once more for each template of a schedule that differs
// from the others.
Result<assurance::CoverageFacts> read_coverage_facts(const Session& session,
                                                     const CoverageQuestion& question,
                                                     const Invocation& call);

// The Backup that a schedule would make, named after it.
model::Backup backup_by(const model::Schedule& schedule);

// What a selection holds: names by kind, and what it leaves out.
struct Selection {
  model::ResourceList objects = {};
  assurance::BackupCoverage coverage = {};
  std::vector<std::string> validation_errors = {};
};

Result<Selection> read_selection(const model::Backup& backup,
                                 const Session& session,
                                 backup::ItemWitness* witness,
                                 const Invocation& call);

}  // namespace lateen::cli
