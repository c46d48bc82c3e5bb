// One restore at work: takes items through preparation, actions and creation. In a rehearsal all
// but the last is the same, and instead of being created an object is asked about.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_reader.h"
#include "base/thread.h"
#include "kube/discovery.h"
#include "restore/action.h"
#include "restore/item_bringer.h"
#include "restore/modifiers.h"
#include "restore/native_volumes.h"
#include "restore/plugin_actions.h"
#include "restore/preview.h"
#include "restore/run.h"
#include "restore/run_notes.h"

namespace lateen::restore {

class Rehearsal;

// Used by the one thread that runs the restore; what it notes is thread-safe.
class RunState {
 public:
  // `rehearsal` is null when objects are really restored.
  RunState(const model::Restore& restore,
           const archive::ArchiveReader& archive,
           const RestoreTools& tools,
           const RestoreRunOptions& options,
           const kube::Discovery& discovery,
           Rehearsal* rehearsal);
  ~RunState();

  // Asks the plugins' actions what they apply to on this cluster.
  Status resolve_plugins(std::stop_token stop);

  Status restore_step(const RestoreStep& step, std::stop_token stop);

  // All items of all its steps at once.
  Status restore_rank(const std::vector<RestoreStep>& rank, std::stop_token stop);

  // Nothing can be put into it: one error instead of one for each of its objects.
  void give_up_namespace(const std::string& ns, const Error& why);

  RestoreOutcome outcome() const;

  const model::Restore& restore;
  const archive::ArchiveReader& archive;
  const RestoreTools& tools;
  const RestoreRunOptions& options;
  const kube::Discovery& discovery;
  Rehearsal* const rehearsal;
  ActionContext context;
  RunNotes notes;
  std::int64_t total = 0;

 private:
  // An object on its way.
  struct ItemAtHand {
    std::string_view kind;  // "configmaps", "deployments.apps"
    const PlannedItem& item;
    const archive::ArchivedItem& archived;
    const Json& original;

    std::string where() const;  // "shop/web", in the backup
  };

  // An Error only when the tarball is broken or we were told to stop: all else is noted.
  Status restore_item(std::string_view group_resource,
                      const PlannedItem& item,
                      std::stop_token stop);
  // False when the object is not to be created, which has been told.
  Result<bool> prepare(const ItemAtHand& hand, Json& object, std::stop_token stop);
  Status create(const ItemAtHand& hand,
                const kube::ResourceType& type,
                Json object,
                std::stop_token stop);
  bool take_verdict(const ItemAtHand& hand, const Result<ActionVerdict>& verdict);
  Result<bool> act_with_extensions(const ItemAtHand& hand, Json& object);

  // Told, and nothing more becomes of it: as it should be, or not.
  void leave_out(const ItemAtHand& hand, std::string_view reason);
  void fail(const ItemAtHand& hand, PreviewAction action, const std::string& message);
  void not_served(const ItemAtHand& hand, const Error& why);
  void preview(const ItemAtHand& hand, PreviewAction action, std::string reason);

  // Whether the caller is the first to take this item: an action may lead to it before its turn.
  bool claim(std::size_t archived);
  bool is_given_up(const std::string& ns) const;
  void count_one();

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

  // after_creation.cc
  void after_creation(const ItemAtHand& hand,
                      const kube::ObjectPath& path,
                      const CreatedItem& created,
                      std::stop_token stop);
  void restore_status(const ItemAtHand& hand, const kube::ObjectPath& path, std::stop_token stop);
  void note_volume(const Json& claim, const Json& original, const std::string& target_ns);
  // Tells the native volumes what became of their object.
  void settle_volume(std::string_view name, bool created);

  const std::string backup_label_;
  const std::string restore_label_;
  const std::unique_ptr<ItemBringer> bringer_;
  NativeVolumes native_;
  std::vector<PluginRestoreAction> plugin_actions_;
  mutable Mutex mu_;
  std::set<std::size_t> claimed_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> given_up_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::restore
