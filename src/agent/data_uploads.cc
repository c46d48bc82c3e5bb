#include "agent/data_uploads.h"

#include "agent/data_path.h"
#include "agent/exposure.h"
#include "agent/movement.h"
#include "model/data_movement.h"
#include "volumes/snapshot_takeover.h"

namespace lateen::agent {
namespace {

using model::DataUpload;

const kube::GroupVersionResource kPodsKind{"", "v1", "pods"};
const kube::GroupVersionResource kClaimsKind{"", "v1", "persistentvolumeclaims"};

volumes::SnapshotTakeover takeover_of(const AgentContext& context, const DataUpload& upload) {
  return {.source_ns = upload.spec.source_namespace,
          .source_name =
              upload.spec.csi_snapshot ? upload.spec.csi_snapshot->volume_snapshot : std::string(),
          .ns = context.config.ns,
          .name = upload.metadata.name};
}

class DataUploads final : public MovementController<DataUpload> {
 public:
  explicit DataUploads(const AgentContext& context)
      : MovementController(context, model::labels::kDataUpload) {}

  std::string_view name() const override { return "data-upload"; }

 protected:
  Status expose(const DataUpload& upload, std::stop_token stop) override {
    if (!upload.spec.csi_snapshot) {
      return Error(Code::Unsupported, "snapshot type {} is none that is known",
                   upload.spec.snapshot_type);
    }
    const auto taken =
        TRY(volumes::take_over_snapshot(context_.client(), takeover_of(context_, upload), stop));
    if (!taken.ready) return Error(Code::Unavailable, "{}", taken.complaint);
    const auto source = context_.client().get(
        {.gvr = kClaimsKind, .ns = upload.spec.source_namespace, .name = upload.spec.source_pvc},
        {}, stop);
    if (!source && !source.error().is(Code::NotFound)) return source.error();
    const std::string size = taken.restore_size > 0 ? std::to_string(taken.restore_size)
                             : source ? std::string(string_at(*source, "status.capacity.storage"))
                                      : std::string();
    if (size.empty()) {
      return Error(Code::NotFound, "neither the snapshot nor claim {}/{} says how large it is",
                   upload.spec.source_namespace, upload.spec.source_pvc);
    }
    const auto& all = context_.settings.backup_claims;
    const auto settings = all.find(upload.spec.csi_snapshot->storage_class);
    Exposure exposure =
        exposure_of(upload, source ? string_at(*source, "spec.volumeMode") : std::string_view(),
                    settings == all.end() ? nullptr : &settings->second);
    TRY(ensure_object(
        context_.client(), kClaimsKind,
        backup_claim(exposure, size, settings == all.end() ? nullptr : &settings->second), stop));
    exposure.arguments = data_pod_arguments(exposure, kBackupWork, context_.config);
    const PodTemplate pod = TRY(read_pod_template(context_.client(), context_.config.ns, stop));
    return ensure_object(context_.client(), kPodsKind, data_pod(exposure, context_.settings, pod),
                         stop);
  }

  Result<Change> carry_out(const DataUpload& upload,
                           const Json* pod,
                           std::stop_token stop) override {
    if (pod == nullptr) return Error(Code::NotFound, "its pod is gone");
    auto result = TRY(wait_for_result(context_, upload, *pod, kBackupWork, std::move(stop)));
    if (!result) return Change();
    return Change([result = std::move(*result)](DataUpload& now) {
      now.status.path = result.path;
      now.status.snapshot_id = result.snapshot_id;
      now.status.message =
          result.snapshot_id.empty() ? "volume was empty so no data was uploaded" : result.remark;
      now.status.progress.total_bytes = static_cast<std::int64_t>(result.total);
      now.status.progress.bytes_done = static_cast<std::int64_t>(result.total);
      now.status.incremental_bytes = static_cast<std::int64_t>(result.incremental);
      now.status.node_os = "linux";
    });
  }

  bool can_do_without_pod(const DataUpload&, std::stop_token) override { return false; }

  // The claim first: a driver may keep a snapshot that a volume is made of.
  Status clean_up(const DataUpload& upload, std::stop_token stop) override {
    TRY(remove_exposed(context_.client(), context_.config.ns, upload.metadata.name,
                       Deadline::after(kRemoveWithin), stop));
    return volumes::drop_taken_snapshot(context_.client(), takeover_of(context_, upload), stop);
  }

 private:
  Exposure exposure_of(const DataUpload& upload,
                       std::string_view volume_mode,
                       const BackupClaimSettings* settings) const {
    Exposure exposure{.ns = context_.config.ns,
                      .name = upload.metadata.name,
                      .owner = {.api_version = DataUpload::kKind.api_version(),
                                .kind = std::string(DataUpload::kKind.kind),
                                .name = upload.metadata.name,
                                .uid = upload.metadata.uid},
                      .label = std::string(model::labels::kDataUpload),
                      .volume_mode = std::string(volume_mode),
                      .storage_class = upload.spec.csi_snapshot->storage_class};
    if (settings == nullptr) return exposure;
    if (!settings->storage_class.empty()) exposure.storage_class = settings->storage_class;
    exposure.read_only = settings->read_only;
    exposure.no_relabeling = settings->no_relabeling;
    return exposure;
  }
};

}  // namespace

std::unique_ptr<server::Controller> make_data_upload_controller(const AgentContext& context) {
  return std::make_unique<DataUploads>(context);
}

}  // namespace lateen::agent
