#include "restore/pod_volume_restores.h"

#include <algorithm>
#include <array>

#include "base/duration.h"
#include "base/thread.h"
#include "kube/informer.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/restarts.h"
#include "model/uploader_settings.h"
#include "restore/action.h"
#include "restore/run.h"
#include "volumes/node_agent.h"
#include "volumes/volume_repository.h"

namespace lateen::restore {
namespace {

using model::DataPhase;
using model::PodVolumeBackup;
using model::PodVolumeRestore;

const kube::GroupVersionResource kRestores{"velero.io", "v1", "podvolumerestores"};
constexpr std::string_view kPods = "pods";
constexpr Duration kLook = std::chrono::milliseconds(500);
constexpr Duration kCancelWithin = std::chrono::seconds(20);
// A pod is looked at now and then while nothing happens: it may never come to run.
constexpr int kLooksBetweenChecks = 10;

Duration timeout_of(const PodVolumeRestoreTools& tools) {
  const std::string_view asked =
      tools.restore.metadata.annotation(model::annotations::kPodVolumeTimeout);
  if (asked.empty()) return tools.timeout;
  const auto parsed = parse_go_duration(asked);
  return parsed && *parsed > Duration::zero() ? *parsed : tools.timeout;
}

// Files are only put into volumes that the restore itself is to bring, since what somebody else has
// prepared is not written over; and only by way of a pod, whose node has the volume.
bool has_kind(const model::RestoreSpec& spec, const std::array<std::string_view, 3>& names) {
  const auto named = [&names](const model::StringList& list) {
    return std::any_of(list.begin(), list.end(), [&names](const std::string& name) {
      return name == "*" || std::find(names.begin(), names.end(), name) != names.end();
    });
  };
  return !named(spec.excluded_resources) &&
         (spec.included_resources.empty() || named(spec.included_resources));
}

bool restores_files(const model::RestoreSpec& spec) {
  return spec.restore_pvs != false && has_kind(spec, {"pods", "pod", "po"}) &&
         has_kind(spec, {"persistentvolumeclaims", "persistentvolumeclaim", "pvc"}) &&
         has_kind(spec, {"persistentvolumes", "persistentvolume", "pv"});
}

struct Begun {
  std::string name;  // of the PodVolumeRestore
  std::string pod_ns;
  std::string pod;
  std::string claim;  // empty: the volume is the pod's own
};

class PodVolumeRestores final : public ItemExtension {
 public:
  explicit PodVolumeRestores(PodVolumeRestoreTools tools)
      : tools_(std::move(tools)),
        enabled_(restores_files(tools_.restore.spec)),
        deadline_(Deadline::after(timeout_of(tools_))),
        restores_(tools_.client,
                  {.gvr = kRestores, .ns = tools_.restore.metadata.ns},
                  {.label_selector = fmt::format(
                       "{}={}", model::labels::kRestoreUid, tools_.restore.metadata.uid)}) {}

  bool brings_back(const model::BackupVolumeInfo& volume) const override {
    if (!enabled_ || volume.backup_method != model::VolumeBackupMethod::PodVolumeBackup)
      return false;
    return std::any_of(
        tools_.copies.begin(), tools_.copies.end(), [&](const PodVolumeBackup& copy) {
          return copy.spec.pod.ns == volume.pvc_namespace &&
                 copy.metadata.annotation(model::annotations::kPvcName) == volume.pvc_name &&
                 copy.status.phase == DataPhase::Completed;
        });
  }

  Result<ActionVerdict> prepare(std::string_view group_resource,
                                Json& object,
                                const Json& original,
                                const ActionContext&) const override {
    ActionVerdict verdict;
    if (group_resource != kPods) return verdict;
    std::vector<std::string> volumes;
    if (enabled_) {
      for (const auto& [name, copy] :
           copies_of_pod(tools_.copies, object, kube::namespace_of(original)))
        volumes.push_back(name);
    }
    add_wait_container(object, volumes, tools_.restore.metadata.uid, tools_.container);
    return verdict;
  }

  Status created(std::string_view group_resource,
                 const kube::ObjectPath&,
                 const Json& there,
                 const Json& original,
                 std::stop_token stop) override {
    if (group_resource != kPods || !enabled_) return {};
    const auto copies = copies_of_pod(tools_.copies, there, kube::namespace_of(original));
    for (const auto& [volume, copy] : copies)
      TRY(begin(there, *copy, stop).wrap("restoring the files of volume {}", volume));
    return {};
  }

  Status finish(RestoreOutcome& outcome, std::stop_token stop) override {
    for (const Begun& one : begun()) {
      const Status waited = wait_for(one, stop);
      if (stop.stop_requested()) return cancel_all();
      auto ended = read(one.name);
      if (!ended) {
        fail(outcome, one, ended.error().message());
        continue;
      }
      tell(outcome, one, *ended, waited);
      outcome.volumes.push_back(info_of(one, *ended));
    }
    return {};
  }

