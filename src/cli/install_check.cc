#include "cli/install_check.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cli/install_apply.h"
#include "cli/install_objects.h"
#include "cli/session.h"
#include "kube/discovery.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/snapshot_class.h"

namespace lateen::cli {
namespace {

// The oldest minor version of Kubernetes that has all that is asked of it.
constexpr std::int64_t kOldestMinor = 18;

enum class Verdict { Ok, Warning, Failed };

// What was found, as it is found.
class CheckSheet {
 public:
  explicit CheckSheet(Console& console) : console_(console) {}

  void add(Verdict verdict, std::string_view what, std::string_view detail) {
    const std::string_view word = verdict == Verdict::Ok        ? "ok"
                                  : verdict == Verdict::Warning ? "warning"
                                                                : "FAILED";
    console_.line(fmt::format("{:<8} {:<26} {}", word, what, detail));
    warned_ |= verdict == Verdict::Warning;
    failed_ |= verdict == Verdict::Failed;
  }

  bool failed() const { return failed_; }

  bool warned() const { return warned_; }

 private:
  Console& console_;
  bool warned_ = false;
  bool failed_ = false;
};

struct CheckedCluster {
  const Session& session;
  const kube::Discovery discovery;
  CheckSheet& sheet;
  std::stop_token stop;
};

std::vector<Json> listed(const CheckedCluster& at, const kube::GroupVersionResource& gvr) {
  const auto list = at.session.client->list({.gvr = gvr}, {}, at.stop);
  const JsonArray* items = list ? array_at(*list, "items") : nullptr;
  return items == nullptr ? std::vector<Json>() : std::vector<Json>(items->begin(), items->end());
}

Status check_version(const CheckedCluster& at) {
  const Json version = TRY(at.session.client->server_version({}, at.stop));
  const std::string_view text = string_at(version, "gitVersion");
  std::string_view minor = string_at(version, "minor");
  while (minor.ends_with('+'))
    minor.remove_suffix(1);
  const bool old =
      string_at(version, "major") == "1" && parse_int(minor).value_or(0) < kOldestMinor;
  at.sheet.add(old ? Verdict::Failed : Verdict::Ok, "Kubernetes",
               old ? fmt::format("{} is too old: 1.{} or later is needed", text, kOldestMinor)
                   : std::string(text));
  for (const kube::DiscoveryFailure& failure : at.discovery.failures()) {
    at.sheet.add(Verdict::Warning, "discovery",
                 fmt::format("{} cannot be read, and what it serves not be backed up: {}",
                             failure.group_version.api_version(), failure.message));
  }
  return {};
}

Result<bool> may_create(const CheckedCluster& at, const kube::ObjectPath& path) {
  const Json review = JsonObject{
      {"apiVersion", "authorization.k8s.io/v1"},
      {"kind", "SelfSubjectAccessReview"},
      {"spec", JsonObject{{"resourceAttributes", JsonObject{{"verb", "create"},
                                                            {"group", path.gvr.group},
                                                            {"resource", path.gvr.resource},
                                                            {"namespace", path.ns}}}}}};
  const Json answer = TRY(at.session.client->create(
      {.gvr = {"authorization.k8s.io", "v1", "selfsubjectaccessreviews"}}, review, {}, at.stop));
  return bool_at(answer, "status.allowed").value_or(false);
}

Status check_rights(const CheckedCluster& at) {
  InstallOptions all{.ns = at.session.ns(), .credentials = Secret("x"), .node_agent = true};
  std::set<kube::ObjectPath> collections;
  for (const Json& object : install_objects(all)) {
    kube::ObjectPath path = TRY(install_path(object));
    path.name.clear();
    collections.insert(std::move(path));
  }
  std::vector<std::string> denied;
  for (const kube::ObjectPath& path : collections) {
    if (!TRY(may_create(at, path))) denied.push_back(path.gvr.group_resource().to_string());
  }
  at.sheet.add(denied.empty() ? Verdict::Ok : Verdict::Failed, "rights",
               denied.empty() ? "you may create all that is to be installed"
                              : fmt::format("you may not create {}", fmt::join(denied, ", ")));
  return {};
}

void check_present(const CheckedCluster& at) {
  const auto there = at.session.client->get(
      {.gvr = {"apps", "v1", "deployments"}, .ns = at.session.ns(), .name = "velero"}, {}, at.stop);
  if (!there) {
    at.sheet.add(Verdict::Ok, "namespace",
                 fmt::format("nothing is installed in {} yet", at.session.ns()));
    return;
  }
  const JsonArray* containers = array_at(*there, "spec.template.spec.containers");
  const std::string_view image = containers == nullptr || containers->empty()
                                     ? std::string_view()
                                     : string_at(containers->front(), "image");
  at.sheet.add(Verdict::Warning, "namespace",
               fmt::format("Deployment {}/velero is there already and runs {}: `takeover` puts "
                           "Lateen in its place",
                           at.session.ns(), image));
}

void check_nodes(const CheckedCluster& at) {
  std::size_t fit = 0;
  const std::vector<Json> nodes = listed(at, {"", "v1", "nodes"});
  for (const Json& node : nodes) {
    const bool usable = string_at(node, "status.nodeInfo.operatingSystem") == "linux" &&
                        string_at(node, "status.nodeInfo.architecture") != "arm";
    if (usable && kube::is_condition_true(node, "Ready")) ++fit;
  }
  at.sheet.add(fit == 0 ? Verdict::Failed : Verdict::Ok, "nodes",
               fmt::format("{} of {} are ready and run Linux", fit, nodes.size()));
}

// How the volumes of a class would be saved.
void check_class(const CheckedCluster& at, const Json& storage, const std::vector<Json>& classes) {
  const std::string_view driver = string_at(storage, "provisioner");
  const std::string what = fmt::format("StorageClass {}", kube::name_of(storage));
  if (driver.starts_with("kubernetes.io/")) {
    at.sheet.add(Verdict::Warning, what,
                 fmt::format("{} is no CSI driver: its volumes need a VolumeSnapshotLocation or "
                             "--use-node-agent with file-system backup",
                             driver));
    return;
  }
  const auto chosen = volumes::choose_snapshot_class(driver, JsonObject(), JsonObject(), classes);
  if (chosen) {
    at.sheet.add(Verdict::Ok, what,
                 fmt::format("{}: snapshots by VolumeSnapshotClass {}", driver, *chosen));
    return;
  }
  at.sheet.add(Verdict::Warning, what,
               fmt::format("{} has no VolumeSnapshotClass: its volumes need --use-node-agent with "
                           "file-system backup, or a class labelled "
                           "velero.io/csi-volumesnapshot-class",
                           driver));
}

void check_storage(const CheckedCluster& at) {
  const kube::GroupVersionResource snapshot_classes = {"snapshot.storage.k8s.io", "v1",
                                                       "volumesnapshotclasses"};
  const bool serves = at.discovery.find(snapshot_classes) != nullptr;
  at.sheet.add(serves ? Verdict::Ok : Verdict::Warning, "CSI snapshots",
               serves ? "snapshot.storage.k8s.io/v1 is served"
                      : "snapshot.storage.k8s.io/v1 is not served: without the "
                        "external-snapshotter no CSI volume can be snapshotted");
  const std::vector<Json> classes = serves ? listed(at, snapshot_classes) : std::vector<Json>();
  const std::vector<Json> storage = listed(at, {"storage.k8s.io", "v1", "storageclasses"});
  for (const Json& one : storage)
    check_class(at, one, classes);
  const bool has_default = std::any_of(storage.begin(), storage.end(), [](const Json& one) {
    return kube::annotation_of(one, "storageclass.kubernetes.io/is-default-class") == "true";
  });
  if (!has_default) {
    at.sheet.add(Verdict::Warning, "StorageClasses",
                 "none is the default: claims without a class stay unbound after a restore");
  }
}

}  // namespace

Result<int> check_cluster(Invocation& call) {
  const Session session = TRY(open_session(call));
  CheckSheet sheet(call.console);
  const CheckedCluster at{.session = session,
                          .discovery = TRY(kube::discover(*session.client, call.stop)),
                          .sheet = sheet,
                          .stop = call.stop};
  TRY(check_version(at));
  TRY(check_rights(at));
  check_present(at);
  check_nodes(at);
  check_storage(at);
  call.console.line("");
  call.console.line(sheet.failed()   ? "This cluster is not ready yet."
                    : sheet.warned() ? "This cluster is ready; mind the warnings."
                                     : "This cluster is ready.");
  return sheet.failed() ? 1 : 0;
}

}  // namespace lateen::cli
