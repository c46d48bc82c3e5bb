// The driver's side of snapshots: cuts, finds and removes the data of VolumeSnapshotContents.
#include <algorithm>

#include "base/duration.h"
#include "base/quantity.h"
#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/snapshots.h"
#include "sandbox/controllers/volume_binder.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kBeingCreatedAnnotation =
    "snapshot.storage.kubernetes.io/volumesnapshot-being-created";
constexpr Duration kContentRetry = std::chrono::milliseconds(500);
constexpr Duration kSnapshotFaultPoll = std::chrono::milliseconds(200);  // whether it is over

// The driver names its snapshots after the VolumeSnapshot's uid, so that a second attempt finds the
// first one's.
std::string handle_for(const Json& content) {
  return fmt::format("snapshot-{}", string_at(content, "spec.volumeSnapshotRef.uid"));
}

}  // namespace

SnapshotContentController::SnapshotContentController(ControllerContext& context, VolumeStore& store)
    : Controller(context, "csi-snapshotter", 2), store_(store) {
  caches().snapshot_contents.subscribe([this](const ObjectPtr&, const ObjectPtr& now) {
    if (now && string_at(*now, "spec.driver") == kDriverName)
      queue().add(std::string(kube::name_of(*now)));
  });
  caches().snapshots.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    const std::string_view content =
        string_at(now ? *now : *before, "status.boundVolumeSnapshotContentName");
    if (!content.empty()) queue().add(std::string(content));
  });
}

Result<LookAgain> SnapshotContentController::reconcile(const std::string& key,
                                                       std::stop_token stop) {
  const ObjectPtr content = caches().snapshot_contents.find("", key);
  if (!content || string_at(*content, "spec.driver") != kDriverName) return LookAgain();
  if (kube::is_being_deleted(*content)) {
    auto ended = end(*content);
    if (ended || ended.error().is(Code::Conflict)) return ended;
    TRY(fail(*content, "SnapshotDeleteError", "Failed to delete snapshot"));
    return LookAgain(kContentRetry);
  }
  if (!kube::has_finalizer(*content, kContentFinalizer)) {
    auto written = api().modify(
        resources::kVolumeSnapshotContents, "", key,
        [](Json& live) -> Result<bool> { return kube::add_finalizer(live, kContentFinalizer); },
        write_as(name()));
    if (!written) return Error(written.error());
    return LookAgain();
  }
  if (bool_at(*content, "status.readyToUse").value_or(false)) return LookAgain();
  auto done = string_at(*content, "spec.source.volumeHandle").empty()
                  ? find_existing(*content)
                  : cut(*content, std::move(stop));
  if (done || done.error().is(Code::Conflict)) return done;
  // The external-snapshotter's words: those of its first attempt, then those of all others.
  const bool first = find(*content, "status") == nullptr;
  TRY(fail(*content, first ? "SnapshotCreationFailed" : "SnapshotContentCheckandUpdateFailed",
           fmt::format("Failed to {}: {}",
                       first ? "create snapshot" : "check and update snapshot content",
                       done.error().message())));
  return LookAgain(kContentRetry);
}

std::optional<Strike> SnapshotContentController::strike_snapshot(FaultKind kind,
                                                                 std::string_view verb,
                                                                 const Json& content,
                                                                 const std::string& key) {
  return strike(kind,
                {.verb = verb,
                 .resource = "volumesnapshots",
                 .ns = string_at(content, "spec.volumeSnapshotRef.namespace"),
                 .name = string_at(content, "spec.volumeSnapshotRef.name"),
                 .storage_class = string_at(content, "spec.volumeSnapshotClassName")},
                key);
}

Result<LookAgain> SnapshotContentController::cut(const Json& content, std::stop_token stop) {
  const std::string volume(string_at(content, "spec.source.volumeHandle"));
  std::int64_t size = 0;
  for (const ObjectPtr& candidate : caches().volumes.list()) {
    if (string_at(*candidate, "spec.csi.volumeHandle") != volume) continue;
    size = TRY(Quantity::parse(string_at(*candidate, "spec.capacity.storage"))).value();
  }
  // So that nobody takes the content away while the driver works on it.
  if (kube::annotation_of(content, kBeingCreatedAnnotation) != "yes") {
    const Json patch = JsonObject{
        {"metadata", JsonObject{{"annotations", JsonObject{{kBeingCreatedAnnotation, "yes"}}}}}};
    TRY(patch_seen(api(), caches().snapshot_contents, content, patch, name(), stop));
  }
  const auto struck = strike_snapshot(FaultKind::SnapshotFailure, "create", content);
  auto taken = struck ? Result<SnapshotInfo>(driver_error(*struck->fault, "makes no snapshot"))
                      : store_.create_snapshot(handle_for(content), volume, size, stop);
  if (!taken) {
    const std::string why = taken.error().message();
    return Error(taken.error().code(), "failed to take snapshot of the volume {}: {}", volume,
                 quote_go(why));
  }
  const SnapshotInfo& info = *taken;
  const Json unmark = JsonObject{
      {"metadata", JsonObject{{"annotations", JsonObject{{kBeingCreatedAnnotation, nullptr}}}}}};
  TRY(patch_seen(api(), caches().snapshot_contents, content, unmark, name(), std::move(stop)));
  return report(content, info);
}

