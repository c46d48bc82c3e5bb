// Which tags our snapshots and volumes carry in EC2. Pure.
//
// `velero`, the default, sets what Velero's own plugin sets: the Backup's labels, velero.io/backup=
// <backup>, velero.io/pv=<volume>, and a copy of the volume's tags; a restored volume gets its
// snapshot's. `owned` sets nothing but velero.io/backup=true, velero.io/backup-name=<backup> and,
// on restored volumes, velero.io/restore=<restore>: an IAM policy can then demand the first tag of
// every creation and allow deletion only where it is. Whichever is set, both are read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "volumes/ebs/ec2_types.h"

namespace lateen::volumes::ebs {

enum class TagProfile { Velero, Owned };

inline constexpr std::string_view kBackupTag = "velero.io/backup";
inline constexpr std::string_view kBackupNameTag = "velero.io/backup-name";
inline constexpr std::string_view kRestoreTag = "velero.io/restore";

// "velero", "owned"; "" is the default.
Result<TagProfile> parse_tag_profile(std::string_view word);

// `wanted` is what the backup says (volume_snapshotter.h), `of_volume` the volume's own.
Tags snapshot_tags(TagProfile profile, const Tags& wanted, const Tags& of_volume);

// `cluster`: AWS_CLUSTER_NAME, if set: then the volume is marked as this cluster's, not as that of
// the backup.
Tags volume_tags(TagProfile profile,
                 const Tags& wanted,
                 const Tags& of_snapshot,
                 const std::optional<std::string>& cluster);

// The same without velero.io/backup-name, for a policy that allows the other two keys alone.
Tags without_backup_name(Tags tags);

// The backup that made this snapshot: of either profile. Nothing if no backup did.
std::optional<std::string> backup_of(const Tags& tags);

}  // namespace lateen::volumes::ebs
