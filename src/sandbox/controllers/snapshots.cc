#include "sandbox/controllers/snapshots.h"

#include <algorithm>

#include "base/quantity.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/claims.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kSourceFinalizer =
    "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection";
constexpr std::string_view kBoundFinalizer =
    "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection";
constexpr std::string_view kClaimSourceFinalizer =
    "snapshot.storage.kubernetes.io/pvc-as-source-protection";
constexpr std::string_view kDefaultSnapshotClass =
    "snapshot.storage.kubernetes.io/is-default-class";
constexpr Duration kSnapshotRetry = std::chrono::milliseconds(500);

std::string content_name_for(const Json& snapshot) {
  return fmt::format("snapcontent-{}", kube::uid_of(snapshot));
}

JsonObject reference_to(const Json& snapshot) {
  return {{"apiVersion", "snapshot.storage.k8s.io/v1"},
          {"kind", "VolumeSnapshot"},
          {"namespace", kube::namespace_of(snapshot)},
          {"name", kube::name_of(snapshot)},
          {"uid", kube::uid_of(snapshot)},
          {"resourceVersion", kube::resource_version_of(snapshot)}};
}

bool refers_to(const Json& content, const Json& snapshot) {
  const std::string_view uid = string_at(content, "spec.volumeSnapshotRef.uid");
  return string_at(content, "spec.volumeSnapshotRef.namespace") == kube::namespace_of(snapshot) &&
         string_at(content, "spec.volumeSnapshotRef.name") == kube::name_of(snapshot) &&
         (uid.empty() || uid == kube::uid_of(snapshot));
}

Json status_or_empty(const Json& object) {
  const Json* status = find(object, "status");
  return status != nullptr && status->is_object() ? *status : Json(JsonObject());
}

}  // namespace

SnapshotController::SnapshotController(ControllerContext& context)
    : Controller(context, "snapshot-controller", 2) {
  follow(caches().snapshots);
  caches().snapshot_contents.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    const Json& content = now ? *now : *before;
    queue().add(kube::object_key(string_at(content, "spec.volumeSnapshotRef.namespace"),
                                 string_at(content, "spec.volumeSnapshotRef.name")));
    for (const ObjectPtr& snapshot : caches().snapshots.list()) {
      if (string_at(*snapshot, "spec.source.volumeSnapshotContentName") == kube::name_of(content)) {
        queue().add(kube::object_key(*snapshot));
      }
    }
  });
  caches().snapshot_classes.subscribe([this](const ObjectPtr&, const ObjectPtr&) {
    for (const ObjectPtr& snapshot : caches().snapshots.list())
      queue().add(kube::object_key(*snapshot));
  });
  // A claim that becomes bound lets its snapshots be cut; one that was filled lets them go.
  caches().claims.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    for (const ObjectPtr& snapshot :
         caches().snapshots.list(kube::namespace_of(now ? *now : *before))) {
      queue().add(kube::object_key(*snapshot));
    }
  });
}

Result<LookAgain> SnapshotController::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, snapshot_name] = kube::parse_object_key(key);
  const ObjectPtr snapshot = caches().snapshots.find(ns, snapshot_name);
  if (!snapshot) return LookAgain();
  if (kube::is_being_deleted(*snapshot)) {
    TRY(end(*snapshot, std::move(stop)));
    return LookAgain();
  }
  auto prepared = prepare(*snapshot, stop);
  if (!prepared && prepared.error().is(Code::Conflict)) return std::move(prepared).error();
  if (!prepared) {
    TRY(fail(*snapshot, "SetDefaultSnapshotClassFailed", prepared.error().message()));
    return LookAgain(kSnapshotRetry);
  }
  if (*prepared) return LookAgain();  // it was changed, which brings us back
  auto content = ensure_content(*snapshot, std::move(stop));
  if (!content) {
    const bool ordinary = content.error().is(Code::Conflict);
    if (ordinary) return std::move(content).error();
    const bool dynamic = string_at(*snapshot, "spec.source.volumeSnapshotContentName").empty();
    if (dynamic) {
      TRY(fail(*snapshot, "SnapshotContentCreationFailed",
               fmt::format("Failed to create snapshot content with error {}",
                           content.error().message())));
    } else {
      const bool missing = content.error().is(Code::NotFound);
      TRY(fail(*snapshot, missing ? "SnapshotContentMissing" : "SnapshotContentMisbound",
               content.error().message()));
    }
    return LookAgain(kSnapshotRetry);
  }
  TRY(mirror(*snapshot, *content));
  return LookAgain();
}

