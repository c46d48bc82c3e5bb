// Which packs a prune removes, which it writes anew. Pure: from what each pack holds.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "repository/repository.h"
#include "repository/restic/pack_survey.h"

namespace lateen::repository::restic {

struct PruneLimits {
  // Unused bytes that may stay, in percent of those that are used; no limit if not given.
  std::optional<double> max_unused_percent = 5.0;
  std::optional<ByteCount> max_unused_bytes = {};  // instead of percent
  std::optional<ByteCount> max_repack = {};
  repository::RepackChoice choice = {};
  int repository_version = 2;
};

struct PrunePlan {
  std::vector<SurveyedPack> unindexed = {};  // in no index: garbage of runs that were cut short
  std::vector<SurveyedPack> unused = {};
  std::vector<SurveyedPack> repack = {};
  std::vector<SurveyedPack> gone = {};  // in the index and unused, but not there any more
  std::uint64_t kept = 0;
  ByteCount unused_left = 0;

  bool changes_index() const { return !unused.empty() || !repack.empty() || !gone.empty(); }
};

// Corrupt if a pack that is needed is missing or of another size than the index says: nothing is to
// be removed from such a repository.
Result<PrunePlan> plan_prune(std::span<const SurveyedPack> packs, const PruneLimits& limits);

}  // namespace lateen::repository::restic
