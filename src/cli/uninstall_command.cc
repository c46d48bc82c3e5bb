// `uninstall`: everything that `install` made, and nothing of what was backed up.
#include <array>

#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/install_objects.h"
#include "cli/session.h"
#include "kube/object.h"
#include "model/backup.h"
#include "model/locations.h"
#include "model/names.h"
#include "server/signing_keys.h"
#include "volumes/volume_repository.h"

namespace lateen::cli {
namespace {

constexpr Duration kFinalizersWait = std::chrono::minutes(1);
constexpr Duration kNamespaceWait = std::chrono::minutes(10);
// What holds a finalizer while data is moved.
constexpr std::array<const char*, 4> kMovements = {"datauploads", "datadownloads",
                                                   "podvolumebackups", "podvolumerestores"};
// Made by the server, once for a cluster.
constexpr std::array<std::string_view, 2> kKeySecrets = {volumes::kRepositorySecret,
                                                         server::kSigningSecret};
constexpr Duration kUninstallPoll = std::chrono::milliseconds(200);

struct Uninstall {
  const Session& session;
  Invocation& call;

  kube::Client& client() const { return *session.client; }

  const std::string& ns() const { return session.ns(); }
};

kube::GroupVersionResource velero_kind(const char* plural) {
  return {std::string(model::kGroup),
          std::string_view(plural).starts_with("data") ? "v2alpha1" : "v1", plural};
}

// None where the kind is not served.
Result<std::vector<Json>> objects_of(const Uninstall& at,
                                     const kube::ObjectPath& where,
                                     const std::string& selector = {}) {
  const auto list = at.client().list(where, {.label_selector = selector}, at.call.stop);
  if (!list) {
    if (list.error().is(Code::NotFound)) return std::vector<Json>();
    return Error(list.error());
  }
  const JsonArray* items = array_at(*list, "items");
  return items == nullptr ? std::vector<Json>() : std::vector<Json>(items->begin(), items->end());
}

Status remove_if_there(const Uninstall& at, const kube::ObjectPath& path) {
  const auto removed = at.client().remove(path, {}, at.call.stop);
  if (removed || removed.error().is(Code::NotFound)) return {};
  return Error(removed.error());
}

Status strip_finalizers(const Uninstall& at, const kube::ObjectPath& path) {
  const Json patch = JsonObject{{"metadata", JsonObject{{"finalizers", nullptr}}}};
  const auto patched = at.client().patch(path, kube::PatchType::Merge, patch, {}, at.call.stop);
  if (patched || patched.error().is(Code::NotFound)) return {};
  return Error(patched.error());
}

// A restore's finalizer is there so that the server removes its files from the bucket when a person
// deletes the restore. Nobody does that here: the files stay.
Status let_restores_go(const Uninstall& at) {
  const kube::ObjectPath restores{.gvr = velero_kind("restores"), .ns = at.ns()};
  for (const Json& restore : TRY(objects_of(at, restores))) {
    const kube::ObjectPath path = restores.named(kube::name_of(restore));
    TRY(strip_finalizers(at, path));
    TRY(remove_if_there(at, path));
  }
  return {};
}

Result<std::size_t> count_movements(const Uninstall& at) {
  std::size_t count = 0;
  for (const char* plural : kMovements)
    count += TRY(objects_of(at, {.gvr = velero_kind(plural), .ns = at.ns()})).size();
  return count;
}

// The server takes away the snapshots and pods of data that is being moved; past the time, or
// without a server, only their objects go.
Status end_movements(const Uninstall& at) {
  for (const char* plural : kMovements) {
    const kube::ObjectPath where{.gvr = velero_kind(plural), .ns = at.ns()};
    for (const Json& one : TRY(objects_of(at, where)))
      TRY(remove_if_there(at, where.named(kube::name_of(one))));
  }
  const Deadline deadline = Deadline::after(kFinalizersWait);
  while (TRY(count_movements(at)) > 0 && !deadline.expired()) {
    at.call.console.out(".");
    if (!sleep_unless_stopped(kUninstallPoll, at.call.stop))
      return Error(Code::Canceled, "interrupted");
  }
  TRY(remove_if_there(at, {.gvr = {"apps", "v1", "deployments"}, .ns = at.ns(), .name = "velero"}));
  for (const char* plural : kMovements) {
    const kube::ObjectPath where{.gvr = velero_kind(plural), .ns = at.ns()};
    for (const Json& one : TRY(objects_of(at, where)))
      TRY(strip_finalizers(at, where.named(kube::name_of(one))));
  }
  return {};
}

Status remove_namespace(const Uninstall& at) {
  const kube::ObjectPath path{.gvr = {"", "v1", "namespaces"}, .name = at.ns()};
  auto there = at.client().get(path, {}, at.call.stop);
  if (!there && there.error().is(Code::NotFound)) {
    at.call.console.line(
        fmt::format("Velero namespace {} does not exist, skipping.", quote_go(at.ns())));
    return {};
  }
  if (!there) return std::move(there).error();
  at.call.console.line("Waiting for resource with attached finalizer to be deleted");
  TRY(let_restores_go(at));
  TRY(end_movements(at));
  TRY(remove_if_there(at, path));
  at.call.console.line(
      fmt::format("\nWaiting for velero namespace {} to be deleted", quote_go(at.ns())));
  const Deadline deadline = Deadline::after(kNamespaceWait);
  while (true) {
    const auto still = at.client().get(path, {}, at.call.stop);
    if (!still && still.error().is(Code::NotFound)) break;
    if (!still) return Error(still.error());
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "namespace {} is still being deleted", at.ns())
          .with_hint(fmt::format("`kubectl get namespace {} -o yaml` says in its conditions what "
                                 "holds it; then run uninstall again.",
                                 at.ns()));
    }
    at.call.console.out(".");
    if (!sleep_unless_stopped(kUninstallPoll, at.call.stop))
      return Error(Code::Canceled, "interrupted");
  }
  at.call.console.line(fmt::format("\nVelero namespace {} deleted", quote_go(at.ns())));
  return {};
}

