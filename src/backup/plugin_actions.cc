#include "backup/plugin_actions.h"

#include <algorithm>

#include "kube/object.h"
#include "model/names.h"
#include "plugins/item_actions.h"
#include "plugins/resolved_selector.h"

namespace lateen::backup {
namespace {

using plugins::PluginKind;

std::vector<RelatedItem> related_items(const std::vector<model::ResourceIdentifier>& items,
                                       bool must_include) {
  std::vector<RelatedItem> related;
  for (const model::ResourceIdentifier& item : items) {
    related.push_back({.kind = {item.group, item.resource},
                       .ns = item.ns,
                       .name = item.name,
                       .must_include = must_include});
  }
  return related;
}

// What an action tells the server by an annotation is not the object's own.
bool take_annotation(Json& object, std::string_view key, std::string_view value) {
  Json* annotations = object.as_object().if_contains("metadata");
  if (annotations != nullptr && annotations->is_object()) {
    annotations = annotations->as_object().if_contains("annotations");
  }
  if (annotations == nullptr || !annotations->is_object()) return false;
  const bool is_set = kube::annotation_of(object, key) == value;
  erase(annotations->as_object(), JsonKey{key});
  return is_set;
}

class PluginAction final : public ItemAction {
 public:
  PluginAction(plugins::BackupAction action,
               plugins::ResolvedSelector selector,
               const model::Backup& backup)
      : action_(std::move(action)),
        selector_(std::move(selector)),
        backup_(write_json(model::to_json(backup))) {}

  std::string_view name() const override { return action_.name(); }

  bool applies_to(std::string_view group_resource) const override {
    return selector_.wants_kind(group_resource);
  }

  bool wants(const Json& object) const override { return selector_.wants_object(object); }

  Result<ActionOutcome> execute(Json& object, const Log& log, std::stop_token stop) override {
    log.info("Executing custom action", {{"actionName", action_.name()}});
    const Bytes item = write_json(object);
    auto done = TRY(action_.execute(item, backup_, stop));
    if (!done.item.empty() && done.item != item) {
      Json changed =
          TRY(parse_json(done.item).wrap("it has returned an item that is no JSON object"));
      if (!changed.is_object()) {
        return Error(Code::Corrupt, "it has returned an item that is no JSON object");
      }
      object = std::move(changed);
    }
    ActionOutcome outcome;
    outcome.skip = kube::has_annotation(object, model::annotations::kSkipFromBackup);
    const bool must_include =
        take_annotation(object, model::annotations::kMustIncludeAdditionalItems, "true");
    outcome.related = related_items(done.additional, must_include);
    if (!done.operation_id.empty()) {
      outcome.operations.push_back({.action = action_.name(),
                                    .operation_id = std::move(done.operation_id),
                                    .items_to_update = related_items(done.post_operation, true)});
    }
    return outcome;
  }

 private:
  const plugins::BackupAction action_;
  const plugins::ResolvedSelector selector_;
  const Bytes backup_;  // as every call is told
};

}  // namespace

std::vector<plugins::PluginId> BackupPlugins::ids() const {
  return registry_.list(PluginKind::BackupItemAction, PluginKind::BackupItemActionV2);
}

Result<ItemActions> BackupPlugins::actions(const kube::Discovery& discovery,
                                           std::stop_token stop) const {
  ItemActions actions;
  for (const plugins::PluginId& id : ids()) {
    plugins::BackupAction action(host_.binary(id.command), id);
    const auto selector = TRY(
        action.applies_to(stop).wrap("asking backup item action {} what it applies to", id.name));
    auto resolved = TRY(plugins::ResolvedSelector::resolve(selector, discovery)
                            .wrap("backup item action {}", id.name));
    actions.push_back(
        std::make_unique<PluginAction>(std::move(action), std::move(resolved), backup_));
  }
  return actions;
}

bool BackupPlugins::has_block_actions() const {
  return !registry_.list(PluginKind::ItemBlockAction).empty();
}

Result<PluginBlockActions> BackupPlugins::block_actions(const kube::Discovery& discovery,
                                                        std::stop_token stop) const {
  PluginBlockActions actions;
  const std::string backup = write_json(model::to_json(backup_));
  for (const plugins::PluginId& id : registry_.list(PluginKind::ItemBlockAction)) {
    plugins::BlockAction action(host_.binary(id.command), id);
    const auto selector = TRY(
        action.applies_to(stop).wrap("asking item block action {} what it applies to", id.name));
    auto resolved = TRY(plugins::ResolvedSelector::resolve(selector, discovery)
                            .wrap("item block action {}", id.name));
    actions.push_back(
        std::make_shared<const PluginBlockAction>(std::move(action), std::move(resolved), backup));
  }
  return actions;
}

bool BackupPlugins::has(std::string_view action) const {
  return registry_.find(PluginKind::BackupItemActionV2, action) != nullptr ||
         registry_.find(PluginKind::BackupItemAction, action) != nullptr;
}

plugins::OperationLook BackupPlugins::look_at(model::BackupOperation& operation,
                                              TimePoint now,
                                              Duration timeout,
                                              std::stop_token stop) const {
  const std::string& name = operation.spec.backup_item_action;
  const plugins::PluginId* id = registry_.find(PluginKind::BackupItemActionV2, name);
  if (id == nullptr) id = registry_.find(PluginKind::BackupItemAction, name);
  LATEEN_ASSERT(id != nullptr, "has() was asked before");
  const plugins::BackupAction action(host_.binary(id->command), *id);
  const Bytes backup = write_json(model::to_json(backup_));
  const std::string& operation_id = operation.spec.operation_id;
  return plugins::look_at_operation(
      operation.status, now, timeout,
      {.progress = [&] { return action.progress(operation_id, backup, stop); },
       .cancel = [&] { return action.cancel(operation_id, backup, stop); }});
}

}  // namespace lateen::backup
