// Velero's metrics, by their own names, in Prometheus' text form; and ours beside them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/backup.h"
#include "model/restore.h"

namespace lateen::server {

using MetricLabels = std::map<std::string, std::string>;

// One figure of a family.
struct MetricSample {
  MetricLabels labels = {};
  double value = 0;
};

// Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void location_available(std::string_view location, bool available);

  void backup_started(const model::Backup& backup);
  void backup_failed_validation(const model::Backup& backup);
  // In a terminal phase. `tarball_size` in bytes, 0 if unknown.
  void backup_ended(const model::Backup& backup, ByteCount tarball_size);
  void backups_present(std::size_t count);
  void backup_deletion(const std::string& schedule, bool success);

  void restore_started(const model::Restore& restore, const std::string& schedule);
  void restore_ended(const model::Restore& restore, const std::string& schedule);
  void restores_present(std::size_t count);

  void repository_maintained(std::string_view repository, bool success, Duration took);

  // What a former server counted is not known any more, but what a schedule's backups say of
  // themselves is: its series begin with that. Called for each schedule that there is, once.
  void schedule_seen(const std::string& schedule, const model::Backup* last_good);
  // Its series go: a schedule that is gone would be alarmed about for ever.
  void schedule_gone(const std::string& schedule);
  // The series that have the names of other backups go (velero_csi_snapshot_*).
  void backups_known(const std::vector<model::Backup>& backups);

  // For what is not Velero's. The names of families are whole ("lateen_drill_last_status"), and
  // each has one help text for ever.
  //
  // The figures take the place of all that the family had: what is gone is not shown any more.
  void set_gauges(const std::string& family,
                  const std::string& help,
                  const std::vector<MetricSample>& samples);
  void count(const std::string& family,
             const std::string& help,
             const MetricLabels& labels,
             double by = 1);

  // What GET /metrics answers, the process's own figures included.
  std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace lateen::server
