// Events live for an hour after they were last written, as with the API server's --event-ttl.
#pragma once

#include "base/clock.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

// Removes those whose hour is over. What cannot be removed now is left for the next time.
void expire_events(Store& store, TimePoint now);

}  // namespace lateen::sandbox
