#include "restore/data_downloads.h"

#include <algorithm>

#include "archive/archive_reader.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/thread.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/uploader_settings.h"
#include "restore/action.h"
#include "restore/run.h"
#include "volumes/data_mover.h"
#include "volumes/volume_repository.h"

namespace lateen::restore {
namespace {

using model::DataUpload;

constexpr std::string_view kClaimItems = "persistentvolumeclaims";
constexpr std::string_view kUploadItems = "datauploads.velero.io";

const kube::GroupVersionResource kDownloads{"velero.io", "v2alpha1", "datadownloads"};

// By it the claim waits for the volume that will carry the label, instead of being given a new one.
std::string claim_label(const model::Restore& restore, std::string_view ns, std::string_view name) {
  const std::string unique = sha256_hex(fmt::format("{}/{}/{}", restore.metadata.uid, ns, name));
  return model::valid_name(fmt::format("{}.{}.{}", ns, name, unique.substr(0, 5)));
}

bool is_waited_for(const model::RestoreOperation& operation) {
  return operation.spec.restore_item_action == kBringBackAction &&
         !model::is_terminal(operation.status.phase.value());
}

void fail_operation(model::RestoreOperation& operation,
                    std::string_view why,
                    std::vector<std::string>& errors) {
  operation.status.phase = model::OperationPhase::Failed;
  operation.status.error = fmt::format("{}, plugin: {}", why, operation.spec.restore_item_action);
  errors.push_back(fmt::format("restoring the data of claim {}/{}: {}",
                               operation.spec.resource_identifier.ns,
                               operation.spec.resource_identifier.name, why));
}

class DataDownloads final : public ItemExtension {
 public:
  explicit DataDownloads(DataDownloadTools tools) : tools_(std::move(tools)) {}

  bool brings_back(const model::BackupVolumeInfo& volume) const override {
    return volume.snapshot_data_moved &&
           upload_of(volume.pvc_namespace, volume.pvc_name) != nullptr;
  }

  Result<ActionVerdict> prepare(std::string_view group_resource,
                                Json& object,
                                const Json& original,
                                const ActionContext&) const override {
    ActionVerdict verdict;
    if (group_resource != kClaimItems) return verdict;
    const DataUpload* upload = wanted_for(original);
    if (upload == nullptr || upload->status.snapshot_id.empty()) return verdict;
    erase(object, "spec.volumeName");
    erase(object, "spec.dataSource");
    erase(object, "spec.dataSourceRef");
    ensure(object, "spec.selector") = JsonObject{
        {"matchLabels", JsonObject{{model::labels::kDynamicPvRestore,
                                    claim_label(tools_.restore, kube::namespace_of(original),
                                                kube::name_of(original))}}}};
    return verdict;
  }

  Status created(std::string_view group_resource,
                 const kube::ObjectPath&,
                 const Json& there,
                 const Json& original,
                 std::stop_token stop) override {
    if (group_resource != kClaimItems) return {};
    const DataUpload* upload = wanted_for(original);
    if (upload == nullptr || upload->status.snapshot_id.empty()) return {};
    const std::string operation =
        volumes::download_operation_id(tools_.restore.metadata.uid, kube::uid_of(original));
    const model::DataDownload wanted =
        new_data_download(tools_.restore, *upload, there, operation, tools_.location);
    const Json made = TRY(tools_.client
                              .create({.gvr = kDownloads, .ns = tools_.restore.metadata.ns},
                                      model::to_json(wanted), {}, std::move(stop))
                              .wrap("creating a DataDownload"));
    tools_.log.info("DataDownload created", {{"dataDownload", kube::name_of(made)}});
    note(wanted, operation);
    return {};
  }

  // They go on: whoever finalizes the restore waits for the operations.
  Status finish(RestoreOutcome& outcome, std::stop_token stop) override {
    if (stop.stop_requested()) cancel_downloads(tools_.restore, tools_.client, tools_.log);
    const Lock lock(mu_);
    outcome.operations.insert(outcome.operations.end(), operations_.begin(), operations_.end());
    outcome.volumes.insert(outcome.volumes.end(), volumes_.begin(), volumes_.end());
    return {};
  }

