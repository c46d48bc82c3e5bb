// A program that was started in a running container, and its streams.
#pragma once

#include <memory>

#include "sandbox/api/pod_runtime.h"
#include "sandbox/runtime/container_process.h"

namespace lateen::sandbox {

// `spec` is of mode Exec; its tty is taken from `options`.
Result<std::unique_ptr<ExecSession>> start_exec(const std::string& program,
                                                ContainerSpec spec,
                                                const ExecOptions& options);

struct ExecResult {
  int exit_code = 0;
  Bytes output;  // both streams, up to 10 KiB: what a probe's event shows
};

// Runs it to its end. DeadlineExceeded if it takes longer; it is killed then.
Result<ExecResult> run_exec(const std::string& program,
                            ContainerSpec spec,
                            Deadline deadline,
                            std::stop_token stop);

}  // namespace lateen::sandbox
