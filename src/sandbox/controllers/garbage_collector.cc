#include "sandbox/controllers/garbage_collector.h"

#include <algorithm>

#include "sandbox/api/deletion.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr Duration kResourcesPause = std::chrono::milliseconds(250);
constexpr Duration kRetryPause = std::chrono::milliseconds(200);

}  // namespace

GarbageCollector::GarbageCollector(ControllerContext& context)
    : Controller(context, "generic-garbage-collector", 2) {}

GarbageCollector::~GarbageCollector() {
  stop_following();
  stop();
}

void GarbageCollector::start_following() {
  resources_ = std::jthread([this](std::stop_token stop) { follow_resources(std::move(stop)); });
}

void GarbageCollector::stop_following() {
  resources_.request_stop();
  if (resources_.joinable()) resources_.join();
}

void GarbageCollector::follow_resources(std::stop_token stop) {
  std::optional<std::uint64_t> seen;
  while (!stop.stop_requested()) {
    const std::uint64_t generation = api().resources_generation();
    if (!seen || *seen != generation) {
      seen = generation;
      std::vector<kube::GroupVersionResource> served;
      for (const ServedResource& resource : api().resources()) {
        const kube::ResourceType& type = resource.type;
        if (type.has_verb("watch") && type.has_verb("delete") && type.gvr.resource != "events")
          served.push_back(type.gvr);
      }
      std::erase_if(followers_, [&](const Follower& follower) {
        return std::find(served.begin(), served.end(), follower.gvr) == served.end();
      });
      for (const kube::GroupVersionResource& gvr : served) {
        const bool known = std::any_of(followers_.begin(), followers_.end(),
                                       [&](const Follower& f) { return f.gvr == gvr; });
        if (known) continue;
        followers_.push_back(
            {.gvr = gvr, .thread = std::jthread([this, gvr](std::stop_token inner) {
                           follow_one(gvr, std::move(inner));
                         })});
      }
    }
    (void)sleep_unless_stopped(kResourcesPause, stop);
  }
  for (Follower& follower : followers_)
    follower.thread.request_stop();
  followers_.clear();
}

void GarbageCollector::follow_one(const kube::GroupVersionResource& gvr, std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto end = follow_once(gvr, stop);
    if (!end) (void)sleep_unless_stopped(kRetryPause, stop);
  }
  // No longer served, or stopped: what was of it is unknown from here on.
  std::set<std::string> uids;
  {
    Lock lock(mu_);
    uids.swap(of_resource_[gvr]);
    for (const std::string& uid : uids)
      nodes_.erase(uid);
  }
}

Status GarbageCollector::follow_once(const kube::GroupVersionResource& gvr, std::stop_token stop) {
  WatchOptions options;
  options.send_initial_events = true;
  options.allow_bookmarks = true;
  auto watch = TRY(api().watch(gvr, options));
  std::set<std::string> before;
  {
    Lock lock(mu_);
    before = of_resource_[gvr];
  }
  bool arriving = true;
  while (!stop.stop_requested()) {
    auto event = TRY(watch->next(Deadline::never(), stop));
    if (!event) continue;
    const std::string uid(kube::uid_of(event->object));
    switch (event->type) {
      case WatchEventType::Bookmark:
        // Whoever went while we did not watch.
        if (arriving) {
          for (const std::string& gone : before)
            drop(gone);
        }
        arriving = false;
        break;
      case WatchEventType::Deleted:
        drop(uid);
        break;
      case WatchEventType::Added:
      case WatchEventType::Modified:
        before.erase(uid);
        put(gvr, event->object);
        break;
    }
  }
  return Status();
}

