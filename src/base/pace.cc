#include "base/pace.h"

#include <algorithm>
#include <ctime>

namespace lateen {
namespace {

// Somebody may change the pace meanwhile.
constexpr Duration kLongestNap = std::chrono::milliseconds(500);
constexpr Duration kForEver = std::chrono::hours(24);

Duration from_seconds(double seconds) {
  const double most = std::chrono::duration<double>(kForEver).count();
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(seconds, most)));
}

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

Duration processor_time() {
  timespec used{};
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

void Pace::advance() {
  const auto now = monotonic_now();
  const double per_second = static_cast<double>(per_second_);
  const double served = served_ + seconds_between(at_, now) * per_second;
  served_ = per_second_ == 0 ? booked_ : std::min(booked_, served);
  at_ = now;
}

void Pace::set(ByteCount per_second) {
  Lock lock(mu_);
  advance();
  per_second_ = per_second;
}

ByteCount Pace::per_second() const {
  Lock lock(mu_);
  return per_second_;
}

Duration Pace::time_until(double end) {
  Lock lock(mu_);
  advance();
  if (served_ >= end || per_second_ == 0) return Duration::zero();
  return std::max(from_seconds((end - served_) / static_cast<double>(per_second_)), Duration(1));
}

Status Pace::take(ByteCount bytes, const std::stop_token& stop) {
  double end = 0;
  {
    Lock lock(mu_);
    advance();
    booked_ += static_cast<double>(bytes);
    if (per_second_ == 0) served_ = booked_;
    end = booked_;
  }
  while (true) {
    const Duration left = time_until(end);
    if (left == Duration::zero()) return {};
    if (!sleep_unless_stopped(std::min(left, kLongestNap), stop))
      return Error(Code::Canceled, "the transfer was stopped");
  }
}

void CpuPace::set(double processors) {
  Lock lock(mu_);
  if (processors == processors_) return;
  processors_ = processors;
  owed_ = 0;
  at_ = monotonic_now();
  used_ = processor_time();
}

double CpuPace::processors() const {
  Lock lock(mu_);
  return processors_;
}

Duration CpuPace::debt() {
  Lock lock(mu_);
  if (processors_ <= 0) return Duration::zero();
  const auto now = monotonic_now();
  const Duration used = processor_time();
  const double took = std::chrono::duration<double>(used - used_).count();
  // A tenth of a second may be used at once after a pause.
  owed_ = std::max(owed_ + took - seconds_between(at_, now) * processors_, -0.1 * processors_);
  at_ = now;
  used_ = used;
  if (owed_ <= 0) return Duration::zero();
  return std::max(from_seconds(owed_ / processors_), Duration(1));
}

bool CpuPace::wait(const std::stop_token& stop) {
  while (true) {
    const Duration left = debt();
    if (left == Duration::zero()) return !stop.stop_requested();
    if (!sleep_unless_stopped(std::min(left, kLongestNap), stop)) return false;
  }
}

}  // namespace lateen
