#include "agent/data_pod.h"

#include <atomic>
#include <utility>

#include "agent/data_path.h"
#include "agent/data_work.h"
#include "agent/settings_source.h"
#include "agent/throttle.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "kube/events.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/uploader_settings.h"
#include "server/local_context.h"
#include "volumes/data_mover.h"
#include "volumes/node_agent.h"

namespace lateen::agent {
namespace {

using model::DataDownload;
using model::DataUpload;
using server::ServerContext;

constexpr Duration kLookAtObject = std::chrono::seconds(1);  // there may be hundreds of us
constexpr Duration kTellProgress = std::chrono::seconds(2);
constexpr std::size_t kMostOfMessage = 4000;  // kubelet takes 4096 bytes

Result<std::unique_ptr<volumes::VolumeRepository>> repository_of(const DataMover& mover,
                                                                 const std::string& location,
                                                                 const std::string& volume_ns,
                                                                 std::stop_token stop) {
  TRY(volumes::ensure_repository(mover.server.client(),
                                 {.ns = mover.server.config.ns,
                                  .volume_namespace = volume_ns,
                                  .location = location,
                                  .type = std::string(volumes::kKopia)},
                                 Deadline::after(mover.resource_timeout), stop));
  return open_repository(mover.server, mover.cache_dir,
                         {.location = location,
                          .volume_namespace = volume_ns,
                          .type = std::string(volumes::kKopia),
                          .limits = mover.limits},
                         std::move(stop));
}

// Nobody waits for this work any more, or not for ours.
template <typename T>
bool is_given_up(const T& one, const std::string& node) {
  const bool elsewhere = !node.empty() && !one.status.node.empty() && one.status.node != node;
  return one.spec.cancel || one.metadata.deletion_timestamp || elsewhere ||
         model::is_terminal(one.status.phase.value());
}

// The object when an agent has a place for it. Until then the pod is there, and costs little.
template <typename T>
Result<T> wait_for_turn(const ServerContext& server,
                        const DataPodConfig& config,
                        std::stop_token stop) {
  do {
    auto one = server.cluster.get<T>(config.name, stop);
    if (!one && one.error().is(Code::NotFound)) return one;
    if (!one) continue;
    if (is_given_up(*one, config.node)) return Error(Code::Canceled, "{}", kCanceledMessage);
    if (one->status.phase == model::DataPhase::InProgress) return one;
  } while (sleep_unless_stopped(kLookAtObject, stop));
  return Error(Code::Canceled, "{}", kCanceledMessage);
}

// Stops the work when its object is canceled or gone.
template <typename T>
class CancelListener {
 public:
  // All references outlive it.
  CancelListener(const ServerContext& server, const DataPodConfig& config, std::stop_token outer)
      : server_(server),
        config_(config),
        forward_(std::move(outer), [this] { work_.request_stop(); }),
        thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

  std::stop_token token() const { return work_.get_token(); }

 private:
  void run(std::stop_token stop) {
    while (sleep_unless_stopped(kLookAtObject, stop)) {
      const auto one = server_.cluster.get<T>(config_.name, stop);
      const bool gone = !one && one.error().is(Code::NotFound);
      if (!gone && (!one || !is_given_up(*one, config_.node))) continue;
      work_.request_stop();
      return;
    }
  }

  const ServerContext& server_;
  const DataPodConfig& config_;
  std::stop_source work_;
  std::stop_callback<std::function<void()>> forward_;
  std::jthread thread_;
};

// What a watcher of Velero's waits for, besides the pod's end.
class EventTeller {
 public:
  EventTeller(kube::Client& client, const DataPodConfig& config, Json about, const Clock& clock)
      : about_(std::move(about)), recorder_(client, config.name, clock) {}

  void tell(std::string_view reason, std::string_view message) {
    (void)recorder_.record(about_, kube::EventSeverity::Normal, reason,
                           message);  // the pod's end says it as well
  }

