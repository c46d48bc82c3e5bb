// Who gets a prepared object into the cluster, or says what would become of it.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/resource.h"

namespace lateen::restore {

enum class ItemOutcome { Created, Updated, Skipped, Failed };

// "created", …: as the resource list says it.
std::string_view to_string(ItemOutcome outcome);

struct CreatedItem {
  ItemOutcome outcome = ItemOutcome::Failed;
  // As it is in the cluster now. Of what was created only pods and claims: nobody looks into the
  // others' answers.
  Json object = {};
  std::vector<std::string> warnings = {};
};

// An object that is ready: stripped, changed by the actions, labelled. Views for one call.
struct Candidate {
  const kube::ObjectPath& path;
  const Json& object;
  const Json& original;  // as it lies in the backup
};

// Thread-safe.
class ItemBringer {
 public:
  ItemBringer() = default;
  ItemBringer(const ItemBringer&) = delete;
  ItemBringer& operator=(const ItemBringer&) = delete;
  virtual ~ItemBringer() = default;

  virtual Result<CreatedItem> bring(const Candidate& candidate, std::stop_token stop) = 0;
};

}  // namespace lateen::restore
