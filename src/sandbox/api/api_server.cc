#include "sandbox/api/api_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "kube/object.h"
#include "sandbox/api/conversion.h"
#include "sandbox/api/event_expiry.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/crd/definition.h"
#include "sandbox/rbac/aggregation.h"
#include "sandbox/rbac/policy_rule.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kDefinitions = "apiextensions.k8s.io/customresourcedefinitions";
constexpr std::size_t kRemovers = 16;
constexpr auto kExpiryInterval = std::chrono::minutes(1);
constexpr auto kCleanupRetry = std::chrono::milliseconds(200);
constexpr std::string_view kCleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

ApiResult<Json> tree_of(const ServedType& type, const StoredObject& object) {
  return to_served(type, TRY(parse_stored(object)));
}

// A StoredWatch as trees.
class TreeWatch final : public Watch {
 public:
  TreeWatch(ServedTypePtr type, std::unique_ptr<StoredWatch> events)
      : type_(std::move(type)), events_(std::move(events)) {}

  ApiResult<std::optional<WatchEvent>> next(Deadline deadline, std::stop_token stop) override {
    const std::optional<StoredEvent> event = TRY(events_->next(deadline, stop));
    if (!event) return std::optional<WatchEvent>();
    if (event->type == WatchEventType::Bookmark) {
      Json mark = {{"kind", type_->kind()},
                   {"apiVersion", type_->api_version()},
                   {"metadata", {{"resourceVersion", std::to_string(event->revision)}}}};
      return std::optional<WatchEvent>(WatchEvent{.type = event->type, .object = std::move(mark)});
    }
    Json object = TRY(tree_of(*type_, *event->object));
    return std::optional<WatchEvent>(WatchEvent{.type = event->type, .object = std::move(object)});
  }

 private:
  const ServedTypePtr type_;
  const std::unique_ptr<StoredWatch> events_;
};

}  // namespace

ApiServer::ApiServer(Store& store, const Clock& clock, Rng& rng, Log log)
    : store_(store),
      context_{
          .store = store, .clock = clock, .rng = rng, .registry = current_, .log = std::move(log)},
      authorizer_(store),
      admission_(context_, services_),
      webhooks_(context_),
      reader_(context_),
      writer_(context_, admission_, services_, authorizer_, webhooks_),
      remover_(context_, admission_, writer_, webhooks_) {
  services_.load(store);
  refresh_registry();
  cleaner_ = std::jthread([this](std::stop_token stop) { keep_house(stop); });
}

ApiServer::~ApiServer() = default;

// ---- The registry

std::vector<Json> ApiServer::stored_definitions() const {
  std::vector<Json> crds;
  if (const auto page = store_.list(kDefinitions, {})) {
    for (const StoredPtr& stored : page->objects) {
      if (auto crd = parse_stored(*stored)) crds.push_back(std::move(*crd));
    }
  }
  return crds;
}

void ApiServer::refresh_registry() {
  const Lock lock(refresh_mu_);
  const RegistryPtr before = current_.get();
  current_.set(Registry::build(stored_definitions(), before ? before->generation() + 1 : 1));
}

void ApiServer::follow_up(const ServedType& type) {
  if (type.storage_key == kDefinitions) refresh_registry();
  if (type.storage_key == rbac::kClusterRoles)
    rbac::aggregate_cluster_roles(*this, store_, context_.log);
}

ApiResult<ServedTypePtr> ApiServer::type_of(const GroupVersionResource& gvr) const {
  ServedTypePtr type = current_.get()->find(gvr);
  if (!type) return no_such_resource();
  return type;
}

std::vector<ServedResource> ApiServer::resources() const {
  std::vector<ServedResource> out;
  const RegistryPtr registry = current_.get();
  for (const ServedGroup& group : registry->groups()) {
    std::vector<std::string_view> seen;
    for (const ServedVersion& version : group.versions) {
      for (const ServedTypePtr& type : version.types) {
        if (std::ranges::find(seen, type->resource()) != seen.end()) continue;
        seen.push_back(type->resource());
        if (type->virtual_only) continue;
        ServedResource row{.type = type->type, .custom = type->custom.has_value()};
        row.type.preferred = true;
        out.push_back(std::move(row));
      }
    }
  }
  return out;
}

