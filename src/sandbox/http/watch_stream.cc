#include "sandbox/http/watch_stream.h"

#include <chrono>
#include <utility>

#include "sandbox/api/served_bytes.h"

namespace lateen::sandbox {

namespace {

// What is gathered before it is written, at most: bounds the memory of one watcher together with
// one event.
constexpr std::size_t kGathered = 64 * 1024;
constexpr auto kUntimed = std::chrono::minutes(55);

}  // namespace

bool WatchStream::begin() {
  net::Headers headers;
  headers.add("Cache-Control", "no-cache, private");
  headers.add("Content-Type", "application/json");
  return exchange_.begin_stream(200, std::move(headers)).has_value();
}

Bytes WatchStream::line(const StoredEvent& event) const {
  if (event.type == WatchEventType::Bookmark)
    return watch_line("BOOKMARK", printer_.bookmark(event));
  return watch_line(to_string(event.type), printer_.one(*event.object));
}

void WatchStream::fail(const ApiError& error) {
  if (!begin()) return;
  if (exchange_.write(watch_line("ERROR", write_json_unsorted(error.to_status())))) {
    (void)exchange_.finish();  // a peer that has gone needs no end
  }
}

void WatchStream::run(StoredWatch& events, std::int64_t timeout_seconds) {
  if (!begin()) return;
  const Duration limit =
      timeout_seconds > 0 ? Duration(std::chrono::seconds(timeout_seconds)) : Duration(kUntimed);
  const Deadline end = Deadline::after(limit);
  const std::stop_token stop = exchange_.stop();
  Bytes gathered;
  while (!stop.stop_requested()) {
    // With something in hand, only what is there already is waited for.
    auto event = events.next(gathered.empty() ? end : Deadline::after(Duration(0)), stop);
    if (!event) {
      gathered += watch_line("ERROR", write_json_unsorted(event.error().to_status()));
      if (exchange_.write(gathered)) (void)exchange_.finish();  // as above
      return;
    }
    if (*event) gathered += line(**event);
    if (!gathered.empty() && (!*event || gathered.size() >= kGathered)) {
      if (!exchange_.write(gathered)) return;
      gathered.clear();
    } else if (!*event && end.expired()) {
      break;
    }
  }
  (void)exchange_.finish();  // as above
}

}  // namespace lateen::sandbox
