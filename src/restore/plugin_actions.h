// The plugins of one restore: their RestoreItemActions resolved on the target cluster, and the
// operations that these have started.
#pragma once

#include <stop_token>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/discovery.h"
#include "model/item_operation.h"
#include "model/restore.h"
#include "plugins/host.h"
#include "plugins/item_actions.h"
#include "plugins/operation_poll.h"
#include "plugins/registry.h"
#include "plugins/resolved_selector.h"

namespace lateen::restore {

// One action. Thread-safe.
class PluginRestoreAction {
 public:
  PluginRestoreAction(plugins::RestoreAction action,
                      plugins::ResolvedSelector selector,
                      BytesView restore)
      : action_(std::move(action)), selector_(std::move(selector)), restore_(restore) {}

  const std::string& name() const { return action_.name(); }

  bool wants(std::string_view group_resource, const Json& object) const {
    return selector_.wants_kind(group_resource) && selector_.wants_object(object);
  }

  // Changes `object`; `pristine` is as it lies in the backup. What it says besides is in the
  // outcome, whose item is empty.
  Result<plugins::RestoreAction::Outcome> execute(Json& object,
                                                  const Json& pristine,
                                                  std::stop_token stop) const;

  Result<bool> are_ready(const std::vector<model::ResourceIdentifier>& items,
                         std::stop_token stop) const;

 private:
  plugins::RestoreAction action_;
  plugins::ResolvedSelector selector_;
  BytesView restore_;  // the Restore as JSON; RestorePlugins keeps it
};

// What it is given outlives it. Thread-safe.
class RestorePlugins {
 public:
  RestorePlugins(const plugins::Registry& registry,
                 plugins::Host& host,
                 const model::Restore& restore);

  // In the order of their registration, asked what they apply to. They live as long as this.
  Result<std::vector<PluginRestoreAction>> actions(const kube::Discovery& discovery,
                                                   std::stop_token stop) const;

  plugins::OperationLook look_at(model::RestoreOperation& operation,
                                 TimePoint now,
                                 Duration timeout,
                                 std::stop_token stop) const;

 private:
  const plugins::Registry& registry_;
  plugins::Host& host_;
  const Bytes restore_;
};

// How far a restore's operations are.
struct RestoreOperationsProgress {
  bool running = false;
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::vector<std::string> new_errors = {};
};

// Asks for the progress of those of plugins that have not ended, and counts all. Without plugins
// (null), these have failed.
RestoreOperationsProgress poll_operations(std::vector<model::RestoreOperation>& operations,
                                          TimePoint now,
                                          Duration timeout,
                                          const RestorePlugins* plugins,
                                          std::stop_token stop);

}  // namespace lateen::restore
