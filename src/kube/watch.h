// Changes as they happen. Watch is one connection; Reflector keeps a list and a watch alive for
// ever (bookmarks, 410, reconnects); informer.h holds the objects themselves.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace lateen::kube {

enum class EventType { Added, Modified, Deleted, Bookmark };

std::string_view to_string(EventType type);

struct WatchEvent {
  EventType type = EventType::Added;
  Json object;
};

struct WatchOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  std::string resource_version = {};  // from where; "" or "0": present objects come first, as Added
  bool bookmarks = true;
  std::chrono::seconds timeout{300};  // when the server ends it; reconnecting is cheap
  std::optional<Deadline> connect_deadline = {};
};

// One watch connection. Not thread-safe.
class Watch {
  struct Key {};  // makes the constructor open()'s alone

 public:
  Watch(Key, std::unique_ptr<net::HttpStream> stream, std::string resource_version);

  static Result<std::unique_ptr<Watch>> open(Client& client,
                                             const ObjectPath& collection,
                                             const WatchOptions& options,
                                             std::stop_token stop);

  // The next event; nothing at an orderly end (the server's timeout). Gone when the version is too
  // old (an ERROR event of 410); Unavailable when the connection broke (a truncated line);
  // DeadlineExceeded when nothing came until then.
  Result<std::optional<WatchEvent>> next(Deadline deadline, std::stop_token stop);

  // The last version seen, bookmarks included: where to go on.
  const std::string& resource_version() const { return resource_version_; }

 private:
  Status read_more(Deadline deadline, std::stop_token stop);
  Result<std::optional<WatchEvent>> parse_line(std::string_view line);

  std::unique_ptr<net::HttpStream> stream_;
  std::string resource_version_;
  std::string buffer_;        // what came and is not yet a whole line; bounded by kMaxEventSize
  std::size_t scanned_ = 0;   // how far of buffer_ holds no newline
  std::size_t consumed_ = 0;  // lines already handed out
  bool ended_ = false;
};

// Hears what a Reflector sees, on the reflector's thread.
class ReflectorHandler {
 public:
  ReflectorHandler() = default;
  ReflectorHandler(const ReflectorHandler&) = delete;
  ReflectorHandler& operator=(const ReflectorHandler&) = delete;
  virtual ~ReflectorHandler() = default;

  // A whole new state: at the start, and after a version was too old. What is not in it is gone.
  virtual void on_replace(std::vector<Json> objects) = 0;
  virtual void on_event(WatchEvent event) = 0;  // never a bookmark

  // The connection failed; it will be tried again.
  virtual void on_error(const Error& error) = 0;
};

struct ReflectorOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  std::int64_t page_size = 500;
  std::chrono::milliseconds backoff_initial{800};  // client-go's numbers, with jitter
  std::chrono::milliseconds backoff_max{30000};
  std::chrono::seconds watch_timeout{300};  // up to twice that, at random
};

// Lists, then watches, until told to stop; never gives up. Runs on the caller's thread.
Status run_reflector(Client& client,
                     const ObjectPath& collection,
                     const ReflectorOptions& options,
                     ReflectorHandler& handler,
                     std::stop_token stop);

}  // namespace lateen::kube
