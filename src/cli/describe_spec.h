// What a backup was asked for: told of backups, and of the template in a schedule.
#pragma once

#include "cli/describe_text.h"
#include "model/backup_spec.h"

namespace lateen::cli {

// The ConfigMap of policies and the uploader's settings, if there are any: they stand apart from
// the rest of the spec.
void describe_spec_extras(DescriptionText& out, const model::BackupSpec& spec);

void describe_backup_spec(DescriptionText& out, const model::BackupSpec& spec);

}  // namespace lateen::cli
