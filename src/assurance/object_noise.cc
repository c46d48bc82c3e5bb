#include "assurance/object_noise.h"

#include <algorithm>
#include <array>

#include "kube/object.h"
#include "model/names.h"
#include "restore/object_preparation.h"

namespace lateen::assurance {

Json without_noise(Json object) {
  if (!object.is_object()) return object;
  restore::strip(object);
  kube::remove_annotation(object, "kubectl.kubernetes.io/last-applied-configuration");
  kube::remove_annotation(object, "deployment.kubernetes.io/revision");
  kube::remove_label(object, model::labels::kBackupName);
  kube::remove_label(object, model::labels::kRestoreName);
  return object;
}

bool is_volatile_kind(std::string_view group_resource) {
  constexpr std::array<std::string_view, 6> kKinds = {"events",
                                                      "events.events.k8s.io",
                                                      "leases.coordination.k8s.io",
                                                      "endpoints",
                                                      "endpointslices.discovery.k8s.io",
                                                      "podmetrics.metrics.k8s.io"};
  return std::find(kKinds.begin(), kKinds.end(), group_resource) != kKinds.end();
}

bool is_made_by_controller(const Json& object) {
  return object.is_object() && kube::controller_of(object).has_value();
}

}  // namespace lateen::assurance
