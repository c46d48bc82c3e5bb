// A clock that stands still until it is told to move.
#pragma once

#include <atomic>
#include <string_view>

#include "base/clock.h"
#include "base/time.h"

namespace lateen {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  // An RFC 3339 time; throws, which fails the test, if it is none.
  explicit FakeClock(std::string_view start = "2026-11-22T10:09:21Z")
      : now_(parse_rfc3339(start).value()) {}

  TimePoint now() const override { return now_.load(); }

  void advance(Duration by) { now_ = now_.load() + by; }

  void set(TimePoint now) { now_ = now; }

 private:
  std::atomic<TimePoint> now_;
};

}  // namespace lateen
