// What a piece of work cost this process.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/bytes.h"
#include "base/json.h"

namespace lateen::bench {

// Starts when it is made. Not thread-safe.
class Stopwatch {
 public:
  Stopwatch();

  double seconds() const;

  // Of all threads of the process, user and system.
  double cpu_seconds() const;

 private:
  std::chrono::steady_clock::time_point started_;
  double cpu_;
};

// VmHWM: the most memory that the process ever had resident.
double peak_rss_mib();

// {seconds, cpuSeconds, peakRssMiB}
JsonObject cost(const Stopwatch& watch);

}  // namespace lateen::bench
