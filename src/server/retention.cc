#include "server/retention.h"

#include "base/cron.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/phases.h"

namespace lateen::server {

using assurance::BackupQuality;
using assurance::RetainedBackup;
using assurance::RetentionPolicy;
using model::Backup;
using model::BackupPhase;
using model::Schedule;

namespace {

// Nothing for a backup that has not ended, or is on its way out.
std::optional<BackupQuality> quality_of(BackupPhase phase) {
  if (phase == BackupPhase::Completed) return BackupQuality::Good;
  if (phase == BackupPhase::PartiallyFailed) return BackupQuality::Partial;
  if (phase == BackupPhase::Failed || phase == BackupPhase::FailedValidation)
    return BackupQuality::Failed;
  return std::nullopt;
}

bool was_made_by(const Backup& backup, const Schedule& schedule, std::string_view cluster_uid) {
  const auto made_in = backup.metadata.annotations.find(model::annotations::kClusterUid);
  return backup.metadata.label(model::labels::kScheduleName) == schedule.metadata.name &&
         made_in != backup.metadata.annotations.end() && made_in->second == cluster_uid;
}

void apply(const Schedule& schedule,
           const RetentionPolicy& policy,
           const std::vector<const Backup*>& made,
           RetentionView& view) {
  std::vector<RetainedBackup> retained;
  for (const Backup* backup : made) {
    const BackupPhase phase = backup->status.phase.value();
    // One whose deletion did not succeed: it is asked for again.
    if (phase == BackupPhase::Deleting) view[backup->metadata.name] = std::nullopt;
    const auto quality = quality_of(phase);
    if (!quality) continue;
    const auto& begun = backup->status.start_timestamp ? backup->status.start_timestamp
                                                       : backup->metadata.creation_timestamp;
    retained.push_back(
        {.name = backup->metadata.name, .time = begun.value_or(TimePoint()), .quality = *quality});
  }
  const auto cron = CronSchedule::parse(schedule.spec.schedule);
  const Zone zone = cron ? cron->zone() : Zone();
  for (auto& verdict : assurance::decide_retention(policy, retained, zone))
    view[verdict.name] = verdict.held_as;
}

}  // namespace

Result<std::optional<RetentionPolicy>> retention_of(const Schedule& schedule) {
  const auto text = schedule.metadata.annotations.find(model::annotations::kRetention);
  if (text == schedule.metadata.annotations.end()) return std::optional<RetentionPolicy>();
  return std::optional(TRY(RetentionPolicy::parse(text->second)));
}

RetentionView apply_retention(const std::vector<Schedule>& schedules,
                              const std::vector<Backup>& backups,
                              std::string_view cluster_uid) {
  RetentionView view;
  if (cluster_uid.empty()) return view;
  for (const Schedule& schedule : schedules) {
    // One that can't be read holds and deletes nothing; the Schedule's status says so.
    const auto policy = retention_of(schedule);
    if (!policy || !*policy) continue;
    std::vector<const Backup*> made;
    for (const Backup& backup : backups) {
      if (was_made_by(backup, schedule, cluster_uid)) made.push_back(&backup);
    }
    apply(schedule, **policy, made, view);
  }
  return view;
}

Result<std::string> read_cluster_uid(kube::Client& client, std::stop_token stop) {
  const Json ns = TRY(client.get({.gvr = {"", "v1", "namespaces"}, .name = "kube-system"}, {}, stop)
                          .wrap("telling this cluster from others"));
  return std::string(string_at(ns, "metadata.uid"));
}

}  // namespace lateen::server
