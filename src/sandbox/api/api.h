// The sandbox's API server without its HTTP: what the controllers and the HTTP front both stand on.
// Objects are Json trees of the served version that the GroupVersionResource names; every write
// goes through the whole of what a real API server does: decoding, defaulting, admission,
// validation, immutability, generation, managed fields, optimistic concurrency, and is durable when
// the call returns.
//
//   Json pod = TRY(api.get(kPods, "shop", "db-0"));
//   ensure(pod, "status")...;
//   TRY(api.update(kPods, pod, {.subresource = "status", .field_manager = "kubelet"}));   //
//   Conflict if stale
//
//   auto watch = TRY(api.watch(kPods, {.resource_version = list.resource_version}));
//   while (auto event = TRY(watch->next(Deadline::after(10s), stop))) ...
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "kube/patch.h"
#include "kube/resource.h"
#include "sandbox/api/api_error.h"

namespace lateen::sandbox {

using kube::GroupVersionResource;

enum class FieldValidation { Ignore, Warn, Strict };
using kube::PatchType;
enum class WatchEventType { Added, Modified, Deleted, Bookmark };

// "ADDED", ...
std::string_view to_string(WatchEventType type);

struct ListOptions {
  std::string ns = {};              // empty: all namespaces, or a cluster-scoped resource
  std::string label_selector = {};  // as kubectl writes it: "app=db,tier in (a,b),!canary"
  std::string field_selector = {};  // "status.phase=Running,metadata.name!=x"
  std::int64_t limit = 0;           // 0: all
  std::string continue_token = {};
  std::string resource_version = {};        // "" newest, "0" any, a number
  std::string resource_version_match = {};  // "", "Exact", "NotOlderThan"
};

struct ObjectList {
  std::vector<Json> items = {};  // each with its apiVersion and kind
  std::string resource_version = {};
  std::string continue_token = {};                        // empty on the last page
  std::optional<std::int64_t> remaining_item_count = {};  // absent with selectors
};

struct WatchOptions {
  std::string ns = {};
  std::string label_selector = {};
  std::string field_selector = {};
  std::string resource_version =
      {};  // "" or "0": the present objects first, as Added; else what came after it
  bool send_initial_events =
      false;  // sendInitialEvents=true: as "0", and a bookmark after the present objects
  bool allow_bookmarks = false;
};

struct WatchEvent {
  WatchEventType type;
  Json object;  // Bookmark: only kind, apiVersion and metadata.resourceVersion
};

// The changes to one resource, oldest first. Pulling is the back-pressure: a watcher that is too
// slow loses its place and hears Gone. An event that makes an object enter or leave the selector
// arrives as Added or Deleted. Not thread-safe (one puller); must not outlive its Api.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch() = default;

  // The next event; nothing when the deadline passes or the stop is requested. Gone: list again,
  // watch anew.
  virtual ApiResult<std::optional<WatchEvent>> next(Deadline deadline, std::stop_token stop) = 0;
};

// Who asks (caller.h). Null in the options below: the sandbox's own controllers, which may do
// everything.
struct Caller;

struct WriteOptions {
  std::string subresource = {};  // "status", "scale", "finalize", "binding", ...; empty: the object
  std::string field_manager = {};  // empty: managed fields are recorded under "lateen"
  bool dry_run = false;
  FieldValidation field_validation = FieldValidation::Ignore;
  bool force = false;  // of an apply: take fields from other managers
  std::vector<std::string> duplicate_fields =
      {};  // keys given twice in the text that the object came in
  std::vector<std::string>* warnings =
      nullptr;  // where Warning headers are collected, if anyone listens
  const Caller* caller = nullptr;
};

struct Preconditions {
  std::string uid = {};
  std::string resource_version = {};
};

struct DeleteOptions {
  std::optional<std::int64_t> grace_period_seconds = {};  // pods only
  std::string propagation_policy = {};  // "", "Background", "Foreground", "Orphan"
  Preconditions preconditions = {};
  bool dry_run = false;
  std::vector<std::string>* warnings = nullptr;
  const Caller* caller = nullptr;
};

