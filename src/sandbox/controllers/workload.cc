#include "sandbox/controllers/workload.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

Json owner_reference_json(const Json& owner) {
  return JsonObject{{"apiVersion", kube::api_version_of(owner)},
                    {"kind", kube::kind_of(owner)},
                    {"name", kube::name_of(owner)},
                    {"uid", kube::uid_of(owner)},
                    {"controller", true},
                    {"blockOwnerDeletion", true}};
}

bool is_at_least(std::string_view version, std::string_view wanted) {
  auto a = parse_int(version);
  auto b = parse_int(wanted);
  return !a || !b || *a >= *b;
}

Status await_version(const ObjectCache& cache, const Json& written, std::stop_token stop) {
  const std::string uid(kube::uid_of(written));
  const std::string version(kube::resource_version_of(written));
  (void)cache.wait_until(
      kube::namespace_of(written), kube::name_of(written),
      [&](const Json* now) {
        return now == nullptr || kube::uid_of(*now) != uid ||
               is_at_least(kube::resource_version_of(*now), version);
      },
      std::move(stop));
  return Status();
}

// The owner as it is in the store, and not about to go: only such a one may take in.
Status check_may_adopt(Api& api, const Json& owner, const kube::GroupVersionResource& gvr) {
  const Json fresh = TRY(api.get(gvr, kube::namespace_of(owner), kube::name_of(owner)));
  if (kube::uid_of(fresh) == kube::uid_of(owner) && !kube::is_being_deleted(fresh)) return Status();
  return Error(Code::Conflict, "{} {} is being deleted or replaced", kube::kind_of(owner),
               kube::name_of(owner));
}

}  // namespace

bool is_pod_ready(const Json& pod) {
  return kube::is_condition_true(pod, "Ready");
}

bool is_pod_available(const Json& pod, Duration min_ready, TimePoint now) {
  const Json* ready = kube::find_condition(pod, "Ready");
  if (ready == nullptr || string_at(*ready, "status") != "True") return false;
  if (min_ready == Duration::zero()) return true;
  auto since = parse_rfc3339(string_at(*ready, "lastTransitionTime"));
  return since && *since + min_ready <= now;
}

bool is_pod_active(const Json& pod) {
  const std::string_view phase = string_at(pod, "status.phase");
  return phase != "Succeeded" && phase != "Failed" && !kube::is_being_deleted(pod);
}

std::string template_hash(const Json& pod_template, std::int64_t collisions) {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::uint32_t hash = 2166136261U;
  std::string text = write_json(pod_template);
  if (collisions > 0) text += fmt::format("#{}", collisions);
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  std::string out;
  for (const char c : fmt::format("{}", hash))
    out += kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
  return out;
}

Json pod_from_template(const Json& owner, const Json& pod_template, const PodName& name) {
  JsonObject metadata{{"namespace", kube::namespace_of(owner)},
                      {"ownerReferences", JsonArray{owner_reference_json(owner)}}};
  if (!name.name.empty()) metadata["name"] = name.name;
  if (!name.generate_name.empty()) metadata["generateName"] = name.generate_name;
  for (const std::string_view field : {"labels", "annotations", "finalizers"}) {
    const Json* value = find(pod_template, fmt::format("metadata.{}", field));
    if (value != nullptr) metadata[field] = *value;
  }
  const Json* spec = find(pod_template, "spec");
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata", std::move(metadata)},
                    {"spec", spec != nullptr ? *spec : Json(JsonObject())}};
}

Result<std::vector<ObjectPtr>> claim_owned(Api& api,
                                           const ObjectCache& cache,
                                           const Json& owner,
                                           std::string_view field_manager,
                                           std::stop_token stop) {
  const auto selector = TRY(kube::LabelSelector::from_json(find(owner, "spec.selector")));
  const auto served = api.find_kind(kube::api_version_of(owner), kube::kind_of(owner));
  const bool going = kube::is_being_deleted(owner);
  std::vector<ObjectPtr> out;
  for (const ObjectPtr& object : cache.list(kube::namespace_of(owner))) {
    const bool fits = selector.matches(kube::labels_of(*object));
    const auto controller = kube::controller_of(*object);
    if (controller) {
      if (controller->uid == kube::uid_of(owner)) out.push_back(object);
      continue;
    }
    if (!fits || going || !served || kube::is_being_deleted(*object)) continue;
    TRY(check_may_adopt(api, owner, served->type.gvr));
    Json adopted = *object;
    kube::add_owner_reference(adopted, kube::owner_reference_to(owner, true));
    auto written = api.update(cache.gvr(), std::move(adopted), write_as(field_manager));
    if (!written) return Error(written.error());
    TRY(await_version(cache, *written, stop));
    out.push_back(std::make_shared<const Json>(std::move(*written)));
  }
  return out;
}