// The default class of the driver that the snapshot's claim has its volume from.
Result<std::string> SnapshotController::default_class_for(const Json& snapshot) {
  const auto failed = [](std::string_view why) {
    return Error(Code::NotFound, "Failed to set default snapshot class with error {}", why);
  };
  const ObjectPtr claim = caches().claims.find(
      kube::namespace_of(snapshot), string_at(snapshot, "spec.source.persistentVolumeClaimName"));
  const ObjectPtr volume =
      claim ? caches().volumes.find("", string_at(*claim, "spec.volumeName")) : nullptr;
  if (!claim) return failed("cannot get claim from snapshot");
  if (!volume) {
    return failed(
        fmt::format("the PVC {} is not yet bound to a PV, will not attempt to take a snapshot",
                    kube::name_of(*claim)));
  }
  std::vector<std::string> found;
  for (const ObjectPtr& candidate : caches().snapshot_classes.list()) {
    const bool is_default = kube::annotation_of(*candidate, kDefaultSnapshotClass) == "true";
    if (is_default && string_at(*candidate, "driver") == string_at(*volume, "spec.csi.driver"))
      found.emplace_back(kube::name_of(*candidate));
  }
  if (found.empty()) return failed("cannot find default snapshot class");
  if (found.size() > 1)
    return failed(fmt::format("{} default snapshot classes were found", found.size()));
  return found.front();
}

// Its finalizers and, where it names no class, the default one of its driver. Says whether it wrote
// anything.
Result<bool> SnapshotController::prepare(const Json& snapshot, std::stop_token) {
  const bool has_finalizers = kube::has_finalizer(snapshot, kSourceFinalizer) &&
                              kube::has_finalizer(snapshot, kBoundFinalizer);
  const bool dynamic = !string_at(snapshot, "spec.source.persistentVolumeClaimName").empty();
  std::string class_name;
  if (dynamic && string_at(snapshot, "spec.volumeSnapshotClassName").empty()) {
    auto found = default_class_for(snapshot);
    // Without its finalizers first, it could go while we wait for a class.
    if (!found && has_finalizers) return std::move(found).error();
    if (found) class_name = std::move(*found);
  }
  if (has_finalizers && class_name.empty()) return false;
  auto written = api().modify(
      resources::kVolumeSnapshots, kube::namespace_of(snapshot), kube::name_of(snapshot),
      [&](Json& live) -> Result<bool> {
        bool changed = kube::add_finalizer(live, kSourceFinalizer);
        changed |= kube::add_finalizer(live, kBoundFinalizer);
        if (!class_name.empty()) {
          ensure(live, "spec.volumeSnapshotClassName") = class_name;
          changed = true;
        }
        return changed;
      },
      write_as(name()));
  if (!written) return Error(written.error());
  return kube::resource_version_of(*written) != kube::resource_version_of(snapshot);
}

Result<Json> SnapshotController::ensure_content(const Json& snapshot, std::stop_token stop) {
  const std::string wanted(string_at(snapshot, "spec.source.volumeSnapshotContentName"));
  if (!wanted.empty()) return adopt_content(snapshot, wanted, std::move(stop));
  auto content = api().get(resources::kVolumeSnapshotContents, "", content_name_for(snapshot));
  if (content) return std::move(*content);
  if (!content.error().is(Code::NotFound)) return Error(content.error());
  if (bool_at(snapshot, "status.readyToUse").value_or(false)) {
    return Error(Code::NotFound, "VolumeSnapshotContent is missing");
  }
  return make_content(snapshot, std::move(stop));
}

