#include "server/metrics.h"

#include <set>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/thread.h"
#include "base/version.h"
#include "model/names.h"
#include "server/process_metrics.h"

namespace lateen::server {
namespace {

using CounterFamily = prometheus::Family<prometheus::Counter>;
using GaugeFamily = prometheus::Family<prometheus::Gauge>;
using Labels = MetricLabels;

const prometheus::Histogram::BucketBoundaries kDurationBuckets = {60,   300,  600,   900,  1800,
                                                                  3600, 7200, 10800, 14400};

std::string schedule_of(const model::Backup& backup) {
  return std::string(backup.metadata.label(model::labels::kScheduleName));
}

double seconds(TimePoint t) {
  return std::chrono::duration<double>(t.time_since_epoch()).count();
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;

  CounterFamily& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }

  GaugeFamily& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }

  GaugeFamily& location = gauge("velero_backup_location_status_gauge",
                                "The status of a backup location: 1 available, 0 unavailable");
  GaugeFamily& backups = gauge("velero_backup_total", "Backups that exist");
  GaugeFamily& restores = gauge("velero_restore_total", "Restores that exist");
  GaugeFamily& items = gauge("velero_backup_items_total", "Items in the last backup");
  GaugeFamily& item_errors = gauge("velero_backup_items_errors", "Errors of the last backup");
  GaugeFamily& size =
      gauge("velero_backup_tarball_size_bytes", "Size of the last backup's tarball");
  GaugeFamily& last_success = gauge("velero_backup_last_successful_timestamp",
                                    "When a backup last completed, Unix seconds");
  GaugeFamily& last_status = gauge("velero_backup_last_status", "1 if the last backup completed");
  CounterFamily& attempt = counter("velero_backup_attempt_total", "Backups attempted");
  CounterFamily& success = counter("velero_backup_success_total", "Backups completed");
  CounterFamily& partial =
      counter("velero_backup_partial_failure_total", "Backups partially failed");
  CounterFamily& failure = counter("velero_backup_failure_total", "Backups failed");
  CounterFamily& invalid =
      counter("velero_backup_validation_failure_total", "Backups that failed validation");
  CounterFamily& warnings = counter("velero_backup_warning_total", "Backups with warnings");
  CounterFamily& deletion_attempt =
      counter("velero_backup_deletion_attempt_total", "Backup deletions attempted");
  CounterFamily& deletion_success =
      counter("velero_backup_deletion_success_total", "Backup deletions that succeeded");
  CounterFamily& deletion_failure =
      counter("velero_backup_deletion_failure_total", "Backup deletions that failed");
  CounterFamily& restore_attempt = counter("velero_restore_attempt_total", "Restores attempted");
  CounterFamily& restore_success = counter("velero_restore_success_total", "Restores completed");
  CounterFamily& restore_partial =
      counter("velero_restore_partial_failure_total", "Restores partially failed");
  CounterFamily& restore_failed = counter("velero_restore_failed_total", "Restores failed");
  CounterFamily& restore_invalid =
      counter("velero_restore_validation_failed_total", "Restores that failed validation");
  CounterFamily& native_attempt =
      counter("velero_volume_snapshot_attempt_total", "Native snapshots attempted");
  CounterFamily& native_success =
      counter("velero_volume_snapshot_success_total", "Native snapshots completed");
  CounterFamily& native_failure =
      counter("velero_volume_snapshot_failure_total", "Native snapshots failed");
  CounterFamily& csi_attempt =
      counter("velero_csi_snapshot_attempt_total", "CSI snapshots attempted");
  CounterFamily& csi_success =
      counter("velero_csi_snapshot_success_total", "CSI snapshots completed");
  CounterFamily& csi_failure = counter("velero_csi_snapshot_failure_total", "CSI snapshots failed");
  prometheus::Family<prometheus::Histogram>& duration =
      prometheus::BuildHistogram()
          .Name("velero_backup_duration_seconds")
          .Help("How long backups took, in seconds")
          .Register(registry);
  CounterFamily& maintained = counter("velero_repo_maintenance_success_total",
                                      "Maintenance of repositories that succeeded");
  CounterFamily& not_maintained =
      counter("velero_repo_maintenance_failure_total", "Maintenance of repositories that failed");
  prometheus::Family<prometheus::Histogram>& maintenance_duration =
      prometheus::BuildHistogram()
          .Name("velero_repo_maintenance_duration_seconds")
          .Help("How long the maintenance of repositories took, in seconds")
          .Register(registry);

  // Those that begin at zero with each schedule, as Velero's do.
  std::vector<CounterFamily*> by_schedule() {
    return {&attempt,          &success,         &partial,          &failure,
            &invalid,          &warnings,        &deletion_attempt, &deletion_success,
            &deletion_failure, &restore_attempt, &restore_success,  &restore_partial,
            &restore_failed,   &restore_invalid, &native_attempt,   &native_success,
            &native_failure};
  }

