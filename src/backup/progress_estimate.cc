#include "backup/progress_estimate.h"

namespace lateen::backup {

void ProgressEstimate::note(const kube::ResourceType& type,
                            const ListPage& page,
                            const ObjectSlice& slice) {
  if (&slice != page.items().data()) return;
  const Lock lock(mu_);
  seen_ += static_cast<std::int64_t>(page.items().size());
  remaining_[type.gvr] = page.remaining_item_count().value_or(0);
}

std::int64_t ProgressEstimate::total() const {
  const Lock lock(mu_);
  std::int64_t total = seen_;
  for (const auto& [type, count] : remaining_)
    total += count;
  return total;
}

}  // namespace lateen::backup
