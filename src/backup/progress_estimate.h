// How many objects a backup will have, as far as the lists tell so far: each page says how many are
// behind it. Only for people who watch; the end of the run knows better.
#pragma once

#include <cstdint>
#include <map>

#include "base/json_slice.h"
#include "base/thread.h"
#include "kube/resource.h"

namespace lateen::backup {

// Thread-safe.
class ProgressEstimate {
 public:
  // Called with every object of a page; the first one counts for the page.
  void note(const kube::ResourceType& type, const ListPage& page, const ObjectSlice& slice);

  std::int64_t total() const;

 private:
  mutable Mutex mu_;
  std::int64_t seen_ LATEEN_GUARDED_BY(mu_) = 0;  // on the pages that have come
  // Behind them, by kind.
  std::map<kube::GroupVersionResource, std::int64_t> remaining_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::backup
