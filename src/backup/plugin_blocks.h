// Plugins' ItemBlockActions: what belongs together with an object.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/item_action.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "model/item_operation.h"
#include "plugins/item_actions.h"
#include "plugins/resolved_selector.h"

namespace lateen::backup {

// One action. Thread-safe.
class PluginBlockAction {
 public:
  // `backup` is the Backup as JSON.
  PluginBlockAction(plugins::BlockAction action,
                    plugins::ResolvedSelector selector,
                    std::string backup)
      : action_(std::move(action)), selector_(std::move(selector)), backup_(std::move(backup)) {}

  const std::string& name() const { return action_.name(); }

  bool wants_kind(std::string_view group_resource) const {
    return selector_.wants_kind(group_resource);
  }

  bool wants_object(const Json& object) const { return selector_.wants_object(object); }

  // None, and an error in the log, when the plugin cannot say, as in Velero.
  std::vector<model::ResourceIdentifier> related(const Json& object,
                                                 const Log& log,
                                                 std::stop_token stop) const;

 private:
  plugins::BlockAction action_;
  plugins::ResolvedSelector selector_;
  std::string backup_;
};

using PluginBlockActions = std::vector<std::shared_ptr<const PluginBlockAction>>;

// What it names is backed up with the object that it names it for.
std::unique_ptr<ItemAction> make_block_item_action(std::shared_ptr<const PluginBlockAction> action);

// What a pod is grouped by besides its claims (pod_blocks.h): itself as "pods ns/name", and the
// pods and claims that actions name for it. Nothing of a pod that no action wants.
std::vector<std::string> block_keys_of(const Json& pod,
                                       const PluginBlockActions& actions,
                                       const Log& log,
                                       std::stop_token stop);

}  // namespace lateen::backup