// What a delete left: the object as it is now (with a deletionTimestamp) when something still holds
// it, as it was at its end otherwise.
struct DeleteOutcome {
  bool gone = false;
  Json object = {};
};

// A served resource: a row of discovery.
struct ServedResource {
  kube::ResourceType type = {};
  bool custom = false;  // of a CustomResourceDefinition
};

// Thread-safe.
class Api {
 public:
  Api() = default;
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  virtual ~Api() = default;

  // ---- Reading. `ns` is empty for cluster-scoped resources.
  virtual ApiResult<Json> get(const GroupVersionResource& gvr,
                              std::string_view ns,
                              std::string_view name) = 0;
  virtual ApiResult<ObjectList> list(const GroupVersionResource& gvr,
                                     const ListOptions& options) = 0;
  virtual ApiResult<std::unique_ptr<Watch>> watch(const GroupVersionResource& gvr,
                                                  const WatchOptions& options) = 0;

  // ---- Writing. Each returns the object as stored (or as it would be, for a dry run).
  // `ns` must equal metadata.namespace where that is given; metadata.generateName is honoured.
  virtual ApiResult<Json> create(const GroupVersionResource& gvr,
                                 std::string_view ns,
                                 Json object,
                                 const WriteOptions& options = {}) = 0;
  // Name and namespace are the object's own. With metadata.resourceVersion set, Conflict unless it
  // is current.
  virtual ApiResult<Json> update(const GroupVersionResource& gvr,
                                 Json object,
                                 const WriteOptions& options = {}) = 0;
  // Retries conflicts itself unless the patch names a resourceVersion. Apply creates what is not
  // there.
  virtual ApiResult<Json> patch(const GroupVersionResource& gvr,
                                std::string_view ns,
                                std::string_view name,
                                PatchType type,
                                const Json& patch,
                                const WriteOptions& options = {}) = 0;
  // update() of the status subresource.
  ApiResult<Json> update_status(const GroupVersionResource& gvr,
                                Json object,
                                std::string_view field_manager);

  // Reads, lets `change` edit, updates (subresource of `options`), again on Conflict. `change`
  // returns false to leave the object as it is; the object read is returned then.
  ApiResult<Json> modify(const GroupVersionResource& gvr,
                         std::string_view ns,
                         std::string_view name,
                         const std::function<Result<bool>(Json&)>& change,
                         const WriteOptions& options = {});

  // Finalizers, grace periods, preconditions and propagation policies as in Kubernetes: with
  // Foreground or Orphan the object stays with that finalizer ("foregroundDeletion", "orphan")
  // until the garbage collector removes it. A pod that has a node and a grace period above 0 stays
  // until the kubelet (the pod runtime) removes it with grace_period_seconds = 0. A namespace stays
  // Terminating until update() of its "finalize" subresource empties spec.finalizers.
  virtual ApiResult<DeleteOutcome> remove(const GroupVersionResource& gvr,
                                          std::string_view ns,
                                          std::string_view name,
                                          const DeleteOptions& options = {}) = 0;

  // remove() of everything that the list selects, several at a time; what others remove meanwhile
  // is fine. Answers what it removed or marked.
  virtual ApiResult<std::vector<Json>> remove_collection(const GroupVersionResource& gvr,
                                                         const ListOptions& selected,
                                                         const DeleteOptions& options) = 0;

  // ---- What is served (built-in and custom), preferred versions only, for the garbage collector
  // and the namespace controller.
  virtual std::vector<ServedResource> resources() const = 0;
  // "apps/v1", "Deployment" → deployments; nothing if not served.
  virtual std::optional<ServedResource> find_kind(std::string_view api_version,
                                                  std::string_view kind) const = 0;
  // Changes whenever the answer of resources() does.
  virtual std::uint64_t resources_generation() const = 0;

  // The store's newest revision.
  virtual std::string current_resource_version() const = 0;
};

}  // namespace lateen::sandbox
