// A backup's objects once more, for people with a bucket browser and tar
// (docs/reference/browse-layout.md):
//
//   resource-list/<resource>.tar.gz       resource-list/<resource>/<namespace>/<name>.yaml
//   volumesnapshots.tar.gz, csi-volumesnapshotcontents.tar.gz, velero-backup-metadata
//
// Nothing reads them back. They lie in the backup's folder, where Velero passes over them, and go
// with it.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "model/backup.h"
#include "model/locations.h"
#include "objects/backup_store.h"

namespace lateen::server {

// The Backup's annotation lateen.io/resource-tarballs decides, else the location's: its config
// `resourceTarballs`, or the same annotation on it, for a location that Velero's plugins use too.
bool wants_browse_layout(const model::Backup& backup, const model::BackupStorageLocation& location);

// Made from the finished tarball, one member of it after the other: a few MiB of memory, whatever
// the size of the backup.
Status put_browse_layout(const model::Backup& backup,
                         objects::BackupStore& store,
                         std::stop_token stop);

}  // namespace lateen::server
