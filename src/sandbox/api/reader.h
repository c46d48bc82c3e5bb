// Get, list and watch, on stored bytes: what the HTTP front serves without parsing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sandbox/api/api.h"
#include "sandbox/api/api_context.h"
#include "sandbox/api/selection.h"
#include "sandbox/api/served_type.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

struct StoredList {
  std::vector<StoredPtr> objects = {};
  std::uint64_t revision = 0;
  std::string continue_token = {};
  std::optional<std::int64_t> remaining_item_count = {};
};

struct StoredEvent {
  WatchEventType type = WatchEventType::Added;
  StoredPtr object = {};       // null for a bookmark
  std::uint64_t revision = 0;  // of a bookmark
  bool initial_events_end = false;
};

// See Watch. Not thread-safe.
class StoredWatch {
 public:
  StoredWatch(const Store& store, std::string resource, std::string ns, Selection selection);

  // Sends these first, as Added; then what came after `revision`.
  void begin(std::vector<StoredPtr> present, std::uint64_t revision, bool mark_end);

  void set_bookmarks(bool wanted) { bookmarks_ = wanted; }

  ApiResult<std::optional<StoredEvent>> next(Deadline deadline, std::stop_token stop);

 private:
  std::optional<StoredEvent> take_present();
  std::optional<StoredEvent> seen(const StoreEvent& event) const;

  const Store& store_;
  const std::string resource_;
  const std::string ns_;
  const Selection selection_;
  std::vector<StoredPtr> present_;
  std::size_t present_at_ = 0;
  bool mark_end_ = false;
  bool bookmarks_ = false;
  Deadline next_bookmark_ = Deadline::never();
  std::uint64_t revision_ = 0;  // all up to here was looked at
  std::vector<StoreEvent> events_;
  std::size_t events_at_ = 0;
};

// Thread-safe.
class Reader {
 public:
  explicit Reader(const ApiContext& context) : context_(context) {}

  ApiResult<StoredPtr> get(const ServedType& type,
                           std::string_view ns,
                           std::string_view name) const;
  ApiResult<StoredList> list(const ServedType& type, const ListOptions& options) const;
  ApiResult<std::unique_ptr<StoredWatch>> watch(const ServedType& type,
                                                const WatchOptions& options) const;

 private:
  ApiResult<StoredList> select(const ServedType& type,
                               ListRange range,
                               const Selection& selection,
                               std::size_t limit) const;
  // The page of a list with a selector: looks at no more than it needs.
  ApiResult<StorePage> select_some(const ServedType& type,
                                   ListRange range,
                                   const Selection& selection,
                                   std::size_t limit) const;

  const ApiContext& context_;
};

// "" and "0" are 0. BadRequest for what is not a number.
ApiResult<std::uint64_t> parse_resource_version(std::string_view text);

}  // namespace lateen::sandbox
