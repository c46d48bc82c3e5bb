#include "repository/kopia/epoch.h"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "base/text.h"

namespace lateen::repository::kopia {
namespace {

// Beyond this a number in a name is not an epoch's.
constexpr std::int64_t kMaxEpoch = std::numeric_limits<std::int32_t>::max();

std::optional<std::int64_t> parse_epoch(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto number = parse_int(text);
  if (!number || *number > kMaxEpoch) return std::nullopt;
  return *number;
}

// "xn12_…" → 12; also "xe12".
std::optional<std::int64_t> epoch_of(std::string_view id) {
  return parse_epoch(cut(id.substr(2), "_").before);
}

// "xr3_9_…" → 3, 9.
std::optional<EpochSpan> span_of(std::string_view id) {
  const Cut first = cut(id.substr(2), "_");
  const Cut second = cut(first.after, "_");
  if (!first.found || !second.found) return std::nullopt;
  const auto from = parse_epoch(first.before);
  const auto to = parse_epoch(second.before);
  if (!from || !to || *to < *from) return std::nullopt;
  return EpochSpan{.first = *from, .last = *to};
}

// How many blobs the set of this one has, and the set's name.
struct SetName {
  std::string_view set;
  std::int64_t count;
};

std::optional<SetName> set_of(std::string_view id) {
  const std::vector<std::string_view> parts = split(id, '-');
  if (parts.size() < 3 || !parts[1].starts_with('s') || !parts[2].starts_with('c')) {
    return std::nullopt;
  }
  const auto count = parse_int(parts[2].substr(1));
  if (!count) return std::nullopt;
  return SetName{.set = parts[1], .count = *count};
}

// The chain of range checkpoints from `first` on that reaches furthest, by the fewest pieces.
// Ranges that overlap come from maintenance that ran twice.
std::vector<EpochRange> longest_chain(const std::vector<EpochRange>& ranges) {
  std::map<std::int64_t, std::vector<EpochRange>> best;  // by the epoch that the chain starts at
  std::vector<EpochRange> sorted = ranges;
  std::ranges::sort(sorted, std::greater<>(), &EpochRange::first);
  for (const EpochRange& range : sorted) {
    std::vector<EpochRange> chain = {range};
    if (const auto rest = best.find(range.last + 1); rest != best.end()) {
      chain.insert(chain.end(), rest->second.begin(), rest->second.end());
    }
    std::vector<EpochRange>& known = best[range.first];
    const bool further = known.empty() || chain.back().last > known.back().last;
    const bool fewer =
        !known.empty() && chain.back().last == known.back().last && chain.size() < known.size();
    if (further || fewer) known = std::move(chain);
  }
  const auto from_start = best.find(0);
  return from_start == best.end() ? std::vector<EpochRange>{} : from_start->second;
}

TimePoint newest(std::span<const BlobInfo> blobs) {
  TimePoint time = {};
  for (const BlobInfo& blob : blobs)
    time = std::max(time, blob.modified);
  return time;
}

// Sorts the blobs of one prefix into what they belong to.
class Sorting {
 public:
  void add(const BlobInfo& blob) {
    if (blob.id.size() < 3) return;
    switch (blob.id[1]) {
      case 'e':
        add_marker(blob);
        break;
      case 'w':
        add_watermark(blob);
        break;
      case 'n':
        if (const auto epoch = epoch_of(blob.id)) state_.uncompacted[*epoch].push_back(blob);
        break;
      case 's':
        if (const auto epoch = epoch_of(blob.id)) single_[*epoch].push_back(blob);
        break;
      case 'r':
        if (const auto span = span_of(blob.id)) {
          ranges_[{span->first, span->last}].push_back(blob);
        }
        break;
      default:
        break;
    }
  }

  EpochState finish() {
    for (const auto& [epoch, blobs] : single_) {
      auto sets = complete_sets(blobs);
      if (!sets.empty()) state_.single.emplace(epoch, std::move(sets.front()));
    }
    std::vector<EpochRange> ranges;
    for (const auto& [span, blobs] : ranges_) {
      auto sets = complete_sets(blobs);
      if (sets.empty()) continue;
      ranges.push_back(
          {.first = span.first, .last = span.second, .blobs = std::move(sets.front())});
    }
    state_.ranges = longest_chain(ranges);
    return std::move(state_);
  }

 private:
  void add_marker(const BlobInfo& blob) {
    const auto epoch = epoch_of(blob.id);
    if (!epoch) return;
    state_.write_epoch = std::max(state_.write_epoch, *epoch);
    state_.markers.push_back(blob);
  }

  void add_watermark(const BlobInfo& blob) {
    const auto seconds = parse_int(std::string_view(blob.id).substr(2));
    if (!seconds) return;
    state_.deletion_watermark = std::max(state_.deletion_watermark, *seconds);
    state_.watermarks.push_back(blob);
  }

