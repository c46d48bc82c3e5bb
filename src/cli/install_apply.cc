#include "cli/install_apply.h"

#include <algorithm>
#include <array>
#include <functional>

#include "kube/object.h"

namespace lateen::cli {
namespace {

constexpr Duration kDefinitionsWait = std::chrono::minutes(1);
constexpr Duration kServerWait = std::chrono::minutes(3);
constexpr Duration kAgentWait = std::chrono::minutes(1);
constexpr Duration kInstallPoll = std::chrono::milliseconds(250);
// So often in a row pods must be seen to be there: one that crashes is ready for a moment, too.
constexpr int kSteadyLooks = 5;

struct InstallKind {
  const char* kind;
  const char* resource;
};

constexpr std::array<InstallKind, 12> kInstallKinds = {
    {{"CustomResourceDefinition", "customresourcedefinitions"},
     {"Namespace", "namespaces"},
     {"ClusterRole", "clusterroles"},
     {"ClusterRoleBinding", "clusterrolebindings"},
     {"Role", "roles"},
     {"RoleBinding", "rolebindings"},
     {"ServiceAccount", "serviceaccounts"},
     {"Secret", "secrets"},
     {"BackupStorageLocation", "backupstoragelocations"},
     {"VolumeSnapshotLocation", "volumesnapshotlocations"},
     {"Deployment", "deployments"},
     {"DaemonSet", "daemonsets"}}};

bool is_definition(const Json& object) {
  return kube::kind_of(object) == "CustomResourceDefinition";
}

std::string shown_name(const Json& object) {
  return fmt::format("{}/{}", kube::kind_of(object), kube::name_of(object));
}

// Every property that one schema names, the other names, too.
bool has_fields_of(const Json& there, const Json& ours) {
  const JsonObject* wanted = object_at(ours, "properties");
  const Json* items = find(ours, "items");
  if (items != nullptr) {
    const Json* theirs = find(there, "items");
    if (theirs == nullptr || !has_fields_of(*theirs, *items)) return false;
  }
  if (wanted == nullptr) return true;
  const Json* present = find(there, "properties");
  return std::all_of(wanted->begin(), wanted->end(), [&](const auto& field) {
    const Json* theirs = find(present, JsonKey{std::string_view(field.key())});
    return theirs != nullptr && has_fields_of(*theirs, field.value());
  });
}

bool has_versions_of(const Json& there, const Json& ours) {
  const JsonArray* wanted = array_at(ours, "spec.versions");
  const JsonArray* present = array_at(there, "spec.versions");
  if (wanted == nullptr || present == nullptr) return false;
  return std::all_of(wanted->begin(), wanted->end(), [&](const Json& version) {
    return std::any_of(present->begin(), present->end(), [&](const Json& other) {
      if (string_at(other, "name") != string_at(version, "name")) return false;
      const Json* schema = find(version, "schema.openAPIV3Schema");
      const Json* theirs = find(other, "schema.openAPIV3Schema");
      return schema == nullptr || (theirs != nullptr && has_fields_of(*theirs, *schema));
    });
  });
}

Status wait_for_definitions(const InstallWork& work, const std::vector<Json>& definitions) {
  const Deadline deadline = Deadline::after(kDefinitionsWait);
  for (const Json& crd : definitions) {
    const kube::ObjectPath path = TRY(install_path(crd));
    while (!kube::is_condition_true(TRY(work.client.get(path, {}, work.stop)), "Established")) {
      if (deadline.expired())
        return Error(Code::DeadlineExceeded, "timeout reached, CRDs not ready");
      if (!sleep_unless_stopped(kInstallPoll, work.stop))
        return Error(Code::Canceled, "interrupted");
    }
  }
  return {};
}

// Why the first pod that isn't ready isn't: the reason and message of its containers.
std::string trouble_of_pods(const InstallWork& work,
                            const std::string& ns,
                            const std::string& selector) {
  const auto list = work.client.list({.gvr = {"", "v1", "pods"}, .ns = ns},
                                     {.label_selector = selector}, work.stop);
  const JsonArray* pods = list ? array_at(*list, "items") : nullptr;
  if (pods == nullptr) return {};
  for (const Json& pod : *pods) {
    for (const char* kind : {"status.initContainerStatuses", "status.containerStatuses"}) {
      const JsonArray* containers = array_at(pod, kind);
      if (containers == nullptr) continue;
      for (const Json& container : *containers) {
        const Json* waiting = find(container, "state.waiting");
        if (waiting == nullptr) continue;
        return fmt::format(": pod {}: container {}: {} {}", kube::name_of(pod),
                           string_at(container, "name"), string_at(*waiting, "reason"),
                           string_at(*waiting, "message"));
      }
    }
    for (const Json* condition : {kube::find_condition(pod, "PodScheduled")}) {
      if (condition != nullptr && string_at(*condition, "status") == "False")
        return fmt::format(": pod {}: {}", kube::name_of(pod), string_at(*condition, "message"));
    }
  }
  return {};
}

bool is_rolled_out(const Json& object,
                   const char* updated,
                   const char* available,
                   std::int64_t all) {
  return kube::generation_of(object) == int_at(object, "status.observedGeneration") &&
         int_at(object, updated).value_or(0) == all && int_at(object, available).value_or(0) == all;
}

Status wait_for_workload(const InstallWork& work,
                         const kube::ObjectPath& path,
                         const std::string& selector,
                         Duration patience,
                         const std::function<bool(const Json&)>& is_ready) {
  const Deadline deadline = Deadline::after(patience);
  int seen = 0;
  while (seen < kSteadyLooks) {
    const auto object = work.client.get(path, {}, work.stop);
    if (!object && !object.error().is(Code::NotFound)) return Error(object.error());
    seen = object && is_ready(*object) ? seen + 1 : 0;
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "{} is not ready after {} s{}", path.describe(),
                   std::chrono::duration_cast<std::chrono::seconds>(patience).count(),
                   trouble_of_pods(work, path.ns, selector))
          .with_hint(fmt::format("Look at `kubectl -n {} get pods` and their logs.", path.ns));
    }
    if (!sleep_unless_stopped(kInstallPoll, work.stop)) return Error(Code::Canceled, "interrupted");
  }
  return {};
}

}  // namespace

