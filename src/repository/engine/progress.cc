#include "repository/engine/progress.h"

#include <algorithm>

namespace lateen::repository {

void ProblemList::add(std::string path, Error error) {
  count_.fetch_add(1, std::memory_order_relaxed);
  Lock lock(mu_);
  if (problems_.size() >= kMaxKept) return;
  problems_.push_back({.path = std::move(path), .error = std::move(error)});
}

std::vector<Problem> ProblemList::take() {
  Lock lock(mu_);
  std::vector<Problem> taken;
  taken.swap(problems_);
  std::stable_sort(taken.begin(), taken.end(),
                   [](const Problem& a, const Problem& b) { return a.path < b.path; });
  return taken;
}

}  // namespace lateen::repository
