#include "volumes/volume_zone.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "kube/object.h"

namespace lateen::volumes {
namespace {

constexpr std::string_view kZone = "topology.kubernetes.io/zone";
constexpr std::string_view kZoneBefore = "failure-domain.beta.kubernetes.io/zone";
constexpr std::string_view kGkeZone = "topology.gke.io/zone";

constexpr std::array<std::string_view, 7> kAffinityKeys = {"topology.ebs.csi.aws.com/zone",
                                                           "topology.disk.csi.azure.com/zone",
                                                           kGkeZone,
                                                           "topology.manila.csi.openstack.org/zone",
                                                           "topology.cinder.csi.openstack.org/zone",
                                                           kZone,
                                                           kZoneBefore};

// The first zone that an expression of the affinity allows; "" if it is not about zones.
std::string_view zone_in(const Json& expression) {
  const std::string_view key = string_at(expression, "key");
  const JsonArray* values = array_at(expression, "values");
  const bool is_zone =
      std::find(kAffinityKeys.begin(), kAffinityKeys.end(), key) != kAffinityKeys.end();
  if (!is_zone || string_at(expression, "operator") != "In" || values == nullptr ||
      values->empty()) {
    return {};
  }
  return as_text(&values->front());
}

}  // namespace

std::string zone_of(const Json& persistent_volume) {
  for (const std::string_view key : {kZone, kZoneBefore}) {
    if (kube::has_label(persistent_volume, key)) {
      return std::string(kube::label_of(persistent_volume, key));
    }
  }
  const JsonArray* terms =
      array_at(persistent_volume, "spec.nodeAffinity.required.nodeSelectorTerms");
  if (terms == nullptr) return {};
  std::vector<std::string> of_gke;
  for (const Json& term : *terms) {
    const JsonArray* expressions = array_at(term, "matchExpressions");
    if (expressions == nullptr) continue;
    for (const Json& expression : *expressions) {
      const std::string_view zone = zone_in(expression);
      if (zone.empty()) continue;
      if (string_at(expression, "key") != kGkeZone) return std::string(zone);
      of_gke.emplace_back(zone);
    }
  }
  return join(of_gke, "__");
}

}  // namespace lateen::volumes
