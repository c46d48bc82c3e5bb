#include "agent/pod_volume_backups.h"

#include "agent/host_volumes.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/uploader_settings.h"
#include "server/listing.h"

namespace lateen::agent {
namespace {

using model::PodVolumeBackup;

std::string source_name(const PodVolumeBackup& copy) {
  const std::string_view claim = copy.metadata.annotation(model::annotations::kPvcName);
  return fmt::format("{}/{}/{}", copy.spec.pod.ns, copy.spec.pod.name,
                     claim.empty() ? std::string_view(copy.spec.volume) : claim);
}

class PodVolumeBackups final : public server::Controller {
 public:
  explicit PodVolumeBackups(const AgentContext& context) : context_(context) {}

  std::string_view name() const override { return "pod-volume-backup"; }

  Duration period() const override { return std::chrono::minutes(1); }

  void reconcile(std::stop_token stop) override {
    auto copies = server::list_all<PodVolumeBackup>(context_.server, stop);
    if (!copies) return;
    server::sort_by_age(*copies);
    for (const PodVolumeBackup& copy : *copies) {
      if (stop.stop_requested()) return;
      if (copy.spec.node != context_.config.node || model::is_terminal(copy.status.phase.value()))
        continue;
      if (copy.spec.cancel) {
        cancel(context_, copy, stop);
      } else if (copy.metadata.deletion_timestamp) {
        context_.board.stop(copy.metadata.name);
      } else {
        context_.board.start(copy.metadata.name,
                             [this, copy](std::stop_token own) { run(copy, std::move(own)); });
      }
    }
  }

 private:
  void run(const PodVolumeBackup& seen, std::stop_token stop) {
    const auto mine = take(context_, seen, stop);
    if (!mine) {
      if (!server::was_overtaken(mine.error()) && !stop.stop_requested())
        context_.server.log.warning("Could not take a PodVolumeBackup",
                                    {{"name", seen.metadata.name}, {"error", mine.error()}});
      return;
    }
    context_.server.log.info("PodVolumeBackup starts", {{"name", mine->metadata.name},
                                                        {"namespace", mine->spec.pod.ns},
                                                        {"pod", mine->spec.pod.name},
                                                        {"volume", mine->spec.volume}});
    repository::Progress progress;
    volumes::SavedVolume saved;
    FilePath path;
    Status done;
    {
      const ProgressTeller<PodVolumeBackup> teller(
          context_.server, context_.config.progress_interval, mine->metadata.name, progress);
      done = [&]() -> Status {
        saved = TRY(save(*mine, path, progress, stop));
        return {};
      }();
    }
    finish<PodVolumeBackup>(
        context_, mine->metadata.name, done, stop.stop_requested(), [&](PodVolumeBackup& now) {
          now.status.path = path.string();
          now.status.snapshot_id = saved.snapshot_id;
          now.status.message = saved.snapshot_id.empty()
                                   ? "volume was empty so no snapshot was taken"
                                   : unsteady_message(saved);
          now.status.progress.total_bytes = static_cast<std::int64_t>(saved.total);
          now.status.progress.bytes_done = static_cast<std::int64_t>(saved.total);
          now.status.incremental_bytes = static_cast<std::int64_t>(saved.read);
        });
  }

  Result<volumes::SavedVolume> save(const PodVolumeBackup& copy,
                                    FilePath& path,
                                    repository::Progress& progress,
                                    std::stop_token stop) const {
    const Json pod = TRY(
        context_.client()
            .get({.gvr = {"", "v1", "pods"}, .ns = copy.spec.pod.ns, .name = copy.spec.pod.name},
                 {}, stop)
            .wrap("reading the pod"));
    if (!copy.spec.pod.uid.empty() && kube::uid_of(pod) != copy.spec.pod.uid) {
      return Error(Code::NotFound, "pod {}/{} is another one by now", copy.spec.pod.ns,
                   copy.spec.pod.name);
    }
    const HostVolume volume = TRY(find_host_volume(context_.client(), context_.config.host_pods,
                                                   pod, copy.spec.volume, stop));
    if (volume.block)
      return Error(Code::Unsupported,
                   "volume {} is a block device: file-system backup copies files",
                   copy.spec.volume);
    path = volume.path;
    const auto repository = TRY(open_repository(context_.server, context_.config.cache_dir,
                                                {.location = copy.spec.backup_storage_location,
                                                 .volume_namespace = copy.spec.pod.ns,
                                                 .type = copy.spec.uploader_type,
                                                 .limits = context_.limits},
                                                stop));
    return repository->save(
        {.path = volume.directory,
         .name = source_name(copy),
         .requester = volumes::Requester::PodVolume,
         .tags = copy.spec.tags,
         .parallel_files = model::parallel_files_upload(copy.spec.uploader_settings)},
        progress, stop);
  }

  const AgentContext context_;
};

}  // namespace

std::unique_ptr<server::Controller> make_pod_volume_backup_controller(const AgentContext& context) {
  return std::make_unique<PodVolumeBackups>(context);
}

}  // namespace lateen::agent
