// What a drill made is removed: by its labels, so that nothing depends on what was noted.
#include <algorithm>

#include "assurance/drill.h"
#include "base/text.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/restore.h"
#include "server/drill_run.h"

namespace lateen::server {
namespace {

constexpr Duration kTeardownTimeout = std::chrono::minutes(10);
constexpr Duration kTeardownPoll = std::chrono::milliseconds(500);

const kube::GroupVersionResource kNamespaces = {"", "v1", "namespaces"};
const kube::GroupVersionResource kVolumes = {"", "v1", "persistentvolumes"};

Result<std::vector<Json>> list_labelled(const ServerContext& context,
                                        const kube::ObjectPath& path,
                                        const std::string& selector,
                                        std::stop_token stop) {
  const Json list = TRY(context.client().list(path, {.label_selector = selector}, stop));
  const JsonArray* items = array_at(list, "items");
  return items == nullptr ? std::vector<Json>() : std::vector<Json>(items->begin(), items->end());
}

Status remove_object(const ServerContext& context,
                     const kube::ObjectPath& path,
                     const Json& object,
                     std::stop_token stop) {
  kube::ObjectPath one = path;
  one.name = kube::name_of(object);
  // This very one: another of that name is not ours.
  auto removed =
      context.client().remove(one, {.uid = std::string(kube::uid_of(object))}, std::move(stop));
  if (!removed && !removed.error().is(Code::NotFound) && !removed.error().is(Code::Conflict))
    return std::move(removed).error();
  return {};
}

// A class that retains its volumes would leave one behind with each drill. Only those that were
// made for a claim of the drill: a volume that came out of the backup may be the original.
Status let_volumes_go(const ServerContext& context,
                      const std::vector<Json>& namespaces,
                      std::stop_token stop) {
  for (const Json& volume : TRY(list_labelled(context, {.gvr = kVolumes}, {}, stop))) {
    const std::string_view ns = string_at(volume, "spec.claimRef.namespace");
    const bool is_ours = std::any_of(namespaces.begin(), namespaces.end(),
                                     [ns](const Json& one) { return kube::name_of(one) == ns; });
    if (!is_ours || string_at(volume, "spec.persistentVolumeReclaimPolicy") != "Retain" ||
        !kube::has_annotation(volume, "pv.kubernetes.io/provisioned-by") ||
        kube::has_label(volume, model::labels::kRestoreName)) {
      continue;
    }
    const Json patch =
        JsonObject{{"spec", JsonObject{{"persistentVolumeReclaimPolicy", "Delete"}}}};
    TRY(context.client().patch({.gvr = kVolumes, .name = std::string(kube::name_of(volume))},
                               kube::PatchType::Merge, patch, {}, stop));
  }
  return {};
}

// Contents of the restored VolumeSnapshots are of no namespace. Only those that retain what they
// stand for: the storage's snapshot is the backup's.
Status let_contents_go(const ServerContext& context,
                       const std::vector<Json>& namespaces,
                       std::stop_token stop) {
  const kube::ObjectPath contents{
      .gvr = {"snapshot.storage.k8s.io", "v1", "volumesnapshotcontents"}};
  const auto all = list_labelled(context, contents, {}, stop);
  if (!all && all.error().is(Code::NotFound)) return {};  // no such kind
  if (!all) return all.error();
  for (const Json& content : *all) {
    const std::string_view ns = string_at(content, "spec.volumeSnapshotRef.namespace");
    const bool is_ours = std::any_of(namespaces.begin(), namespaces.end(),
                                     [ns](const Json& one) { return kube::name_of(one) == ns; });
    if (is_ours && string_at(content, "spec.deletionPolicy") == "Retain" &&
        !kube::is_being_deleted(content)) {
      TRY(remove_object(context, contents, content, stop));
    }
  }
  return {};
}

}  // namespace

Status tear_down_drill(const ServerContext& context,
                       const std::string& drill,
                       const std::string& run,
                       std::stop_token stop) {
  std::string selector =
      fmt::format("{}={},{}={}", assurance::kDrillLabel, model::valid_name(drill),
                  assurance::kDrillServerLabel, context.cluster.ns());
  if (!run.empty()) selector += fmt::format(",{}={}", assurance::kDrillRunLabel, run);
  // The Restore first: nothing is made anew then.
  const kube::ObjectPath restores = context.cluster.path<model::Restore>();
  for (const Json& one : TRY(list_labelled(context, restores, selector, stop)))
    TRY(remove_object(context, restores, one, stop));
  const kube::ObjectPath maps{.gvr = {"", "v1", "configmaps"}, .ns = context.cluster.ns()};
  for (const Json& one : TRY(list_labelled(context, maps, selector, stop)))
    TRY(remove_object(context, maps, one, stop));
  const kube::ObjectPath namespaces{.gvr = kNamespaces};
  const Deadline deadline = Deadline::after(kTeardownTimeout);
  while (true) {
    const auto left = TRY(list_labelled(context, namespaces, selector, stop));
    if (left.empty()) return {};
    TRY(let_volumes_go(context, left, stop));
    // They go with their VolumeSnapshots; without those nobody would find them any more.
    TRY(let_contents_go(context, left, stop));
    for (const Json& one : left) {
      if (!kube::is_being_deleted(one)) TRY(remove_object(context, namespaces, one, stop));
    }
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "namespace {} does not end", kube::name_of(left.front()))
          .with_hint("kubectl describe namespace says what holds it.");
    }
    if (!sleep_unless_stopped(kTeardownPoll, stop))
      return Error(Code::Canceled, "the server was stopped");
  }
}

}  // namespace lateen::server
