// What this process may use for volumes' data, kept to while it lives: one line and one pace that
// all its repositories share, set by the hour. They share the keys that were derived, too.
#pragma once

#include <thread>

#include "agent/limits.h"
#include "base/log.h"
#include "base/pace.h"
#include "objects/limited_store.h"
#include "repository/crypto/derived_keys.h"
#include "volumes/volume_repository.h"

namespace lateen::agent {

// Thread-safe.
class Throttle {
 public:
  // `memory` is for the buffers of each volume; 0: as much as ever. The clock outlives it.
  Throttle(LimitPlan plan, ByteCount memory, const Clock& clock, const Log& log);
  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;
  ~Throttle() = default;

  volumes::EngineLimits limits() {
    return {.line = &line_, .pace = &pace_, .keys = &keys_, .memory = memory_};
  }

 private:
  const LimitPlan plan_;
  const ByteCount memory_;
  objects::Line line_;
  CpuPace pace_;
  repository::DerivedKeys keys_;
  std::jthread keeper_;  // last: it uses all of the above
};

}  // namespace lateen::agent