void GarbageCollector::put(const kube::GroupVersionResource& gvr, const Json& object) {
  const std::string uid(kube::uid_of(object));
  Node node{.gvr = gvr,
            .ns = std::string(kube::namespace_of(object)),
            .name = std::string(kube::name_of(object)),
            .owners = kube::owner_references_of(object),
            .deleting = kube::is_being_deleted(object),
            .foreground = kube::has_finalizer(object, kForegroundFinalizer),
            .orphan = kube::has_finalizer(object, kOrphanFinalizer)};
  const bool matters = !node.owners.empty() || (node.deleting && (node.foreground || node.orphan));
  std::vector<std::string> concerned;
  {
    Lock lock(mu_);
    Node& place = nodes_[uid];
    for (const kube::OwnerReference& owner : place.owners) {
      const auto entry = dependents_.find(owner.uid);
      if (entry != dependents_.end()) entry->second.erase(uid);
      // An owner that waits for its dependents may be free now.
      concerned.push_back(owner.uid);
    }
    place = std::move(node);
    for (const kube::OwnerReference& owner : place.owners)
      dependents_[owner.uid].insert(uid);
    of_resource_[gvr].insert(uid);
  }
  if (matters) queue().add(uid);
  for (const std::string& owner : concerned)
    queue().add(owner);
}

void GarbageCollector::drop(const std::string& uid) {
  std::set<std::string> orphaned;
  std::vector<kube::OwnerReference> owners;
  {
    Lock lock(mu_);
    const auto entry = nodes_.find(uid);
    if (entry == nodes_.end()) return;
    owners = std::move(entry->second.owners);
    of_resource_[entry->second.gvr].erase(uid);
    nodes_.erase(entry);
    for (const kube::OwnerReference& owner : owners) {
      const auto of_owner = dependents_.find(owner.uid);
      if (of_owner == dependents_.end()) continue;
      of_owner->second.erase(uid);
      if (of_owner->second.empty()) dependents_.erase(of_owner);
    }
    const auto own = dependents_.find(uid);
    if (own != dependents_.end()) orphaned = own->second;
  }
  for (const std::string& dependent : orphaned)
    queue().add(dependent);
  for (const kube::OwnerReference& owner : owners)
    queue().add(owner.uid);
}

std::optional<GarbageCollector::Node> GarbageCollector::find_node(const std::string& uid) const {
  Lock lock(mu_);
  const auto entry = nodes_.find(uid);
  if (entry == nodes_.end()) return std::nullopt;
  return entry->second;
}

std::vector<std::string> GarbageCollector::dependents_of(const std::string& uid) const {
  Lock lock(mu_);
  const auto entry = dependents_.find(uid);
  if (entry == dependents_.end()) return {};
  return {entry->second.begin(), entry->second.end()};
}

Result<LookAgain> GarbageCollector::reconcile(const std::string& uid, std::stop_token) {
  const auto node = find_node(uid);
  if (!node) return LookAgain();
  if (node->deleting && node->orphan) {
    TRY(finish_orphan(uid, *node));
    return LookAgain();
  }
  if (node->deleting && node->foreground) {
    bool waiting = false;
    TRY(finish_foreground(uid, *node, waiting));
    if (waiting) return LookAgain(kRetryPause);
    return LookAgain();
  }
  if (!node->deleting && !node->owners.empty()) TRY(collect(uid, *node));
  return LookAgain();
}

// By name and uid, in the API itself: our own knowledge may be behind. A kind that is not served
// may come back, so its objects are taken to exist.
Result<bool> GarbageCollector::owner_exists(const Node& node, const kube::OwnerReference& owner) {
  if (find_node(owner.uid)) return true;
  const auto served = api().find_kind(owner.api_version, owner.kind);
  if (!served) return true;
  const std::string_view ns =
      served->type.namespaced ? std::string_view(node.ns) : std::string_view();
  if (served->type.namespaced && node.ns.empty()) return true;
  auto object = api().get(served->type.gvr, ns, owner.name);
  if (!object && object.error().is(Code::NotFound)) return false;
  if (!object) return Error(object.error());
  return kube::uid_of(*object) == owner.uid;
}

