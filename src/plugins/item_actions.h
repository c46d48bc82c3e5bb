// Plugins' item actions as they are called: objects are JSON, and what a v1 plugin cannot say is
// empty. backup/ and restore/ adapt them to their own actions.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/item_operation.h"
#include "plugins/host.h"
#include "plugins/names.h"

namespace lateen::plugins {

// Which objects an action wants to see, in its own words (resolved_selector.h).
struct ResourceSelector {
  std::vector<std::string> included_namespaces = {};
  std::vector<std::string> excluded_namespaces = {};
  std::vector<std::string> included_resources = {};
  std::vector<std::string> excluded_resources = {};
  std::string label_selector = {};
};

// How far an operation is that an action has started.
struct OperationProgress {
  bool completed = false;
  std::string error = {};  // of a completed one: why it failed
  std::int64_t n_completed = 0;
  std::int64_t n_total = 0;
  std::string units = {};
  std::string description = {};
  std::optional<TimePoint> started = {};
  std::optional<TimePoint> updated = {};
};

// BackupItemAction, v1 and v2. Thread-safe.
class BackupAction {
 public:
  // `binary` outlives it.
  BackupAction(PluginBinary& binary, PluginId id) : binary_(binary), id_(std::move(id)) {}

  const std::string& name() const { return id_.name; }

  Result<ResourceSelector> applies_to(const std::stop_token& stop) const;

  struct Outcome {
    Bytes item = {};
    std::vector<model::ResourceIdentifier> additional = {};
    std::string operation_id = {};  // empty: nothing goes on
    std::vector<model::ResourceIdentifier> post_operation = {};
  };

  Result<Outcome> execute(BytesView item, BytesView backup, const std::stop_token& stop) const;
  // Unsupported of a v1 action.
  Result<OperationProgress> progress(std::string_view operation_id,
                                     BytesView backup,
                                     const std::stop_token& stop) const;
  // Of a v1 action nothing is there to be cancelled.
  Status cancel(std::string_view operation_id, BytesView backup, const std::stop_token& stop) const;

 private:
  bool is_v2() const { return id_.kind == PluginKind::BackupItemActionV2; }

  PluginBinary& binary_;
  const PluginId id_;
};

// RestoreItemAction, v1 and v2. Thread-safe.
class RestoreAction {
 public:
  // `binary` outlives it.
  RestoreAction(PluginBinary& binary, PluginId id) : binary_(binary), id_(std::move(id)) {}

  const std::string& name() const { return id_.name; }

  Result<ResourceSelector> applies_to(const std::stop_token& stop) const;

  struct Input {
    BytesView item = {};              // as earlier actions left it
    BytesView item_from_backup = {};  // as it lies in the backup
    BytesView restore = {};
  };

  struct Outcome {
    Bytes item = {};
    std::vector<model::ResourceIdentifier> additional = {};
    bool skip_restore = false;
    std::string operation_id = {};
    bool wait_for_additional = false;
    std::optional<Duration> ready_timeout = {};  // none: the server's
  };

  Result<Outcome> execute(const Input& input, const std::stop_token& stop) const;
  Result<OperationProgress> progress(std::string_view operation_id,
                                     BytesView restore,
                                     const std::stop_token& stop) const;
  Status cancel(std::string_view operation_id,
                BytesView restore,
                const std::stop_token& stop) const;
  // Of a v1 action they always are.
  Result<bool> are_ready(const std::vector<model::ResourceIdentifier>& additional,
                         BytesView restore,
                         const std::stop_token& stop) const;

 private:
  bool is_v2() const { return id_.kind == PluginKind::RestoreItemActionV2; }

  PluginBinary& binary_;
  const PluginId id_;
};

// DeleteItemAction. Thread-safe.
class DeleteAction {
 public:
  // `binary` outlives it.
  DeleteAction(PluginBinary& binary, PluginId id) : binary_(binary), id_(std::move(id)) {}

  const std::string& name() const { return id_.name; }

  Result<ResourceSelector> applies_to(const std::stop_token& stop) const;
  Status execute(BytesView item, BytesView backup, const std::stop_token& stop) const;

 private:
  PluginBinary& binary_;
  const PluginId id_;
};

// ItemBlockAction. Thread-safe.
class BlockAction {
 public:
  // `binary` outlives it.
  BlockAction(PluginBinary& binary, PluginId id) : binary_(binary), id_(std::move(id)) {}

  const std::string& name() const { return id_.name; }

  Result<ResourceSelector> applies_to(const std::stop_token& stop) const;
  Result<std::vector<model::ResourceIdentifier>> related_items(BytesView item,
                                                               BytesView backup,
                                                               const std::stop_token& stop) const;

 private:
  PluginBinary& binary_;
  const PluginId id_;
};

}  // namespace lateen::plugins
