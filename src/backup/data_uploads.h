// DataUploads: how a backup has the data of CSI snapshots moved into the repository by the node
// agents, while it waits.
#pragma once

#include <stop_token>
#include <string_view>
#include <vector>

#include "backup/fresh_items.h"
#include "kube/client.h"
#include "model/backup.h"
#include "model/data_movement.h"
#include "model/item_operation.h"
#include "model/volume_info.h"
#include "volumes/csi_snapshot.h"

namespace lateen::backup {

// The operation of a DataUpload is the claim's.
inline constexpr std::string_view kMoveAction = "velero.io/csi-pvc-backupper";

// As Velero writes it. Pure.
model::DataUpload new_data_upload(const model::Backup& backup,
                                  const Json& claim,
                                  const volumes::CsiSnapshot& snapshot);

// What the stored claim says of it: a restore knows by this that the data are in the repository.
void mark_moved_claim(Json& claim, const model::DataUpload& upload);

// The DataUpload that an operation waits for, as it is now. NotFound when it is gone.
Result<model::DataUpload> read_upload(const model::BackupOperation& operation,
                                      kube::Client& client,
                                      std::stop_token stop);

// Asks for its end; the node agent that has it hears. What is gone already is fine.
Status cancel_upload(const model::BackupOperation& operation,
                     kube::Client& client,
                     std::stop_token stop);

// What became of moved volumes, from the DataUploads as they are at the end.
void note_moved(const FreshItems& items, std::vector<model::BackupVolumeInfo>& infos);

}  // namespace lateen::backup