  std::vector<CounterFamily*> by_backup() { return {&csi_attempt, &csi_success, &csi_failure}; }

  std::vector<GaugeFamily*> of_last_backup() {
    return {&items, &item_errors, &size, &last_success, &last_status};
  }

  void begin_at_zero(const Labels& labels) {
    for (CounterFamily* family : by_schedule())
      family->Add(labels);
    for (CounterFamily* family : by_backup())
      family->Add({{"schedule", labels.at("schedule")}, {"backupName", ""}});
    items.Add(labels);
    item_errors.Add(labels);
  }

  // The library finds no series by its labels but for adding it.
  template <typename Family>
  static void remove(Family& family, const Labels& labels) {
    family.Remove(&family.Add(labels));
  }

  Mutex mu;
  // Backups with series of their own, and their schedules.
  std::map<std::string, std::string> named LATEEN_GUARDED_BY(mu);
  std::map<std::string, GaugeFamily*> gauges LATEEN_GUARDED_BY(mu);
  std::map<std::string, std::map<Labels, prometheus::Gauge*>> shown LATEEN_GUARDED_BY(mu);
  std::map<std::string, CounterFamily*> counters LATEEN_GUARDED_BY(mu);
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {
  // Backups without a schedule are there from the start, so that rates over them begin at zero.
  const Labels ad_hoc{{"schedule", ""}};
  families_->begin_at_zero(ad_hoc);
  families_->last_status.Add(ad_hoc).Set(1);
  families_->gauge("lateen_build_info", "1, with the version of this program")
      .Add({{"version", std::string(kVersion)}})
      .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::location_available(std::string_view location, bool available) {
  families_->location.Add({{"backup_location_name", std::string(location)}}).Set(available ? 1 : 0);
}

void Metrics::backup_started(const model::Backup& backup) {
  families_->attempt.Add({{"schedule", schedule_of(backup)}}).Increment();
}

void Metrics::backup_failed_validation(const model::Backup& backup) {
  const Labels labels{{"schedule", schedule_of(backup)}};
  families_->invalid.Add(labels).Increment();
  families_->last_status.Add(labels).Set(0);
}

void Metrics::backup_ended(const model::Backup& backup, ByteCount tarball_size) {
  using model::BackupPhase;
  const Labels labels{{"schedule", schedule_of(backup)}};
  const model::BackupStatus& status = backup.status;
  const bool completed = status.phase == BackupPhase::Completed;
  if (completed) families_->success.Add(labels).Increment();
  if (status.phase == BackupPhase::PartiallyFailed) families_->partial.Add(labels).Increment();
  if (status.phase == BackupPhase::Failed) families_->failure.Add(labels).Increment();
  if (status.warnings > 0) families_->warnings.Add(labels).Increment();
  families_->last_status.Add(labels).Set(completed ? 1 : 0);
  if (completed && status.completion_timestamp) {
    families_->last_success.Add(labels).Set(seconds(*status.completion_timestamp));
  }
  if (status.progress) {
    families_->items.Add(labels).Set(static_cast<double>(status.progress->items_backed_up));
  }
  families_->item_errors.Add(labels).Set(static_cast<double>(status.errors));
  if (tarball_size > 0) families_->size.Add(labels).Set(static_cast<double>(tarball_size));
  if (status.start_timestamp && status.completion_timestamp) {
    families_->duration.Add(labels, kDurationBuckets)
        .Observe(seconds(*status.completion_timestamp) - seconds(*status.start_timestamp));
  }
  families_->native_attempt.Add(labels).Increment(
      static_cast<double>(status.volume_snapshots_attempted));
  families_->native_success.Add(labels).Increment(
      static_cast<double>(status.volume_snapshots_completed));
  families_->native_failure.Add(labels).Increment(
      static_cast<double>(status.volume_snapshots_attempted - status.volume_snapshots_completed));
  if (status.csi_volume_snapshots_attempted == 0) return;
  {
    const Lock lock(families_->mu);
    families_->named[backup.metadata.name] = schedule_of(backup);
  }
  const Labels csi{{"schedule", schedule_of(backup)}, {"backupName", backup.metadata.name}};
  families_->csi_attempt.Add(csi).Increment(
      static_cast<double>(status.csi_volume_snapshots_attempted));
  families_->csi_success.Add(csi).Increment(
      static_cast<double>(status.csi_volume_snapshots_completed));
  families_->csi_failure.Add(csi).Increment(static_cast<double>(
      status.csi_volume_snapshots_attempted - status.csi_volume_snapshots_completed));
}

void Metrics::backups_present(std::size_t count) {
  families_->backups.Add({}).Set(static_cast<double>(count));
}

void Metrics::backup_deletion(const std::string& schedule, bool success) {
  const Labels labels{{"schedule", schedule}};
  families_->deletion_attempt.Add(labels).Increment();
  (success ? families_->deletion_success : families_->deletion_failure).Add(labels).Increment();
}

void Metrics::restore_started(const model::Restore&, const std::string& schedule) {
  families_->restore_attempt.Add({{"schedule", schedule}}).Increment();
}

void Metrics::restore_ended(const model::Restore& restore, const std::string& schedule) {
  using model::RestorePhase;
  const Labels labels{{"schedule", schedule}};
  switch (restore.status.phase.value()) {
    case RestorePhase::Completed:
      families_->restore_success.Add(labels).Increment();
      break;
    case RestorePhase::PartiallyFailed:
      families_->restore_partial.Add(labels).Increment();
      break;
    case RestorePhase::Failed:
      families_->restore_failed.Add(labels).Increment();
      break;
    case RestorePhase::FailedValidation:
      families_->restore_invalid.Add(labels).Increment();
      break;
    default:
      break;  // NOLINT: not ended
  }
}

void Metrics::restores_present(std::size_t count) {
  families_->restores.Add({}).Set(static_cast<double>(count));
}

void Metrics::repository_maintained(std::string_view repository, bool success, Duration took) {
  const Labels labels{{"repository_name", std::string(repository)}};
  (success ? families_->maintained : families_->not_maintained).Add(labels).Increment();
  families_->maintenance_duration.Add(labels, kDurationBuckets)
      .Observe(std::chrono::duration<double>(took).count());
}

void Metrics::schedule_seen(const std::string& schedule, const model::Backup* last_good) {
  const Labels labels{{"schedule", schedule}};
  families_->begin_at_zero(labels);
  families_->last_status.Add(labels).Set(1);
  if (last_good == nullptr || !last_good->status.completion_timestamp) return;
  families_->last_success.Add(labels).Set(seconds(*last_good->status.completion_timestamp));
  if (last_good->status.progress) {
    families_->items.Add(labels).Set(
        static_cast<double>(last_good->status.progress->items_backed_up));
  }
}

void Metrics::schedule_gone(const std::string& schedule) {
  const Labels labels{{"schedule", schedule}};
  for (CounterFamily* family : families_->by_schedule())
    Families::remove(*family, labels);
  for (CounterFamily* family : families_->by_backup())
    Families::remove(*family, {{"schedule", schedule}, {"backupName", ""}});
  for (GaugeFamily* family : families_->of_last_backup())
    Families::remove(*family, labels);
  const Lock lock(families_->mu);
  for (const auto& [name, family] : families_->counters) {
    if (name.starts_with("lateen_schedule_")) Families::remove(*family, labels);
  }
  families_->duration.Remove(&families_->duration.Add(labels, kDurationBuckets));
}

void Metrics::backups_known(const std::vector<model::Backup>& backups) {
  std::set<std::string_view> known;
  for (const model::Backup& backup : backups)
    known.insert(backup.metadata.name);
  const Lock lock(families_->mu);
  std::erase_if(families_->named, [&](const auto& one) {
    const auto& [backup, schedule] = one;
    if (known.contains(backup)) return false;
    for (CounterFamily* family : families_->by_backup())
      Families::remove(*family, {{"schedule", schedule}, {"backupName", backup}});
    return true;
  });
}

void Metrics::set_gauges(const std::string& family,
                         const std::string& help,
                         const std::vector<MetricSample>& samples) {
  const Lock lock(families_->mu);
  GaugeFamily*& gauges = families_->gauges[family];
  if (gauges == nullptr) gauges = &families_->gauge(family.c_str(), help.c_str());
  auto& shown = families_->shown[family];
  std::map<Labels, prometheus::Gauge*> now;
  for (const MetricSample& sample : samples) {
    prometheus::Gauge& gauge = gauges->Add(sample.labels);
    gauge.Set(sample.value);
    now[sample.labels] = &gauge;
  }
  for (const auto& [labels, gauge] : shown) {
    if (!now.contains(labels)) gauges->Remove(gauge);
  }
  shown = std::move(now);
}

void Metrics::count(const std::string& family,
                    const std::string& help,
                    const MetricLabels& labels,
                    double by) {
  const Lock lock(families_->mu);
  CounterFamily*& counters = families_->counters[family];
  if (counters == nullptr) counters = &families_->counter(family.c_str(), help.c_str());
  counters->Add(labels).Increment(by);
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect()) +
         process_metrics_text();
}

}  // namespace lateen::server
