// A store that moves no more bytes a second than it is told: so that a backup leaves room on the
// line for others.
#pragma once

#include <memory>

#include "base/pace.h"
#include "objects/object_store.h"

namespace lateen::objects {

struct RateLimits {
  ByteCount upload = 0;  // bytes a second; 0: unlimited
  ByteCount download = 0;

  bool any() const { return upload != 0 || download != 0; }
};

// The given store if there is no limit.
std::unique_ptr<ObjectStore> make_limited(std::unique_ptr<ObjectStore> store, RateLimits limits);

// What several stores share; its pace may change while they are in use. Thread-safe.
struct Line {
  Pace up;
  Pace down;
};

// The line outlives the store.
std::unique_ptr<ObjectStore> make_limited(std::unique_ptr<ObjectStore> store, Line& line);

}  // namespace lateen::objects
