// Everything that one container process needs to know, decided beforehand by the runtime: no
// look-ups are left to do inside. It travels as JSON from the sandbox to `lateen
// __sandbox-container`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace lateen::sandbox {

// A directory or file of the machine that appears in the container.
struct BindMount {
  std::string source;  // absolute, on the machine; must exist
  std::string target;  // absolute, in the container; made when missing
  bool read_only = false;
};

enum class ContainerMode {
  Run,    // set up the namespaces and the root, run argv under an init, keep its log
  Exec,   // run argv inside the namespaces of a running container, on our own 0, 1 and 2
  Probe,  // find out whether this machine allows the namespaces at all
};

// Plain value.
struct ContainerSpec {
  ContainerMode mode = ContainerMode::Run;
  std::vector<std::string> argv;
  std::vector<std::string> env;  // NAME=value
  std::string working_dir;       // made when missing; empty is /
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::vector<std::uint32_t> groups;  // supplementary, fsGroup included
  std::string hostname;

  // Run and Probe
  std::string scratch;  // an empty directory of ours, to build the root in
  std::vector<BindMount> mounts;
  bool read_only_root = false;
  std::string log_file;  // empty: output goes nowhere
  std::string pid_file;  // written before the container starts; kill_leftover() reads it

  // Exec
  std::int32_t target_pid = 0;     // the container's pid 1, as the machine numbers it
  std::uint64_t target_start = 0;  // its start time, so that a reused pid is noticed
  bool tty = false;                // 0 is a terminal: become its session leader
};

Json to_json(const ContainerSpec& spec);
Result<ContainerSpec> parse_container_spec(const Json& json);

}  // namespace lateen::sandbox
