#include "backup/csi_snapshot_taker.h"

#include "backup/data_uploads.h"
#include "backup/native_snapshot_action.h"
#include "backup/rehearsal.h"
#include "base/quantity.h"
#include "base/time.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/snapshot_class.h"

namespace lateen::backup {

std::string snapshot_operation_id(const Json& snapshot) {
  return fmt::format("{}/{}/{}", kube::namespace_of(snapshot), kube::name_of(snapshot),
                     string_at(snapshot, "metadata.creationTimestamp"));
}

void mark_claim(Json& claim, const volumes::CsiSnapshot& snapshot) {
  const std::string_view name = kube::name_of(snapshot.snapshot);
  kube::set_annotation(claim, model::annotations::kVolumeSnapshotName, name);
  kube::set_label(claim, model::labels::kVolumeSnapshotName, name);
  kube::set_label(claim, model::labels::kBackupName,
                  kube::label_of(snapshot.snapshot, model::labels::kBackupName));
  const auto restore_size = int_at(snapshot.content, "status.restoreSize");
  if (!restore_size || *restore_size <= 0) return;
  const auto requested = Quantity::parse(string_at(claim, "spec.resources.requests.storage"));
  if (requested && requested->value() >= *restore_size) return;
  ensure(claim, "spec.resources.requests.storage") = std::to_string(*restore_size);
}

Result<std::optional<SavedVolume>> SnapshotTaker::save_volume(const Json& claim,
                                                              const Log& log,
                                                              std::stop_token stop) {
  std::optional<SavedVolume> none;
  const std::string volume_name(string_at(claim, "spec.volumeName"));
  if (volume_name.empty() || string_at(claim, "status.phase") != "Bound") {
    not_saved({.method = volumes::VolumeMethod::None, .reason = "the claim is bound to no volume"},
              claim, nullptr, log);
    return none;
  }
  const Json volume =
      TRY(tools_.client.get({.gvr = {"", "v1", "persistentvolumes"}, .name = volume_name}, {}, stop)
              .wrap("reading the volume of {}", kube::object_key(claim)));
  const volumes::VolumeDecision decision =
      volumes::decide({.volume = &volume,
                       .claim = &claim,
                       .chosen_for_file_system = tools_.volumes.is_chosen_for_file_system(
                           kube::namespace_of(claim), kube::name_of(claim))},
                      tools_.backup.spec, tools_.policy ? &*tools_.policy : nullptr);
  if (decision.method != volumes::VolumeMethod::CsiSnapshot) {
    not_saved(decision, claim, &volume, log);
    return none;
  }
  const TimePoint started = tools_.clock.now();
  const auto cls = snapshot_class(claim, string_at(volume, "spec.csi.driver"), stop);
  warn_of_group(claim, log);
  if (tools_.rehearsal != nullptr) {
    rehearse(claim, volume, decision, cls, log);
    return none;
  }
  if (!cls && TRY(goes_native(claim, volume, cls.error(), log, stop))) return none;
  auto taken = cls ? take(claim, *cls, log, stop) : Result<volumes::CsiSnapshot>(cls.error());
  if (!taken) {
    tools_.volumes.snapshot_failed(volume, claim, started);
    return std::move(taken).error();
  }
  SavedVolume saved{.snapshot = std::move(*taken)};
  if (tools_.backup.spec.snapshot_move_data == true) {
    auto upload = move(claim, saved.snapshot, log, stop);
    if (!upload) {
      tools_.volumes.snapshot_failed(volume, claim, started);
      return std::move(upload).error();
    }
    tools_.volumes.moving(volume, claim, *upload, started);
    saved.upload = std::move(*upload);
    return std::optional(std::move(saved));
  }
  mark(saved.snapshot, volume, log, stop);
  tools_.volumes.snapshotted(volume, claim, saved.snapshot, started,
                             snapshot_operation_id(saved.snapshot.snapshot));
  return std::optional(std::move(saved));
}

Result<model::DataUpload> SnapshotTaker::move(const Json& claim,
                                              const volumes::CsiSnapshot& snapshot,
                                              const Log& log,
                                              std::stop_token stop) {
  const model::DataUpload wanted = new_data_upload(tools_.backup, claim, snapshot);
  auto made = tools_.client.create(
      {.gvr = {"velero.io", "v2alpha1", "datauploads"}, .ns = tools_.backup.metadata.ns},
      model::to_json(wanted), {}, std::move(stop));
  if (made) {
    log.info("DataUpload created", {{"dataUpload", kube::name_of(*made)}});
    return model::from_json<model::DataUpload>(*made);
  }
  // Also when told to stop: hence not with our stop token.
  const Status discarded = volumes::discard_snapshot(
      tools_.client, kube::namespace_of(snapshot.snapshot), kube::name_of(snapshot.snapshot), {});
  if (!discarded) {
    log.warning("Could not remove a VolumeSnapshot whose data cannot be moved",
                {{"error", discarded.error()}});
  }
  return std::move(made).error().wrap("creating a DataUpload of {}", kube::object_key(claim));
}

// Honest about each volume whose data is not in this backup: what the person asked for is
// information, what they may believe to be saved and is not is a warning or an error.
void SnapshotTaker::not_saved(const volumes::VolumeDecision& decision,
                              const Json& claim,
                              const Json* volume,
                              const Log& log) {
  using volumes::VolumeMethod;
  const LogField which("volume", volume != nullptr ? kube::name_of(*volume) : std::string_view());
  switch (decision.method) {
    case VolumeMethod::NativeSnapshot:
      tools_.volumes.expect_native(*volume, claim);
      return;
    case VolumeMethod::FileSystem:  // its pod's business, whose turn came before the claim's
      tools_.volumes.expect_copy(*volume, claim);
      return;
    case VolumeMethod::None:
    case VolumeMethod::CsiSnapshot:
      tools_.volumes.skip(volume, claim, decision.reason);
      log.info("The data of this volume is not in the backup",
               {which, {"reason", decision.reason}});
      return;
  }
}

void SnapshotTaker::warn_of_group(const Json& claim, const Log& log) const {
  if (!tools_.serves_group_snapshots) return;
  const std::string_view group =
      kube::label_of(claim, tools_.backup.spec.volume_group_snapshot_label_key);
  if (group.empty()) return;
  log.warning(
      "The volumes of this group are snapshotted one by one, not in one instant: this version does "
      "not ask for VolumeGroupSnapshots",
      {{"volumeGroup", group}});
}

// The volume's own turn decides where CSI cannot do it.
void SnapshotTaker::rehearse(const Json& claim,
                             const Json& volume,
                             const volumes::VolumeDecision& decision,
                             const Result<std::string>& snapshot_class,
                             const Log& log) {
  if (!snapshot_class) {
    log.info("No CSI snapshot of this volume can be taken here",
             {{"volume", kube::name_of(volume)}, {"reason", snapshot_class.error().message()}});
    tools_.volumes.expect_native(volume, claim);
    return;
  }
  const bool moves = tools_.backup.spec.snapshot_move_data == true;
  tools_.rehearsal->add(
      PlannedVolume{.ns = std::string(kube::namespace_of(claim)),
                    .claim = std::string(kube::name_of(claim)),
                    .volume = std::string(kube::name_of(volume)),
                    .pod = {},
                    .method = decision.method,
                    .reason = moves ? decision.reason + "; its data are moved to the repository"
                                    : decision.reason,
                    .with = *snapshot_class});
}

// A cluster without the snapshot API, or without a class for the driver: Velero without EnableCSI
// takes native snapshots there, and so do we.
Result<bool> SnapshotTaker::goes_native(
    const Json& claim, const Json& volume, const Error& why, const Log& log, std::stop_token stop) {
  if (!why.is(Code::NotFound)) return false;
  const auto taker = TRY(find_native_taker(volume, tools_.backup, tools_.locations, log, stop));
  if (!taker) return false;
  log.info("No CSI snapshot of this volume can be taken here, its storage is asked for one",
           {{"volume", kube::name_of(volume)}, {"reason", why.message()}});
  tools_.volumes.expect_native(volume, claim);
  return true;
}

// So that whoever looks into the storage finds the snapshot as the backup's. Only where a location
// is set to do so, and never a reason to fail.
void SnapshotTaker::mark(const volumes::CsiSnapshot& snapshot,
                         const Json& volume,
                         const Log& log,
                         std::stop_token stop) {
  if (tools_.locations == nullptr) return;
  for (const std::string& location : tools_.backup.spec.volume_snapshot_locations) {
    auto snapshotter = tools_.locations->of(location, stop);
    if (!snapshotter) continue;  // told if a volume needs it
    const Status marked =
        (*snapshotter)
            ->mark_csi_snapshot(snapshot.content,
                                snapshot_tags(tools_.backup, kube::name_of(volume)), stop);
    if (!marked) log.warning("Could not tag a CSI snapshot", {{"error", marked.error()}});
  }
}

Result<volumes::CsiSnapshot> SnapshotTaker::take(const Json& claim,
                                                 const std::string& snapshot_class,
                                                 const Log& log,
                                                 std::stop_token stop) {
  return volumes::take_snapshot(tools_.client,
                                {.claim = claim,
                                 .snapshot_class = snapshot_class,
                                 .backup_name = model::valid_name(tools_.backup.metadata.name),
                                 .backup_uid = tools_.backup.metadata.uid,
                                 .timeout = tools_.backup.spec.csi_snapshot_timeout},
                                log, stop);
}

Result<std::string> SnapshotTaker::snapshot_class(const Json& claim,
                                                  std::string_view driver,
                                                  std::stop_token stop) {
  const Lock lock(mu_);  // the first one reads for all
  if (!classes_) {
    const Json list = TRY(tools_.client.list({.gvr = volumes::kVolumeSnapshotClasses}, {}, stop)
                              .wrap("listing VolumeSnapshotClasses"));
    classes_.emplace();
    if (const JsonArray* items = array_at(list, "items")) {
      classes_->assign(items->begin(), items->end());
    }
  }
  JsonObject annotations;
  for (const auto& [key, value] : tools_.backup.metadata.annotations)
    annotations[key] = value;
  const Json backup = JsonObject{{"metadata", JsonObject{{"annotations", std::move(annotations)}}}};
  return volumes::choose_snapshot_class(driver, claim, backup, *classes_);
}

}  // namespace lateen::backup
