#include "sandbox/api/bootstrap.h"

#include <array>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "kube/object.h"

namespace lateen::sandbox {

namespace {

struct Initial {
  GroupVersionResource gvr;
  std::string ns = {};
  Json object;
};

const GroupVersionResource kNamespaces{.group = "", .version = "v1", .resource = "namespaces"};
const GroupVersionResource kServices{.group = "", .version = "v1", .resource = "services"};
const GroupVersionResource kEndpoints{.group = "", .version = "v1", .resource = "endpoints"};
const GroupVersionResource kNodes{.group = "", .version = "v1", .resource = "nodes"};
const GroupVersionResource kConfigMaps{.group = "", .version = "v1", .resource = "configmaps"};
const GroupVersionResource kStorageClasses{
    .group = "storage.k8s.io", .version = "v1", .resource = "storageclasses"};
const GroupVersionResource kCsiDrivers{
    .group = "storage.k8s.io", .version = "v1", .resource = "csidrivers"};
const GroupVersionResource kSnapshotClasses{
    .group = "snapshot.storage.k8s.io", .version = "v1", .resource = "volumesnapshotclasses"};
const GroupVersionResource kPriorityClasses{
    .group = "scheduling.k8s.io", .version = "v1", .resource = "priorityclasses"};
const GroupVersionResource kClusterRoles{
    .group = "rbac.authorization.k8s.io", .version = "v1", .resource = "clusterroles"};
const GroupVersionResource kClusterRoleBindings{
    .group = "rbac.authorization.k8s.io", .version = "v1", .resource = "clusterrolebindings"};

JsonArray texts(std::initializer_list<std::string_view> words) {
  JsonArray out;
  for (const std::string_view word : words)
    out.emplace_back(word);
  return out;
}

Json rule(std::initializer_list<std::string_view> groups,
          std::initializer_list<std::string_view> resources,
          std::initializer_list<std::string_view> verbs) {
  return {{"apiGroups", texts(groups)}, {"resources", texts(resources)}, {"verbs", texts(verbs)}};
}

Json bootstrapping_labels() {
  return {{"kubernetes.io/bootstrapping", "rbac-defaults"}};
}

Json role(std::string_view name, JsonArray rules) {
  return {{"metadata", {{"name", name}, {"labels", bootstrapping_labels()}}},
          {"rules", std::move(rules)}};
}

// What people grant by name: cluster-admin, admin, edit, view, in their gist rather than at full
// length.
void add_roles(std::vector<Initial>& out) {
  const Json urls = {{"nonResourceURLs", texts({"*"})}, {"verbs", texts({"*"})}};
  out.push_back(
      {.gvr = kClusterRoles, .object = role("cluster-admin", {rule({"*"}, {"*"}, {"*"}), urls})});
  const Json workloads =
      rule({"", "apps", "batch", "autoscaling", "networking.k8s.io", "policy"}, {"*"}, {"*"});
  const Json roles = rule({"rbac.authorization.k8s.io"}, {"roles", "rolebindings"}, {"*"});
  out.push_back({.gvr = kClusterRoles, .object = role("admin", {workloads, roles})});
  out.push_back({.gvr = kClusterRoles, .object = role("edit", {workloads})});
  out.push_back(
      {.gvr = kClusterRoles,
       .object =
           role("view", {rule({"", "apps", "batch", "autoscaling", "networking.k8s.io", "policy"},
                              {"*"}, {"get", "list", "watch"})})});
  const Json admins = {
      {"kind", "Group"}, {"name", "system:masters"}, {"apiGroup", "rbac.authorization.k8s.io"}};
  out.push_back(
      {.gvr = kClusterRoleBindings,
       .object = {{"metadata", {{"name", "cluster-admin"}, {"labels", bootstrapping_labels()}}},
                  {"subjects", JsonArray{admins}},
                  {"roleRef",
                   {{"apiGroup", "rbac.authorization.k8s.io"},
                    {"kind", "ClusterRole"},
                    {"name", "cluster-admin"}}}}});
}

void add_storage(std::vector<Initial>& out, const BootstrapOptions& options) {
  out.push_back(
      {.gvr = kStorageClasses,
       .object = {{"metadata",
                   {{"name", "standard"},
                    {"annotations", {{"storageclass.kubernetes.io/is-default-class", "true"}}}}},
                  {"provisioner", options.csi_driver},
                  {"reclaimPolicy", "Delete"},
                  {"volumeBindingMode", "Immediate"},
                  {"allowVolumeExpansion", true}}});
  out.push_back({.gvr = kCsiDrivers,
                 .object = {{"metadata", {{"name", options.csi_driver}}},
                            {"spec", {{"attachRequired", false}, {"podInfoOnMount", false}}}}});
  out.push_back(
      {.gvr = kSnapshotClasses,
       .object = {{"metadata",
                   {{"name", "standard"},
                    {"annotations", {{"snapshot.storage.kubernetes.io/is-default-class", "true"}}},
                    {"labels", {{"velero.io/csi-volumesnapshot-class", "true"}}}}},
                  {"driver", options.csi_driver},
                  {"deletionPolicy", "Delete"}}});
}

void add_priorities(std::vector<Initial>& out) {
  const auto add = [&out](std::string_view name, std::int64_t value, std::string_view what) {
    out.push_back(
        {.gvr = kPriorityClasses,
         .object = {{"metadata", {{"name", name}}}, {"value", value}, {"description", what}}});
  };
  add("system-cluster-critical", 2000000000,
      "Used for system critical pods that must run in the cluster, but can be moved to another "
      "node if necessary.");
  add("system-node-critical", 2000001000,
      "Used for system critical pods that must not be moved from their current node.");
}

Json node_object(const BootstrapOptions& options) {
  return {{"metadata",
           {{"name", options.node_name},
            {"labels",
             {{"kubernetes.io/hostname", options.node_name},
              {"kubernetes.io/os", "linux"},
              {"kubernetes.io/arch", "amd64"},
              {"beta.kubernetes.io/os", "linux"},
              {"beta.kubernetes.io/arch", "amd64"},
              {"topology.kubernetes.io/zone", "sandbox"},
              {"topology.kubernetes.io/region", "sandbox"}}}}}};
}

Status create_missing(Api& api, Initial initial) {
  WriteOptions options;
  options.field_manager = "lateen-sandbox";
  const auto made = api.create(initial.gvr, initial.ns, std::move(initial.object), options);
  if (made || made.error().is(Code::AlreadyExists)) return {};
  return Error(made.error()).wrap("creating the initial {}", initial.gvr.resource);
}

// Where 10.96.0.1:443 leads: the port is another one at each start.
Status point_kubernetes_service(Api& api, std::uint16_t port) {
  WriteOptions options;
  options.field_manager = "lateen-sandbox";
  const Json address = {
      {"addresses", JsonArray{Json{{"ip", "127.0.0.1"}}}},
      {"ports", JsonArray{Json{{"name", "https"}, {"port", std::int64_t{port}}, {"protocol", "TCP"}}}}};
  const Json endpoints = {{"metadata",
                           {{"name", "kubernetes"},
                            {"namespace", "default"},
                            {"labels", {{"endpointslice.kubernetes.io/skip-mirror", "true"}}}}},
                          {"subsets", JsonArray{address}}};
  const auto made = api.create(kEndpoints, "default", endpoints, options);
  if (made) return {};
  if (!made.error().is(Code::AlreadyExists)) return Error(made.error());
  TRY(api.modify(
      kEndpoints, "default", "kubernetes",
      [&endpoints](Json& object) -> Result<bool> {
        object.as_object()["subsets"] = endpoints.at("subsets");
        return true;
      },
      options));
  return {};
}

Status ensure_node_status(Api& api, const BootstrapOptions& options) {
  const std::string cores = std::to_string(std::max(1U, std::thread::hardware_concurrency()));
  WriteOptions write;
  write.field_manager = "lateen-sandbox";
  write.subresource = "status";
  TRY(api.modify(
      kNodes, "", options.node_name,
      [&cores, &options](Json& node) -> Result<bool> {
        if (string_at(node, "status.capacity.cpu") == cores) return false;
        const Json capacity = {
            {"cpu", cores}, {"memory", "8Gi"}, {"pods", "1000"}, {"ephemeral-storage", "100Gi"}};
        ensure(node, "status.capacity") = capacity;
        ensure(node, "status.allocatable") = capacity;
        ensure(node, "status.addresses") =
            JsonArray{Json{{"type", "InternalIP"}, {"address", "127.0.0.1"}},
                      Json{{"type", "Hostname"}, {"address", options.node_name}}};
        ensure(node, "status.nodeInfo") = {{"kubeletVersion", "v1.32.4+lateen"},
                                           {"kubeProxyVersion", ""},
                                           {"operatingSystem", "linux"},
                                           {"architecture", "amd64"},
                                           {"osImage", "Lateen sandbox"},
                                           {"kernelVersion", ""},
                                           {"containerRuntimeVersion", "lateen://1"},
                                           {"machineID", ""},
                                           {"systemUUID", ""},
                                           {"bootID", ""}};
        if (find(node, "status.conditions") == nullptr) {
          const std::string_view since = string_at(node, "metadata.creationTimestamp");
          ensure(node, "status.conditions") = JsonArray{Json{{"type", "Ready"},
                                                             {"status", "True"},
                                                             {"reason", "KubeletReady"},
                                                             {"message", "the sandbox runs pods"},
                                                             {"lastHeartbeatTime", since},
                                                             {"lastTransitionTime", since}}};
        }
        return true;
      },
      write));
  return {};
}

}  // namespace

Status ensure_initial_objects(Api& api, const BootstrapOptions& options) {
  std::vector<Initial> initial;
  for (const std::string_view name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    initial.push_back({.gvr = kNamespaces, .object = {{"metadata", {{"name", name}}}}});
  }
  add_roles(initial);
  add_storage(initial, options);
  add_priorities(initial);
  initial.push_back({.gvr = kNodes, .object = node_object(options)});
  const Json port = {
      {"name", "https"}, {"port", 443}, {"protocol", "TCP"}, {"targetPort", std::int64_t{options.port}}};
  initial.push_back(
      {.gvr = kServices,
       .ns = "default",
       .object = {{"metadata",
                   {{"name", "kubernetes"},
                    {"namespace", "default"},
                    {"labels", {{"component", "apiserver"}, {"provider", "kubernetes"}}}}},
                  {"spec", {{"clusterIP", "10.96.0.1"}, {"ports", JsonArray{port}}}}}});
  for (const std::string_view ns : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    initial.push_back({.gvr = kConfigMaps,
                       .ns = std::string(ns),
                       .object = {{"metadata", {{"name", "kube-root-ca.crt"}, {"namespace", ns}}},
                                  {"data", {{"ca.crt", options.ca_pem}}}}});
  }
  for (Initial& one : initial)
    TRY(create_missing(api, std::move(one)));
  TRY(ensure_node_status(api, options));
  return point_kubernetes_service(api, options.port);
}

}  // namespace lateen::sandbox
