// An ObjectStore that tries again where that can help: errors that say they are retryable, with
// growing pauses.
#pragma once

#include <memory>

#include "base/clock.h"
#include "objects/object_store.h"

namespace lateen::objects {

struct RetryOptions {
  int attempts = 4;
  Duration first_pause = std::chrono::milliseconds(200);  // doubled each time
};

// Everything but the pieces of an upload, which cannot be repeated, and the middle of a stream,
// which goes on from where it broke. Owns the store.
std::unique_ptr<ObjectStore> make_retrying(std::unique_ptr<ObjectStore> store,
                                           RetryOptions options = {});

}  // namespace lateen::objects