 private:
  const DataUpload* upload_of(std::string_view ns, std::string_view claim) const {
    if (tools_.restore.spec.restore_pvs == false) return nullptr;
    const auto at =
        std::find_if(tools_.uploads.begin(), tools_.uploads.end(), [&](const DataUpload& one) {
          return one.spec.source_namespace == ns && one.spec.source_pvc == claim &&
                 one.status.phase == model::DataPhase::Completed;
        });
    return at == tools_.uploads.end() ? nullptr : &*at;
  }

  const DataUpload* wanted_for(const Json& claim) const {
    if (!kube::has_annotation(claim, model::annotations::kDataUploadName)) return nullptr;
    return upload_of(kube::namespace_of(claim), kube::name_of(claim));
  }

  void note(const model::DataDownload& download, const std::string& operation_id) {
    model::RestoreOperation operation;
    operation.spec.restore_name = tools_.restore.metadata.name;
    operation.spec.restore_uid = tools_.restore.metadata.uid;
    operation.spec.restore_item_action = kBringBackAction;
    operation.spec.resource_identifier.resource = kClaimItems;
    operation.spec.resource_identifier.ns = download.spec.target_volume.ns;
    operation.spec.resource_identifier.name = download.spec.target_volume.pvc;
    operation.spec.operation_id = operation_id;
    operation.status.phase = model::OperationPhase::New;
    operation.status.created = tools_.clock.now();
    model::RestoreVolumeInfo info;
    info.pvc_name = download.spec.target_volume.pvc;
    info.pvc_namespace = download.spec.target_volume.ns;
    info.pv_name = download.spec.target_volume.pv;
    info.restore_method = model::VolumeRestoreMethod::CSISnapshot;
    info.snapshot_data_moved = true;
    model::SnapshotDataMovementInfo moved;
    moved.data_mover = download.spec.datamover.empty() ? std::string(volumes::kBuiltInMover)
                                                       : download.spec.datamover;
    moved.uploader_type = volumes::kKopia;
    moved.snapshot_handle = download.spec.snapshot_id;
    moved.operation_id = operation_id;
    moved.size = download.spec.snapshot_size;
    info.snapshot_data_movement_info = std::move(moved);
    const Lock lock(mu_);
    operations_.push_back(std::move(operation));
    volumes_.push_back(std::move(info));
  }

