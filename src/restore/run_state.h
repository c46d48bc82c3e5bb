// One restore at work: takes items through preparation, actions and creation, and gathers what
// became of them.
#pragma once

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_reader.h"
#include "base/thread.h"
#include "kube/discovery.h"
#include "restore/action.h"
#include "restore/exec_hooks.h"
#include "restore/item_creator.h"
#include "restore/modifiers.h"
#include "restore/native_volumes.h"
#include "restore/plugin_actions.h"
#include "restore/run.h"

namespace lateen::restore {

// Its notes are thread-safe; the rest is used by the one thread that runs the restore.
class RunState {
 public:
  RunState(const model::Restore& restore,
           const archive::ArchiveReader& archive,
           const RestoreTools& tools,
           const RestoreRunOptions& options,
           const kube::Discovery& discovery);

  // Asks the plugins' actions what they apply to on this cluster.
  Status resolve_plugins(std::stop_token stop);

  Status restore_step(const RestoreStep& step, std::stop_token stop);

  // All items of all its steps at once.
  Status restore_rank(const std::vector<RestoreStep>& rank, std::stop_token stop);

  void note_item(std::string_view api_version,
                 std::string_view kind,
                 std::string_view ns,
                 std::string_view name,
                 ItemOutcome outcome);
  void note_warning(std::string_view ns, std::string message);
  void note_error(std::string_view ns, std::string message);
  // One that is of no object.
  void note_velero_warning(std::string message);

  // Nothing can be put into it: one error instead of one for each of its objects.
  void give_up_namespace(const std::string& ns, const Error& why);

  RestoreOutcome outcome() const;

  const model::Restore& restore;
  const archive::ArchiveReader& archive;
  const RestoreTools& tools;
  const RestoreRunOptions& options;
  const kube::Discovery& discovery;
  ActionContext context;
  std::int64_t total = 0;

 private:
  Status restore_item(std::string_view group_resource,
                      const PlannedItem& item,
                      std::stop_token stop);
  Status create(const kube::ResourceType& type,
                const PlannedItem& item,
                Json object,
                const Json& original,
                std::stop_token stop);
  // Whether the caller is the first to take this item: an action may lead to it before its turn.
  bool claim(std::size_t archived);
  // plugin_items.cc: false when the object is not to be created.
  Result<bool> act_with_plugins(const archive::ArchivedItem& item,
                                Json& object,
                                const Json& pristine,
                                std::stop_token stop);
  Status restore_additional(const std::vector<model::ResourceIdentifier>& items,
                            std::stop_token stop);
  Status wait_for_additional(const PluginRestoreAction& action,
                             const plugins::RestoreAction::Outcome& done,
                             std::stop_token stop) const;
  void after_creation(std::string_view group_resource,
                      const kube::ObjectPath& path,
                      const Json& original,
                      const CreatedItem& created,
                      std::stop_token stop);
  void note_volume(const Json& claim, const Json& original, const std::string& target_ns);
  // Tells the native volumes what became of their object.
  void settle_volume(std::string_view name, bool created);
  void count_one();

  const std::string backup_label_;
  const std::string restore_label_;
  ItemCreator creator_;
  NativeVolumes native_;
  std::vector<PluginRestoreAction> plugin_actions_;
  mutable Mutex mu_;
  std::set<std::size_t> claimed_ LATEEN_GUARDED_BY(mu_);
  RestoreOutcome outcome_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> given_up_ LATEEN_GUARDED_BY(mu_);
  std::int64_t done_ LATEEN_GUARDED_BY(mu_) = 0;
};

}  // namespace lateen::restore
