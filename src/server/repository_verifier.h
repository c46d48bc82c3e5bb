// Reads repositories back, a part at a time, so that each byte is read, opened and hashed once a
// period (--repo-verify-period). Where it is and what it found is in an annotation of each
// BackupRepository, in the metrics and in the log.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// A VerifyRotation as JSON.
inline constexpr std::string_view kVerification = "lateen.io/verification";

std::unique_ptr<Controller> make_repository_verify_controller(const ServerContext& context);

}  // namespace lateen::server
