#include "assurance/made_anew.h"

#include <algorithm>
#include <array>

#include "kube/object.h"

namespace lateen::assurance {

bool is_made_anew_kind(std::string_view kind) {
  constexpr std::array<std::string_view, 13> kKinds = {
      "v1/Event",
      "events.k8s.io/v1/Event",
      "v1/Endpoints",
      "v1/Node",
      "v1/ComponentStatus",
      "discovery.k8s.io/v1/EndpointSlice",
      "coordination.k8s.io/v1/Lease",
      "apps/v1/ControllerRevision",
      "storage.k8s.io/v1/CSINode",
      "storage.k8s.io/v1/CSIStorageCapacity",
      "storage.k8s.io/v1/VolumeAttachment",
      "apiregistration.k8s.io/v1/APIService",
      "flowcontrol.apiserver.k8s.io/v1/FlowSchema"};
  return std::ranges::find(kKinds, kind) != kKinds.end() ||
         kind.starts_with("flowcontrol.apiserver.k8s.io/") || kind.starts_with("metrics.k8s.io/");
}

bool is_made_anew(std::string_view group_resource, const Json& object) {
  constexpr std::array<std::string_view, 3> kOfTemplates = {"pods", "replicasets.apps",
                                                            "jobs.batch"};
  const std::string_view name = kube::name_of(object);
  if (std::ranges::find(kOfTemplates, group_resource) != kOfTemplates.end())
    return kube::controller_of(object).has_value();
  if (group_resource == "configmaps") return name == "kube-root-ca.crt";
  if (group_resource == "serviceaccounts") return name == "default";
  if (group_resource == "secrets")
    return string_at(object, "type") == "kubernetes.io/service-account-token";
  if (group_resource == "priorityclasses.scheduling.k8s.io") return name.starts_with("system-");
  constexpr std::string_view kRoles = "rbac.authorization.k8s.io";
  if (group_resource.ends_with(kRoles)) {
    constexpr std::string_view kBootstrap = "kubernetes.io/bootstrapping";
    return kube::has_label(object, kBootstrap);
  }
  return false;
}

}  // namespace lateen::assurance
