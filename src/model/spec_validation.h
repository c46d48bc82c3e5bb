// What can be said against a Backup's or a Restore's spec without a cluster, in the words of
// Velero's status.validationErrors. What needs one (whether the location exists, whether a name
// resolves) is the server's.
#pragma once

#include <array>
#include <string_view>

#include "model/backup_spec.h"
#include "model/locations.h"
#include "model/restore.h"

namespace lateen::model {

// Any of included/excludedResources and includeClusterResources is set.
bool uses_old_resource_filters(const BackupSpec& spec);

// Any of the four scoped lists is set.
bool uses_new_resource_filters(const BackupSpec& spec);

// Nothing at all is said about resources. The lists that the server adds by itself do not count, if
// it calls this before adding them.
bool uses_no_resource_filters(const BackupSpec& spec);

// Empty when all is well. The order is Velero's: mixed filters, resource lists, namespaces,
// selectors.
StringList validate(const BackupSpec& spec);

// Types that are never restored; the server adds them to spec.excludedResources.
inline constexpr std::array<std::string_view, 9> kNonRestorableResources = {
    "nodes",
    "events",
    "events.events.k8s.io",
    "backups.velero.io",
    "restores.velero.io",
    "resticrepositories.velero.io",
    "csinodes.storage.k8s.io",
    "volumeattachments.storage.k8s.io",
    "backuprepositories.velero.io",
};

// Adds those that are missing.
void add_non_restorable_resources(RestoreSpec& spec);

StringList validate(const RestoreSpec& spec);

// A credential and a CA given twice, a bucket with a slash in it.
StringList validate(const BackupStorageLocationSpec& spec);

}  // namespace lateen::model
