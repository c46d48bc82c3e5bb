#include "sandbox/rbac/default_roles.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sandbox/rbac/policy_rule.h"

namespace lateen::sandbox::rbac {

namespace {

using Words = std::vector<std::string_view>;

Words read_verbs() {
  return {"get", "list", "watch"};
}

Words write_verbs() {
  return {"create", "delete", "deletecollection", "patch", "update"};
}

Words all_verbs() {
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

JsonArray texts(const Words& words) {
  JsonArray out;
  for (const std::string_view word : words)
    out.emplace_back(word);
  return out;
}

Json rule(std::string_view group, const Words& resources, const Words& verbs) {
  return {{"apiGroups", texts({group})}, {"resources", texts(resources)}, {"verbs", texts(verbs)}};
}

Json path_rule(const Words& urls, const Words& verbs) {
  return {{"nonResourceURLs", texts(urls)}, {"verbs", texts(verbs)}};
}

Json metadata(std::string_view name, const Words& aggregate_to = {}) {
  JsonObject labels = {{"kubernetes.io/bootstrapping", "rbac-defaults"}};
  for (const std::string_view role : aggregate_to)
    labels[fmt::format("{}/aggregate-to-{}", kGroup, role)] = "true";
  return {{"name", name},
          {"labels", std::move(labels)},
          {"annotations", {{"rbac.authorization.kubernetes.io/autoupdate", "true"}}}};
}

Json role(Json about, JsonArray rules) {
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRole"},
          {"metadata", std::move(about)},
          {"rules", std::move(rules)}};
}

// A role that takes its rules from those labelled for it: `rules` are what will come of that.
Json aggregate(std::string_view name, const Words& aggregate_to, JsonArray rules) {
  const Json selector = {
      {"matchLabels", {{fmt::format("{}/aggregate-to-{}", kGroup, name), "true"}}}};
  Json out = role(metadata(name, aggregate_to), std::move(rules));
  out.as_object()["aggregationRule"] = {{"clusterRoleSelectors", JsonArray{selector}}};
  return out;
}

Json binding(std::string_view name, const Words& groups) {
  JsonArray subjects;
  for (const std::string_view group : groups)
    subjects.push_back({{"kind", "Group"}, {"apiGroup", kGroup}, {"name", group}});
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRoleBinding"},
          {"metadata", metadata(name)},
          {"subjects", std::move(subjects)},
          {"roleRef", {{"apiGroup", kGroup}, {"kind", "ClusterRole"}, {"name", name}}}};
}

JsonArray admin_rules() {
  return {rule("authorization.k8s.io", {"localsubjectaccessreviews"}, {"create"}),
          rule(kGroup, {"rolebindings", "roles"}, all_verbs())};
}

JsonArray edit_rules() {
  return {rule("",
               {"pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets",
                "services/proxy"},
               read_verbs()),
          rule("", {"serviceaccounts"}, {"impersonate"}),
          rule("", {"pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"},
               write_verbs()),
          rule("", {"pods/eviction"}, {"create"}),
          rule("",
               {"configmaps", "events", "persistentvolumeclaims", "replicationcontrollers",
                "replicationcontrollers/scale", "secrets", "serviceaccounts", "services",
                "services/proxy"},
               write_verbs()),
          rule("", {"serviceaccounts/token"}, {"create"}),
          rule("apps",
               {"daemonsets", "deployments", "deployments/rollback", "deployments/scale",
                "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale"},
               write_verbs()),
          rule("autoscaling", {"horizontalpodautoscalers"}, write_verbs()),
          rule("batch", {"cronjobs", "jobs"}, write_verbs()),
          rule("policy", {"poddisruptionbudgets"}, write_verbs()),
          rule("networking.k8s.io", {"ingresses", "networkpolicies"}, write_verbs()),
          rule("coordination.k8s.io", {"leases"}, all_verbs())};
}

JsonArray view_rules() {
  return {rule("",
               {"configmaps", "endpoints", "persistentvolumeclaims",
                "persistentvolumeclaims/status", "pods", "replicationcontrollers",
                "replicationcontrollers/scale", "serviceaccounts", "services", "services/status"},
               read_verbs()),
          rule("",
               {"bindings", "events", "limitranges", "namespaces/status", "pods/log", "pods/status",
                "replicationcontrollers/status", "resourcequotas", "resourcequotas/status"},
               read_verbs()),
          rule("", {"namespaces"}, read_verbs()),
          rule("discovery.k8s.io", {"endpointslices"}, read_verbs()),
          rule("apps",
               {"controllerrevisions", "daemonsets", "daemonsets/status", "deployments",
                "deployments/scale", "deployments/status", "replicasets", "replicasets/scale",
                "replicasets/status", "statefulsets", "statefulsets/scale", "statefulsets/status"},
               read_verbs()),
          rule("autoscaling", {"horizontalpodautoscalers", "horizontalpodautoscalers/status"},
               read_verbs()),
          rule("batch", {"cronjobs", "cronjobs/status", "jobs", "jobs/status"}, read_verbs()),
          rule("policy", {"poddisruptionbudgets", "poddisruptionbudgets/status"}, read_verbs()),
          rule("networking.k8s.io", {"ingresses", "ingresses/status", "networkpolicies"},
               read_verbs())};
}

}  // namespace

std::vector<Json> aggregated_roles() {
  JsonArray view = view_rules();
  JsonArray edit = edit_rules();
  edit.insert(edit.end(), view.begin(), view.end());
  JsonArray admin = edit;
  for (Json& one : admin_rules())
    admin.push_back(std::move(one));
  return {aggregate("view", {"edit"}, std::move(view)),
          aggregate("edit", {"admin"}, std::move(edit)), aggregate("admin", {}, std::move(admin))};
}

std::vector<Json> default_objects() {
  return {role(metadata("cluster-admin"), {rule("*", {"*"}, {"*"}), path_rule({"*"}, {"*"})}),
          role(metadata("system:aggregate-to-view", {"view"}), view_rules()),
          role(metadata("system:aggregate-to-edit", {"edit"}), edit_rules()),
          role(metadata("system:aggregate-to-admin", {"admin"}), admin_rules()),
          role(metadata("system:basic-user"),
               {rule("authorization.k8s.io",
                     {"selfsubjectaccessreviews", "selfsubjectrulesreviews"}, {"create"}),
                rule("authentication.k8s.io", {"selfsubjectreviews"}, {"create"})}),
          role(metadata("system:discovery"),
               {path_rule({"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi",
                           "/openapi/*", "/readyz", "/version", "/version/"},
                          {"get"})}),
          role(metadata("system:public-info-viewer"),
               {path_rule({"/healthz", "/livez", "/readyz", "/version", "/version/"}, {"get"})}),
          role(metadata("system:auth-delegator"),
               {rule("authentication.k8s.io", {"tokenreviews"}, {"create"}),
                rule("authorization.k8s.io", {"subjectaccessreviews"}, {"create"})}),
          binding("cluster-admin", {"system:masters"}),
          binding("system:basic-user", {"system:authenticated"}),
          binding("system:discovery", {"system:authenticated"}),
          binding("system:public-info-viewer", {"system:authenticated", "system:unauthenticated"})};
}

}  // namespace lateen::sandbox::rbac
