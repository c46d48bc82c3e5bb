// What a Backup or Restore asks of the uploader, as Velero hands it on: texts by name, in the
// uploaderSettings of PodVolumeBackups and -Restores and the dataMoverConfig of DataUploads and
// -Downloads.
#pragma once

#include <cstddef>
#include <optional>

#include "model/backup_spec.h"
#include "model/restore.h"

namespace lateen::model {

// Only what is given is named.
StringMap uploader_settings(const std::optional<UploaderConfigForBackup>& config);
StringMap uploader_settings(const std::optional<UploaderConfigForRestore>& config);

// 0 when it is not given, or is no number above 0.
std::size_t parallel_files_upload(const StringMap& settings);
std::size_t parallel_files_download(const StringMap& settings);
bool write_sparse_files(const StringMap& settings);

}  // namespace lateen::model
