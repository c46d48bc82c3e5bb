// Runs a command in a container of a pod over WebSocket (v5.channel.k8s.io, or v4 where the server
// knows no v5).
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen::kube {

class Client;

struct ExecRequest {
  std::string ns = {};
  std::string pod = {};
  std::string container = {};  // empty: the pod's only or default one
  std::vector<std::string> command = {};
  Bytes stdin_bytes = {};        // sent whole, then stdin is closed; empty: no stdin
  ByteCount max_output = 1_MiB;  // kept of each of stdout and stderr; the rest is read and dropped
  Deadline deadline = Deadline::after(std::chrono::seconds(30));
};

struct ExecOutcome {
  int exit_code = 0;
  Bytes out;
  Bytes err;
  bool out_truncated = false;
  bool err_truncated = false;
};

// A command that ran and failed is an outcome with its exit code, not an error. Errors: NotFound
// (no such pod), InvalidArgument (no such container), DeadlineExceeded (the command goes on:
// Kubernetes offers no way to stop it), Unavailable.
Result<ExecOutcome> exec_in_pod(Client& client, const ExecRequest& request, std::stop_token stop);

// The exit code in what came on channel 3: 0 for Success, the ExitCode cause's number, an error for
// any other failure.
Result<int> exit_code_of_status(const Json& status);

}  // namespace lateen::kube
