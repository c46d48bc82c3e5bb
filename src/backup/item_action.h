// What is done with objects of some kinds on their way into a backup: they may be changed, lead to
// other objects, and start operations that go on after the backup's own work. Velero's
// BackupItemActions (v2), built in; a plugin's are adapted to the same interface.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "kube/resource.h"

namespace lateen::backup {

// An object that the acted-on one leads to. It is fetched and backed up right away.
struct RelatedItem {
  kube::GroupResource kind = {};
  std::string ns = {};
  std::string name = {};
  // Whatever the filters say: what a volume's snapshot consists of must be there.
  bool must_include = false;
};

// Something that goes on: it is asked for its progress until it ends, and then the objects named
// here are stored again as they are by then.
struct StartedOperation {
  std::string action;  // "velero.io/csi-volumesnapshot-backupper"
  std::string operation_id;
  std::vector<RelatedItem> items_to_update;
};

struct ActionOutcome {
  std::vector<RelatedItem> related;
  std::vector<StartedOperation> operations;
  bool skip = false;  // it is not to be in the backup after all
};

// Thread-safe.
class ItemAction {
 public:
  ItemAction() = default;
  ItemAction(const ItemAction&) = delete;
  ItemAction& operator=(const ItemAction&) = delete;
  virtual ~ItemAction() = default;

  // As logs name it.
  virtual std::string_view name() const = 0;

  // "persistentvolumeclaims", "deployments.apps".
  virtual bool applies_to(std::string_view group_resource) const = 0;

  // Of the kinds that it applies to: by namespace and labels.
  virtual bool wants(const Json& /*object*/) const { return true; }

  // May change `object`, which is then what is stored. An error keeps the object out of the backup.
  virtual Result<ActionOutcome> execute(Json& object, const Log& log, std::stop_token stop) = 0;
};

using ItemActions = std::vector<std::unique_ptr<ItemAction>>;

// Whether any of them wants objects of this kind: if none does, an object is stored unparsed.
bool any_applies(const ItemActions& actions, std::string_view group_resource);

}  // namespace lateen::backup
