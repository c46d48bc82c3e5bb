// The embedded cluster as one process: `lateen sandbox start|stop|status|reset` call these and
// print what they answer.
//
// A sandbox is a folder: state.db (the objects), ca.crt and ca.key, token.key, kubeconfig (admin,
// 0600), sandbox.json (where it runs), sandbox.log, and what its pods and volumes need. One process
// at a time, held by sandbox.lock.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include <sys/types.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "sandbox/runtime/local_image.h"

namespace lateen::sandbox {

struct SandboxOptions {
  FilePath dir;
  std::uint16_t port = 0;  // 0: the one it had before, or any that is free
  // Run no processes for pods even where the machine would let us.
  bool records_only = false;
  FilePath faults = {};     // a file of faults that it starts with (faults/fault.h); "" for none
  FilePath audit_log = {};  // every request is noted in this file; "" for nowhere
  std::vector<LocalImage> images = {};  // of `run_sandbox` alone: what pods may run by their image
  Log log = {};
};

// $XDG_STATE_HOME/lateen/sandbox, or ~/.local/state/lateen/sandbox.
FilePath default_sandbox_dir();

// Runs it here until the stop. AlreadyExists when another process has this folder.
Status run_sandbox(const SandboxOptions& options, std::stop_token stop);

struct SandboxState {
  FilePath dir = {};
  bool running = false;
  bool ready = false;
  pid_t pid = 0;
  std::string endpoint = {};  // "https://127.0.0.1:40123"
  FilePath kubeconfig = {};
  std::string runtime = {};  // "processes", or why pods are records only
  FilePath log = {};
};

// Where the sandbox of this folder stands. A folder that is none is simply not running.
Result<SandboxState> find_sandbox(const FilePath& dir);

// Starts a process of its own (our binary with `sandbox start --foreground`) and waits until it is
// ready. Answers the running one where there is one already (AlreadyExists when it was to start
// with faults). The error holds the end of the log when it does not come up.
Result<SandboxState> start_sandbox(const SandboxOptions& options,
                                   Deadline deadline,
                                   std::stop_token stop);

// Ends it: SIGTERM, SIGKILL at the deadline. False when none was running.
Result<bool> stop_sandbox(const FilePath& dir, Deadline deadline, std::stop_token stop);

// Stops it and removes the folder. InvalidArgument, and nothing removed, when it is not a
// sandbox's.
Status reset_sandbox(const FilePath& dir, Deadline deadline, std::stop_token stop);

}  // namespace lateen::sandbox
