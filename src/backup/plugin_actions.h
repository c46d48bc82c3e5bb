// The plugins of one backup: their BackupItemActions as actions like any other, and the operations
// that these have started.
#pragma once

#include <stop_token>
#include <string_view>

#include "backup/item_action.h"
#include "backup/plugin_blocks.h"
#include "base/result.h"
#include "kube/discovery.h"
#include "model/backup.h"
#include "model/item_operation.h"
#include "plugins/host.h"
#include "plugins/operation_poll.h"
#include "plugins/registry.h"

namespace lateen::backup {

// All of it outlives this. Thread-safe.
class BackupPlugins {
 public:
  BackupPlugins(const plugins::Registry& registry, plugins::Host& host, const model::Backup& backup)
      : registry_(registry), host_(host), backup_(backup) {}

  bool has_actions() const { return !ids().empty() || has_block_actions(); }

  // In the order of their registration, asked what they apply to. An error when one cannot be
  // asked: a backup without it would not be what was asked for. They keep to `this`.
  Result<ItemActions> actions(const kube::Discovery& discovery, std::stop_token stop) const;

  // The ItemBlockActions, asked likewise.
  Result<PluginBlockActions> block_actions(const kube::Discovery& discovery,
                                           std::stop_token stop) const;

  // Whether an operation was started by one of these.
  bool has(std::string_view action) const;

  plugins::OperationLook look_at(model::BackupOperation& operation,
                                 TimePoint now,
                                 Duration timeout,
                                 std::stop_token stop) const;

 private:
  std::vector<plugins::PluginId> ids() const;
  bool has_block_actions() const;

  const plugins::Registry& registry_;
  plugins::Host& host_;
  const model::Backup& backup_;
};

}  // namespace lateen::backup
