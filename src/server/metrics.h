// Velero's metrics, by their own names, in Prometheus' text form.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/backup.h"
#include "model/restore.h"

namespace lateen::server {

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

  // What GET /metrics answers.
  std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace lateen::server
