// A store in memory whose objects are stamped by a clock that the test sets; several handles may
// share the objects, as several machines share a bucket.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/thread.h"
#include "objects/object_store.h"

namespace lateen::repository::kopia {

// Thread-safe.
class TestClock final : public Clock {
 public:
  TimePoint now() const override;
  void advance(Duration by);

 private:
  mutable Mutex mu_;
  TimePoint now_ LATEEN_GUARDED_BY(mu_) =
      std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + std::chrono::hours(12);
};

// What is in a bucket.
struct Bucket {
  struct Object {
    Bytes bytes = {};
    TimePoint modified = {};
  };

  Mutex mu = {};
  std::map<std::string, Object, std::less<>> objects LATEEN_GUARDED_BY(mu) = {};
  std::uint64_t gets LATEEN_GUARDED_BY(mu) = 0;
  std::uint64_t puts LATEEN_GUARDED_BY(mu) = 0;
  std::uint64_t lists LATEEN_GUARDED_BY(mu) = 0;
  std::uint64_t others LATEEN_GUARDED_BY(mu) = 0;
  // Asked before each put and remove; an error is the call's, as from a machine that died.
  std::function<Status(std::string_view key)> before_change = {};

  std::vector<std::string> keys(std::string_view prefix = {});
  std::uint64_t requests();
};

std::unique_ptr<objects::ObjectStore> open_bucket(std::shared_ptr<Bucket> bucket,
                                                  const Clock& clock);

}  // namespace lateen::repository::kopia