Result<Json> SnapshotController::make_content(const Json& snapshot, std::stop_token stop) {
  const std::string_view ns = kube::namespace_of(snapshot);
  const std::string_view claim_name = string_at(snapshot, "spec.source.persistentVolumeClaimName");
  const std::string_view class_name = string_at(snapshot, "spec.volumeSnapshotClassName");
  const ObjectPtr snapshot_class = caches().snapshot_classes.find("", class_name);
  if (!snapshot_class) {
    return Error(Code::NotFound,
                 "failed to get input parameters to create snapshot {}: \"failed to retrieve "
                 "snapshot class {} from the "
                 "informer: volumesnapshotclass.snapshot.storage.k8s.io \\\"{}\\\" not found\"",
                 kube::name_of(snapshot), class_name, class_name);
  }
  auto claim = api().get(resources::kPersistentVolumeClaims, ns, claim_name);
  if (!claim) {
    return Error(
        claim.error().code(),
        "snapshot controller failed to update {} on API server: cannot get claim from snapshot: {}",
        kube::name_of(snapshot), claim.error().message());
  }
  if (string_at(*claim, "status.phase") != "Bound") {
    return Error(Code::Unavailable,
                 "the PVC {} is not yet bound to a PV, will not attempt to take a snapshot",
                 claim_name);
  }
  const Json volume =
      TRY(api().get(resources::kPersistentVolumes, "", string_at(*claim, "spec.volumeName")));
  if (string_at(volume, "spec.csi.driver") != string_at(*snapshot_class, "driver")) {
    return Error(Code::InvalidArgument,
                 "Volume snapshot driver \"{}\" mismatch with persistent volume driver \"{}\"",
                 string_at(*snapshot_class, "driver"), string_at(volume, "spec.csi.driver"));
  }
  TRY(protect_source(snapshot, true));
  JsonObject spec{
      {"deletionPolicy", string_at(*snapshot_class, "deletionPolicy")},
      {"driver", string_at(*snapshot_class, "driver")},
      {"source", JsonObject{{"volumeHandle", string_at(volume, "spec.csi.volumeHandle")}}},
      {"sourceVolumeMode", "Filesystem"},
      {"volumeSnapshotClassName", class_name},
      {"volumeSnapshotRef", reference_to(snapshot)}};
  Json content = JsonObject{{"apiVersion", "snapshot.storage.k8s.io/v1"},
                            {"kind", "VolumeSnapshotContent"},
                            {"metadata", JsonObject{{"name", content_name_for(snapshot)},
                                                    {"finalizers", JsonArray{kContentFinalizer}}}},
                            {"spec", std::move(spec)}};
  Json made = TRY(
      create_seen(api(), caches().snapshot_contents, std::move(content), name(), std::move(stop)));
  events().normal(snapshot, "CreatingSnapshot",
                  fmt::format("Waiting for a snapshot {} to be created by the CSI driver.",
                              kube::object_key(snapshot)));
  return made;
}

// A content that was made by hand, or by a restore: it must mean this snapshot, and is told its
// uid.
Result<Json> SnapshotController::adopt_content(const Json& snapshot,
                                               const std::string& content_name,
                                               std::stop_token stop) {
  auto content = api().get(resources::kVolumeSnapshotContents, "", content_name);
  if (!content && content.error().is(Code::NotFound)) {
    return Error(Code::NotFound, "VolumeSnapshotContent is missing: {}", content_name);
  }
  if (!content) return Error(content.error());
  if (!refers_to(*content, snapshot)) {
    return Error(Code::InvalidArgument,
                 "VolumeSnapshotContent [{}] is bound to a different snapshot", content_name);
  }
  if (!string_at(*content, "spec.volumeSnapshotRef.uid").empty()) return std::move(*content);
  const Json patch = JsonObject{
      {"spec", JsonObject{{"volumeSnapshotRef", JsonObject{{"uid", kube::uid_of(snapshot)}}}}}};
  TRY(patch_seen(api(), caches().snapshot_contents, *content, patch, name(), std::move(stop)));
  auto adopted = api().get(resources::kVolumeSnapshotContents, "", content_name);
  if (!adopted) return Error(adopted.error());
  return std::move(*adopted);
}

Status SnapshotController::mirror(const Json& snapshot, const Json& content) {
  Json status = status_or_empty(snapshot);
  JsonObject& fields = status.as_object();
  fields["boundVolumeSnapshotContentName"] = kube::name_of(content);
  const bool ready = bool_at(content, "status.readyToUse").value_or(false);
  fields["readyToUse"] = ready;
  if (const auto nanoseconds = int_at(content, "status.creationTime")) {
    fields["creationTime"] = format_rfc3339(TimePoint(std::chrono::nanoseconds(*nanoseconds)));
  }
  if (const auto size = int_at(content, "status.restoreSize"); size && *size > 0) {
    fields["restoreSize"] = Quantity::from(*size, Quantity::Format::BinarySI).format();
  }
  fields.erase("error");
  if (const Json* error = find(content, "status.error")) fields["error"] = *error;
  const bool was_ready = bool_at(snapshot, "status.readyToUse").value_or(false);
  TRY(write_status(api(), resources::kVolumeSnapshots, snapshot, status, name()));
  if (ready && !was_ready) {
    events().normal(snapshot, "SnapshotReady",
                    fmt::format("Snapshot {} is ready to use.", kube::object_key(snapshot)));
  }
  if (ready) TRY(protect_source(snapshot, false));
  return Status();
}

