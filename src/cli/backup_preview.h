// `backup create --dry-run`: the plan of a backup, for a person or as a document.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/output.h"
#include "server/backup_preview.h"

namespace lateen::cli {

std::string print_preview(const server::BackupPreview& preview, OutputFormat format);

// What -o json and -o yaml print.
Json preview_document(const server::BackupPreview& preview);

}  // namespace lateen::cli
