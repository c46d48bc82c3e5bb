#include "agent/data_downloads.h"

#include "agent/host_volumes.h"
#include "agent/movement.h"
#include "model/data_movement.h"
#include "model/uploader_settings.h"
#include "volumes/node_agent.h"
#include "volumes/volume_rebind.h"

namespace lateen::agent {
namespace {

using model::DataDownload;

const kube::GroupVersionResource kHolderKind{"", "v1", "pods"};
const kube::GroupVersionResource kTargetKind{"", "v1", "persistentvolumeclaims"};

volumes::VolumeHandover handover_of(const AgentContext& context, const DataDownload& download) {
  return {.mover_uid = download.metadata.uid,
          .ns = context.config.ns,
          .name = download.metadata.name,
          .target_ns = download.spec.target_volume.ns,
          .target_claim = download.spec.target_volume.pvc};
}

// Into the volume that the claim has.
bool is_in_place(const DataDownload& download) {
  return download.metadata.annotation(volumes::kInPlaceAnnotation) == "true";
}

class DataDownloads final : public MovementController<DataDownload> {
 public:
  explicit DataDownloads(const AgentContext& context)
      : MovementController(context, model::labels::kDataDownload) {}

  std::string_view name() const override { return "data-download"; }

 protected:
  Status expose(const DataDownload& download, std::stop_token stop) override {
    const model::TargetVolumeSpec& wanted = download.spec.target_volume;
    const Json target =
        TRY(context_.client()
                .get({.gvr = kTargetKind, .ns = wanted.ns, .name = wanted.pvc}, {}, stop)
                .wrap("claim {}/{}", wanted.ns, wanted.pvc));
    if (is_in_place(download)) return hold_in_place(download, target, std::move(stop));
    if (!string_at(target, "spec.volumeName").empty()) {
      return Error(Code::AlreadyExists, "claim {}/{} has a volume already", wanted.ns, wanted.pvc);
    }
    Exposure exposure{.ns = context_.config.ns,
                      .name = download.metadata.name,
                      .owner = {.api_version = DataDownload::kKind.api_version(),
                                .kind = std::string(DataDownload::kKind.kind),
                                .name = download.metadata.name,
                                .uid = download.metadata.uid},
                      .label = std::string(model::labels::kDataDownload),
                      .volume_mode = std::string(string_at(target, "spec.volumeMode")),
                      .storage_class = std::string(string_at(target, "spec.storageClassName"))};
    exposure.node = TRY(node_for(target, exposure.storage_class, stop));
    TRY(ensure_object(context_.client(), kTargetKind, restore_claim(exposure, target), stop));
    return ensure_object(context_.client(), kHolderKind,
                         holding_pod(exposure, context_.settings, context_.image), stop);
  }

  Result<Change> carry_out(const DataDownload& download,
                           const Json* pod,
                           repository::Progress& progress,
                           std::stop_token stop) override {
    const Change done = [](DataDownload& now) {
      now.status.progress.bytes_done = now.status.progress.total_bytes;
    };
    if (is_in_place(download)) {
      TRY(bring_back(download, pod, progress, stop));
      return done;
    }
    const volumes::VolumeHandover handover = handover_of(context_, download);
    auto whole = TRY(volumes::find_whole(context_.client(), handover, stop));
    if (!whole) {
      TRY(bring_back(download, pod, progress, stop));
      whole = TRY(volumes::mark_whole(context_.client(), handover, stop));
    }
    TRY(volumes::hand_over(context_.client(), handover, *whole,
                           Deadline::after(context_.config.resource_timeout), stop)
            .wrap("giving claim {}/{} its volume {}", handover.target_ns, handover.target_claim,
                  *whole));
    return done;
  }

  // Its volume may be whole, and on its way to the claim.
  bool can_do_without_pod(const DataDownload& download, std::stop_token stop) override {
    if (is_in_place(download)) return false;
    const auto whole =
        volumes::find_whole(context_.client(), handover_of(context_, download), std::move(stop));
    return whole && whole->has_value();
  }

  const std::string& pod_namespace(const DataDownload& download) const override {
    return is_in_place(download) ? download.spec.target_volume.ns : context_.config.ns;
  }

