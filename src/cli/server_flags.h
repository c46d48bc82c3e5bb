// What `lateen server` takes: the flags of velero server 1.14 to 1.18 with their names and
// defaults, our own beside them, and all of them in a file (--config).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/flags.h"
#include "server/config.h"

namespace lateen::cli {

std::vector<FlagSpec> server_flags();

// Flags of velero server that this version does by itself or not at all, and what it does instead.
// They are taken, and named in a warning when given.
struct FlagWithoutEffect {
  std::string_view name;
  std::string_view value;  // Velero's default
  std::string_view why;
};

extern const std::array<FlagWithoutEffect, 4> kServerFlagsWithoutEffect;

// `flags` with what the YAML text of a configuration file says for those that were not given:
// its keys are the names of flags. InvalidArgument for a key that is no flag, or a value that the
// flag would refuse.
Result<Flags> with_config_file(const Flags& flags, std::string_view text);

// Checked; an error names the flag, the value and what would be right.
Result<server::ServerConfig> server_config(const Flags& flags, std::string ns);

}  // namespace lateen::cli