 private:
  Status begin(const Json& pod, const PodVolumeBackup& copy, std::stop_token stop) {
    const std::string type =
        copy.spec.uploader_type.empty() ? std::string(volumes::kRestic) : copy.spec.uploader_type;
    TRY(volumes::ensure_repository(tools_.client,
                                   {.ns = tools_.restore.metadata.ns,
                                    .volume_namespace = copy.spec.pod.ns,
                                    .location = tools_.location,
                                    .type = type},
                                   deadline_.earlier_of(Deadline::after(tools_.repository_timeout)),
                                   stop));
    const PodVolumeRestore wanted =
        new_pod_volume_restore(tools_.restore, pod, copy, tools_.location);
    std::optional<Json> made = TRY(find_earlier(wanted, stop));
    if (!made) {
      made = TRY(tools_.client
                     .create({.gvr = kRestores, .ns = tools_.restore.metadata.ns},
                             model::to_json(wanted), {}, std::move(stop))
                     .wrap("creating a PodVolumeRestore"));
    }
    const Lock lock(mu_);
    if (begun_.empty()) restores_.start();
    begun_.push_back(
        {.name = std::string(kube::name_of(*made)),
         .pod_ns = wanted.spec.pod.ns,
         .pod = wanted.spec.pod.name,
         .claim = std::string(copy.metadata.annotation(model::annotations::kPvcName))});
    return {};
  }

  // One that a run before this one, which was interrupted, has asked for.
  Result<std::optional<Json>> find_earlier(const PodVolumeRestore& wanted,
                                           std::stop_token stop) const {
    std::optional<Json> none;
    if (model::restarts_of(tools_.restore.metadata) == 0) return none;
    const Json list =
        TRY(tools_.client.list({.gvr = kRestores, .ns = tools_.restore.metadata.ns},
                               {.label_selector = fmt::format("{}={}", model::labels::kRestoreUid,
                                                              tools_.restore.metadata.uid)},
                               std::move(stop)));
    const JsonArray* items = array_at(list, "items");
    if (items == nullptr) return none;
    for (const Json& item : *items) {
      const auto one = model::from_json<PodVolumeRestore>(item);
      const bool same =
          one && one->spec.pod.uid == wanted.spec.pod.uid && one->spec.volume == wanted.spec.volume;
      if (!same || one->spec.cancel) continue;
      const DataPhase phase = one->status.phase.value();
      if (phase != DataPhase::Failed && phase != DataPhase::Canceled) return std::optional(item);
    }
    return none;
  }

  std::vector<Begun> begun() const {
    const Lock lock(mu_);
    return begun_;
  }

  // An Error says why it will not end.
  Status wait_for(const Begun& one, std::stop_token stop) {
    const std::string key = kube::object_key(tools_.restore.metadata.ns, one.name);
    bool seen = false;
    const auto ended = [&seen](const Json* now) {
      if (now == nullptr) return seen;
      seen = true;
      const auto read = model::from_json<PodVolumeRestore>(*now);
      return read && model::is_terminal(read->status.phase.value());
    };
    for (int look = 1;; ++look) {
      if (restores_.wait_until(key, ended, deadline_.earlier_of(Deadline::after(kLook)), stop))
        return {};
      if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
      if (deadline_.expired()) {
        cancel(one.name);
        return Error(Code::DeadlineExceeded,
                     "timed out waiting for all PodVolumeRestores to complete");
      }
      if (look % kLooksBetweenChecks != 0) continue;
      const Status hopeful = check_pod(one, stop);
      if (hopeful || stop.stop_requested()) continue;
      cancel(one.name);
      return hopeful;
    }
  }

  Status check_pod(const Begun& one, std::stop_token stop) {
    auto pod =
        tools_.client.get({.gvr = {"", "v1", "pods"}, .ns = one.pod_ns, .name = one.pod}, {}, stop);
    if (!pod) {
      if (!pod.error().is(Code::NotFound)) return {};  // nobody knows: it is asked again
      return Error(Code::NotFound, "the pod was deleted before its files were restored");
    }
    const std::string_view node = string_at(*pod, "spec.nodeName");
    if (node.empty()) return {};
    const Status agent = volumes::check_node_agent(tools_.client, tools_.restore.metadata.ns, node,
                                                   tools_.clock, std::move(stop));
    return agent || !agent.error().is(Code::NotFound) ? Status() : agent;
  }

  void cancel(const std::string& name) const {
    const auto asked = tools_.client.patch(path(name), kube::PatchType::Merge,
                                           JsonObject{{"spec", JsonObject{{"cancel", true}}}},
                                           {.deadline = Deadline::after(kCancelWithin)});
    if (asked || asked.error().is(Code::NotFound)) return;
    tools_.log.warning("Could not cancel a PodVolumeRestore",
                       {{"podVolumeRestore", name}, {"error", asked.error()}});
  }

