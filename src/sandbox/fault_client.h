// Faults of a running sandbox, asked for from another process: what `lateen sandbox fault` does.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "sandbox/faults/fault.h"

namespace lateen::sandbox {

// Each: NotFound when no sandbox runs in that folder.

// The name under which it is kept.
Result<std::string> add_fault(const FilePath& dir, const Fault& fault, std::stop_token stop);

// Each as to_json() makes it, with `matched` and `struck`: how often something fitted, and how
// often it failed.
Result<std::vector<Json>> list_faults(const FilePath& dir, std::stop_token stop);

// Of that name, or all for "". How many there were.
Result<std::int64_t> clear_faults(const FilePath& dir,
                                  const std::string& name,
                                  std::stop_token stop);

}  // namespace lateen::sandbox
