// What became of the objects of one restore, gathered from the threads that work on them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/thread.h"
#include "restore/item_bringer.h"
#include "restore/run.h"

namespace lateen::restore {

// Thread-safe.
class RunNotes {
 public:
  explicit RunNotes(const Log& log) : log_(log) {}

  void item(std::string_view api_version,
            std::string_view kind,
            std::string_view ns,
            std::string_view name,
            ItemOutcome outcome);
  void warning(std::string_view ns, std::string message);
  void error(std::string_view ns, std::string message);
  // One that is of no object.
  void velero_warning(std::string message);

  void operation(model::RestoreOperation operation);
  void hooked_pod(HookedPod pod);
  void restored_volume(model::RestoreVolumeInfo info);
  void provisioned_claim(ProvisionedClaim claim);

  // One more object is done; says how many are.
  std::int64_t count_one();

  // Sorted.
  RestoreOutcome outcome() const;

 private:
  const Log& log_;
  mutable Mutex mu_;
  RestoreOutcome outcome_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::restore
