// What goes on after a backup's tarball is written: asynchronous operations are polled until they
// end, and then the backup is finalized. Today these are CSI snapshots becoming ready to use;
// plugins' operations join here.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "archive/archive_writer.h"
#include "backup/run.h"
#include "base/result.h"
#include "model/item_operation.h"
#include "model/volume_info.h"

namespace lateen::backup {

struct OperationsProgress {
  bool changed = false;  // something is to be stored again
  bool running = false;  // at least one has not ended
  std::int64_t completed = 0;
  std::int64_t failed = 0;  // of all, so far
  std::vector<std::string> new_errors;
};

// Asks for the progress of those that have not ended, and writes it into `operations`. One that is
// older than `timeout` (spec.itemOperationTimeout) fails with "Asynchronous action timed out".
OperationsProgress poll_operations(std::vector<model::BackupOperation>& operations,
                                   Duration timeout,
                                   const BackupTools& tools,
                                   std::stop_token stop);

// Ends those that go on: plugins are told to cancel, and each fails with `reason`.
OperationsProgress cancel_operations(std::vector<model::BackupOperation>& operations,
                                     std::string_view reason,
                                     const BackupTools& tools,
                                     std::stop_token stop);

// Whether finalizing has to write the tarball again: some operation names objects to be stored
// anew.
bool needs_new_contents(const std::vector<model::BackupOperation>& operations);

// Copies the tarball, with the objects that operations name as they are now, and brings the volume
// infos up to date. What cannot be read again is a warning, and stays as it was.
Status finalize_backup(const model::Backup& backup,
                       const std::vector<model::BackupOperation>& operations,
                       std::vector<model::BackupVolumeInfo>& volumes,
                       const BackupTools& tools,
                       const archive::ArchiveReader& before,
                       archive::ArchiveWriter& after,
                       std::stop_token stop);

// Ends the CSI snapshots' life in the cluster once the new tarball is stored; the storage's
// snapshots stay. May be called again after a crash: what is gone already is fine. Says how many
// could not be released: whoever deletes such a one in the cluster deletes the backup's data.
Result<std::int64_t> release_snapshots(const std::vector<model::BackupOperation>& operations,
                                       const BackupTools& tools,
                                       std::stop_token stop);

}  // namespace lateen::backup