std::optional<ServedResource> ApiServer::find_kind(std::string_view api_version,
                                                   std::string_view kind) const {
  const ServedTypePtr type = current_.get()->find_kind(api_version, kind);
  if (!type) return std::nullopt;
  return ServedResource{.type = type->type, .custom = type->custom.has_value()};
}

std::uint64_t ApiServer::resources_generation() const {
  return current_.get()->generation();
}

std::string ApiServer::current_resource_version() const {
  return std::to_string(store_.revision());
}

// ---- Reading

ApiResult<Json> ApiServer::get(const GroupVersionResource& gvr,
                               std::string_view ns,
                               std::string_view name) {
  const ServedTypePtr type = TRY(type_of(gvr));
  const StoredPtr stored = TRY(reader_.get(*type, ns, name));
  return tree_of(*type, *stored);
}

ApiResult<ObjectList> ApiServer::list(const GroupVersionResource& gvr, const ListOptions& options) {
  const ServedTypePtr type = TRY(type_of(gvr));
  StoredList page = TRY(reader_.list(*type, options));
  ObjectList out{.items = {},
                 .resource_version = std::to_string(page.revision),
                 .continue_token = std::move(page.continue_token),
                 .remaining_item_count = page.remaining_item_count};
  out.items.reserve(page.objects.size());
  for (const StoredPtr& stored : page.objects) {
    Json item = TRY(tree_of(*type, *stored));
    out.items.push_back(std::move(item));
  }
  return out;
}

ApiResult<std::unique_ptr<Watch>> ApiServer::watch(const GroupVersionResource& gvr,
                                                   const WatchOptions& options) {
  ServedTypePtr type = TRY(type_of(gvr));
  std::unique_ptr<StoredWatch> events = TRY(reader_.watch(*type, options));
  return std::unique_ptr<Watch>(std::make_unique<TreeWatch>(std::move(type), std::move(events)));
}

// ---- Writing

ApiResult<Json> ApiServer::create(const GroupVersionResource& gvr,
                                  std::string_view ns,
                                  Json object,
                                  const WriteOptions& options) {
  const ServedTypePtr type = TRY(type_of(gvr));
  Written written = TRY(create(*type, ns, std::move(object), options));
  return std::move(written.object);
}

ApiResult<Json> ApiServer::update(const GroupVersionResource& gvr,
                                  Json object,
                                  const WriteOptions& options) {
  const ServedTypePtr type = TRY(type_of(gvr));
  Written written = TRY(update(*type, std::move(object), options));
  return std::move(written.object);
}

ApiResult<Json> ApiServer::patch(const GroupVersionResource& gvr,
                                 std::string_view ns,
                                 std::string_view name,
                                 PatchType patch_type,
                                 const Json& change,
                                 const WriteOptions& options) {
  const ServedTypePtr type = TRY(type_of(gvr));
  Written written = TRY(patch(*type, ns, name, patch_type, change, options));
  return std::move(written.object);
}

ApiResult<DeleteOutcome> ApiServer::remove(const GroupVersionResource& gvr,
                                           std::string_view ns,
                                           std::string_view name,
                                           const DeleteOptions& options) {
  const ServedTypePtr type = TRY(type_of(gvr));
  return remove(*type, ns, name, options);
}

ApiResult<std::vector<Json>> ApiServer::remove_collection(const GroupVersionResource& gvr,
                                                          const ListOptions& selected,
                                                          const DeleteOptions& options) {
  const ServedTypePtr type = TRY(type_of(gvr));
  return remove_all(*type, selected, options);
}

ApiResult<Written> ApiServer::create(const ServedType& type,
                                     std::string_view ns,
                                     Json object,
                                     const WriteOptions& options) {
  auto written = writer_.create(type, ns, std::move(object), options);
  if (written) follow_up(type);
  return written;
}

