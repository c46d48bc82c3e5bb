// Reads a container's log file back as the API shows it: text, the last lines, from a time on,
// following.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sandbox/api/pod_runtime.h"

namespace lateen::sandbox {

// `is_live` says whether more may come: a follower ends when it answers no and all was read. A log
// that does not exist is an empty one.
std::unique_ptr<LogStream> open_log(std::string path,
                                    const LogOptions& options,
                                    std::function<bool()> is_live);

}  // namespace lateen::sandbox
