#include "backup/pod_volume_action.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/duration.h"
#include "base/thread.h"
#include "kube/informer.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/uploader_settings.h"
#include "volumes/node_agent.h"
#include "volumes/volume_repository.h"

namespace lateen::backup {
namespace {

using model::DataPhase;
using model::PodVolumeBackup;

const kube::GroupVersionResource kCopies{"velero.io", "v1", "podvolumebackups"};
constexpr Duration kCancelWithin = std::chrono::seconds(20);

Duration timeout_of(const PodVolumeTools& tools) {
  const std::string_view asked =
      tools.backup.metadata.annotation(model::annotations::kPodVolumeTimeout);
  if (asked.empty()) return tools.timeout;
  const auto parsed = parse_go_duration(asked);
  return parsed && *parsed > Duration::zero() ? *parsed : tools.timeout;
}

bool has_ended(const Json* copy) {
  const auto read = copy == nullptr ? Result<PodVolumeBackup>(PodVolumeBackup())
                                    : model::from_json<PodVolumeBackup>(*copy);
  return read && model::is_terminal(read->status.phase.value());
}

class Copier final : public PodVolumeCopier {
 public:
  explicit Copier(const PodVolumeTools& tools)
      : tools_(tools),
        deadline_(Deadline::after(timeout_of(tools))),
        copies_(tools.client,
                {.gvr = kCopies, .ns = tools.backup.metadata.ns},
                {.label_selector =
                     fmt::format("{}={}", model::labels::kBackupUid, tools.backup.metadata.uid)}) {}

  Result<std::vector<RefusedPodVolume>> begin(const Json& pod,
                                              const std::vector<ChosenPodVolume>& volumes,
                                              const Log& log,
                                              std::stop_token stop) override {
    std::vector<RefusedPodVolume> refused;
    if (volumes.empty()) return refused;
    auto ready = make_ready(pod, stop);
    for (const ChosenPodVolume& volume : volumes) {
      Status begun = ready ? begin_one(pod, volume, *ready, stop) : ready.error();
      if (begun) {
        log.info("PodVolumeBackup created", {{"volume", volume.name}, {"reason", volume.reason}});
        continue;
      }
      if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
      log.error(
          "Error backing up a pod's volume",
          {{"volume", volume.name}, {"error", begun.error()}, {"hint", begun.error().hint()}});
      refused.push_back({.name = volume.name, .reason = begun.error().message()});
    }
    return refused;
  }

  Status wait_for(const Json& pod, std::stop_token stop) override {
    return wait_until_ended(created_of(kube::object_key(pod)), stop);
  }

  Result<std::vector<PodVolumeBackup>> finish(const Log& log, std::stop_token stop) override {
    const std::vector<std::string> names = created_of({});
    std::vector<PodVolumeBackup> copies;
    if (names.empty()) return copies;
    (void)wait_until_ended(names, stop);  // what has not ended is seen to below
    for (const std::string& name : names) {
      auto copy = read(name);
      if (!copy) {
        log.error("A PodVolumeBackup was lost",
                  {{"podVolumeBackup", name}, {"error", copy.error()}});
        continue;
      }
      if (!model::is_terminal(copy->status.phase.value())) cancel(name, log);
      tell(*copy, log, stop.stop_requested());
      copies.push_back(std::move(*copy));
    }
    return copies;
  }

 private:
  // Its BackupRepository, once a node agent is there to write into it.
  Result<model::BackupRepository> make_ready(const Json& pod, std::stop_token stop) {
    const std::string& ns = tools_.backup.metadata.ns;
    TRY(volumes::check_node_agent(tools_.client, ns, string_at(pod, "spec.nodeName"), tools_.clock,
                                  stop));
    start_following();
    return volumes::ensure_repository(
        tools_.client,
        {.ns = ns,
         .volume_namespace = std::string(kube::namespace_of(pod)),
         .location = tools_.backup.spec.storage_location,
         .type = tools_.uploader_type},
        deadline_.earlier_of(Deadline::after(tools_.repository_timeout)), stop);
  }

  void start_following() {
    const Lock lock(mu_);
    if (following_) return;
    following_ = true;
    copies_.start();
  }

  Status begin_one(const Json& pod,
                   const ChosenPodVolume& volume,
                   const model::BackupRepository& repository,
                   std::stop_token stop) {
    const PodVolumeBackup wanted = new_pod_volume_backup(
        tools_.backup, pod, volume, tools_.uploader_type, repository.spec.restic_identifier);
    const Json made = TRY(tools_.client
                              .create({.gvr = kCopies, .ns = tools_.backup.metadata.ns},
                                      model::to_json(wanted), {}, std::move(stop))
                              .wrap("creating a PodVolumeBackup"));
    const Lock lock(mu_);
    created_[kube::object_key(pod)].emplace_back(kube::name_of(made));
    return {};
  }

  // Of one pod ("ns/name"), or of all.
  std::vector<std::string> created_of(const std::string& pod) const {
    std::vector<std::string> names;
    const Lock lock(mu_);
    for (const auto& [key, created] : created_) {
      if (pod.empty() || key == pod) names.insert(names.end(), created.begin(), created.end());
    }
    return names;
  }