  Status cancel_all() const {
    for (const Begun& one : begun()) {
      const auto now = read(one.name);
      if (now && !model::is_terminal(now->status.phase.value())) cancel(one.name);
    }
    return Error(Code::Canceled, "the restore was stopped");
  }

  Result<PodVolumeRestore> read(const std::string& name) const {
    const Json now = TRY(tools_.client.get(path(name)));
    return model::from_json<PodVolumeRestore>(now);
  }

  void fail(RestoreOutcome& outcome, const Begun& one, std::string_view why) const {
    tools_.log.error("The files of a pod's volume were not restored",
                     {{"namespace", one.pod_ns}, {"name", one.pod}, {"error", why}});
    outcome.results.errors.add(one.pod_ns, fmt::format("pods {}: {}", one.pod, why));
  }

  void tell(RestoreOutcome& outcome,
            const Begun& one,
            const PodVolumeRestore& ended,
            const Status& waited) const {
    switch (ended.status.phase.value()) {
      case DataPhase::Completed:
        tools_.log.info("The files of a pod's volume are restored",
                        {{"namespace", one.pod_ns},
                         {"name", one.pod},
                         {"volume", ended.spec.volume},
                         {"bytes", ended.status.progress.bytes_done}});
        return;
      case DataPhase::Failed:
        return fail(outcome, one,
                    fmt::format("pod volume restore failed: {}", ended.status.message));
      case DataPhase::Canceled:
        if (waited) {
          return fail(outcome, one,
                      fmt::format("pod volume restore canceled: {}", ended.status.message));
        }
        break;
      default:
        break;
    }
    fail(outcome, one, waited ? "the pod volume restore has not ended" : waited.error().describe());
  }

  model::RestoreVolumeInfo info_of(const Begun& one, const PodVolumeRestore& ended) const {
    model::RestoreVolumeInfo info;
    info.pvc_name = one.claim;
    if (!one.claim.empty()) info.pvc_namespace = one.pod_ns;
    info.restore_method = model::VolumeRestoreMethod::PodVolumeRestore;
    model::PodVolumeInfo pvr;
    pvr.snapshot_handle = ended.spec.snapshot_id;
    pvr.size = ended.status.progress.total_bytes;
    pvr.uploader_type = ended.spec.uploader_type;
    pvr.volume_name = ended.spec.volume;
    pvr.pod_name = one.pod;
    pvr.pod_namespace = one.pod_ns;
    pvr.node_name = ended.status.node;
    pvr.phase = ended.status.phase.text();
    info.pvr_info = std::move(pvr);
    return info;
  }

  kube::ObjectPath path(const std::string& name) const {
    return {.gvr = kRestores, .ns = tools_.restore.metadata.ns, .name = name};
  }

  const PodVolumeRestoreTools tools_;
  const bool enabled_;
  const Deadline deadline_;
  kube::Informer restores_;
  mutable Mutex mu_;
  std::vector<Begun> begun_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<ItemExtension> make_pod_volume_restores(PodVolumeRestoreTools tools) {
  return std::make_unique<PodVolumeRestores>(std::move(tools));
}

PodVolumeRestore new_pod_volume_restore(const model::Restore& restore,
                                        const Json& pod,
                                        const PodVolumeBackup& copy,
                                        std::string_view location) {
  PodVolumeRestore made;
  made.metadata.ns = restore.metadata.ns;
  made.metadata.generate_name = restore.metadata.name + "-";
  made.metadata.owner_references = {model::controlled_by(restore)};
  made.metadata.labels = {
      {std::string(model::labels::kRestoreName), model::valid_name(restore.metadata.name)},
      {std::string(model::labels::kRestoreUid), restore.metadata.uid},
      {std::string(model::labels::kPodUid), std::string(kube::uid_of(pod))}};
  made.spec.pod.kind = "Pod";
  made.spec.pod.ns = kube::namespace_of(pod);
  made.spec.pod.name = kube::name_of(pod);
  made.spec.pod.uid = kube::uid_of(pod);
  made.spec.volume = copy.spec.volume;
  made.spec.backup_storage_location = location;
  made.spec.repo_identifier = copy.spec.repo_identifier;
  // Backups of Velero before 1.10 know restic alone, and do not say so.
  made.spec.uploader_type =
      copy.spec.uploader_type.empty() ? std::string(volumes::kRestic) : copy.spec.uploader_type;
  made.spec.snapshot_id = copy.status.snapshot_id;
  made.spec.source_namespace = copy.spec.pod.ns;
  made.spec.snapshot_size = copy.status.progress.total_bytes;
  made.spec.uploader_settings = model::uploader_settings(restore.spec.uploader_config);
  return made;
}

}  // namespace lateen::restore
