// Maintenance of indexes: epochs are merged and begun, and what was merged is removed.
#include "repository/kopia/maintenance.h"

namespace lateen::repository::kopia {
Status Maintenance::compact_epochs() {
  constexpr int kMostAtOnce = 16;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const IndexState state = TRY(repo_.indexes_.list(stop_));
    const auto epoch = epoch_to_compact(state.epochs);
    if (!epoch) return {};
    const std::vector<BlobInfo>& blobs = state.epochs.uncompacted.at(*epoch);
    TRY(repo_.indexes_.merge(blobs, single_prefix(*epoch), stop_));
    say("the {} indexes of epoch {} were merged", blobs.size(), *epoch);
  }
  return {};
}

Status Maintenance::advance_epoch() {
  const IndexState state = TRY(repo_.indexes_.list(stop_));
  if (!should_advance(state.epochs, repo_.parameters_.epochs)) return {};
  const std::int64_t next = state.epochs.write_epoch + 1;
  TRY(repo_.indexes_.write_marker(next, stop_));
  say("epoch {} was begun", next);
  return {};
}

Status Maintenance::compact_range() {
  const IndexState state = TRY(repo_.indexes_.list(stop_));
  const auto range = range_to_compact(state.epochs, repo_.parameters_.epochs);
  if (!range) return {};
  const std::vector<BlobInfo> blobs = indexes_of(state.epochs, *range);
  if (!state.valid.holds(repo_.access_.clock)) {
    return Error(Code::Unavailable, "the store is too slow to merge epochs {} to {}", range->first,
                 range->last);
  }
  TRY(repo_.indexes_.merge(blobs, range_prefix(*range), stop_));
  say("the indexes of epochs {} to {} were merged", range->first, range->last);
  return {};
}

Status Maintenance::delete_superseded() {
  const IndexState state = TRY(repo_.indexes_.list(stop_));
  const std::vector<BlobInfo> blobs = superseded(state.epochs, repo_.parameters_.epochs);
  for (const BlobInfo& blob : blobs)
    TRY(repo_.store_->remove(blob.id, stop_));
  if (!blobs.empty()) say("{} index blobs that others replaced were removed", blobs.size());
  return {};
}

}  // namespace lateen::repository::kopia