  Status clean_up(const DataDownload& download, std::stop_token stop) override {
    if (is_in_place(download)) {
      return remove_pod(context_.client(), pod_namespace(download), download.metadata.name,
                        Deadline::after(kRemoveWithin), std::move(stop));
    }
    return remove_exposed(context_.client(), context_.config.ns, download.metadata.name,
                          Deadline::after(kRemoveWithin), std::move(stop));
  }

 private:
  // A volume that programs write to meanwhile would be neither the old one nor the new one.
  Status hold_in_place(const DataDownload& download, const Json& target, std::stop_token stop) {
    const std::string ns(kube::namespace_of(target));
    if (string_at(target, "status.phase") != "Bound")
      return Error(Code::InvalidArgument, "claim {} has no volume", kube::object_key(target));
    const Json pods = TRY(context_.client().list({.gvr = kHolderKind, .ns = ns}, {}, stop));
    const JsonArray* items = array_at(pods, "items");
    for (const Json& pod : items == nullptr ? JsonArray() : *items) {
      if (!volumes::uses_claim(pod, kube::name_of(target))) continue;
      return Error(Code::InvalidArgument, "pod {} has claim {} mounted: it must be stopped first",
                   kube::object_key(pod), kube::object_key(target));
    }
    const Exposure exposure{
        .ns = ns,
        .name = download.metadata.name,
        .claim = std::string(kube::name_of(target)),
        .label = std::string(model::labels::kDataDownload),
        .volume_mode = std::string(string_at(target, "spec.volumeMode")),
        .storage_class = std::string(string_at(target, "spec.storageClassName"))};
    // No account of Velero's is there.
    MoverImage image = context_.image;
    image.service_account.clear();
    image.pull_secrets = Json();
    return ensure_object(context_.client(), kHolderKind,
                         holding_pod(exposure, context_.settings, image), std::move(stop));
  }

  // Where a class waits for the first pod, the volume goes to the node of that pod.
  Result<std::string> node_for(const Json& target,
                               const std::string& storage_class,
                               std::stop_token stop) const {
    if (storage_class.empty() || context_.settings.ignore_delay_binding) return std::string();
    const Json found =
        TRY(context_.client()
                .get({.gvr = {"storage.k8s.io", "v1", "storageclasses"}, .name = storage_class}, {},
                     std::move(stop))
                .wrap("storage class {}", storage_class));
    if (string_at(found, "volumeBindingMode") != "WaitForFirstConsumer") return std::string();
    std::string node(kube::annotation_of(target, "volume.kubernetes.io/selected-node"));
    if (node.empty()) {
      return Error(Code::Unavailable,
                   "no pod has come for claim {}, and its class {} waits for one",
                   kube::object_key(target), storage_class);
    }
    return node;
  }

  Status bring_back(const DataDownload& download,
                    const Json* pod,
                    repository::Progress& progress,
                    std::stop_token stop) const {
    if (pod == nullptr) return Error(Code::NotFound, "its pod is gone");
    const HostVolume volume = TRY(
        find_host_volume(context_.client(), context_.config.host_pods, *pod, kHeldVolume, stop));
    TRY(volumes::ensure_repository(context_.client(),
                                   {.ns = context_.config.ns,
                                    .volume_namespace = download.spec.source_namespace,
                                    .location = download.spec.backup_storage_location,
                                    .type = std::string(volumes::kKopia)},
                                   Deadline::after(context_.config.resource_timeout), stop));
    const auto repository =
        TRY(open_repository(context_, download.spec.backup_storage_location,
                            download.spec.source_namespace, std::string(volumes::kKopia), stop));
    const auto& settings = download.spec.data_mover_config;
    return repository->restore(download.spec.snapshot_id,
                               {.target = volume.directory,
                                .sparse = model::write_sparse_files(settings),
                                .parallel_files = model::parallel_files_download(settings),
                                .block = volume.block,
                                .exact = is_in_place(download)},
                               progress, stop);
  }
};

}  // namespace

std::unique_ptr<server::Controller> make_data_download_controller(const AgentContext& context) {
  return std::make_unique<DataDownloads>(context);
}

}  // namespace lateen::agent