  Status wait_until_ended(const std::vector<std::string>& names, std::stop_token stop) {
    for (const std::string& name : names) {
      bool seen = false;
      const auto ended = [&seen](const Json* copy) {
        if (copy == nullptr) return seen;  // deleted: nobody will finish it
        seen = true;
        return has_ended(copy);
      };
      const Status waited = copies_.wait_until(kube::object_key(tools_.backup.metadata.ns, name),
                                               ended, deadline_, stop);
      if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
      if (!waited) return {};  // too late for the others as well
    }
    return {};
  }

  // Read also when we were told to stop: what there is is noted.
  Result<PodVolumeBackup> read(const std::string& name) const {
    const Json copy = TRY(tools_.client.get(path(name)));
    return model::from_json<PodVolumeBackup>(copy);
  }

  void cancel(const std::string& name, const Log& log) const {
    const auto asked = tools_.client.patch(path(name), kube::PatchType::Merge,
                                           JsonObject{{"spec", JsonObject{{"cancel", true}}}},
                                           {.deadline = Deadline::after(kCancelWithin)});
    if (asked || asked.error().is(Code::NotFound)) return;
    log.warning("Could not cancel a PodVolumeBackup",
                {{"podVolumeBackup", name}, {"error", asked.error()}});
  }

  static void tell(const PodVolumeBackup& copy, const Log& log, bool stopped) {
    const DataPhase phase = copy.status.phase.value();
    const std::initializer_list<LogField> fields = {{"namespace", copy.spec.pod.ns},
                                                    {"name", copy.spec.pod.name},
                                                    {"volume", copy.spec.volume},
                                                    {"podVolumeBackup", copy.metadata.name}};
    if (phase == DataPhase::Completed) {
      if (!copy.status.message.empty() && !copy.status.snapshot_id.empty())
        log.warning(fmt::format("pod volume backup: {}", copy.status.message), fields);
    } else if (phase == DataPhase::Failed) {
      log.error(fmt::format("pod volume backup failed: {}", copy.status.message), fields);
    } else if (phase == DataPhase::Canceled) {
      log.error(fmt::format("pod volume backup canceled: {}", copy.status.message), fields);
    } else if (stopped) {
      log.error("pod volume backup was still running when the backup was stopped", fields);
    } else {
      log.error("timed out waiting for all PodVolumeBackups to complete", fields);
    }
  }

  kube::ObjectPath path(const std::string& name) const {
    return {.gvr = kCopies, .ns = tools_.backup.metadata.ns, .name = name};
  }

  const PodVolumeTools tools_;
  const Deadline deadline_;
  kube::Informer copies_;
  mutable Mutex mu_;
  bool following_ LATEEN_GUARDED_BY(mu_) = false;
  std::map<std::string, std::vector<std::string>> created_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<PodVolumeCopier> make_pod_volume_copier(const PodVolumeTools& tools) {
  return std::make_unique<Copier>(tools);
}

PodVolumeBackup new_pod_volume_backup(const model::Backup& backup,
                                      const Json& pod,
                                      const ChosenPodVolume& volume,
                                      std::string_view uploader_type,
                                      std::string_view repo_identifier) {
  const std::string pod_name(kube::name_of(pod));
  const std::string pod_ns(kube::namespace_of(pod));
  const std::string pod_uid(kube::uid_of(pod));
  PodVolumeBackup made;
  made.metadata.ns = backup.metadata.ns;
  made.metadata.generate_name = backup.metadata.name + "-";
  made.metadata.owner_references = {model::controlled_by(backup)};
  made.metadata.labels = {
      {std::string(model::labels::kBackupName), model::valid_name(backup.metadata.name)},
      {std::string(model::labels::kBackupUid), backup.metadata.uid}};
  made.spec.node = string_at(pod, "spec.nodeName");
  made.spec.pod.kind = "Pod";
  made.spec.pod.ns = pod_ns;
  made.spec.pod.name = pod_name;
  made.spec.pod.uid = pod_uid;
  made.spec.volume = volume.name;
  made.spec.backup_storage_location = backup.spec.storage_location;
  made.spec.repo_identifier = repo_identifier;
  made.spec.uploader_type = uploader_type;
  made.spec.tags = {{"backup", backup.metadata.name},
                    {"backup-uid", backup.metadata.uid},
                    {"pod", pod_name},
                    {"pod-uid", pod_uid},
                    {"ns", pod_ns},
                    {"volume", volume.name}};
  if (volume.claim) {
    const std::string uid(kube::uid_of(*volume.claim));
    made.metadata.annotations[std::string(model::annotations::kPvcName)] =
        kube::name_of(*volume.claim);
    made.metadata.labels[std::string(model::labels::kPvcUid)] = uid;
    made.spec.tags["pvc-uid"] = uid;
  }
  made.spec.uploader_settings = model::uploader_settings(backup.spec.uploader_config);
  return made;
}

}  // namespace lateen::backup
