// The client's own settings: $HOME/.config/velero/config.json, a flat JSON object of strings, as
// Velero keeps it.
#pragma once

#include "base/result.h"
#include "model/object_meta.h"

namespace lateen::cli {

// Empty when there is no file; InvalidArgument when it is not such an object.
Result<model::StringMap> read_client_config();

// The folder is made with mode 0700, the file has 0600.
Status write_client_config(const model::StringMap& config);

}  // namespace lateen::cli
