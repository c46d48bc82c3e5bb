#include "restore/run_notes.h"

namespace lateen::restore {

void RunNotes::item(std::string_view api_version,
                    std::string_view kind,
                    std::string_view ns,
                    std::string_view name,
                    ItemOutcome outcome) {
  log_.debug("Restored item",
             {{"kind", kind}, {"namespace", ns}, {"name", name}, {"outcome", to_string(outcome)}});
  const Lock lock(mu_);
  model::add_to_resource_list(outcome_.resource_list, api_version, kind, ns, name,
                              to_string(outcome));
}

void RunNotes::warning(std::string_view ns, std::string message) {
  log_.warning(message, {{"namespace", ns}});
  const Lock lock(mu_);
  outcome_.results.warnings.add(ns, std::move(message));
}

void RunNotes::error(std::string_view ns, std::string message) {
  log_.error(message, {{"namespace", ns}});
  const Lock lock(mu_);
  outcome_.results.errors.add(ns, std::move(message));
}

void RunNotes::velero_warning(std::string message) {
  log_.warning(message);
  const Lock lock(mu_);
  outcome_.results.warnings.add_velero(std::move(message));
}

void RunNotes::operation(model::RestoreOperation operation) {
  const Lock lock(mu_);
  outcome_.operations.push_back(std::move(operation));
}

void RunNotes::hooked_pod(HookedPod pod) {
  const Lock lock(mu_);
  outcome_.hooked_pods.push_back(std::move(pod));
}

void RunNotes::restored_volume(model::RestoreVolumeInfo info) {
  const Lock lock(mu_);
  outcome_.volumes.push_back(std::move(info));
}

void RunNotes::provisioned_claim(ProvisionedClaim claim) {
  const Lock lock(mu_);
  outcome_.provisioned_claims.push_back(std::move(claim));
}

std::int64_t RunNotes::count_one() {
  const Lock lock(mu_);
  return ++outcome_.items;
}

RestoreOutcome RunNotes::outcome() const {
  const Lock lock(mu_);
  RestoreOutcome result = outcome_;
  model::sort_resource_list(result.resource_list);
  return result;
}

}  // namespace lateen::restore
