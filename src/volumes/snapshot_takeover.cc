#include "volumes/snapshot_takeover.h"

#include <optional>

#include "base/quantity.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/csi_snapshot.h"

namespace lateen::volumes {
namespace {

// The driver's own words for its sidecars: they tell whom a content belongs to.
constexpr std::string_view kManagedBy = "snapshot.storage.kubernetes.io/managed-by";

kube::ObjectPath taken_snapshot_path(std::string_view ns, std::string_view name) {
  return {.gvr = kVolumeSnapshots, .ns = std::string(ns), .name = std::string(name)};
}

Result<std::optional<Json>> get_if_there(kube::Client& client,
                                         const kube::ObjectPath& path,
                                         std::stop_token stop) {
  auto object = client.get(path, {}, std::move(stop));
  if (object) return std::optional(std::move(*object));
  if (object.error().is(Code::NotFound)) return std::optional<Json>();
  return std::move(object).error().wrap("reading {}", path.describe());
}

Status create_if_absent(kube::Client& client,
                        const kube::ObjectPath& collection,
                        const Json& object,
                        std::stop_token stop) {
  const auto made = client.create(collection, object, {}, std::move(stop));
  if (!made && !made.error().is(Code::AlreadyExists))
    return Error(made.error()).wrap("taking over a snapshot");
  return {};
}

std::int64_t size_of(const Json& snapshot) {
  std::string_view text =
      kube::annotation_of(snapshot, model::annotations::kVolumeSnapshotRestoreSize);
  if (text.empty()) text = string_at(snapshot, "status.restoreSize");
  const auto size = Quantity::parse(text);
  return size ? size->value() : 0;
}

Json copied_annotations(const Json& object) {
  const JsonObject* annotations = kube::annotations_of(object);
  return annotations == nullptr ? Json(JsonObject()) : Json(*annotations);
}

Json new_snapshot(const SnapshotTakeover& what, const Json& old, const Json& old_content) {
  Json made = JsonObject{
      {"apiVersion", "snapshot.storage.k8s.io/v1"},
      {"kind", "VolumeSnapshot"},
      {"metadata",
       JsonObject{
           {"name", what.name}, {"namespace", what.ns}, {"annotations", copied_annotations(old)}}},
      {"spec", JsonObject{{"source", JsonObject{{"volumeSnapshotContentName", what.name}}}}}};
  if (const auto cls = string_at(old, "spec.volumeSnapshotClassName"); !cls.empty())
    ensure(made, "spec.volumeSnapshotClassName") = cls;
  // A content that is made of a handle may never learn its size.
  if (const auto size = int_at(old_content, "status.restoreSize"); size && *size > 0) {
    kube::set_annotation(made, model::annotations::kVolumeSnapshotRestoreSize,
                         std::to_string(*size));
  }
  return made;
}

Json new_content(const SnapshotTakeover& what, const Json& old) {
  JsonObject spec{
      {"deletionPolicy", "Delete"},
      {"driver", string_at(old, "spec.driver")},
      {"source", JsonObject{{"snapshotHandle", string_at(old, "status.snapshotHandle")}}},
      {"volumeSnapshotRef", JsonObject{{"apiVersion", "snapshot.storage.k8s.io/v1"},
                                       {"kind", "VolumeSnapshot"},
                                       {"namespace", what.ns},
                                       {"name", what.name}}}};
  for (const char* key : {"volumeSnapshotClassName", "sourceVolumeMode"}) {
    if (const Json* value = find(find(old, "spec"), JsonKey{key})) spec[key] = *value;
  }
  Json made = JsonObject{
      {"apiVersion", "snapshot.storage.k8s.io/v1"},
      {"kind", "VolumeSnapshotContent"},
      {"metadata", JsonObject{{"name", what.name}, {"annotations", copied_annotations(old)}}},
      {"spec", std::move(spec)}};
  // Of a snapshot that is told to go, not of ours.
  kube::remove_annotation(made, "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted");
  if (const auto manager = kube::label_of(old, kManagedBy); !manager.empty())
    kube::set_label(made, kManagedBy, manager);
  return made;
}

std::string complaint_of(const Json& snapshot) {
  const std::string_view said = string_at(snapshot, "status.error.message");
  return said.empty() ? "the CSI driver has not made the snapshot ready yet" : std::string(said);
}

}  // namespace

Result<TakenSnapshot> take_over_snapshot(kube::Client& client,
                                         const SnapshotTakeover& what,
                                         std::stop_token stop) {
  const kube::ObjectPath new_path = taken_snapshot_path(what.ns, what.name);
  const kube::ObjectPath new_content_path{.gvr = kVolumeSnapshotContents, .name = what.name};
  const auto old =
      TRY(get_if_there(client, taken_snapshot_path(what.source_ns, what.source_name), stop));
  const bool there = TRY(get_if_there(client, new_content_path, stop)).has_value();
  if (old && !there) {
    // Waiting for it here: a content that is made of a handle too early may stay in error.
    if (!bool_at(*old, "status.readyToUse").value_or(false))
      return TakenSnapshot{.complaint = complaint_of(*old)};
    const Json old_content = TRY(content_of(client, *old, stop));
    TRY(create_if_absent(client, {.gvr = kVolumeSnapshots, .ns = what.ns},
                         new_snapshot(what, *old, old_content), stop));
    TRY(create_if_absent(client, {.gvr = kVolumeSnapshotContents}, new_content(what, old_content),
                         stop));
  }
  if (old) TRY(release_snapshot(client, what.source_ns, what.source_name, stop));
  const auto mine = TRY(get_if_there(client, new_path, stop));
  if (!mine) {
    return Error(Code::NotFound, "VolumeSnapshot {}/{} is gone: its data cannot be moved",
                 what.source_ns, what.source_name);
  }
  return TakenSnapshot{.ready = bool_at(*mine, "status.readyToUse").value_or(false),
                       .restore_size = size_of(*mine),
                       .complaint = complaint_of(*mine)};
}

Status drop_taken_snapshot(kube::Client& client,
                           const SnapshotTakeover& what,
                           std::stop_token stop) {
  const bool taken =
      TRY(get_if_there(client, {.gvr = kVolumeSnapshotContents, .name = what.name}, stop))
          .has_value();
  // With both there, the storage's snapshot goes with the new content alone.
  if (!what.source_name.empty()) {
    TRY(taken ? release_snapshot(client, what.source_ns, what.source_name, stop)
              : discard_snapshot(client, what.source_ns, what.source_name, stop));
  }
  return discard_snapshot(client, what.ns, what.name, std::move(stop));
}

}  // namespace lateen::volumes
