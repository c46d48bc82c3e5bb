// What an installation that is not cluster-admin may do: read everything, write what a backup
// needs, and bind the role of restores to itself. The chart's rbac.yaml has the same rules.
#include "cli/install_objects.h"
#include "cli/install_options.h"
#include "cli/install_pods.h"
#include "model/names.h"

namespace lateen::cli {
namespace {

constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";

Json texts(std::initializer_list<std::string_view> words) {
  JsonArray out;
  for (const std::string_view word : words)
    out.emplace_back(word);
  return out;
}

Json rule(std::initializer_list<std::string_view> groups,
          std::initializer_list<std::string_view> resources,
          std::initializer_list<std::string_view> verbs,
          std::string_view name = {}) {
  JsonObject out{
      {"apiGroups", texts(groups)}, {"resources", texts(resources)}, {"verbs", texts(verbs)}};
  if (!name.empty()) out["resourceNames"] = texts({name});
  return out;
}

JsonArray rules_of_backups(std::string_view restore_role) {
  return {
      rule({"*"}, {"*"}, {"get", "list", "watch"}),
      JsonObject{{"nonResourceURLs", texts({"*"})}, {"verbs", texts({"get"})}},
      rule({""}, {"pods/exec"}, {"create", "get"}),
      rule({""}, {"events"}, {"create", "patch"}),
      rule({"snapshot.storage.k8s.io"}, {"volumesnapshots", "volumesnapshotcontents"},
           {"create", "update", "patch", "delete"}),
      rule({"groupsnapshot.storage.k8s.io"},
           {"volumegroupsnapshots", "volumegroupsnapshotcontents"},
           {"create", "update", "patch", "delete"}),
      rule({""}, {"persistentvolumeclaims", "persistentvolumes"}, {"patch", "update"}),
      // A name cannot be asked for at creation; which role may be bound is what `bind` says.
      rule({kRbacGroup}, {"clusterrolebindings"}, {"create"}),
      rule({kRbacGroup}, {"clusterrolebindings"}, {"delete"}, restore_role),
      rule({kRbacGroup}, {"clusterroles"}, {"bind"}, restore_role),
  };
}

Json rights_object(std::string_view kind, std::string_view ns, std::string_view name) {
  JsonObject meta{{"labels", JsonObject{{"component", "velero"}}}, {"name", name}};
  if (!ns.empty()) meta["namespace"] = ns;
  return JsonObject{{"apiVersion", "rbac.authorization.k8s.io/v1"},
                    {"kind", kind},
                    {"metadata", std::move(meta)}};
}

Json role_object(std::string_view kind,
                 std::string_view ns,
                 std::string_view name,
                 JsonArray rules) {
  Json out = rights_object(kind, ns, name);
  ensure(out, "rules") = std::move(rules);
  return out;
}

// Of the role of the same name, to the server's account in `account_ns`.
Json bound(std::string_view kind,
           std::string_view role_kind,
           std::string_view ns,
           std::string_view name,
           std::string_view account_ns) {
  Json out = rights_object(kind, ns, name);
  ensure(out, "roleRef") =
      JsonObject{{"apiGroup", kRbacGroup}, {"kind", role_kind}, {"name", name}};
  ensure(out, "subjects") = JsonArray{
      JsonObject{{"kind", "ServiceAccount"}, {"name", kInstallAccount}, {"namespace", account_ns}}};
  return out;
}

std::string backup_role(std::string_view ns) {
  return install_binding_name(ns) + "-backup";
}

}  // namespace

std::string install_restore_role(std::string_view ns) {
  return install_binding_name(ns) + "-restore";
}

std::vector<Json> install_small_rights(std::string_view ns) {
  const std::string restore = install_restore_role(ns);
  const std::string backup = backup_role(ns);
  return {role_object("ClusterRole", "", backup, rules_of_backups(restore)),
          role_object("ClusterRole", "", restore,
                      {rule({"*"}, {"*"}, {"create", "update", "patch", "delete"})}),
          bound("ClusterRoleBinding", "ClusterRole", "", backup, ns),
          role_object("Role", ns, "velero", {rule({"*"}, {"*"}, {"*"})}),
          bound("RoleBinding", "Role", ns, "velero", ns)};
}

std::vector<std::string> install_cluster_rights(std::string_view ns) {
  return {backup_role(ns), install_restore_role(ns)};
}

}  // namespace lateen::cli
