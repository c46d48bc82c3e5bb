#include "sandbox/controllers/disruption.h"

#include <algorithm>

#include "kube/object.h"
#include "sandbox/controllers/workload.h"

namespace lateen::sandbox {

DisruptionController::DisruptionController(ControllerContext& context)
    : Controller(context, "disruption-controller") {
  follow(caches().budgets);
  caches().pods.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    for (const ObjectPtr& budget :
         caches().budgets.list(kube::namespace_of(now ? *now : *before))) {
      queue().add(kube::object_key(*budget));
    }
  });
}

Result<LookAgain> DisruptionController::reconcile(const std::string& key, std::stop_token) {
  const auto [ns, budget_name] = kube::parse_object_key(key);
  const ObjectPtr budget = caches().budgets.find(ns, budget_name);
  if (!budget || kube::is_being_deleted(*budget)) return LookAgain();
  const auto selector = TRY(kube::LabelSelector::from_json(find(*budget, "spec.selector")));
  std::int64_t expected = 0;
  std::int64_t healthy = 0;
  for (const ObjectPtr& pod : caches().pods.list(ns)) {
    if (!selector.matches(kube::labels_of(*pod)) || !is_pod_active(*pod)) continue;
    ++expected;
    if (is_pod_ready(*pod)) ++healthy;
  }
  std::int64_t needed = int_or_percent(find(*budget, "spec.minAvailable"), expected, true, 0);
  if (const Json* most = find(*budget, "spec.maxUnavailable")) {
    needed = std::max<std::int64_t>(0, expected - int_or_percent(most, expected, true, 0));
  }
  const std::int64_t allowed = expected == 0 ? 0 : std::max<std::int64_t>(0, healthy - needed);
  const JsonArray* before = array_at(*budget, "status.conditions");
  JsonArray conditions = before != nullptr ? *before : JsonArray();
  (void)set_condition(conditions, "DisruptionAllowed", allowed > 0,
                      allowed > 0 ? "SufficientPods" : "InsufficientPods", "", now());
  for (Json& condition : conditions) {
    condition.as_object().erase("lastUpdateTime");
    condition.as_object()["observedGeneration"] = kube::generation_of(*budget).value_or(0);
  }
  const Json status = JsonObject{{"conditions", std::move(conditions)},
                                 {"currentHealthy", healthy},
                                 {"desiredHealthy", needed},
                                 {"disruptionsAllowed", allowed},
                                 {"expectedPods", expected},
                                 {"observedGeneration", kube::generation_of(*budget).value_or(0)}};
  TRY(write_status(api(), resources::kPodDisruptionBudgets, *budget, status, name()));
  return LookAgain();
}

}  // namespace lateen::sandbox
