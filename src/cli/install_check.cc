#include "cli/install_check.h"

#include <algorithm>

#include "base/text.h"
#include "cli/check_iam.h"
#include "cli/check_rows.h"
#include "cli/session.h"
#include "kube/discovery.h"
#include "kube/object.h"
#include "volumes/csi_snapshot.h"
#include "volumes/snapshot_class.h"

namespace lateen::cli {
namespace {

using assurance::CheckVerdict;

// What was found, as it is found.
class CheckSheet {
 public:
  explicit CheckSheet(Console& console) : console_(console) {}

  void add(CheckVerdict verdict, std::string_view what, std::string_view detail) {
    console_.line(fmt::format("  {} {}: {}", check_mark(verdict), what, detail));
    count(verdict);
  }

  void count(CheckVerdict verdict) {
    warned_ |= verdict == CheckVerdict::Warning;
    failed_ |= verdict == CheckVerdict::Failed;
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

void check_discovery(const CheckedCluster& at) {
  for (const kube::DiscoveryFailure& failure : at.discovery.failures()) {
    at.sheet.add(
        CheckVerdict::Warning, failure.group_version.api_version(),
        fmt::format("cannot be read, and what it serves not be backed up: {}", failure.message));
  }
}

void check_nodes(const CheckedCluster& at) {
  std::size_t fit = 0;
  const std::vector<Json> nodes = listed(at, {"", "v1", "nodes"});
  for (const Json& node : nodes) {
    const bool usable = string_at(node, "status.nodeInfo.operatingSystem") == "linux" &&
                        string_at(node, "status.nodeInfo.architecture") != "arm";
    if (usable && kube::is_condition_true(node, "Ready")) ++fit;
  }
  at.sheet.add(fit == 0 ? CheckVerdict::Failed : CheckVerdict::Ok, "nodes",
               fmt::format("{} of {} are ready and run Linux", fit, nodes.size()));
}

// How the volumes of a class would be saved.
void check_class(const CheckedCluster& at, const Json& storage, const std::vector<Json>& classes) {
  const std::string_view driver = string_at(storage, "provisioner");
  const std::string what = fmt::format("StorageClass {}", kube::name_of(storage));
  if (driver.starts_with("kubernetes.io/")) {
    at.sheet.add(CheckVerdict::Warning, what,
                 fmt::format("{} is no CSI driver: its volumes need a VolumeSnapshotLocation or "
                             "--use-node-agent with file-system backup",
                             driver));
    return;
  }
  const auto chosen = volumes::choose_snapshot_class(driver, JsonObject(), JsonObject(), classes);
  if (chosen) {
    at.sheet.add(CheckVerdict::Ok, what,
                 fmt::format("{}: snapshots by VolumeSnapshotClass {}", driver, *chosen));
    return;
  }
  at.sheet.add(CheckVerdict::Warning, what,
               fmt::format("{} has no VolumeSnapshotClass: its volumes need --use-node-agent with "
                           "file-system backup, or a class labelled "
                           "velero.io/csi-volumesnapshot-class",
                           driver));
}

void check_storage(const CheckedCluster& at) {
  const bool serves = at.discovery.find(volumes::kVolumeSnapshotClasses) != nullptr;
  const std::vector<Json> classes =
      serves ? listed(at, volumes::kVolumeSnapshotClasses) : std::vector<Json>();
  const std::vector<Json> storage = listed(at, {"storage.k8s.io", "v1", "storageclasses"});
  for (const Json& one : storage)
    check_class(at, one, classes);
  const bool has_default = std::any_of(storage.begin(), storage.end(), [](const Json& one) {
    return kube::annotation_of(one, "storageclass.kubernetes.io/is-default-class") == "true";
  });
  if (!has_default) {
    at.sheet.add(CheckVerdict::Warning, "StorageClasses",
                 "none is the default: claims without a class stay unbound after a restore");
  }
}

}  // namespace

Result<int> check_cluster(Invocation& call) {
  const Session session = TRY(open_session(call));
  CheckSheet sheet(call.console);
  CheckResults before = check_before_install(session, call);
  assurance::sort_checks(before);
  call.console.out(print_checks(before));
  for (const assurance::CheckResult& one : before)
    sheet.count(one.verdict);
  auto discovery = TRY(kube::discover(*session.client, call.stop));
  const CheckedCluster at{
      .session = session, .discovery = std::move(discovery), .sheet = sheet, .stop = call.stop};
  call.console.line("\nNodes and volumes");
  check_nodes(at);
  check_discovery(at);
  check_storage(at);
  call.console.line(sheet.failed()   ? "\nThis cluster is not ready yet."
                    : sheet.warned() ? "\nThis cluster is ready; mind the warnings."
                                     : "\nThis cluster is ready.");
  return sheet.failed() ? 1 : 0;
}

}  // namespace lateen::cli
