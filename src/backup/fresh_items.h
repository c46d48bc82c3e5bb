// The objects that operations name, as they are when these have ended: what finalizing stores.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "backup/run.h"
#include "base/json.h"
#include "base/result.h"
#include "model/item_operation.h"

namespace lateen::backup {

struct FreshItem {
  std::string version = {};  // "v1"
  Json object = {};
};

// By kind ("deployments.apps"), namespace and name.
using FreshItems = std::map<std::tuple<std::string, std::string, std::string>, FreshItem>;

// Snapshot objects get what a restore must know; plugins' actions see the objects that they apply
// to once more, and may lead to others. What cannot be read or acted on again is a warning or an
// error in the log, and stays as it was. `backup_name` is the label's value.
Result<FreshItems> read_items_again(const std::vector<model::BackupOperation>& operations,
                                    std::string_view backup_name,
                                    const BackupTools& tools,
                                    std::stop_token stop);

}  // namespace lateen::backup
