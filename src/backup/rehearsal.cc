#include "backup/rehearsal.h"

#include <algorithm>
#include <tuple>

namespace lateen::backup {

void Rehearsal::add(PlannedVolume volume) {
  const Lock lock(mu_);
  volumes_.push_back(std::move(volume));
}

void Rehearsal::add(PlannedHook hook) {
  const Lock lock(mu_);
  hooks_.push_back(std::move(hook));
}

std::vector<PlannedVolume> Rehearsal::volumes() const {
  std::vector<PlannedVolume> sorted;
  {
    const Lock lock(mu_);
    sorted = volumes_;
  }
  std::sort(sorted.begin(), sorted.end(), [](const PlannedVolume& a, const PlannedVolume& b) {
    return std::tie(a.ns, a.claim, a.volume, a.pod) < std::tie(b.ns, b.claim, b.volume, b.pod);
  });
  return sorted;
}

std::vector<PlannedHook> Rehearsal::hooks() const {
  std::vector<PlannedHook> sorted;
  {
    const Lock lock(mu_);
    sorted = hooks_;
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const PlannedHook& a, const PlannedHook& b) {
    return std::tie(a.ns, a.pod, a.phase) < std::tie(b.ns, b.pod, b.phase);
  });
  return sorted;
}

}  // namespace lateen::backup
