#include "sandbox/api/api.h"

#include <utility>

namespace lateen::sandbox {

std::string_view to_string(WatchEventType type) {
  switch (type) {
    case WatchEventType::Added:
      return "ADDED";
    case WatchEventType::Modified:
      return "MODIFIED";
    case WatchEventType::Deleted:
      return "DELETED";
    case WatchEventType::Bookmark:
      break;
  }
  return "BOOKMARK";
}

ApiResult<Json> Api::update_status(const GroupVersionResource& gvr,
                                   Json object,
                                   std::string_view field_manager) {
  WriteOptions options;
  options.subresource = "status";
  options.field_manager = field_manager;
  return update(gvr, std::move(object), options);
}

ApiResult<Json> Api::modify(const GroupVersionResource& gvr,
                            std::string_view ns,
                            std::string_view name,
                            const std::function<Result<bool>(Json&)>& change,
                            const WriteOptions& options) {
  constexpr int kAttempts = 20;
  for (int attempt = 1;; ++attempt) {
    Json object = TRY(get(gvr, ns, name));
    const bool changed = TRY(change(object));
    if (!changed) return object;
    auto written = update(gvr, std::move(object), options);
    const bool raced = !written && written.error().is(Code::Conflict);
    if (!raced || attempt == kAttempts) return written;
  }
}

}  // namespace lateen::sandbox