  EpochState state_;
  std::map<std::int64_t, std::vector<BlobInfo>> single_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<BlobInfo>> ranges_;
};

}  // namespace

std::vector<std::vector<BlobInfo>> complete_sets(std::span<const BlobInfo> blobs) {
  std::map<std::string, std::vector<BlobInfo>, std::less<>> sets;
  std::vector<std::vector<BlobInfo>> complete;
  for (const BlobInfo& blob : blobs) {
    const auto name = set_of(blob.id);
    if (!name) {
      complete.push_back({blob});
      continue;
    }
    std::vector<BlobInfo>& set = sets[std::string(name->set)];
    set.push_back(blob);
    if (static_cast<std::int64_t>(set.size()) == name->count) complete.push_back(set);
  }
  return complete;
}

EpochState epoch_state(std::span<const BlobInfo> blobs) {
  Sorting sorting;
  for (const BlobInfo& blob : blobs)
    sorting.add(blob);
  return sorting.finish();
}

// Not one epoch at a time: a marker with an absurd number must not cost an absurd loop.
std::vector<BlobInfo> indexes_of(const EpochState& state, EpochSpan range) {
  std::set<std::int64_t> epochs;
  for (const auto& [epoch, _] : state.uncompacted)
    epochs.insert(epoch);
  for (const auto& [epoch, _] : state.single)
    epochs.insert(epoch);
  std::vector<BlobInfo> blobs;
  for (const std::int64_t epoch : epochs) {
    if (epoch < range.first || epoch > range.last) continue;
    const auto single = state.single.find(epoch);
    const bool merged = epoch <= state.last_settled() && single != state.single.end();
    const auto loose = state.uncompacted.find(epoch);
    if (!merged && loose == state.uncompacted.end()) continue;
    const std::vector<BlobInfo>& from = merged ? single->second : loose->second;
    blobs.insert(blobs.end(), from.begin(), from.end());
  }
  return blobs;
}

std::vector<BlobInfo> active_indexes(const EpochState& state) {
  std::vector<BlobInfo> blobs;
  for (const EpochRange& range : state.ranges) {
    blobs.insert(blobs.end(), range.blobs.begin(), range.blobs.end());
  }
  const auto rest =
      indexes_of(state, {.first = state.last_of_ranges() + 1, .last = state.write_epoch + 1});
  blobs.insert(blobs.end(), rest.begin(), rest.end());
  return blobs;
}

bool should_advance(const EpochState& state, const EpochParameters& parameters) {
  const auto current = state.uncompacted.find(state.write_epoch);
  if (current == state.uncompacted.end() || current->second.empty()) return false;
  TimePoint oldest = current->second.front().modified;
  ByteCount size = 0;
  for (const BlobInfo& blob : current->second) {
    oldest = std::min(oldest, blob.modified);
    size += blob.size;
  }
  if (newest(current->second) - oldest < parameters.min_epoch_duration) return false;
  return static_cast<std::int64_t>(current->second.size()) >= parameters.advance_on_count ||
         size >= parameters.advance_on_size;
}

std::optional<std::int64_t> epoch_to_compact(const EpochState& state) {
  for (const auto& [epoch, _] : state.uncompacted) {
    if (epoch > state.last_settled()) return std::nullopt;
    if (epoch > state.last_of_ranges() && !state.single.contains(epoch)) return epoch;
  }
  return std::nullopt;
}

std::optional<EpochSpan> range_to_compact(const EpochState& state,
                                          const EpochParameters& parameters) {
  const EpochSpan span{.first = state.last_of_ranges() + 1, .last = state.last_settled()};
  if (span.last < 0 || span.last - span.first < parameters.full_checkpoint_frequency) {
    return std::nullopt;
  }
  return span;
}

std::vector<BlobInfo> superseded(const EpochState& state, const EpochParameters& parameters) {
  TimePoint storage_now = {};
  for (std::int64_t epoch = state.write_epoch - 1; epoch <= state.write_epoch + 1; ++epoch) {
    const auto loose = state.uncompacted.find(epoch);
    if (loose != state.uncompacted.end()) {
      storage_now = std::max(storage_now, newest(loose->second));
    }
  }
  std::vector<BlobInfo> blobs;
  if (storage_now == TimePoint{}) return blobs;  // no clock to go by
  const TimePoint before = storage_now - parameters.cleanup_safety_margin;
  for (const auto& [epoch, loose] : state.uncompacted) {
    const auto single = state.single.find(epoch);
    if (epoch > state.last_settled() || single == state.single.end()) continue;
    if (newest(single->second) >= before) continue;
    blobs.insert(blobs.end(), loose.begin(), loose.end());
  }
  for (const BlobInfo& marker : state.markers) {
    if (*epoch_of(marker.id) < state.write_epoch - 1) blobs.push_back(marker);
  }
  for (const BlobInfo& watermark : state.watermarks) {
    if (watermark.id != watermark_name(state.deletion_watermark) && watermark.modified < before) {
      blobs.push_back(watermark);
    }
  }
  return blobs;
}

std::string uncompacted_prefix(std::int64_t epoch) {
  return fmt::format("xn{}_", epoch);
}

std::string single_prefix(std::int64_t epoch) {
  return fmt::format("xs{}_", epoch);
}

std::string range_prefix(EpochSpan range) {
  return fmt::format("xr{}_{}_", range.first, range.last);
}

std::string marker_name(std::int64_t epoch) {
  return fmt::format("xe{}", epoch);
}

std::string watermark_name(std::int64_t unix_seconds) {
  return fmt::format("xw{}", unix_seconds);
}

}  // namespace lateen::repository::kopia
