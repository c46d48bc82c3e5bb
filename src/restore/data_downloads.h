// DataDownloads: how a restore has data that were moved into the repository brought back into new
// volumes by the node agents, while it waits for them as for a plugin's operations.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "model/data_movement.h"
#include "model/item_operation.h"
#include "model/restore.h"
#include "restore/item_extension.h"

namespace lateen::archive {
class ArchiveReader;
}

namespace lateen::restore {

// The operation of a DataDownload is the claim's.
inline constexpr std::string_view kBringBackAction = "velero.io/csi-pvc-restorer";

// All references outlive the extension.
struct DataDownloadTools {
  kube::Client& client;
  const model::Restore& restore;
  const Clock& clock;
  Log log;
  std::vector<model::DataUpload> uploads;  // of the backup, as they lie in its tarball
  std::string location;                    // where the data are
};

std::unique_ptr<ItemExtension> make_data_downloads(DataDownloadTools tools);

// The DataUploads that a backup holds. One that cannot be read is told in the log.
Result<std::vector<model::DataUpload>> read_uploads(const archive::ArchiveReader& archive,
                                                    const Log& log);

// As Velero writes it. Pure.
model::DataDownload new_data_download(const model::Restore& restore,
                                      const model::DataUpload& upload,
                                      const Json& claim,
                                      const std::string& operation_id,
                                      std::string_view location);

// Brings the operations that wait for DataDownloads up to date. One that is older than `timeout`
// is canceled and fails. Gives the errors that are new.
std::vector<std::string> poll_downloads(std::vector<model::RestoreOperation>& operations,
                                        const std::string& ns,
                                        Duration timeout,
                                        kube::Client& client,
                                        const Clock& clock,
                                        std::stop_token stop);

// Asks all of a restore that is given up to end; the node agents hear. Also when told to stop.
void cancel_downloads(const model::Restore& restore, kube::Client& client, const Log& log);

}  // namespace lateen::restore
