#include "bench/measure.h"

#include <sys/resource.h>

#include "base/clock.h"

namespace lateen::bench {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_now() {
  rusage usage = {};
  (void)::getrusage(RUSAGE_SELF, &usage);  // cannot fail with these arguments
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

}  // namespace

Stopwatch::Stopwatch() : started_(monotonic_now()), cpu_(cpu_now()) {}

double Stopwatch::seconds() const {
  return std::chrono::duration<double>(monotonic_now() - started_).count();
}

double Stopwatch::cpu_seconds() const {
  return cpu_now() - cpu_;
}

double peak_rss_mib() {
  rusage usage = {};
  (void)::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

JsonObject cost(const Stopwatch& watch) {
  return {{"seconds", watch.seconds()},
          {"cpuSeconds", watch.cpu_seconds()},
          {"peakRssMiB", peak_rss_mib()}};
}

}  // namespace lateen::bench
