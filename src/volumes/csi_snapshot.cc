#include "volumes/csi_snapshot.h"

#include "kube/object.h"
#include "kube/patch.h"

namespace lateen::volumes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kPollFirst{100};  // most drivers answer within a second
constexpr milliseconds kPollLast{5000};

kube::ObjectPath snapshot_path(std::string_view ns, std::string_view name) {
  return {.gvr = kVolumeSnapshots, .ns = std::string(ns), .name = std::string(name)};
}

kube::ObjectPath content_path(std::string_view name) {
  return {.gvr = kVolumeSnapshotContents, .name = std::string(name)};
}

Json snapshot_for(const SnapshotRequest& request) {
  JsonObject labels;
  if (const JsonObject* own = kube::labels_of(request.claim)) labels = *own;
  labels["velero.io/backup-name"] = request.backup_name;
  return JsonObject{
      {"apiVersion", "snapshot.storage.k8s.io/v1"},
      {"kind", "VolumeSnapshot"},
      {"metadata",
       JsonObject{{"generateName", fmt::format("velero-{}-", kube::name_of(request.claim))},
                  {"namespace", kube::namespace_of(request.claim)},
                  {"labels", std::move(labels)}}},
      {"spec", JsonObject{{"volumeSnapshotClassName", request.snapshot_class},
                          {"source", JsonObject{{"persistentVolumeClaimName",
                                                 kube::name_of(request.claim)}}}}}};
}

// What the driver or the controller last complained about; "" when it did not.
std::string_view complaint(const Json& object) {
  return string_at(object, "status.error.message");
}

Result<CsiSnapshot> wait_for_handle(kube::Client& client,
                                    const kube::ObjectPath& path,
                                    Deadline deadline,
                                    std::stop_token stop) {
  std::string last = "the CSI driver has not answered";
  milliseconds pause = kPollFirst;
  while (true) {
    Json snapshot = TRY(client.get(path, {}, stop));
    if (!complaint(snapshot).empty()) last = complaint(snapshot);
    const std::string_view bound = string_at(snapshot, "status.boundVolumeSnapshotContentName");
    if (!bound.empty()) {
      Json content = TRY(client.get(content_path(bound), {}, stop));
      if (!string_at(content, "status.snapshotHandle").empty()) {
        return CsiSnapshot{.snapshot = std::move(snapshot), .content = std::move(content)};
      }
      if (!complaint(content).empty()) last = complaint(content);
    }
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded,
                   "VolumeSnapshot {}/{} got no snapshot handle in time: {}", path.ns, path.name,
                   last)
          .with_retryable(false)
          .with_hint("Look at the CSI driver's snapshotter, or raise --csi-snapshot-timeout.");
    }
    if (!sleep_unless_stopped(std::min<Duration>(pause, deadline.remaining()), stop)) {
      return Error(Code::Canceled, "stopped waiting for VolumeSnapshot {}/{}", path.ns, path.name);
    }
    pause = std::min(pause * 2, kPollLast);
  }
}

// Whether the same call may well succeed in a moment: an API server that has lost its leader, a
// content that its controllers are writing to.
bool may_pass(const Error& error) {
  return error.is(Code::Internal) || error.is(Code::Unavailable) || error.is(Code::Conflict) ||
         error.is(Code::TooManyRequests);
}

// Calls that may be repeated, until one succeeds or there is no hope: what is not tidied up stays
// in the cluster, and may take a backup's data with it when it goes.
template <typename Call>
auto persist(const Call& call, const std::stop_token& stop) -> decltype(call()) {
  constexpr int kTries = 6;
  milliseconds pause{200};
  for (int i = 1;; ++i) {
    auto result = call();
    if (result || i == kTries || !may_pass(result.error())) return result;
    if (!sleep_unless_stopped(pause, stop)) return result;
    pause *= 2;
  }
}

Status set_deletion_policy(kube::Client& client,
                           std::string_view content,
                           std::string_view policy,
                           std::stop_token stop) {
  const Json patch = JsonObject{{"spec", JsonObject{{"deletionPolicy", policy}}}};
  const auto set = [&] {
    return client.patch(content_path(content), kube::PatchType::Merge, patch, {}, stop);
  };
  TRY(persist(set, stop).wrap("setting deletionPolicy {} of VolumeSnapshotContent {}", policy,
                              content));
  return {};
}

Status remove_if_there(kube::Client& client, const kube::ObjectPath& path, std::stop_token stop) {
  const auto removed = persist([&] { return client.remove(path, {}, stop); }, stop);
  if (!removed && !removed.error().is(Code::NotFound)) {
    return Error(removed.error()).wrap("deleting {}", path.describe());
  }
  return {};
}

Status end_snapshot(kube::Client& client,
                    std::string_view ns,
                    std::string_view name,
                    std::string_view policy,
                    std::stop_token stop) {
  auto snapshot = client.get(snapshot_path(ns, name), {}, stop);
  if (!snapshot) {
    if (snapshot.error().is(Code::NotFound)) return {};
    return std::move(snapshot).error().wrap("reading VolumeSnapshot {}/{}", ns, name);
  }
  const std::string content(string_at(*snapshot, "status.boundVolumeSnapshotContentName"));
  if (!content.empty()) {
    Status set = set_deletion_policy(client, content, policy, stop);
    if (!set && !set.error().is(Code::NotFound)) return set;
    // A retained content goes first, as Velero does it: its snapshot's deletion must find nothing
    // to delete.
    if (policy == "Retain") TRY(remove_if_there(client, content_path(content), stop));
  }
  return remove_if_there(client, snapshot_path(ns, name), stop);
}

}  // namespace