Result<LookAgain> SnapshotContentController::find_existing(const Json& content) {
  const std::string handle(string_at(content, "spec.source.snapshotHandle"));
  if (handle.empty()) return LookAgain();
  const SnapshotInfo info = TRY(store_.find_snapshot(handle).wrap(
      "failed to list snapshot for content {}", kube::name_of(content)));
  return report(content, info);
}

Result<LookAgain> SnapshotContentController::report(const Json& content, const SnapshotInfo& info) {
  Duration delay = Duration::zero();
  const ObjectPtr snapshot_class =
      caches().snapshot_classes.find("", string_at(content, "spec.volumeSnapshotClassName"));
  const Json* asked = snapshot_class
                          ? find(find(*snapshot_class, "parameters"), JsonKey{kReadyDelayParameter})
                          : nullptr;
  if (asked != nullptr) delay = TRY(parse_go_duration(as_text(asked)));
  const auto slow = strike_snapshot(FaultKind::SnapshotDelay, "create", content,
                                    std::string(kube::uid_of(content)));
  if (slow) delay += slow->fault->delay;
  const Duration left = info.created + delay - now();
  const Json live = TRY(api().get(resources::kVolumeSnapshotContents, "", kube::name_of(content)));
  const Json status = JsonObject{{"creationTime", info.created.time_since_epoch().count()},
                                 {"readyToUse", left <= Duration::zero()},
                                 {"restoreSize", info.size},
                                 {"snapshotHandle", info.id}};
  TRY(write_status(api(), resources::kVolumeSnapshotContents, live, status, name()));
  if (left <= Duration::zero()) return LookAgain();
  return LookAgain(slow ? std::min(left, kSnapshotFaultPoll) : left);
}

Status SnapshotContentController::fail(const Json& content,
                                       std::string_view reason,
                                       const std::string& message) {
  if (string_at(content, "status.error.message") == message) return Status();
  auto written = api().modify(
      resources::kVolumeSnapshotContents, "", kube::name_of(content),
      [&](Json& live) -> Result<bool> {
        ensure(live, "status.error") =
            JsonObject{{"message", message}, {"time", format_rfc3339(now())}};
        ensure(live, "status.readyToUse") = false;
        return true;
      },
      write_status_as(name()));
  events().warning(content, reason, message);
  if (!written && !written.error().is(Code::NotFound)) return Error(written.error());
  return Status();
}

// As the external-snapshotter decides it: one that no snapshot was ever bound to goes at once (so a
// backup's snapshot can be deleted through a content made for that), a bound one goes with its
// snapshot.
Result<bool> SnapshotContentController::may_go(const Json& content) {
  const std::string_view uid = string_at(content, "spec.volumeSnapshotRef.uid");
  if (uid.empty() || kube::annotation_of(content, kBeingDeletedAnnotation) == "yes") return true;
  auto snapshot =
      api().get(resources::kVolumeSnapshots, string_at(content, "spec.volumeSnapshotRef.namespace"),
                string_at(content, "spec.volumeSnapshotRef.name"));
  if (!snapshot && snapshot.error().is(Code::NotFound)) return true;
  if (!snapshot) return Error(snapshot.error());
  return kube::uid_of(*snapshot) != uid;
}

Result<LookAgain> SnapshotContentController::end(const Json& content) {
  if (!TRY(may_go(content))) return LookAgain(kContentRetry);
  if (string_at(content, "spec.deletionPolicy") == "Delete") {
    std::string handle(string_at(content, "status.snapshotHandle"));
    if (handle.empty()) handle = string_at(content, "spec.source.snapshotHandle");
    // A cut that was begun and not yet reported.
    if (handle.empty() && !string_at(content, "spec.source.volumeHandle").empty())
      handle = handle_for(content);
    const auto struck = strike_snapshot(FaultKind::SnapshotFailure, "delete", content);
    if (struck) return driver_error(*struck->fault, "deletes no snapshot");
    if (!handle.empty()) TRY(store_.remove_snapshot(handle));
  }
  auto written = api().modify(
      resources::kVolumeSnapshotContents, "", kube::name_of(content),
      [&](Json& live) -> Result<bool> {
        return kube::uid_of(live) == kube::uid_of(content) &&
               kube::remove_finalizer(live, kContentFinalizer);
      },
      write_as(name()));
  if (!written && !written.error().is(Code::NotFound)) return Error(written.error());
  return LookAgain();
}

}  // namespace lateen::sandbox
