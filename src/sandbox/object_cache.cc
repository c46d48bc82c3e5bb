#include "sandbox/object_cache.h"

namespace lateen::sandbox {
namespace {

constexpr Duration kWatchRetryPause = std::chrono::milliseconds(200);
constexpr Duration kOwnWriteWait = std::chrono::seconds(10);

kube::NamespacedName key_of(const Json& object) {
  return {.ns = std::string(kube::namespace_of(object)),
          .name = std::string(kube::name_of(object))};
}

}  // namespace

ObjectCache::ObjectCache(Api& api, kube::GroupVersionResource gvr, Log log)
    : api_(api), gvr_(std::move(gvr)), log_(std::move(log)) {}

ObjectCache::~ObjectCache() {
  stop();
}

void ObjectCache::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void ObjectCache::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void ObjectCache::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto end = follow(stop);
    if (end || stop.stop_requested()) continue;
    // Gone is how a slow watcher is told to begin anew: ordinary.
    if (!end.error().is(Code::Gone)) {
      log_.warning("Error watching",
                   {{"resource", gvr_.group_resource().to_string()}, {"error", end.error()}});
    }
    (void)sleep_unless_stopped(kWatchRetryPause, stop);
  }
}

Status ObjectCache::follow(std::stop_token stop) {
  WatchOptions options;
  options.send_initial_events = true;
  options.allow_bookmarks = true;
  auto watch = TRY(api_.watch(gvr_, options));
  arriving_ = std::make_unique<std::map<kube::NamespacedName, bool>>();
  while (!stop.stop_requested()) {
    auto event = TRY(watch->next(Deadline::never(), stop));
    if (event) take(std::move(*event));
  }
  return Status();
}

void ObjectCache::take(WatchEvent event) {
  switch (event.type) {
    case WatchEventType::Bookmark:
      if (arriving_) finish_initial();
      break;
    case WatchEventType::Deleted:
      drop(key_of(event.object));
      break;
    case WatchEventType::Added:
    case WatchEventType::Modified:
      if (arriving_) (*arriving_)[key_of(event.object)] = true;
      put(std::make_shared<const Json>(std::move(event.object)));
      break;
  }
}

void ObjectCache::put(ObjectPtr now) {
  ObjectPtr before;
  {
    Lock lock(mu_);
    ObjectPtr& place = objects_[key_of(*now)];
    before = std::exchange(place, now);
    changed_.notify_all();
  }
  for (const Handler& handler : handlers_)
    handler(before, now);
}

void ObjectCache::drop(const kube::NamespacedName& name) {
  ObjectPtr before;
  {
    Lock lock(mu_);
    const auto entry = objects_.find(name);
    if (entry == objects_.end()) return;
    before = std::move(entry->second);
    objects_.erase(entry);
    changed_.notify_all();
  }
  for (const Handler& handler : handlers_)
    handler(before, nullptr);
}

void ObjectCache::finish_initial() {
  std::vector<kube::NamespacedName> gone;
  {
    Lock lock(mu_);
    for (const auto& [name, object] : objects_) {
      if (!arriving_->contains(name)) gone.push_back(name);
    }
    synced_ = true;
    changed_.notify_all();
  }
  arriving_.reset();
  for (const kube::NamespacedName& name : gone)
    drop(name);
}

bool ObjectCache::wait_synced(Deadline deadline, std::stop_token stop) const {
  Lock lock(mu_);
  return changed_.wait(mu_, deadline, stop,
                       [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return synced_; });
}

ObjectPtr ObjectCache::find(std::string_view ns, std::string_view name) const {
  Lock lock(mu_);
  const auto entry = objects_.find({.ns = std::string(ns), .name = std::string(name)});
  return entry == objects_.end() ? nullptr : entry->second;
}

std::vector<ObjectPtr> ObjectCache::list(std::string_view ns) const {
  std::vector<ObjectPtr> out;
  Lock lock(mu_);
  auto entry =
      ns.empty() ? objects_.begin() : objects_.lower_bound({.ns = std::string(ns), .name = {}});
  for (; entry != objects_.end() && (ns.empty() || entry->first.ns == ns); ++entry)
    out.push_back(entry->second);
  return out;
}

bool ObjectCache::wait_until(std::string_view ns,
                             std::string_view name,
                             const std::function<bool(const Json*)>& fits,
                             std::stop_token stop) const {
  const kube::NamespacedName key{.ns = std::string(ns), .name = std::string(name)};
  Lock lock(mu_);
  return changed_.wait(mu_, Deadline::after(kOwnWriteWait), stop,
                       [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
                         const auto entry = objects_.find(key);
                         return fits(entry == objects_.end() ? nullptr : entry->second.get());
                       });
}

}  // namespace lateen::sandbox
