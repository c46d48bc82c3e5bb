#include "sandbox/api/bootstrap.h"

#include <utility>
#include <vector>

#include "base/thread.h"
#include "kube/object.h"
#include "sandbox/rbac/default_roles.h"

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
const GroupVersionResource kPriorityClasses{
    .group = "scheduling.k8s.io", .version = "v1", .resource = "priorityclasses"};
const GroupVersionResource kClusterRoles{
    .group = "rbac.authorization.k8s.io", .version = "v1", .resource = "clusterroles"};
const GroupVersionResource kClusterRoleBindings{
    .group = "rbac.authorization.k8s.io", .version = "v1", .resource = "clusterrolebindings"};

void add_roles(std::vector<Json> objects, std::vector<Initial>& out) {
  for (Json& object : objects) {
    const bool role = kube::kind_of(object) == "ClusterRole";
    out.push_back(
        {.gvr = role ? kClusterRoles : kClusterRoleBindings, .object = std::move(object)});
  }
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

Status create_missing(Api& api, Initial initial) {
  WriteOptions options;
  options.field_manager = "lateen-sandbox";
  const auto made = api.create(initial.gvr, initial.ns, std::move(initial.object), options);
  if (made || made.error().is(Code::AlreadyExists)) return {};
  return Error(made.error()).wrap("creating the initial {}", initial.gvr.resource);
}

// At once: they share commits, and so the disk is waited for once rather than once for each.
Status create_together(Api& api, std::vector<Initial> initial) {
  return parallel_for(initial.size(), initial.size(), [&](std::size_t i, std::stop_token) {
    return create_missing(api, std::move(initial[i]));
  });
}

// Where 10.96.0.1:443 leads: the port is another one at each start.
Status point_kubernetes_service(Api& api, std::uint16_t port) {
  WriteOptions options;
  options.field_manager = "lateen-sandbox";
  const Json address = {
      {"addresses", JsonArray{Json{{"ip", "127.0.0.1"}}}},
      {"ports",
       JsonArray{Json{{"name", "https"}, {"port", std::int64_t{port}}, {"protocol", "TCP"}}}}};
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

}  // namespace

Status ensure_initial_objects(Api& api, std::uint16_t port) {
  std::vector<Initial> namespaces;
  for (const std::string_view name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    namespaces.push_back({.gvr = kNamespaces, .object = {{"metadata", {{"name", name}}}}});
  }
  TRY(create_together(api, std::move(namespaces)));
  std::vector<Initial> initial;
  add_roles(rbac::default_objects(), initial);
  add_priorities(initial);
  const Json https = {
      {"name", "https"}, {"port", 443}, {"protocol", "TCP"}, {"targetPort", std::int64_t{port}}};
  initial.push_back(
      {.gvr = kServices,
       .ns = "default",
       .object = {{"metadata",
                   {{"name", "kubernetes"},
                    {"namespace", "default"},
                    {"labels", {{"component", "apiserver"}, {"provider", "kubernetes"}}}}},
                  {"spec", {{"clusterIP", "10.96.0.1"}, {"ports", JsonArray{https}}}}}});
  TRY(create_together(api, std::move(initial)));
  std::vector<Initial> aggregated;
  add_roles(rbac::aggregated_roles(), aggregated);
  for (Initial& one : aggregated)
    TRY(create_missing(api, std::move(one)));
  return point_kubernetes_service(api, port);
}

}  // namespace lateen::sandbox
