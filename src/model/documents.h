// The JSON documents of a backup and a restore in the bucket, as bytes: what Velero's Go encoder
// writes (compact, struct order, <>& escaped, a newline at the end), before gzip. Reading takes any
// JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/backup.h"
#include "model/item_operation.h"
#include "model/native_snapshot.h"
#include "model/pod_volumes.h"
#include "model/results.h"
#include "model/volume_info.h"

namespace lateen::model {

// velero-backup.json: pretty, no newline.
Bytes write_backup(const Backup& backup);
Result<Backup> read_backup(BytesView text);

Bytes write_pod_volume_backups(const std::vector<PodVolumeBackup>& list);      // null when empty
Bytes write_native_snapshots(const std::vector<NativeSnapshot>& list);         // null when empty
Bytes write_backup_operations(const std::vector<BackupOperation>& list);       // [] when empty
Bytes write_restore_operations(const std::vector<RestoreOperation>& list);     // [] when empty
Bytes write_backup_volume_infos(const std::vector<BackupVolumeInfo>& list);    // [] when empty
Bytes write_restore_volume_infos(const std::vector<RestoreVolumeInfo>& list);  // [] when empty
Bytes write_results(const Results& results);
Bytes write_resource_list(const ResourceList& list);

Result<std::vector<PodVolumeBackup>> read_pod_volume_backups(BytesView text);
Result<std::vector<NativeSnapshot>> read_native_snapshots(BytesView text);
Result<std::vector<BackupOperation>> read_backup_operations(BytesView text);
Result<std::vector<RestoreOperation>> read_restore_operations(BytesView text);
Result<std::vector<BackupVolumeInfo>> read_backup_volume_infos(BytesView text);
Result<std::vector<RestoreVolumeInfo>> read_restore_volume_infos(BytesView text);
Result<Results> read_results(BytesView text);
Result<ResourceList> read_resource_list(BytesView text);

// Any array of objects that is passed on unread: the CSI documents of Velero before 1.17.
Result<std::vector<Json>> read_objects(BytesView text);

}  // namespace lateen::model