Result<kube::ObjectPath> install_path(const Json& object) {
  const std::string_view kind = kube::kind_of(object);
  const auto at = std::find_if(kInstallKinds.begin(), kInstallKinds.end(),
                               [kind](const InstallKind& one) { return one.kind == kind; });
  if (at == kInstallKinds.end())
    return Error(Code::InvalidArgument, "no installation has a {}", kind);
  const kube::GroupVersion version = TRY(kube::parse_api_version(kube::api_version_of(object)));
  return kube::ObjectPath{.gvr = {version.group, version.version, at->resource},
                          .ns = std::string(kube::namespace_of(object)),
                          .name = std::string(kube::name_of(object))};
}

Result<bool> update_definition(kube::Client& client, const Json& crd, std::stop_token stop) {
  const kube::ObjectPath path = TRY(install_path(crd));
  const Json there = TRY(client.get(path, {}, stop));
  if (has_versions_of(there, crd)) return false;
  Json wanted = there;
  ensure(wanted, "spec.versions") = *find(crd, "spec.versions");
  TRY(client.update(path, wanted, {}, stop).wrap("{}", shown_name(crd)));
  return true;
}

Result<bool> put_object(const InstallWork& work, const Json& object) {
  const std::string name = shown_name(object);
  const auto say = [&](std::string_view text) {
    work.console.line(fmt::format("{}: {}", name, text));
  };
  say("attempting to create resource client");
  const kube::ObjectPath path = TRY(install_path(object));
  if (work.way == InstallWay::Apply) {
    say("attempting to apply resource");
    TRY(work.client
            .patch(path, kube::PatchType::Apply, object,
                   {.field_manager = "velero-cli", .force = true}, work.stop)
            .wrap("Error applying resource {}", name));
    say("applied");
    return false;
  }
  say("attempting to create resource");
  auto created = work.client.create(path.collection(), object, {}, work.stop);
  if (created) {
    say("created");
    return false;
  }
  if (!created.error().is(Code::AlreadyExists))
    return std::move(created).error().wrap("Error creating resource {}", name);
  const bool updated =
      is_definition(object) && TRY(update_definition(work.client, object, work.stop));
  say(updated ? "already exists, updated" : "already exists, proceeding");
  return true;
}

Status put_objects(const InstallWork& work, const std::vector<Json>& objects) {
  std::vector<Json> definitions;
  std::copy_if(objects.begin(), objects.end(), std::back_inserter(definitions), is_definition);
  for (const Json& crd : definitions)
    TRY(put_object(work, crd));
  work.console.line("Waiting for resources to be ready in cluster...");
  TRY(wait_for_definitions(work, definitions));
  for (const Json& object : objects) {
    if (!is_definition(object)) TRY(put_object(work, object));
  }
  return {};
}

Status wait_for_server_pods(const InstallWork& work, const std::string& ns) {
  return wait_for_workload(
      work, {.gvr = {"apps", "v1", "deployments"}, .ns = ns, .name = "velero"}, "deploy=velero",
      kServerWait, [](const Json& deployment) {
        return is_rolled_out(deployment, "status.updatedReplicas", "status.availableReplicas",
                             int_at(deployment, "spec.replicas").value_or(1)) &&
               int_at(deployment, "status.replicas") ==
                   int_at(deployment, "spec.replicas").value_or(1);
      });
}

Status wait_for_agent_pods(const InstallWork& work,
                           const std::string& ns,
                           const std::string& name) {
  return wait_for_workload(work, {.gvr = {"apps", "v1", "daemonsets"}, .ns = ns, .name = name},
                           fmt::format("name={}", name), kAgentWait, [](const Json& agent) {
                             return is_rolled_out(
                                 agent, "status.updatedNumberScheduled", "status.numberAvailable",
                                 int_at(agent, "status.desiredNumberScheduled").value_or(0));
                           });
}

}  // namespace lateen::cli
