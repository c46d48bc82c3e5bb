#include "kube/informer.h"

#include <optional>

#include "kube/object.h"

namespace lateen::kube {

// The copy itself, filled by the reflector's thread. Thread-safe.
class Informer::Store final : public ReflectorHandler {
 public:
  using Objects = std::map<std::string, std::shared_ptr<const Json>, std::less<>>;

  Store(Client& client, ObjectPath collection, InformerOptions options)
      : client_(client), collection_(std::move(collection)), options_(std::move(options)) {}

  void add_callback(std::function<void(const Change&)> callback) {
    callbacks_.push_back(std::move(callback));
  }

  void run(std::stop_token stop) {
    const ReflectorOptions reflector{.label_selector = options_.label_selector,
                                     .field_selector = options_.field_selector};
    // Ends only when stopped.
    (void)run_reflector(client_, collection_, reflector, *this, stop);
  }

  void on_replace(std::vector<Json> objects) override {
    Objects fresh;
    for (Json& object : objects) {
      if (options_.trim) options_.trim(object);
      std::string key = object_key(object);
      fresh.emplace(std::move(key), std::make_shared<const Json>(std::move(object)));
    }
    std::vector<Change> changes;
    {
      const Lock lock(mu_);
      changes = compare(objects_, fresh);
      objects_ = std::move(fresh);
      synced_ = true;
      last_error_.reset();
      changed_.notify_all();
    }
    for (const Change& change : changes)
      tell(change);
  }

  void on_event(WatchEvent event) override {
    if (options_.trim) options_.trim(event.object);
    Change change;
    change.key = object_key(event.object);
    {
      const Lock lock(mu_);
      const auto it = objects_.find(change.key);
      if (it != objects_.end()) change.before = it->second;
      if (event.type == EventType::Deleted) {
        // What it was at its end says more than what it was before.
        change.before = std::make_shared<const Json>(std::move(event.object));
        if (it != objects_.end()) objects_.erase(it);
      } else {
        change.after = std::make_shared<const Json>(std::move(event.object));
        objects_.insert_or_assign(change.key, change.after);
      }
      changed_.notify_all();
    }
    tell(change);
  }

  void on_error(const Error& error) override {
    options_.log.warning("Cannot follow the API server, trying again",
                         {{"resource", collection_.describe()}, {"error", error}});
    const Lock lock(mu_);
    last_error_ = error;
  }

  Status wait_for_sync(Deadline deadline, std::stop_token stop) {
    const Lock lock(mu_);
    const bool synced = changed_.wait(
        mu_, deadline, stop, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return synced_; });
    if (synced) return {};
    if (stop.stop_requested())
      return Error(Code::Canceled, "stopped while listing {}", collection_.describe());
    if (last_error_) return Error(*last_error_).wrap("listing {}", collection_.describe());
    return Error(Code::DeadlineExceeded, "could not list {} in time", collection_.describe());
  }

  bool synced() const {
    const Lock lock(mu_);
    return synced_;
  }

  std::shared_ptr<const Json> get(std::string_view key) const {
    const Lock lock(mu_);
    const auto it = objects_.find(key);
    return it == objects_.end() ? nullptr : it->second;
  }

  std::vector<std::shared_ptr<const Json>> list(const std::optional<std::string_view>& ns) const {
    std::vector<std::shared_ptr<const Json>> out;
    const Lock lock(mu_);
    for (const auto& [key, object] : objects_) {
      if (!ns || namespace_of(*object) == *ns) out.push_back(object);
    }
    return out;
  }

  std::size_t size() const {
    const Lock lock(mu_);
    return objects_.size();
  }

  Status wait_until(std::string_view key,
                    const std::function<bool(const Json*)>& ready,
                    Deadline deadline,
                    std::stop_token stop) {
    const Lock lock(mu_);
    const bool done = changed_.wait(mu_, deadline, stop, [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
      const auto it = objects_.find(key);
      return synced_ && ready(it == objects_.end() ? nullptr : it->second.get());
    });
    if (done) return {};
    if (stop.stop_requested()) return Error(Code::Canceled, "stopped while waiting for {}", key);
    return Error(Code::DeadlineExceeded, "waited too long for {} \"{}\"", collection_.describe(),
                 key);
  }

 private:
  static std::vector<Change> compare(const Objects& before, const Objects& after) {
    std::vector<Change> changes;
    for (const auto& [key, object] : before) {
      if (!after.contains(key)) changes.push_back({.key = key, .before = object, .after = nullptr});
    }
    for (const auto& [key, object] : after) {
      const auto it = before.find(key);
      const auto& old = it == before.end() ? nullptr : it->second;
      const bool same = old != nullptr && uid_of(*old) == uid_of(*object) &&
                        resource_version_of(*old) == resource_version_of(*object);
      if (!same) changes.push_back({.key = key, .before = old, .after = object});
    }
    return changes;
  }

  void tell(const Change& change) const {
    for (const auto& callback : callbacks_)
      callback(change);
  }

  Client& client_;
  const ObjectPath collection_;
  const InformerOptions options_;
  std::vector<std::function<void(const Change&)>> callbacks_;  // fixed once the thread runs
  mutable Mutex mu_;
  Condition changed_;
  Objects objects_ LATEEN_GUARDED_BY(mu_);
  bool synced_ LATEEN_GUARDED_BY(mu_) = false;
  std::optional<Error> last_error_ LATEEN_GUARDED_BY(mu_);
};

Informer::Informer(Client& client, ObjectPath collection, InformerOptions options)
    : store_(std::make_unique<Store>(client, std::move(collection), std::move(options))) {}

Informer::~Informer() = default;

void Informer::on_change(std::function<void(const Change&)> callback) {
  LATEEN_ASSERT(!thread_.joinable(), "callbacks are added before start()");
  store_->add_callback(std::move(callback));
}

void Informer::start() {
  if (thread_.joinable()) return;
  thread_ = std::jthread([store = store_.get()](std::stop_token stop) { store->run(stop); });
}

Status Informer::wait_for_sync(Deadline deadline, std::stop_token stop) {
  return store_->wait_for_sync(deadline, stop);
}

bool Informer::synced() const {
  return store_->synced();
}

std::shared_ptr<const Json> Informer::get(std::string_view ns, std::string_view name) const {
  return store_->get(object_key(ns, name));
}

std::shared_ptr<const Json> Informer::get(std::string_view key) const {
  return store_->get(key);
}

std::vector<std::shared_ptr<const Json>> Informer::list() const {
  return store_->list(std::nullopt);
}

std::vector<std::shared_ptr<const Json>> Informer::list(std::string_view ns) const {
  return store_->list(ns);
}

std::size_t Informer::size() const {
  return store_->size();
}

Status Informer::wait_until(std::string_view key,
                            const std::function<bool(const Json*)>& ready,
                            Deadline deadline,
                            std::stop_token stop) {
  return store_->wait_until(key, ready, deadline, stop);
}

}  // namespace lateen::kube