// Whether there was one.
Result<bool> remove_rights(const Uninstall& at, const char* plural, const std::string& name) {
  const auto removed = at.client().remove(
      {.gvr = {"rbac.authorization.k8s.io", "v1", plural}, .name = name}, {}, at.call.stop);
  if (!removed && !removed.error().is(Code::NotFound)) return Error(removed.error());
  return removed.has_value();
}

Status remove_binding(const Uninstall& at) {
  const std::string name = install_binding_name(at.ns());
  bool any = TRY(remove_rights(at, "clusterrolebindings", name));
  for (const std::string& role : install_cluster_rights(at.ns())) {
    if (TRY(remove_rights(at, "clusterrolebindings", role))) any = true;
    if (TRY(remove_rights(at, "clusterroles", role))) any = true;
  }
  if (any) return {};
  at.call.console.line(
      fmt::format("Velero ClusterRoleBinding {} does not exist, skipping.", quote_go(name)));
  return {};
}

// The definitions are the whole cluster's: with them all objects of their kinds go, those of other
// installations, too. So they stay while there are any.
Status remove_definitions(const Uninstall& at) {
  for (const char* plural : {"backupstoragelocations", "backups", "schedules"}) {
    const std::vector<Json> others = TRY(objects_of(at, {.gvr = velero_kind(plural)}));
    if (others.empty()) continue;
    at.call.console.line(
        fmt::format("The custom resource definitions stay: namespace {} has {} of its own.",
                    kube::namespace_of(others.front()), plural));
    return {};
  }
  const kube::ObjectPath where{.gvr = {"apiextensions.k8s.io", "v1", "customresourcedefinitions"}};
  for (const Json& crd : TRY(objects_of(at, where, "component=velero")))
    TRY(remove_if_there(at, where.named(kube::name_of(crd))));
  // Who installs again at once would find them there, on their way out.
  const Deadline deadline = Deadline::after(kFinalizersWait);
  while (!TRY(objects_of(at, where, "component=velero")).empty()) {
    if (deadline.expired()) {
      at.call.console.line("The custom resource definitions are still being deleted.");
      break;
    }
    if (!sleep_unless_stopped(kUninstallPoll, at.call.stop))
      return Error(Code::Canceled, "interrupted");
  }
  return {};
}

