// What a backup does not hold, as `backup describe` tells it. Backups by Velero have no such
// document, and nothing is said of them.
#pragma once

#include <optional>

#include "assurance/backup_coverage.h"
#include "cli/describe.h"
#include "cli/describe_text.h"

namespace lateen::cli {

// Nothing when the bucket has none, or when started under Velero's name.
std::optional<assurance::BackupCoverage> coverage_document(const DescribedBackup& described,
                                                           const DescribeStyle& style);

// Counts, and with --details each by itself.
void describe_coverage(DescriptionText& out, const DescribedBackup& described);

}  // namespace lateen::cli
