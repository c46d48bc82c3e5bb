// Kubernetes Events: what `kubectl describe` shows under an object. One that repeats counts up
// instead of piling up.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/thread.h"
#include "sandbox/api/api.h"

namespace lateen::sandbox {

// Thread-safe.
class EventRecorder {
 public:
  EventRecorder(Api& api, const Clock& clock, std::string component);

  void normal(const Json& object, std::string_view reason, std::string_view message) {
    record(object, "Normal", reason, message);
  }

  void warning(const Json& object, std::string_view reason, std::string_view message) {
    record(object, "Warning", reason, message);
  }

 private:
  struct Recorded {
    std::string ns;
    std::string name;
    std::int64_t count = 0;
  };

  void record(const Json& object,
              std::string_view type,
              std::string_view reason,
              std::string_view message);

  Api& api_;
  const Clock& clock_;
  const std::string component_;
  SystemRng rng_;
  Mutex mu_;
  std::map<std::string, Recorded> recorded_ LATEEN_GUARDED_BY(mu_);  // at most kMostRemembered
};

}  // namespace lateen::sandbox
