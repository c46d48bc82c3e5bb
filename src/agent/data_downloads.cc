#include "agent/data_downloads.h"

#include "agent/data_pod.h"
#include "agent/exposure.h"
#include "agent/host_volumes.h"
#include "agent/movement.h"
#include "model/data_movement.h"
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
    TRY(add_cache(exposure, download, stop));
    exposure.arguments = data_pod_arguments(exposure, kRestoreWork, context_.config);
    const PodTemplate pod = TRY(read_pod_template(context_.client(), context_.config.ns, stop));
    return ensure_object(context_.client(), kHolderKind, data_pod(exposure, context_.settings, pod),
                         stop);
  }

  Result<Change> carry_out(const DataDownload& download,
                           const Json* pod,
                           std::stop_token stop) override {
    if (is_in_place(download)) return bring_back(download, pod, std::move(stop));
    const volumes::VolumeHandover handover = handover_of(context_, download);
    auto whole = TRY(volumes::find_whole(context_.client(), handover, stop));
    std::optional<std::int64_t> total;
    if (!whole) {
      if (pod == nullptr) return Error(Code::NotFound, "its pod is gone");
      const auto result = TRY(wait_for_result(context_, download, *pod, kRestoreWork, stop));
      if (!result) return Change();
      total = static_cast<std::int64_t>(result->total);
      whole = TRY(volumes::mark_whole(context_.client(), handover, stop));
    }
    TRY(volumes::hand_over(context_.client(), handover, *whole,
                           Deadline::after(context_.config.resource_timeout), stop)
            .wrap("giving claim {}/{} its volume {}", handover.target_ns, handover.target_claim,
                  *whole));
    return Change([total](DataDownload& now) {
      if (total) now.status.progress.total_bytes = *total;
      now.status.progress.bytes_done = now.status.progress.total_bytes;
    });
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

  bool is_for_agent_of_node(const DataDownload& download) const override {
    return is_in_place(download);
  }

  Status clean_up(const DataDownload& download, std::stop_token stop) override {
    if (is_in_place(download)) {
      return remove_pod(context_.client(), pod_namespace(download), download.metadata.name,
                        Deadline::after(kRemoveWithin), std::move(stop));
    }
    TRY(remove_exposed(context_.client(), context_.config.ns, download.metadata.name,
                       Deadline::after(kRemoveWithin), stop));
    return remove_claim(context_.client(), context_.config.ns,
                        cache_claim_name(download.metadata.name), Deadline::after(kRemoveWithin),
                        std::move(stop));
  }

 private:
  // A volume for the pod's cache, where the agents' ConfigMap asks for one.
  Status add_cache(Exposure& exposure, const DataDownload& download, std::stop_token stop) const {
    if (!context_.settings.cache_claim) return {};
    const CacheClaimSettings& settings = *context_.settings.cache_claim;
    const ByteCount size = settings.size_for(
        static_cast<ByteCount>(std::max<std::int64_t>(0, download.spec.snapshot_size)));
    if (size == 0) return {};
    TRY(ensure_object(context_.client(), kTargetKind, agent::cache_claim(exposure, settings, size),
                      std::move(stop)));
    exposure.cache_claim = cache_claim_name(exposure.name);
    return {};
  }

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
    Exposure exposure{.ns = ns,
                      .name = download.metadata.name,
                      .claim = std::string(kube::name_of(target)),
                      .label = std::string(model::labels::kDataDownload),
                      .volume_mode = std::string(string_at(target, "spec.volumeMode")),
                      .storage_class = std::string(string_at(target, "spec.storageClassName"))};
    exposure.arguments = {"data-mover", "hold"};
    const PodTemplate pod = TRY(read_pod_template(context_.client(), context_.config.ns, stop));
    return ensure_object(context_.client(), kHolderKind,
                         data_pod(exposure, context_.settings, bare(pod)), std::move(stop));
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

  // By ourselves: a pod of the claim's namespace has no right to read the bucket.
  Result<Change> bring_back(const DataDownload& download,
                            const Json* pod,
                            std::stop_token stop) const {
    if (pod == nullptr) return Error(Code::NotFound, "its pod is gone");
    const HostVolume volume = TRY(
        find_host_volume(context_.client(), context_.config.host_pods, *pod, kHeldVolume, stop));
    repository::Progress progress;
    {
      const ProgressTeller<DataDownload> teller(context_.server, context_.config.progress_interval,
                                                download.metadata.name, progress);
      TRY(restore_download({.server = context_.server,
                            .cache_dir = context_.config.cache_dir,
                            .resource_timeout = context_.config.resource_timeout,
                            .limits = context_.limits},
                           download, {.path = volume.directory, .block = volume.block}, progress,
                           std::move(stop)));
    }
    const model::DataProgress end = progress_of(progress);
    return Change([end](DataDownload& now) {
      now.status.progress = end;
      now.status.progress.bytes_done = end.total_bytes;
    });
  }
};

}  // namespace

std::unique_ptr<server::Controller> make_data_download_controller(const AgentContext& context) {
  return std::make_unique<DataDownloads>(context);
}

}  // namespace lateen::agent