ApiResult<Written> ApiServer::update(const ServedType& type,
                                     Json object,
                                     const WriteOptions& options) {
  auto written = writer_.update(type, std::move(object), options);
  if (written) follow_up(type);
  return written;
}

ApiResult<Written> ApiServer::patch(const ServedType& type,
                                    std::string_view ns,
                                    std::string_view name,
                                    PatchType patch_type,
                                    const Json& change,
                                    const WriteOptions& options) {
  auto written = writer_.patch(type, ns, name, patch_type, change, options);
  if (written) follow_up(type);
  return written;
}

ApiResult<DeleteOutcome> ApiServer::remove(const ServedType& type,
                                           std::string_view ns,
                                           std::string_view name,
                                           const DeleteOptions& options) {
  auto outcome = remover_.remove(type, ns, name, options);
  if (outcome) follow_up(type);
  return outcome;
}

ApiResult<std::vector<Json>> ApiServer::remove_all(const ServedType& type,
                                                   const ListOptions& selected,
                                                   const DeleteOptions& options) {
  if (!type.type.has_verb("deletecollection")) {
    return method_not_allowed(type.group(), type.resource(), "deletecollection");
  }
  const StoredList list = TRY(reader_.list(type, selected));
  std::vector<std::optional<Json>> removed(list.objects.size());
  // Together they share commits.
  TRY(parallel_for(list.objects.size(), kRemovers, [&](std::size_t i, std::stop_token) -> Status {
    const StoredObject& object = *list.objects[i];
    auto outcome = remove(type, object.ns, object.name, options);
    // Someone else was faster: gone is gone.
    if (!outcome && outcome.error().is(Code::NotFound)) return {};
    if (!outcome) return Error(outcome.error());
    removed[i] = std::move(outcome->object);
    return {};
  }));
  std::vector<Json> out;
  for (std::optional<Json>& object : removed) {
    if (object) out.push_back(std::move(*object));
  }
  return out;
}

// ---- House-keeping: definitions that are being deleted, events that are old

// Removes the objects of one definition, then its finalizer; says whether it is done with.
bool ApiServer::clean_definition(const Json& crd) {
  const std::string_view name = kube::name_of(crd);
  bool empty = true;
  const auto types = served_types_of(crd);
  for (const ServedTypePtr& type : types) {
    // A built-in resource of the same name keeps its objects.
    const ServedTypePtr served = current_.get()->find(type->type.gvr);
    if (!served || !served->custom) continue;
    const auto removed = remove_all(*type, {}, {});
    if (!removed || store_.count(type->storage_key) != 0) empty = false;
  }
  if (!empty) return false;
  const GroupVersionResource definitions{
      .group = "apiextensions.k8s.io", .version = "v1", .resource = "customresourcedefinitions"};
  const auto released = modify(definitions, "", name, [](Json& object) -> Result<bool> {
    return kube::remove_finalizer(object, kCleanupFinalizer);
  });
  return released || released.error().is(Code::NotFound);
}

void ApiServer::keep_house(std::stop_token stop) {
  Deadline next_expiry = Deadline::after(kExpiryInterval);
  while (!stop.stop_requested()) {
    const std::uint64_t seen = store_.revision();
    bool waiting = false;
    // From the store: the registry may be a moment behind, and nothing would wake us for it.
    for (const Json& crd : stored_definitions()) {
      if (kube::is_being_deleted(crd) && kube::has_finalizer(crd, kCleanupFinalizer)) {
        waiting = !clean_definition(crd) || waiting;
      }
    }
    if (next_expiry.expired()) {
      expire_events(store_, context_.clock.now());
      next_expiry = Deadline::after(kExpiryInterval);
    }
    // Objects with finalizers of their own go in their own time: look again soon.
    const Deadline until = waiting ? Deadline::after(kCleanupRetry) : next_expiry;
    (void)store_.events_after(kDefinitions, seen, 1, until,
                              stop);  // Gone is as good a reason to look again
  }
}

}  // namespace lateen::sandbox
