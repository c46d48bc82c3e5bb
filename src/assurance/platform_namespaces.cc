#include "assurance/platform_namespaces.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace lateen::assurance {
namespace {

constexpr std::string_view kAddOn = "the platform installs and upgrades it with the cluster";

constexpr std::array<PlatformNamespace, 26> kNamespaces = {{
    {"kube-system", "Kubernetes",
     "the cluster's own components: a new cluster brings its own, and old ones restored over them "
     "break it; what you put there yourself belongs elsewhere"},
    {"kube-public", "Kubernetes", "the cluster's own announcements"},
    {"kube-node-lease", "Kubernetes", "heartbeats of nodes, made anew every few seconds"},
    {"amazon-cloudwatch", "EKS", kAddOn},
    {"amazon-guardduty", "EKS", kAddOn},
    {"aws-observability", "EKS", "configures Fargate's logging; it comes with the cluster's setup"},
    {"eks-*", "EKS", kAddOn},
    {"gke-managed-*", "GKE", kAddOn},
    {"gke-gmp-system", "GKE", kAddOn},
    {"gmp-system", "GKE", kAddOn},
    {"gmp-public", "GKE", kAddOn},
    {"config-management-system", "GKE", kAddOn},
    {"config-management-monitoring", "GKE", kAddOn},
    {"gke-connect", "GKE", kAddOn},
    {"aks-command", "AKS", "runs `az aks command`; made when it is used"},
    {"aks-istio-*", "AKS", kAddOn},
    {"app-routing-system", "AKS", kAddOn},
    {"azure-arc", "AKS", kAddOn},
    {"azuresecuritylinkerd", "AKS", kAddOn},
    {"gatekeeper-system", "AKS",
     "Azure Policy's, where the add-on is on; your own Gatekeeper should "
     "be in the backup"},
    {"calico-system", "AKS", "the network's own; its operator makes it anew"},
    {"calico-apiserver", "AKS", "the network's own; its operator makes it anew"},
    {"tigera-operator", "AKS", "the network's own; the platform installs it"},
    {"openshift", "OpenShift", kAddOn},
    {"openshift-*", "OpenShift", kAddOn},
    {"local-path-storage", "kind", "the storage of a kind cluster; it comes with it"},
}};

}  // namespace

const PlatformNamespace* platform_namespace(std::string_view ns) {
  const auto at = std::ranges::find_if(
      kNamespaces, [ns](const PlatformNamespace& one) { return glob_match(one.pattern, ns); });
  return at == kNamespaces.end() ? nullptr : &*at;
}

}  // namespace lateen::assurance
