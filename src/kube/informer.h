// A local copy of one kind's objects that follows the server: controllers read it instead of
// asking.
//
//   Informer backups(client, {.gvr = kBackups, .ns = "velero"}, {});
//   backups.on_change([&](const Change& change) { queue.add(change.key); });
//   backups.start();
//   TRY(backups.wait_for_sync(Deadline::after(30s), stop));
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "base/thread.h"
#include "kube/watch.h"

namespace lateen::kube {

// What happened to one object. Null where there is none: `before` of an addition, `after` of a
// removal.
struct Change {
  std::string key = {};  // "ns/name"
  std::shared_ptr<const Json> before = {};
  std::shared_ptr<const Json> after = {};
};

struct InformerOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  // Drops what the caller never reads (managedFields, data) before it is kept.
  std::function<void(Json&)> trim = {};
  Log log = {};
};

// Thread-safe. Memory grows with the objects that it holds.
class Informer {
 public:
  // `client` must outlive it.
  Informer(Client& client, ObjectPath collection, InformerOptions options);
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;
  ~Informer();  // stops and joins

  // Called on the informer's thread, in order, after the copy changed. Add all before start().
  void on_change(std::function<void(const Change&)> callback);

  void start();

  // Until the first whole list is in. The error says what went wrong last, if anything did.
  Status wait_for_sync(Deadline deadline, std::stop_token stop);
  bool synced() const;

  // Null when absent.
  std::shared_ptr<const Json> get(std::string_view ns, std::string_view name) const;
  std::shared_ptr<const Json> get(std::string_view key) const;
  std::vector<std::shared_ptr<const Json>> list() const;  // by key
  std::vector<std::shared_ptr<const Json>> list(std::string_view ns) const;
  std::size_t size() const;

  // Waits until `ready` (called with the present object, or null; it must not call this informer)
  // says so.
  Status wait_until(std::string_view key,
                    const std::function<bool(const Json*)>& ready,
                    Deadline deadline,
                    std::stop_token stop);

 private:
  class Store;
  std::unique_ptr<Store> store_;
  std::jthread thread_;
};

}  // namespace lateen::kube