Result<Json> create_seen(Api& api,
                         const ObjectCache& cache,
                         Json object,
                         std::string_view field_manager,
                         std::stop_token stop) {
  const std::string ns(kube::namespace_of(object));
  Json made = TRY(api.create(cache.gvr(), ns, std::move(object), write_as(field_manager)));
  const std::string uid(kube::uid_of(made));
  const std::string version(kube::resource_version_of(made));
  // Seen: it is there, or something newer than it is.
  (void)cache.wait_until(
      ns, kube::name_of(made),
      [&](const Json* now) {
        return now != nullptr &&
               (kube::uid_of(*now) == uid || is_at_least(kube::resource_version_of(*now), version));
      },
      std::move(stop));
  return made;
}

Status remove_seen(Api& api, const ObjectCache& cache, const Json& object, std::stop_token stop) {
  const std::string uid(kube::uid_of(object));
  auto removed = api.remove(cache.gvr(), kube::namespace_of(object), kube::name_of(object),
                            delete_exactly(uid));
  if (!removed && !removed.error().is(Code::NotFound)) return Error(removed.error());
  (void)cache.wait_until(
      kube::namespace_of(object), kube::name_of(object),
      [&](const Json* now) {
        return now == nullptr || kube::uid_of(*now) != uid || kube::is_being_deleted(*now);
      },
      std::move(stop));
  return Status();
}

Status write_status(Api& api,
                    const kube::GroupVersionResource& gvr,
                    const Json& object,
                    const Json& status,
                    std::string_view field_manager) {
  const Json* before = find(object, "status");
  if (before != nullptr && *before == status) return Status();
  Json changed = object;
  changed.as_object()["status"] = status;
  auto written = api.update(gvr, std::move(changed), write_status_as(field_manager));
  if (!written) return Error(written.error());
  return Status();
}

Status patch_seen(Api& api,
                  const ObjectCache& cache,
                  const Json& object,
                  const Json& patch,
                  std::string_view field_manager,
                  std::stop_token stop) {
  const Json written = TRY(api.patch(cache.gvr(), kube::namespace_of(object), kube::name_of(object),
                                     PatchType::Merge, patch, write_as(field_manager)));
  return await_version(cache, written, std::move(stop));
}

bool set_condition(JsonArray& conditions,
                   std::string_view type,
                   bool value,
                   std::string_view reason,
                   std::string_view message,
                   TimePoint now) {
  const std::string_view status = value ? "True" : "False";
  const std::string time = format_rfc3339(now);
  for (Json& condition : conditions) {
    if (string_at(condition, "type") != type) continue;
    const bool same_status = string_at(condition, "status") == status;
    if (same_status && string_at(condition, "reason") == reason &&
        string_at(condition, "message") == message)
      return false;
    JsonObject& object = condition.as_object();
    object["status"] = status;
    object["reason"] = reason;
    object["message"] = message;
    object["lastUpdateTime"] = time;
    if (!same_status) object["lastTransitionTime"] = time;
    return true;
  }
  conditions.push_back(JsonObject{{"type", type},
                                  {"status", status},
                                  {"reason", reason},
                                  {"message", message},
                                  {"lastUpdateTime", time},
                                  {"lastTransitionTime", time}});
  return true;
}

std::int64_t int_or_percent(const Json* value,
                            std::int64_t total,
                            bool round_up,
                            std::int64_t otherwise) {
  if (value == nullptr) return otherwise;
  if (value->is_int64()) return value->as_int64();
  const std::string_view text = as_text(value);
  auto number = parse_int(text.ends_with('%') ? text.substr(0, text.size() - 1) : text);
  if (!number) return otherwise;
  if (!text.ends_with('%')) return *number;
  return (*number * total + (round_up ? 99 : 0)) / 100;
}

}  // namespace lateen::sandbox
