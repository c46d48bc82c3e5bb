// Runs one more program in a running container: what `kubectl exec` and exec probes start.
#pragma once

#include "base/result.h"
#include "sandbox/runtime/container_spec.h"

namespace lateen::sandbox {

// Joins the namespaces of spec.target_pid, runs spec.argv on our own 0, 1 and 2, and answers with
// its exit code (128 + signal). The program is killed when kControlFd ends.
Result<int> exec_in_container(const ContainerSpec& spec);

}  // namespace lateen::sandbox
