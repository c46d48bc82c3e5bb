#include "backup/data_uploads.h"

#include "kube/object.h"
#include "model/names.h"
#include "model/uploader_settings.h"
#include "volumes/data_mover.h"

namespace lateen::backup {
namespace {

constexpr std::string_view kUploads = "datauploads.velero.io";

Result<kube::ObjectPath> path_of_upload(const model::BackupOperation& operation) {
  for (const model::ResourceIdentifier& item : operation.spec.post_operation_items) {
    if (item.group_resource() != kUploads) continue;
    return kube::ObjectPath{
        .gvr = {"velero.io", "v2alpha1", item.resource}, .ns = item.ns, .name = item.name};
  }
  return Error(Code::NotFound, "the operation names no DataUpload");
}

void note_one(const model::DataUpload& upload, model::BackupVolumeInfo& info) {
  if (upload.status.start_timestamp) info.start_timestamp = upload.status.start_timestamp;
  if (upload.status.completion_timestamp)
    info.completion_timestamp = upload.status.completion_timestamp;
  info.result = upload.status.phase == model::DataPhase::Completed ? model::VolumeResult::Succeeded
                                                                   : model::VolumeResult::Failed;
  model::SnapshotDataMovementInfo& moved = *info.snapshot_data_movement_info;
  moved.snapshot_handle = upload.status.snapshot_id;
  if (upload.spec.csi_snapshot) moved.retained_snapshot = upload.spec.csi_snapshot->volume_snapshot;
  moved.size = upload.status.progress.total_bytes;
  moved.incremental_size = upload.status.incremental_bytes;
  moved.phase = upload.status.phase.text();
}

}  // namespace

model::DataUpload new_data_upload(const model::Backup& backup,
                                  const Json& claim,
                                  const volumes::CsiSnapshot& snapshot) {
  const std::string claim_uid(kube::uid_of(claim));
  model::DataUpload made;
  made.metadata.ns = backup.metadata.ns;
  made.metadata.generate_name = backup.metadata.name + "-";
  made.metadata.owner_references = {model::controlled_by(backup)};
  made.metadata.labels = {
      {std::string(model::labels::kBackupName), model::valid_name(backup.metadata.name)},
      {std::string(model::labels::kBackupUid), backup.metadata.uid},
      {std::string(model::labels::kPvcUid), claim_uid},
      {std::string(model::labels::kAsyncOperationId),
       volumes::upload_operation_id(backup.metadata.uid, claim_uid)}};
  made.spec.snapshot_type = "CSI";
  model::CsiSnapshotSpec csi;
  csi.volume_snapshot = kube::name_of(snapshot.snapshot);
  csi.storage_class = string_at(claim, "spec.storageClassName");
  csi.snapshot_class = string_at(snapshot.snapshot, "spec.volumeSnapshotClassName");
  csi.driver = string_at(snapshot.content, "spec.driver");
  made.spec.csi_snapshot = std::move(csi);
  made.spec.source_pvc = kube::name_of(claim);
  made.spec.datamover = backup.spec.datamover;
  made.spec.backup_storage_location = backup.spec.storage_location;
  made.spec.source_namespace = kube::namespace_of(claim);
  made.spec.operation_timeout = backup.spec.csi_snapshot_timeout;
  made.spec.data_mover_config = model::uploader_settings(backup.spec.uploader_config);
  return made;
}

void mark_moved_claim(Json& claim, const model::DataUpload& upload) {
  const std::string& snapshot = upload.spec.csi_snapshot->volume_snapshot;
  kube::set_annotation(claim, model::annotations::kDataUploadName,
                       kube::object_key(upload.metadata.ns, upload.metadata.name));
  kube::set_annotation(claim, model::annotations::kVolumeSnapshotName, snapshot);
  kube::set_label(claim, model::labels::kVolumeSnapshotName, snapshot);
  kube::set_label(claim, model::labels::kBackupName,
                  upload.metadata.label(model::labels::kBackupName));
}

Result<model::DataUpload> read_upload(const model::BackupOperation& operation,
                                      kube::Client& client,
                                      std::stop_token stop) {
  const kube::ObjectPath path = TRY(path_of_upload(operation));
  const Json upload = TRY(client.get(path, {}, std::move(stop)));
  return model::from_json<model::DataUpload>(upload);
}

Status cancel_upload(const model::BackupOperation& operation,
                     kube::Client& client,
                     std::stop_token stop) {
  const kube::ObjectPath path = TRY(path_of_upload(operation));
  const auto asked =
      client.patch(path, kube::PatchType::Merge, JsonObject{{"spec", JsonObject{{"cancel", true}}}},
                   {}, std::move(stop));
  if (!asked && !asked.error().is(Code::NotFound))
    return Error(asked.error()).wrap("canceling DataUpload {}", path.name);
  return {};
}

void note_moved(const FreshItems& items, std::vector<model::BackupVolumeInfo>& infos) {
  for (const auto& [id, item] : items) {
    if (std::get<0>(id) != kUploads) continue;
    const auto upload = model::from_json<model::DataUpload>(item.object);
    if (!upload) continue;
    for (model::BackupVolumeInfo& info : infos) {
      const bool same = info.pvc_name == upload->spec.source_pvc &&
                        info.pvc_namespace == upload->spec.source_namespace;
      if (same && info.snapshot_data_movement_info) note_one(*upload, info);
    }
  }
}

}  // namespace lateen::backup
