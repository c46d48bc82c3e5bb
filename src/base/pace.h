// Doing no more in a second than one may: bytes on a line, and time of the processor. Both may be
// changed while others wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/thread.h"

namespace lateen {

// Bytes a second, for all that share it. Who comes waits until its bytes, and those before them,
// have had their time. What nobody used is not saved up. Thread-safe.
class Pace {
 public:
  explicit Pace(ByteCount per_second = 0) : per_second_(per_second) {}

  // 0: unlimited.
  void set(ByteCount per_second);
  ByteCount per_second() const;

  // Canceled when told to stop.
  Status take(ByteCount bytes, const std::stop_token& stop);

 private:
  void advance() LATEEN_REQUIRES(mu_);
  Duration time_until(double end) LATEEN_EXCLUDES(mu_);

  mutable Mutex mu_;
  ByteCount per_second_ LATEEN_GUARDED_BY(mu_);
  // Bytes since the beginning: those that were asked for, and those that have had their time.
  double booked_ LATEEN_GUARDED_BY(mu_) = 0;
  double served_ LATEEN_GUARDED_BY(mu_) = 0;
  std::chrono::steady_clock::time_point at_ LATEEN_GUARDED_BY(mu_) = monotonic_now();
};

// This process' time on processors: no more than so many of them on average. Whoever is about to
// work asks first; what was used too much is waited for. Thread-safe.
class CpuPace {
 public:
  // 0: unlimited. 0.5: half of one.
  void set(double processors);
  double processors() const;

  // False when told to stop.
  bool wait(const std::stop_token& stop);

 private:
  Duration debt() LATEEN_EXCLUDES(mu_);

  mutable Mutex mu_;
  double processors_ LATEEN_GUARDED_BY(mu_) = 0;
  double owed_ LATEEN_GUARDED_BY(mu_) = 0;  // seconds; less than 0: may be used
  std::chrono::steady_clock::time_point at_ LATEEN_GUARDED_BY(mu_) = monotonic_now();
  Duration used_ LATEEN_GUARDED_BY(mu_) = {};
};

}  // namespace lateen
