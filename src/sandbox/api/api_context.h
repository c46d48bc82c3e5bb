// What the parts of the API server share.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/thread.h"
#include "sandbox/api/registry.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

// The registry of this moment, replaced as definitions change. Thread-safe.
class CurrentRegistry {
 public:
  RegistryPtr get() const {
    const Lock lock(mu_);
    return registry_;
  }

  void set(RegistryPtr registry) {
    const Lock lock(mu_);
    registry_ = std::move(registry);
  }

 private:
  mutable Mutex mu_;
  RegistryPtr registry_ LATEEN_GUARDED_BY(mu_);
};

// References that outlive the API server. Thread-safe, as each of them is.
struct ApiContext {
  Store& store;
  const Clock& clock;
  Rng& rng;
  CurrentRegistry& registry;
  Log log;
};

}  // namespace lateen::sandbox
