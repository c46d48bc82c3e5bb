#include "assurance/pod_template.h"

#include <algorithm>
#include <array>

namespace lateen::assurance {

const Json* pod_spec_of(std::string_view group_resource, const Json& object) {
  constexpr std::array<std::string_view, 6> kTemplated = {
      "deployments.apps", "statefulsets.apps", "daemonsets.apps",
      "replicasets.apps", "jobs.batch",        "replicationcontrollers"};
  if (group_resource == "pods") return find(object, "spec");
  if (group_resource == "cronjobs.batch")
    return find(object, "spec.jobTemplate.spec.template.spec");
  const bool templated = std::ranges::find(kTemplated, group_resource) != kTemplated.end();
  return templated ? find(object, "spec.template.spec") : nullptr;
}

}  // namespace lateen::assurance
