#include "sandbox/api/event_expiry.h"

#include <algorithm>
#include <chrono>

#include "base/time.h"
#include "sandbox/api/object_bytes.h"

namespace lateen::sandbox {

namespace {

constexpr auto kEventLife = std::chrono::hours(1);

TimePoint last_seen(const Json& event) {
  TimePoint newest{};
  for (const std::string_view field :
       {"lastTimestamp", "eventTime", "series.lastObservedTime", "metadata.creationTimestamp"}) {
    const auto time = parse_rfc3339(string_at(event, field));
    if (time) newest = std::max(newest, *time);
  }
  return newest;
}

}  // namespace

void expire_events(Store& store, TimePoint now) {
  const auto page = store.list("events", {});
  if (!page) return;
  for (const StoredPtr& stored : page->objects) {
    const auto event = parse_stored(*stored);
    if (!event || now - last_seen(*event) < kEventLife) continue;
    // One that was written meanwhile is not old any more.
    (void)store.remove("events", make_draft(*event), stored->revision);
  }
}

}  // namespace lateen::sandbox
