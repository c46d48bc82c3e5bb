// One pass over a tarball from its beginning. Inner header of archive/.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_limits.h"
#include "archive/archive_paths.h"
#include "archive/refused_entry.h"
#include "base/byte_source.h"
#include "base/result.h"
#include "base/tar.h"

namespace lateen::archive {

struct ScanResult {
  std::string format_version;         // empty when the archive does not say
  std::vector<RefusedEntry> refused;  // at most 20
};

// Gets each entry that is an object, standing at its content, which it may leave unread.
using VisitObject = std::function<Status(const ParsedEntryName& entry, TarReader& tar)>;

// To the end of the compressed stream, so that its checksums have been seen.
Result<ScanResult> scan_tarball(ByteSource& gzipped,
                                const ArchiveLimits& limits,
                                const VisitObject& visit,
                                std::stop_token stop);

}  // namespace lateen::archive