  const DataDownloadTools tools_;
  Mutex mu_;
  std::vector<model::RestoreOperation> operations_ LATEEN_GUARDED_BY(mu_);
  std::vector<model::RestoreVolumeInfo> volumes_ LATEEN_GUARDED_BY(mu_);
};

// The one that carries the operation's label.
Result<model::DataDownload> find_download(const model::RestoreOperation& operation,
                                          const std::string& ns,
                                          kube::Client& client,
                                          std::stop_token stop) {
  const Json list =
      TRY(client.list({.gvr = kDownloads, .ns = ns},
                      {.label_selector = fmt::format("{}={}", model::labels::kAsyncOperationId,
                                                     operation.spec.operation_id)},
                      std::move(stop)));
  const JsonArray* items = array_at(list, "items");
  if (items == nullptr || items->empty()) return Error(Code::NotFound, "its DataDownload is gone");
  return model::from_json<model::DataDownload>(items->front());
}

}  // namespace

std::unique_ptr<ItemExtension> make_data_downloads(DataDownloadTools tools) {
  return std::make_unique<DataDownloads>(std::move(tools));
}

Result<std::vector<DataUpload>> read_uploads(const archive::ArchiveReader& archive,
                                             const Log& log) {
  std::vector<DataUpload> uploads;
  for (const archive::ArchivedItem& item : archive.items()) {
    if (item.key.group_resource != kUploadItems || !item.key.preferred) continue;
    const Json object = TRY(parse_json(TRY(archive.read(item))));
    auto upload = model::from_json<DataUpload>(object);
    if (upload) {
      uploads.push_back(std::move(*upload));
    } else {
      log.error("A DataUpload of the backup cannot be read",
                {{"name", item.key.name}, {"error", upload.error()}});
    }
  }
  return uploads;
}

model::DataDownload new_data_download(const model::Restore& restore,
                                      const DataUpload& upload,
                                      const Json& claim,
                                      const std::string& operation_id,
                                      std::string_view location) {
  model::DataDownload made;
  made.metadata.ns = restore.metadata.ns;
  made.metadata.generate_name = restore.metadata.name + "-";
  made.metadata.owner_references = {model::controlled_by(restore)};
  made.metadata.labels = {
      {std::string(model::labels::kRestoreName), model::valid_name(restore.metadata.name)},
      {std::string(model::labels::kRestoreUid), restore.metadata.uid},
      {std::string(model::labels::kAsyncOperationId), operation_id}};
  made.spec.target_volume.pvc = kube::name_of(claim);
  made.spec.target_volume.ns = kube::namespace_of(claim);
  made.spec.backup_storage_location = location;
  made.spec.datamover = upload.spec.datamover;
  made.spec.snapshot_id = upload.status.snapshot_id;
  made.spec.source_namespace = upload.spec.source_namespace;
  made.spec.operation_timeout = upload.spec.operation_timeout;
  made.spec.node_os = upload.status.node_os;
  made.spec.snapshot_size = upload.status.progress.total_bytes;
  made.spec.data_mover_config = model::uploader_settings(restore.spec.uploader_config);
  return made;
}

void cancel_downloads(const model::Restore& restore, kube::Client& client, const Log& log) {
  const auto list = client.list(
      {.gvr = kDownloads, .ns = restore.metadata.ns},
      {.label_selector = fmt::format("{}={}", model::labels::kRestoreUid, restore.metadata.uid)});
  const JsonArray* items = list ? array_at(*list, "items") : nullptr;
  if (!list) log.warning("Could not list DataDownloads", {{"error", list.error()}});
  if (items == nullptr) return;
  for (const Json& item : *items) {
    const auto download = model::from_json<model::DataDownload>(item);
    if (!download || model::is_terminal(download->status.phase.value())) continue;
    const auto asked = client.patch(
        {.gvr = kDownloads, .ns = restore.metadata.ns, .name = download->metadata.name},
        kube::PatchType::Merge, JsonObject{{"spec", JsonObject{{"cancel", true}}}});
    if (asked || asked.error().is(Code::NotFound)) continue;
    log.warning("Could not cancel a DataDownload",
                {{"name", download->metadata.name}, {"error", asked.error()}});
  }
}

std::vector<std::string> poll_downloads(std::vector<model::RestoreOperation>& operations,
                                        const std::string& ns,
                                        Duration timeout,
                                        kube::Client& client,
                                        const Clock& clock,
                                        std::stop_token stop) {
  std::vector<std::string> errors;
  for (model::RestoreOperation& operation : operations) {
    if (!is_waited_for(operation)) continue;
    const auto download = find_download(operation, ns, client, stop);
    if (download) {
      const std::string error = volumes::tell_operation(*download, operation.status);
      if (!error.empty()) fail_operation(operation, error, errors);
    } else if (download.error().is(Code::NotFound)) {
      fail_operation(operation, download.error().message(), errors);
    }
    const bool late =
        operation.status.created && clock.now() >= *operation.status.created + timeout;
    if (!late || !is_waited_for(operation)) continue;
    if (download) {
      // Best effort: an agent that never hears ends by its own time.
      (void)client.patch({.gvr = kDownloads, .ns = ns, .name = download->metadata.name},
                         kube::PatchType::Merge, JsonObject{{"spec", JsonObject{{"cancel", true}}}},
                         {}, stop);
    }
    fail_operation(operation, "Asynchronous action timed out", errors);
  }
  return errors;
}

}  // namespace lateen::restore
