// Makes the namespaces that a restore's objects go to.
#pragma once

#include <stop_token>
#include <string>

#include "archive/archive_reader.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/client.h"

namespace lateen::restore {

// Creates `target` like the backed-up namespace `source` (labels, annotations, spec), or bare if
// the backup has none. One that exists is left as it is; one that is being deleted is waited for.
// Says whether it was created.
Result<bool> ensure_namespace(kube::Client& client,
                              const archive::ArchiveReader& archive,
                              const std::string& source,
                              const std::string& target,
                              Deadline deadline,
                              std::stop_token stop);

}  // namespace lateen::restore
