#include "sandbox/controllers/quotas.h"

#include <set>

#include "kube/object.h"
#include "sandbox/api/quota_usage.h"
#include "sandbox/controllers/workload.h"

namespace lateen::sandbox {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(1);

JsonObject to_json(const Usage& usage) {
  JsonObject out;
  for (const auto& [name, quantity] : usage)
    out[name] = quantity.format();
  return out;
}

}  // namespace

QuotaController::QuotaController(ControllerContext& context)
    : Controller(context, "resourcequota-controller") {
  follow(caches().quotas);
}

Result<LookAgain> QuotaController::reconcile(const std::string& key, std::stop_token) {
  const auto [ns, quota_name] = kube::parse_object_key(key);
  const ObjectPtr quota = caches().quotas.find(ns, quota_name);
  if (!quota || kube::is_being_deleted(*quota)) return LookAgain();
  const Usage limits = limits_of(*quota);
  if (limits.empty()) return LookAgain();
  Usage used;
  std::set<std::string> keys;
  for (const auto& [name, limit] : limits) {
    used[name] = Quantity();
    keys.insert(storage_key_of_limit(name));
  }
  for (const ServedResource& served : api().resources()) {
    const kube::GroupVersionResource& gvr = served.type.gvr;
    const std::string storage_key =
        gvr.group.empty() ? gvr.resource : fmt::format("{}/{}", gvr.group, gvr.resource);
    if (!keys.contains(storage_key)) continue;
    const auto objects = api().list(gvr, {.ns = ns});
    if (!objects) return Error(objects.error());
    for (const Json& object : objects->items)
      add_limited(used, usage_of(gvr.group, gvr.resource, object), limits);
  }
  const Json status = JsonObject{{"hard", to_json(limits)}, {"used", to_json(used)}};
  TRY(write_status(api(), resources::kResourceQuotas, *quota, status, name()));
  return LookAgain(kPeriod);
}

}  // namespace lateen::sandbox
