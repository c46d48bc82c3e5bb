#include "repository/restic/prune_plan.h"

#include <algorithm>
#include <limits>

#include "repository/restic/pack_header.h"

namespace lateen::repository::restic {
namespace {

// Fewer small packs than this are left alone, or each prune would rewrite the last one's leftovers.
constexpr std::size_t kFewSmallPacks = 10;

struct Candidate {
  SurveyedPack pack;
  bool small;
  bool must;  // mixed, or with what is not compressed and is to be
};

// A pack below this is small: four fifths of the third percentile, at least of restic's minimum.
ByteCount small_size(std::span<const SurveyedPack> packs) {
  std::vector<ByteCount> sizes;
  for (const SurveyedPack& pack : packs) {
    if (pack.in_index) sizes.push_back(pack.size_by_index);
  }
  if (sizes.empty()) return 0;
  std::sort(sizes.begin(), sizes.end());
  return std::max(kMinPackSize, sizes[sizes.size() * 3 / 100]) * 4 / 5;
}

Status check_needed(const SurveyedPack& pack) {
  if (!pack.on_disk) {
    return Error(Code::Corrupt, "pack {} is needed and not there: nothing was removed",
                 pack.id.hex())
        .with_hint("Run `repair index`, then `check`.");
  }
  if (pack.size_on_disk != pack.size_by_index) {
    return Error(Code::Corrupt, "pack {} has {} bytes, the index describes {}: nothing was removed",
                 pack.id.hex(), pack.size_on_disk, pack.size_by_index)
        .with_hint("Run `repair index`, then `check`.");
  }
  return {};
}

// Trees first, then small packs, then by the share of what is unused.
bool comes_first(const Candidate& a, const Candidate& b) {
  if (a.pack.has_trees != b.pack.has_trees) return a.pack.has_trees;
  if (a.small != b.small) return a.small;
  // dead/live compared without dividing; packs are far below 4 GiB.
  return a.pack.dead_bytes * b.pack.live_bytes > b.pack.dead_bytes * a.pack.live_bytes;
}

ByteCount allowed_unused(ByteCount used, const PruneLimits& limits) {
  if (limits.max_unused_bytes) return *limits.max_unused_bytes;
  if (!limits.max_unused_percent) return std::numeric_limits<ByteCount>::max();
  const double share = *limits.max_unused_percent / 100.0;
  // Percent of the whole, as restic counts it: p of what then is used and unused together.
  if (share >= 1.0) return std::numeric_limits<ByteCount>::max();
  return static_cast<ByteCount>(static_cast<double>(used) * share / (1.0 - share));
}

void choose(std::vector<Candidate> candidates,
            ByteCount used,
            const PruneLimits& limits,
            PrunePlan& plan) {
  std::sort(candidates.begin(), candidates.end(), comes_first);
  const ByteCount allowed = allowed_unused(used, limits);
  ByteCount repacked = 0;
  for (Candidate& candidate : candidates) {
    const ByteCount size = candidate.pack.live_bytes + candidate.pack.dead_bytes;
    const bool too_much = limits.max_repack && repacked + size >= *limits.max_repack;
    const bool pays =
        plan.unused_left > allowed || candidate.small || candidate.must || candidate.pack.has_trees;
    if (too_much || !pays) {
      ++plan.kept;
      continue;
    }
    repacked += size;
    plan.unused_left -= candidate.pack.dead_bytes;
    plan.repack.push_back(std::move(candidate.pack));
  }
}

}  // namespace

Result<PrunePlan> plan_prune(std::span<const SurveyedPack> packs, const PruneLimits& limits) {
  PrunePlan plan;
  const ByteCount small = small_size(packs);
  ByteCount used = 0;
  std::vector<Candidate> candidates;
  std::vector<Candidate> small_candidates;
  for (const SurveyedPack& pack : packs) {
    if (!pack.in_index) {
      plan.unindexed.push_back(pack);
      continue;
    }
    if (pack.live_blobs == 0) {
      (pack.on_disk ? plan.unused : plan.gone).push_back(pack);
      continue;
    }
    TRY(check_needed(pack));
    used += pack.live_bytes;
    plan.unused_left += pack.dead_bytes;
    if (limits.choice.cacheable_only && pack.has_data && !pack.is_mixed()) {
      ++plan.kept;
      continue;
    }
    const bool plain = pack.has_plain_trees || (limits.choice.uncompressed && pack.has_plain_data);
    const bool must = pack.is_mixed() || (limits.repository_version >= 2 && plain);
    const Candidate candidate{.pack = pack, .small = pack.size_by_index < small, .must = must};
    if (must || pack.dead_blobs > 0) {
      candidates.push_back(candidate);
    } else if (candidate.small) {
      small_candidates.push_back(candidate);
    } else {
      ++plan.kept;
    }
  }
  if (small_candidates.size() >= (limits.choice.small ? 2 : kFewSmallPacks)) {
    candidates.insert(candidates.end(), small_candidates.begin(), small_candidates.end());
  } else {
    plan.kept += small_candidates.size();
  }
  choose(std::move(candidates), used, limits, plan);
  return plan;
}

}  // namespace lateen::repository::restic
