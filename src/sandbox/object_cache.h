// What a controller knows of one resource: all its objects, kept current by a watch of their own
// thread. Reading is cheap; a writer that must see its own write waits for it (wait_until).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "kube/object.h"
#include "sandbox/api/api.h"

namespace lateen::sandbox {

using ObjectPtr = std::shared_ptr<const Json>;

// Thread-safe, but for subscribe() and start(), which come first.
class ObjectCache {
 public:
  // Called on the cache's thread, one at a time: `before` is null for a new object, `now` for one
  // that is gone.
  using Handler = std::function<void(const ObjectPtr& before, const ObjectPtr& now)>;

  ObjectCache(Api& api, kube::GroupVersionResource gvr, Log log);
  ObjectCache(const ObjectCache&) = delete;
  ObjectCache& operator=(const ObjectCache&) = delete;
  ~ObjectCache();

  const kube::GroupVersionResource& gvr() const { return gvr_; }

  void subscribe(Handler handler) { handlers_.push_back(std::move(handler)); }

  void start();

  void request_stop() { thread_.request_stop(); }

  void stop();

  // Until what was there at the start is in the cache; false at the deadline or the stop.
  bool wait_synced(Deadline deadline, std::stop_token stop) const;

  // Null when there is none.
  ObjectPtr find(std::string_view ns, std::string_view name) const;

  // Of one namespace, or of all when `ns` is empty; by namespace and name.
  std::vector<ObjectPtr> list(std::string_view ns = {}) const;

  // Until `fits` says yes to the object of that name (null: it is gone), 10 s at most: by then
  // something is wrong, and the caller works with what there is, to be corrected at the next event.
  bool wait_until(std::string_view ns,
                  std::string_view name,
                  const std::function<bool(const Json*)>& fits,
                  std::stop_token stop) const;

 private:
  using Objects = std::map<kube::NamespacedName, ObjectPtr>;

  void run(std::stop_token stop);
  Status follow(std::stop_token stop);
  void take(WatchEvent event);
  void put(ObjectPtr now);
  void drop(const kube::NamespacedName& name);
  void finish_initial();

  Api& api_;
  const kube::GroupVersionResource gvr_;
  const Log log_;
  std::vector<Handler> handlers_;
  mutable Mutex mu_;
  mutable Condition changed_;
  Objects objects_ LATEEN_GUARDED_BY(mu_);
  bool synced_ LATEEN_GUARDED_BY(mu_) = false;
  // Only while the present objects arrive, on the cache's thread: who has not been named since is
  // gone.
  std::unique_ptr<std::map<kube::NamespacedName, bool>> arriving_;
  std::jthread thread_;
};

}  // namespace lateen::sandbox