 private:
  const Json about_;
  kube::EventRecorder recorder_;
};

template <typename T>
Json reference_to(const T& one) {
  return JsonObject{{"apiVersion", T::kKind.api_version()},
                    {"kind", T::kKind.kind},
                    {"metadata", JsonObject{{"name", one.metadata.name},
                                            {"namespace", one.metadata.ns},
                                            {"uid", one.metadata.uid}}}};
}

void write_message(const DataPodConfig& config, std::string_view message, const Log& log) {
  const Status written = write_file(config.message_file, message.substr(0, kMostOfMessage));
  if (!written) log.warning("Could not say how the work ended", {{"error", written.error()}});
}

Result<DataPathResult> move(const DataMover& mover,
                            const DataUpload& upload,
                            const VolumeAccess& volume,
                            repository::Progress& progress,
                            std::stop_token stop) {
  const volumes::SavedVolume saved =
      TRY(save_upload(mover, upload, volume, progress, std::move(stop)));
  return DataPathResult{.total = saved.total,
                        .snapshot_id = saved.snapshot_id,
                        .incremental = saved.read,
                        .remark = unsteady_message(saved)};
}

Result<DataPathResult> move(const DataMover& mover,
                            const DataDownload& download,
                            const VolumeAccess& volume,
                            repository::Progress& progress,
                            std::stop_token stop) {
  TRY(restore_download(mover, download, volume, progress, std::move(stop)));
  return DataPathResult{.total = progress.total_bytes.load()};
}

// As many as may be at work on a node share what it may take. Where nobody says which node this is,
// or its labels are not ours to read, rules for certain nodes are not for this one.
Result<LimitPlan> plan_of(const DataPodConfig& config,
                          const ServerContext& server,
                          std::stop_token stop) {
  const AgentSettings settings =
      TRY(read_settings(server.client(), config.ns, config.settings_configmap, server.log, stop));
  kube::Labels labels;
  if (!config.node.empty()) {
    const auto node =
        server.client().get({.gvr = {"", "v1", "nodes"}, .name = config.node}, {}, std::move(stop));
    if (node) labels = kube::to_labels(kube::labels_of(*node));
  }
  const LimitPlan plan = TRY(LimitPlan::parse(settings.limits, labels, config.limits));
  return plan.shared_by(settings.concurrency(labels));
}

template <typename T>
Result<DataPathResult> move_in_turn(const DataPodConfig& config,
                                    const ServerContext& server,
                                    std::stop_token stop) {
  const T one = TRY(wait_for_turn<T>(server, config, stop));
  EventTeller events(server.client(), config, reference_to(one), server.clock);
  events.tell("Data-Path-Started", fmt::format("Data path for {} started", config.name));
  const ByteCount memory = memory_limit().value_or(0) / 5 * 4;
  Throttle throttle(TRY(plan_of(config, server, stop)), MemoryPlan::of(memory, 1).each,
                    server.clock, server.log);
  const DataMover mover{.server = server,
                        .cache_dir = config.cache_dir,
                        .resource_timeout = config.resource_timeout,
                        .limits = throttle.limits()};
  repository::Progress progress;
  Result<DataPathResult> moved = Error(Code::Canceled, "it was not begun");
  {
    const CancelListener<T> listener(server, config, stop);
    const ProgressTeller<T> teller(server, kTellProgress, config.name, progress);
    moved = move(mover, one, config.volume, progress, listener.token());
    if (!moved && listener.token().stop_requested())
      moved = Error(Code::Canceled, "{}", kCanceledMessage);
  }
  if (moved) {
    moved->path = config.volume.path.string();
    moved->volume_mode = config.volume.block ? "Block" : "Filesystem";
  }
  events.tell("Data-Path-Stopped", fmt::format("Data path for {} stopped", config.name));
  return moved;
}

template <typename T>
Status run_pod(const DataPodConfig& config,
               const ServerContext& server,
               std::string_view work,
               std::stop_token stop) {
  const Log& log = server.log;
  log.info(fmt::format("{} of a {} waits for its turn", work, T::kKind.kind),
           {{"name", config.name}, {"volume", config.volume.path.string()}});
  const auto moved = move_in_turn<T>(config, server, stop);
  if (moved) {
    const std::string message = write_result(work, *moved);
    log.info(fmt::format("{} of a {} is done", work, T::kKind.kind), {{"result", message}});
    write_message(config, message, log);
    return {};
  }
  // Its node wants to be rid of it: without a word from us it is done elsewhere.
  if (stop.stop_requested()) return moved.error();
  const std::string message =
      moved.error().is(Code::Canceled) ? std::string(kCanceledMessage) : moved.error().describe();
  write_message(config, message, log);
  return moved.error();
}

}  // namespace

bool is_in_place(const DataDownload& download) {
  return download.metadata.annotation(volumes::kInPlaceAnnotation) == "true";
}

Result<volumes::SavedVolume> save_upload(const DataMover& mover,
                                         const DataUpload& upload,
                                         const VolumeAccess& volume,
                                         repository::Progress& progress,
                                         std::stop_token stop) {
  const model::DataUploadSpec& spec = upload.spec;
  const auto repository =
      TRY(repository_of(mover, spec.backup_storage_location, spec.source_namespace, stop));
  volumes::VolumeSource source{
      .path = volume.path,
      .name = fmt::format("{}/{}", spec.source_namespace, spec.source_pvc),
      .requester = volumes::Requester::DataMover,
      .tags = {},
      .parallel_files = model::parallel_files_upload(spec.data_mover_config),
      .block = volume.block};
  const std::string_view operation = upload.metadata.label(model::labels::kAsyncOperationId);
  if (!operation.empty()) source.tags[std::string(model::labels::kAsyncOperationId)] = operation;
  return repository->save(source, progress, std::move(stop));
}

Status restore_download(const DataMover& mover,
                        const DataDownload& download,
                        const VolumeAccess& volume,
                        repository::Progress& progress,
                        std::stop_token stop) {
  const model::DataDownloadSpec& spec = download.spec;
  const auto repository =
      TRY(repository_of(mover, spec.backup_storage_location, spec.source_namespace, stop));
  const auto& settings = spec.data_mover_config;
  return repository->restore(spec.snapshot_id,
                             {.target = volume.path,
                              .sparse = model::write_sparse_files(settings),
                              .parallel_files = model::parallel_files_download(settings),
                              .block = volume.block,
                              .exact = is_in_place(download)},
                             progress, std::move(stop));
}

Status run_upload_pod(const DataPodConfig& config,
                      kube::Client& client,
                      const Clock& clock,
                      Rng& rng,
                      const Log& log,
                      std::stop_token stop) {
  const server::LocalContext local(client, config.ns, clock, rng, log);
  return run_pod<DataUpload>(config, local.get(), kBackupWork, std::move(stop));
}

Status run_download_pod(const DataPodConfig& config,
                        kube::Client& client,
                        const Clock& clock,
                        Rng& rng,
                        const Log& log,
                        std::stop_token stop) {
  const server::LocalContext local(client, config.ns, clock, rng, log);
  return run_pod<DataDownload>(config, local.get(), kRestoreWork, std::move(stop));
}

}  // namespace lateen::agent
