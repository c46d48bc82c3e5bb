#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "model/names.h"

namespace lateen::server {
namespace {

using CounterFamily = prometheus::Family<prometheus::Counter>;
using GaugeFamily = prometheus::Family<prometheus::Gauge>;
using Labels = std::map<std::string, std::string>;

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
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {
  // Backups without a schedule are there from the start, so that rates over them begin at zero.
  const Labels ad_hoc{{"schedule", ""}};
  for (CounterFamily* family :
       {&families_->attempt, &families_->success, &families_->partial, &families_->failure,
        &families_->invalid, &families_->warnings, &families_->deletion_attempt,
        &families_->deletion_success, &families_->deletion_failure, &families_->restore_attempt,
        &families_->restore_success, &families_->restore_partial, &families_->restore_failed,
        &families_->restore_invalid, &families_->native_attempt, &families_->native_success,
        &families_->native_failure}) {
    family->Add(ad_hoc);
  }
  families_->last_status.Add(ad_hoc).Set(1);
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

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace lateen::server