Status GarbageCollector::collect(const std::string& uid, const Node& known_node) {
  // Whose it is must be known for certain: an owner that went as an orphan-maker has taken its
  // references off first.
  auto live = api().get(known_node.gvr, known_node.ns, known_node.name);
  if (!live && live.error().is(Code::NotFound)) return Status();
  if (!live) return Error(live.error());
  if (kube::uid_of(*live) != uid || kube::is_being_deleted(*live)) return Status();
  Node node = known_node;
  node.owners = kube::owner_references_of(*live);
  if (node.owners.empty()) return Status();
  std::vector<std::string> absent;
  bool held = false;
  bool owner_waits = false;
  for (const kube::OwnerReference& owner : node.owners) {
    if (!TRY(owner_exists(node, owner))) {
      absent.push_back(owner.uid);
      continue;
    }
    const auto known = find_node(owner.uid);
    const bool waits = known && known->deleting && known->foreground && owner.block_owner_deletion;
    owner_waits = owner_waits || waits;
    held = held || !waits;
  }
  if (held && absent.empty()) return Status();
  if (!held)
    return remove(node, uid,
                  owner_waits && !dependents_of(uid).empty() ? "Foreground" : "Background");
  // Some are gone, others are not: only the references to those that are gone go.
  return change(node, uid, [&](Json& object) {
    JsonArray kept;
    const JsonArray* owners = array_at(object, "metadata.ownerReferences");
    if (owners == nullptr) return false;
    for (const Json& owner : *owners) {
      if (std::find(absent.begin(), absent.end(), string_at(owner, "uid")) == absent.end())
        kept.push_back(owner);
    }
    ensure(object, "metadata.ownerReferences") = std::move(kept);
    return true;
  });
}

Status GarbageCollector::finish_foreground(const std::string& uid,
                                           const Node& node,
                                           bool& waiting) {
  for (const std::string& dependent : dependents_of(uid)) {
    const auto of = find_node(dependent);
    if (!of) continue;
    const auto blocks =
        std::any_of(of->owners.begin(), of->owners.end(), [&](const kube::OwnerReference& owner) {
          return owner.uid == uid && owner.block_owner_deletion;
        });
    waiting = waiting || blocks;
    if (!of->deleting) queue().add(dependent);
  }
  if (waiting) return Status();
  return change(node, uid,
                [](Json& object) { return kube::remove_finalizer(object, kForegroundFinalizer); });
}

Status GarbageCollector::finish_orphan(const std::string& uid, const Node& node) {
  for (const std::string& dependent : dependents_of(uid)) {
    const auto of = find_node(dependent);
    if (!of) continue;
    TRY(change(*of, dependent, [&](Json& object) {
      JsonArray kept;
      const JsonArray* owners = array_at(object, "metadata.ownerReferences");
      if (owners == nullptr) return false;
      for (const Json& owner : *owners) {
        if (string_at(owner, "uid") != uid) kept.push_back(owner);
      }
      if (kept.empty()) {
        (void)erase(object, "metadata.ownerReferences");
      } else {
        ensure(object, "metadata.ownerReferences") = std::move(kept);
      }
      return true;
    }));
  }
  return change(node, uid,
                [](Json& object) { return kube::remove_finalizer(object, kOrphanFinalizer); });
}

Status GarbageCollector::change(const Node& node,
                                const std::string& uid,
                                const std::function<bool(Json&)>& edit) {
  auto written = api().modify(
      node.gvr, node.ns, node.name,
      [&](Json& object) -> Result<bool> { return kube::uid_of(object) == uid && edit(object); },
      write_as(name()));
  if (written || written.error().is(Code::NotFound)) return Status();
  return Error(written.error());
}

Status GarbageCollector::remove(const Node& node, const std::string& uid, std::string_view policy) {
  DeleteOptions options = delete_exactly(uid);
  options.propagation_policy = policy;
  auto removed = api().remove(node.gvr, node.ns, node.name, options);
  if (removed || removed.error().is(Code::NotFound) || removed.error().is(Code::Conflict))
    return Status();
  return Error(removed.error());
}

}  // namespace lateen::sandbox
