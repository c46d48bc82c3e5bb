#include "sandbox/webhooks/webhooks.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/object.h"
#include "kube/patch.h"
#include "sandbox/api/conversion.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/runtime/pod_network.h"

namespace lateen::sandbox::webhooks {

namespace {

constexpr std::string_view kGroup = "admissionregistration.k8s.io";
constexpr std::string_view kMutating = "admissionregistration.k8s.io/mutatingwebhookconfigurations";
constexpr std::string_view kValidating =
    "admissionregistration.k8s.io/validatingwebhookconfigurations";

Json kind_json(std::string_view group, std::string_view version, std::string_view kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

Json resource_json(const kube::GroupVersionResource& gvr) {
  return {{"group", gvr.group}, {"version", gvr.version}, {"resource", gvr.resource}};
}

// Where the sandbox's service proxy listens for a Service.
Result<std::string> resolve_service(const Store& store, const ServiceTarget& target) {
  const StoredPtr stored = store.find("services", target.ns, target.name);
  if (!stored) return Error(Code::NotFound, "service {} not found", quote_go(target.name));
  const Json service = TRY(parse_stored(*stored));
  const std::string address = service_address(service);
  if (address.empty()) {
    return Error(Code::Unavailable, "service {} has no address that the sandbox listens on",
                 quote_go(target.name));
  }
  return fmt::format("{}:{}", address, target.port);
}

Json user_of(const Caller* caller) {
  if (caller != nullptr) return user_info(*caller);
  return {{"username", "system:lateen-sandbox"},
          {"groups", JsonArray{"system:masters", "system:authenticated"}}};
}

ApiError failed_call(const Webhook& webhook, const Error& error) {
  const std::string text =
      fmt::format("failed calling webhook {}: {}", quote_go(webhook.name), error.message());
  StatusDetails details;
  details.causes.push_back({.reason = {}, .message = text, .field = {}});
  return {Error(Code::Internal, "Internal error occurred: {}", text), 500, "InternalError",
          std::move(details)};
}

}  // namespace

Webhooks::Webhooks(const ApiContext& context)
    : context_(context), client_([&store = context.store](const ServiceTarget& target) {
        return resolve_service(store, target);
      }) {}

bool Webhooks::any_mutating() const {
  return !context_.store.is_empty(kMutating);
}

bool Webhooks::any_validating() const {
  return !context_.store.is_empty(kValidating);
}

// Of all configurations, by their names.
std::vector<Webhook> Webhooks::configured(bool mutating) const {
  std::vector<Webhook> out;
  const auto page = context_.store.list(mutating ? kMutating : kValidating, {});
  if (!page) return out;
  for (const StoredPtr& stored : page->objects) {
    const auto tree = parse_stored(*stored);
    if (!tree) continue;
    std::ranges::move(webhooks_of(*tree, mutating), std::back_inserter(out));
  }
  return out;
}

bool Webhooks::concerns_nobody(const Write& write) const {
  return write.type.group() == kGroup || write.type.virtual_only;
}

std::vector<kube::GroupVersionResource> Webhooks::served_versions(const ServedType& type) const {
  std::vector<kube::GroupVersionResource> out;
  const RegistryPtr registry = context_.registry.get();
  for (const ServedGroup& group : registry->groups()) {
    for (const ServedVersion& version : group.versions) {
      for (const ServedTypePtr& other : version.types) {
        if (other->storage_key == type.storage_key && other->type.gvr != type.type.gvr)
          out.push_back(other->type.gvr);
      }
    }
  }
  return out;
}

ApiResult<bool> Webhooks::namespace_selected(const Webhook& webhook,
                                             const Write& write,
                                             const Json& object) const {
  if (webhook.namespace_selector.selects_everything()) return true;
  if (write.type.is("", "namespaces") && write.subresource.empty()) {
    const Json* self = write.operation == Operation::Delete ? write.old_object : &object;
    return self != nullptr && webhook.namespace_selector.matches(kube::labels_of(*self));
  }
  if (!write.type.type.namespaced) return true;
  const StoredPtr stored = context_.store.find("namespaces", "", write.ns);
  if (!stored) return not_found("", "namespaces", write.ns);
  return webhook.namespace_selector.matches(stored->labels);
}

ApiResult<std::optional<Webhooks::Call>> Webhooks::match(
    const Webhook& webhook,
    const Write& write,
    const Json& object,
    const std::vector<kube::GroupVersionResource>& served) const {
  const Target target{.gvr = write.type.type.gvr,
                      .subresource = write.subresource,
                      .namespaced = write.type.type.namespaced};
  const auto* gvr = matching_version(webhook, write.operation, target, served);
  if (gvr == nullptr) return std::optional<Call>();
  if (!TRY(namespace_selected(webhook, write, object))) return std::optional<Call>();
  const Json* present = object.is_object() ? &object : nullptr;
  if (!object_selected(webhook, present, write.old_object)) return std::optional<Call>();
  return std::optional<Call>(Call{.webhook = &webhook, .gvr = *gvr});
}

ApiResult<Json> Webhooks::request_of(const Write& write,
                                     const Call& call,
                                     const Json& object) const {
  const ServedTypePtr seen = context_.registry.get()->find(call.gvr);
  if (!seen) return no_such_resource();
  const auto as_seen = [&](const Json* from) -> Json {
    if (from == nullptr || !from->is_object()) return nullptr;
    if (seen->type.gvr == write.type.type.gvr) return *from;
    return to_served(*seen, to_storage(write.type, *from));
  };
  const kube::GroupVersionResource& own = write.type.type.gvr;
  JsonObject request;
  request["uid"] = uuid4(context_.rng);
  request["kind"] = kind_json(call.gvr.group, call.gvr.version, seen->kind());
  request["resource"] = resource_json(call.gvr);
  if (!write.subresource.empty()) request["subResource"] = write.subresource;
  request["requestKind"] = kind_json(own.group, own.version, write.type.kind());
  request["requestResource"] = resource_json(own);
  if (!write.subresource.empty()) request["requestSubResource"] = write.subresource;
  if (!write.name.empty()) request["name"] = write.name;
  if (!write.ns.empty()) request["namespace"] = write.ns;
  request["operation"] = to_string(write.operation);
  request["userInfo"] = user_of(write.caller);
  request["object"] = as_seen(&object);
  request["oldObject"] = as_seen(write.old_object);
  request["dryRun"] = write.dry_run;
  request["options"] = write.options;
  return Json(std::move(request));
}

ApiResult<std::optional<Json>> Webhooks::ask(const Write& write,
                                             const Call& call,
                                             const Json& object) {
  const Webhook& webhook = *call.webhook;
  if (write.dry_run && webhook.has_side_effects) {
    return bad_request(
        fmt::format("admission webhook {} does not support dry run", quote_go(webhook.name)));
  }
  auto verdict = client_.ask(webhook, TRY(request_of(write, call, object)));
  if (!verdict) {
    if (!webhook.ignores_failure) return failed_call(webhook, verdict.error());
    context_.log.warning("Failed calling webhook, failing open",
                         {{"webhook", webhook.name}, {"error", verdict.error().message()}});
    return std::optional<Json>();
  }
  if (write.warnings != nullptr)
    std::ranges::move(verdict->warnings, std::back_inserter(*write.warnings));
  if (!verdict->allowed) return denial(webhook, verdict->status);
  return std::move(verdict->patch);
}

ApiStatus Webhooks::patch_object(const Write& write,
                                 const Call& call,
                                 const Json& patch,
                                 Json& object,
                                 const Refine& refine) const {
  const ServedTypePtr seen = context_.registry.get()->find(call.gvr);
  const bool same = seen == nullptr || seen->type.gvr == write.type.type.gvr;
  Json target = same ? object : to_served(*seen, to_storage(write.type, object));
  auto patched = kube::json_patch(std::move(target), patch);
  if (!patched) {
    return failed_call(*call.webhook, Error(patched.error()));
  }
  Json back =
      same ? std::move(*patched) : to_served(write.type, to_storage(*seen, std::move(*patched)));
  object = TRY(refine(std::move(back)));
  return {};
}

ApiStatus Webhooks::mutate(const Write& write, Json& object, const Refine& refine) {
  if (concerns_nobody(write)) return {};
  const std::vector<Webhook> webhooks = configured(true);
  if (webhooks.empty()) return {};
  const auto served = served_versions(write.type);
  // Those that ran before the object was last changed, and want to see it once more then.
  std::set<const Webhook*> again;
  std::vector<const Webhook*> ran;
  const auto run = [&](const Webhook& webhook) -> ApiStatus {
    const std::optional<Call> call = TRY(match(webhook, write, object, served));
    if (!call) return {};
    const std::optional<Json> patch = TRY(ask(write, *call, object));
    const Json before = object;
    if (patch && object.is_object()) TRY(patch_object(write, *call, *patch, object, refine));
    if (object != before) again.insert(ran.begin(), ran.end());
    if (webhook.again_if_changed) ran.push_back(&webhook);
    return {};
  };
  for (const Webhook& webhook : webhooks)
    TRY(run(webhook));
  if (again.empty()) return {};
  ran.clear();
  const std::set<const Webhook*> second = std::exchange(again, {});
  for (const Webhook& webhook : webhooks) {
    if (second.contains(&webhook)) TRY(run(webhook));
  }
  return {};
}

ApiStatus Webhooks::validate(const Write& write, const Json& object) {
  if (concerns_nobody(write)) return {};
  const std::vector<Webhook> webhooks = configured(false);
  if (webhooks.empty()) return {};
  const auto served = served_versions(write.type);
  for (const Webhook& webhook : webhooks) {
    const std::optional<Call> call = TRY(match(webhook, write, object, served));
    // Whatever else it says, a validating webhook changes nothing.
    if (call) TRY(ask(write, *call, object));
  }
  return {};
}

}  // namespace lateen::sandbox::webhooks
