// `install --check`: what can be seen of a cluster before anything is installed into it.
#pragma once

#include "base/result.h"
#include "cli/command.h"

namespace lateen::cli {

// Prints what it finds; exit code 0 when nothing stands in the way, 1 otherwise.
Result<int> check_cluster(Invocation& call);

}  // namespace lateen::cli
