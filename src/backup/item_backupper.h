// One object's way into a backup: is it to be in, which actions want it, what it leads to.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/backed_up_items.h"
#include "backup/item_action.h"
#include "backup/plan.h"
#include "backup/run.h"
#include "base/json_slice.h"
#include "base/thread.h"
#include "model/item_operation.h"

namespace lateen::backup {

// All of it outlives the backupper.
struct ItemBackupperParts {
  const model::Backup& backup;
  const BackupPlan& plan;
  const BackupTools& tools;
  BackedUpItems& items;
  const ItemActions& actions;
};

// Thread-safe. Errors with one object are logged; an Error comes back when nothing more can be
// written, or when told to stop.
class ItemBackupper {
 public:
  explicit ItemBackupper(const ItemBackupperParts& parts) : parts_(parts) {}

  // An object of a list. Unless an action wants its kind it is stored as it came. Says whether it
  // went in.
  Result<bool> back_up(const kube::ResourceType& type,
                       const ListPage& page,
                       const ObjectSlice& slice,
                       std::stop_token stop);

  // An object that was parsed already.
  Result<bool> back_up(const kube::ResourceType& type, Json object, std::stop_token stop);

  // An object that another one leads to, fetched first. NotFound is a warning.
  Status back_up_related(const RelatedItem& related, const Log& log, std::stop_token stop);

  std::vector<model::BackupOperation> operations() const;

 private:
  bool is_wanted(const ItemId& item, const ObjectSlice& slice, bool must_include) const;
  Result<bool> store(const ItemId& item, Json object, std::stop_token stop);
  void note_operations(const ItemId& item, const ActionOutcome& outcome);

  // What is asked about every object of a kind, found out once.
  struct Kind {
    std::string group_resource;
    bool has_actions = false;
  };

  const Kind& kind_of(const kube::ResourceType& type);
  Log log_of(const ItemId& item) const;
  void log_stored(const ItemId& item, const Kind& kind) const;

  const ItemBackupperParts parts_;
  mutable Mutex mu_;
  std::map<const kube::ResourceType*, Kind> kinds_ LATEEN_GUARDED_BY(mu_);
  std::vector<model::BackupOperation> operations_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::backup