// The keys without which what stays in the buckets cannot be read: in a file that only its owner
// may read. Its name; empty where there are none to keep.
Result<std::string> keep_keys(const Uninstall& at) {
  JsonArray kept;
  for (const std::string_view name : kKeySecrets) {
    const auto secret = at.client().get(
        {.gvr = {"", "v1", "secrets"}, .ns = at.ns(), .name = std::string(name)}, {}, at.call.stop);
    if (!secret && secret.error().is(Code::NotFound)) continue;
    if (!secret) return Error(secret.error());
    const Json* data = find(*secret, "data");
    kept.push_back(JsonObject{{"apiVersion", "v1"},
                              {"kind", "Secret"},
                              {"metadata", JsonObject{{"name", name}, {"namespace", at.ns()}}},
                              {"type", "Opaque"},
                              {"data", data == nullptr ? Json(JsonObject()) : *data}});
  }
  if (kept.empty()) return std::string();
  const std::string file = at.call.flags.text("keys-file").empty()
                               ? fmt::format("lateen-keys-{}.yaml", at.ns())
                               : at.call.flags.text("keys-file");
  if (path_exists(file)) {
    return Error(Code::AlreadyExists, "the file {} for the keys is there already", file)
        .with_hint(
            "It may hold keys of an earlier installation: keep it, and name another with "
            "--keys-file. Nothing was removed.");
  }
  const Json list = JsonObject{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(kept)}};
  TRY(write_file_atomic(file, write_yaml(list), 0600).wrap("keeping the keys"));
  return file;
}

// The buckets, as people know them: noted before the locations go.
std::vector<std::string> buckets_of(const Uninstall& at) {
  std::vector<std::string> lines;
  const auto locations =
      objects_of(at, {.gvr = velero_kind("backupstoragelocations"), .ns = at.ns()});
  if (!locations) return lines;
  for (const Json& one : *locations) {
    const std::string_view prefix = string_at(one, "spec.objectStorage.prefix");
    lines.push_back(fmt::format(
        "  {}: bucket {}{}{} ({})", kube::name_of(one), string_at(one, "spec.objectStorage.bucket"),
        prefix.empty() ? "" : "/", prefix, string_at(one, "spec.provider")));
  }
  return lines;
}

// Says what would be cut off, before the question.
void warn_of_running(const Uninstall& at) {
  for (const char* plural : {"backups", "restores"}) {
    const auto all = objects_of(at, {.gvr = velero_kind(plural), .ns = at.ns()});
    if (!all) continue;
    for (const Json& one : *all) {
      if (string_at(one, "status.phase") != "InProgress") continue;
      at.call.console.line(fmt::format("{} {} is in progress, and will not be finished.",
                                       kube::kind_of(one), kube::name_of(one)));
    }
  }
}

Result<int> run_uninstall(Invocation& call) {
  if (call.flags.is("wait")) {
    call.console.line(
        "Warning: the \"--wait\" option is deprecated and will be removed in a future release. "
        "The uninstall command always waits for the uninstall to complete.");
  }
  const Session session = TRY(open_session(call));
  const Uninstall at{.session = session, .call = call};
  const std::string_view program = call.is_velero() ? "Velero" : "Lateen";
  if (!call.flags.is("force")) {
    warn_of_running(at);
    call.console.line(fmt::format("You are about to uninstall {}.", program));
    if (!is_confirmed(call)) return 0;
  }
  const std::vector<std::string> buckets = buckets_of(at);
  const std::string keys = TRY(keep_keys(at));
  TRY(remove_namespace(at));
  TRY(remove_binding(at));
  TRY(remove_definitions(at));
  call.console.line(fmt::format("{} uninstalled ⛵", program));
  if (!buckets.empty()) {
    call.console.line("What was backed up is still there, in the buckets of these locations:");
    for (const std::string& line : buckets)
      call.console.line(line);
  }
  if (!keys.empty()) {
    call.console.line(fmt::format(
        "Volumes' files in them are readable only with the keys that are now in {}. Guard it, and "
        "before you install again: kubectl create namespace {}; kubectl apply -f {}",
        keys, at.ns(), keys));
  }
  return 0;
}

}  // namespace

Command uninstall_command() {
  return {.name = "uninstall",
          .usage = "",
          .summary = "Uninstall Velero",
          .flags = {{.name = "force",
                     .kind = FlagKind::Bool,
                     .usage = "Forces the Velero uninstall. Optional."},
                    {.name = "keys-file",
                     .usage = "Where to keep the keys of repositories, which go with the "
                              "namespace. Default: lateen-keys-NAMESPACE.yaml here.",
                     .names = "file"},
                    {.name = "wait",
                     .kind = FlagKind::Bool,
                     .usage = "Wait for Velero uninstall to be ready. Optional. Deprecated."}},
          .run = run_uninstall,
          .text =
              "Uninstall along with the CRDs and clusterrolebinding. The buckets keep all that "
              "was backed up: installed\nagain over the same bucket, the backups are there "
              "again; the keys\nthat volumes' files are encrypted with are kept in a file.\n\nThe "
              "'--namespace' flag can be used to specify the namespace where it is "
              "installed (default: velero).\nUse '--force' to skip the prompt.",
          .max_args = 0};
}

}  // namespace lateen::cli
