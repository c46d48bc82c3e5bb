// The certificate authority that a backup's storage location names, for who downloads from there.
#pragma once

#include <stop_token>
#include <string>

#include "base/result.h"
#include "cli/session.h"
#include "model/requests.h"

namespace lateen::cli {

// As PEM; empty when the location names none, or when there is no such backup, restore or location
// any more. `name` is the backup's or, by the kind of document, the restore's.
Result<std::string> location_ca(const Session& session,
                                model::DownloadTargetKind kind,
                                const std::string& name,
                                std::stop_token stop);

}  // namespace lateen::cli
