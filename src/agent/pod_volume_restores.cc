#include "agent/pod_volume_restores.h"

#include <algorithm>

#include "agent/host_volumes.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/uploader_settings.h"
#include "repository/tree/restore_target.h"
#include "restore/pod_volume_action.h"
#include "server/listing.h"

namespace lateen::agent {
namespace {

using model::PodVolumeRestore;

constexpr const char* kMarkFolder = ".velero";

std::string restore_uid_of(const PodVolumeRestore& restore) {
  for (const model::OwnerReference& owner : restore.metadata.owner_references) {
    if (owner.kind == "Restore") return owner.uid;
  }
  return std::string(restore.metadata.label(model::labels::kRestoreUid));
}

class PodVolumeRestores final : public server::Controller {
 public:
  explicit PodVolumeRestores(const AgentContext& context) : context_(context) {}

  std::string_view name() const override { return "pod-volume-restore"; }

  // The pods that are waited for are not watched.
  Duration period() const override {
    return waiting_ ? Duration(std::chrono::milliseconds(500)) : std::chrono::minutes(1);
  }

  void reconcile(std::stop_token stop) override {
    waiting_ = false;
    auto restores = server::list_all<PodVolumeRestore>(context_.server, stop);
    if (!restores) return;
    server::sort_by_age(*restores);
    for (const PodVolumeRestore& restore : *restores) {
      if (stop.stop_requested()) return;
      if (!model::is_terminal(restore.status.phase.value())) look_at(restore, stop);
    }
  }

 private:
  void look_at(const PodVolumeRestore& restore, std::stop_token stop) {
    if (context_.board.has(restore.metadata.name)) {
      if (restore.spec.cancel) cancel(context_, restore, stop);
      if (restore.metadata.deletion_timestamp) context_.board.stop(restore.metadata.name);
      return;
    }
    auto pod = context_.client().get(
        {.gvr = {"", "v1", "pods"}, .ns = restore.spec.pod.ns, .name = restore.spec.pod.name}, {},
        stop);
    const bool same = pod && kube::uid_of(*pod) == restore.spec.pod.uid;
    if (restore.spec.cancel) {
      // Any agent ends one that nobody can have begun; else it is the node's that runs the pod.
      const bool nobodys = restore.status.node.empty();
      if (nobodys || restore.status.node == context_.config.node) cancel(context_, restore, stop);
      return;
    }
    waiting_ = true;
    if (!same || string_at(*pod, "spec.nodeName") != context_.config.node ||
        !is_waiting_for_files(*pod))
      return;
    context_.board.start(restore.metadata.name,
                         [this, restore, pod = std::move(*pod)](std::stop_token own) {
                           run(restore, pod, std::move(own));
                         });
  }

  void run(PodVolumeRestore seen, const Json& pod, std::stop_token stop) {
    PodVolumeRestore mine = seen;
    mine.status.node = context_.config.node;
    auto noted = context_.server.cluster.update(seen, mine, stop);
    auto taken = noted ? take(context_, *noted, stop) : std::move(noted);
    if (!taken) {
      if (!server::was_overtaken(taken.error()) && !stop.stop_requested())
        context_.server.log.warning("Could not take a PodVolumeRestore",
                                    {{"name", seen.metadata.name}, {"error", taken.error()}});
      return;
    }
    context_.server.log.info("PodVolumeRestore starts", {{"name", taken->metadata.name},
                                                         {"namespace", taken->spec.pod.ns},
                                                         {"pod", taken->spec.pod.name},
                                                         {"volume", taken->spec.volume}});
    repository::Progress progress;
    Status done;
    {
      const ProgressTeller<PodVolumeRestore> teller(
          context_.server, context_.config.progress_interval, taken->metadata.name, progress);
      done = bring_back(*taken, pod, progress, stop);
    }
    finish<PodVolumeRestore>(context_, taken->metadata.name, done, stop.stop_requested(),
                             [&progress](PodVolumeRestore& now) {
                               now.status.progress = progress_of(progress);
                               now.status.progress.bytes_done = now.status.progress.total_bytes;
                             });
  }

  Status bring_back(const PodVolumeRestore& restore,
                    const Json& pod,
                    repository::Progress& progress,
                    std::stop_token stop) const {
    const HostVolume volume = TRY(find_host_volume(context_.client(), context_.config.host_pods,
                                                   pod, restore.spec.volume, stop));
    if (volume.block) {
      return Error(Code::Unsupported, "volume {} is a block device: files cannot be put into it",
                   restore.spec.volume);
    }
    const std::string uid = restore_uid_of(restore);
    if (uid.empty())
      return Error(Code::InvalidArgument, "it says of no Restore that it is part of");
    const auto repository = TRY(open_repository(context_.server, context_.config.cache_dir,
                                                {.location = restore.spec.backup_storage_location,
                                                 .volume_namespace = restore.spec.source_namespace,
                                                 .type = restore.spec.uploader_type,
                                                 .limits = context_.limits},
                                                stop));
    const auto& settings = restore.spec.uploader_settings;
    TRY(repository->restore(restore.spec.snapshot_id,
                            {.target = volume.directory,
                             .sparse = model::write_sparse_files(settings),
                             .parallel_files = model::parallel_files_download(settings)},
                            progress, stop));
    return put_done_mark(volume.directory, uid).wrap("telling the pod that its files are there");
  }

  const AgentContext context_;
  bool waiting_ = false;  // its own thread's alone
};

}  // namespace

// A volume's content is the pod's: nothing in it is followed.
Status put_done_mark(const FilePath& volume, const std::string& restore_uid) {
  if (restore_uid.find('/') != std::string::npos)
    return Error(Code::InvalidArgument, "\"{}\" is no uid", restore_uid);
  const auto target = TRY(repository::RestoreTarget::open(volume));
  const UniqueFd root = TRY(target.open_directory(""));
  if (target.stat(root.get(), kMarkFolder)) TRY(target.remove(root.get(), kMarkFolder));
  TRY(target.make_directory(kMarkFolder, true));
  const UniqueFd folder = TRY(target.open_directory(kMarkFolder));
  // The helper is somebody else than we are.
  repository::Entry entry{
      .name = kMarkFolder, .type = repository::EntryType::Directory, .mode = 0755};
  TRY(target.set_metadata(
      folder.get(), entry,
      {.ownership = false, .permissions = true, .times = false, .xattrs = false}));
  TRY(target.create_file(folder.get(), restore_uid));
  return target.sync();
}

bool is_waiting_for_files(const Json& pod) {
  const JsonArray* statuses = array_at(pod, "status.initContainerStatuses");
  return statuses != nullptr &&
         std::any_of(statuses->begin(), statuses->end(), [](const Json& status) {
           const std::string_view name = string_at(status, "name");
           return (name == restore::kWaitContainer || name == restore::kWaitContainerLegacy) &&
                  find(status, "state.running") != nullptr;
         });
}

std::unique_ptr<server::Controller> make_pod_volume_restore_controller(
    const AgentContext& context) {
  return std::make_unique<PodVolumeRestores>(context);
}

}  // namespace lateen::agent