Status SnapshotController::fail(const Json& snapshot,
                                std::string_view reason,
                                const std::string& message) {
  Json status = status_or_empty(snapshot);
  if (string_at(status, "error.message") == message) return Status();
  status.as_object()["error"] = JsonObject{{"message", message}, {"time", format_rfc3339(now())}};
  status.as_object()["readyToUse"] = false;
  events().warning(snapshot, reason, message);
  return write_status(api(), resources::kVolumeSnapshots, snapshot, status, name());
}

// A claim must not go while a snapshot of it is being cut.
Status SnapshotController::protect_source(const Json& snapshot, bool protect) {
  const std::string claim_name(string_at(snapshot, "spec.source.persistentVolumeClaimName"));
  const std::string_view ns = kube::namespace_of(snapshot);
  const ObjectPtr claim = claim_name.empty() ? nullptr : caches().claims.find(ns, claim_name);
  if (!claim || kube::has_finalizer(*claim, kClaimSourceFinalizer) == protect) return Status();
  if (!protect) {
    for (const ObjectPtr& other : caches().snapshots.list(ns)) {
      const bool cutting =
          string_at(*other, "spec.source.persistentVolumeClaimName") == claim_name &&
          kube::uid_of(*other) != kube::uid_of(snapshot) && !kube::is_being_deleted(*other) &&
          !bool_at(*other, "status.readyToUse").value_or(false);
      if (cutting) return Status();
    }
  }
  auto written = api().modify(
      resources::kPersistentVolumeClaims, ns, claim_name,
      [&](Json& live) -> Result<bool> {
        if (!protect) return kube::remove_finalizer(live, kClaimSourceFinalizer);
        return !kube::is_being_deleted(live) && kube::add_finalizer(live, kClaimSourceFinalizer);
      },
      write_as(name()));
  if (!written && !written.error().is(Code::NotFound)) return Error(written.error());
  return Status();
}

bool SnapshotController::is_being_restored(const Json& snapshot) {
  const std::vector<ObjectPtr> claims = caches().claims.list(kube::namespace_of(snapshot));
  return std::any_of(claims.begin(), claims.end(), [&](const ObjectPtr& claim) {
    const Json* source = data_source_of(*claim);
    return source != nullptr && string_at(*claim, "status.phase") == "Pending" &&
           string_at(*source, "kind") == "VolumeSnapshot" &&
           string_at(*source, "name") == kube::name_of(snapshot) && !kube::is_being_deleted(*claim);
  });
}

ObjectPtr SnapshotController::content_of(const Json& snapshot) {
  std::string content_name(string_at(snapshot, "status.boundVolumeSnapshotContentName"));
  if (content_name.empty())
    content_name = string_at(snapshot, "spec.source.volumeSnapshotContentName");
  if (content_name.empty()) content_name = content_name_for(snapshot);
  const ObjectPtr content = caches().snapshot_contents.find("", content_name);
  if (!content || string_at(*content, "spec.volumeSnapshotRef.uid") != kube::uid_of(snapshot))
    return nullptr;
  return content;
}

// With Delete its content goes first, and the data with it; with Retain both stay, and only the
// snapshot goes.
Status SnapshotController::end(const Json& snapshot, std::stop_token stop) {
  if (is_being_restored(snapshot)) return Status();
  const ObjectPtr content = content_of(snapshot);
  if (content) {
    if (kube::annotation_of(*content, kBeingDeletedAnnotation) != "yes") {
      const Json patch = JsonObject{
          {"metadata", JsonObject{{"annotations", JsonObject{{kBeingDeletedAnnotation, "yes"}}}}}};
      auto marked = patch_seen(api(), caches().snapshot_contents, *content, patch, name(), stop);
      if (!marked && !marked.error().is(Code::NotFound)) return marked;
    }
    if (string_at(*content, "spec.deletionPolicy") == "Delete") {
      TRY(remove_seen(api(), caches().snapshot_contents, *content, stop));
      if (caches().snapshot_contents.find("", kube::name_of(*content)))
        return Status();  // its end brings us back
    }
  }
  TRY(protect_source(snapshot, false));
  auto written = api().modify(
      resources::kVolumeSnapshots, kube::namespace_of(snapshot), kube::name_of(snapshot),
      [&](Json& live) -> Result<bool> {
        if (kube::uid_of(live) != kube::uid_of(snapshot)) return false;
        const bool source = kube::remove_finalizer(live, kSourceFinalizer);
        const bool bound = kube::remove_finalizer(live, kBoundFinalizer);
        return source || bound;
      },
      write_as(name()));
  if (!written && !written.error().is(Code::NotFound)) return Error(written.error());
  return Status();
}

}  // namespace lateen::sandbox
