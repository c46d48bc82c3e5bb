// Writes how far a run is into its object's status, at most once a second, from whatever thread
// tells it.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <thread>

#include "base/thread.h"
#include "model/backup.h"
#include "model/restore.h"
#include "server/context.h"

namespace lateen::server {

// Patches status.progress alone, so that it never fights with who writes phases. A patch that fails
// is left to the next one. Thread-safe.
class ProgressWriter {
 public:
  ProgressWriter(const ServerContext& context, const model::Backup& backup);
  ProgressWriter(const ServerContext& context, const model::Restore& restore);
  ProgressWriter(const ProgressWriter&) = delete;
  ProgressWriter& operator=(const ProgressWriter&) = delete;
  ~ProgressWriter();  // without writing once more: the end of a run writes the whole status

  void tell(std::int64_t done, std::int64_t total);

 private:
  ProgressWriter(const ServerContext& context, kube::ObjectPath path, std::string_view done_field);
  void write_until_stopped(std::stop_token stop);

  kube::Client& client_;
  const kube::ObjectPath path_;
  const std::string done_field_;
  Mutex mu_;
  std::int64_t done_ LATEEN_GUARDED_BY(mu_) = 0;
  std::int64_t total_ LATEEN_GUARDED_BY(mu_) = 0;
  std::jthread writer_;
};

}  // namespace lateen::server