Result<CsiSnapshot> take_snapshot(kube::Client& client,
                                  const SnapshotRequest& request,
                                  const Log& log,
                                  std::stop_token stop) {
  const std::string ns(kube::namespace_of(request.claim));
  const Deadline deadline = Deadline::after(request.timeout);
  const Json created =
      TRY(client.create({.gvr = kVolumeSnapshots, .ns = ns}, snapshot_for(request), {}, stop)
              .wrap("creating a VolumeSnapshot of {}", kube::object_key(request.claim)));
  const kube::ObjectPath path = snapshot_path(ns, kube::name_of(created));
  log.info("Created CSI VolumeSnapshot",
           {{"volumesnapshot", path.name}, {"class", request.snapshot_class}});
  auto taken = wait_for_handle(client, path, deadline, stop);
  if (!taken) {
    // Also when told to stop: hence not with our stop token.
    const Status discarded = discard_snapshot(client, path.ns, path.name, {});
    if (!discarded) {
      log.warning("Could not remove the VolumeSnapshot that failed",
                  {{"volumesnapshot", path.name}, {"error", discarded.error()}});
    }
  }
  return taken;
}

Readiness readiness_of(const Json& content) {
  Readiness readiness;
  readiness.ready = bool_at(content, "status.readyToUse").value_or(false);
  if (!readiness.ready) readiness.error = complaint(content);
  return readiness;
}

Result<Json> content_of(kube::Client& client, const Json& snapshot, std::stop_token stop) {
  const std::string_view bound = string_at(snapshot, "status.boundVolumeSnapshotContentName");
  if (bound.empty()) {
    return Error(Code::NotFound, "VolumeSnapshot {} has no VolumeSnapshotContent",
                 kube::object_key(snapshot));
  }
  return client.get(content_path(bound), {}, stop);
}

Status release_snapshot(kube::Client& client,
                        std::string_view ns,
                        std::string_view name,
                        std::stop_token stop) {
  return end_snapshot(client, ns, name, "Retain", stop);
}

Status discard_snapshot(kube::Client& client,
                        std::string_view ns,
                        std::string_view name,
                        std::stop_token stop) {
  return end_snapshot(client, ns, name, "Delete", stop);
}

Status delete_stored_snapshot(kube::Client& client,
                              const Json& content_in_backup,
                              std::string_view new_name,
                              std::stop_token stop) {
  const std::string_view handle = string_at(content_in_backup, "status.snapshotHandle");
  const std::string_view driver = string_at(content_in_backup, "spec.driver");
  if (handle.empty() || driver.empty()) return {};  // never came to be
  Json content = JsonObject{
      {"apiVersion", "snapshot.storage.k8s.io/v1"},
      {"kind", "VolumeSnapshotContent"},
      {"metadata", JsonObject{{"name", new_name}}},
      {"spec",
       JsonObject{{"deletionPolicy", "Delete"},
                  {"driver", driver},
                  {"source", JsonObject{{"snapshotHandle", handle}}},
                  // A reference to nothing: names that no VolumeSnapshot can have taken.
                  {"volumeSnapshotRef", JsonObject{{"kind", "VolumeSnapshot"},
                                                   {"namespace", fmt::format("ns-{}", new_name)},
                                                   {"name", fmt::format("name-{}", new_name)}}}}}};
  // Nothing else of the old one's annotations: they are told of an object that is gone.
  for (const auto& [name_key, ns_key] : kDeletionSecretKeys) {
    for (const std::string_view key : {name_key, ns_key}) {
      const std::string_view value = kube::annotation_of(content_in_backup, key);
      if (!value.empty()) kube::set_annotation(content, key, value);
    }
  }
  auto made = client.create({.gvr = kVolumeSnapshotContents}, content, {}, stop);
  // One that is there was made for this by somebody who was interrupted.
  if (!made && !made.error().is(Code::AlreadyExists)) {
    return std::move(made).error().wrap(
        "making a VolumeSnapshotContent to delete snapshot {} of {}", handle, driver);
  }
  // The driver's sidecar must have seen it before it goes, or it forgets the snapshot instead of
  // deleting it: its finalizer, or its status, tells.
  const Deadline seen_by = Deadline::after(seconds(10));
  while (!seen_by.expired()) {
    const auto now = client.get(content_path(new_name), {}, stop);
    if (!now && now.error().is(Code::NotFound)) return {};  // the earlier one's deletion has ended
    if (!now) return now.error();
    const JsonArray* finalizers = array_at(*now, "metadata.finalizers");
    if ((finalizers != nullptr && !finalizers->empty()) || find(*now, "status") != nullptr) break;
    if (!sleep_unless_stopped(milliseconds(100), stop)) break;
  }
  return remove_if_there(client, content_path(new_name), stop);
}

}  // namespace lateen::volumes
