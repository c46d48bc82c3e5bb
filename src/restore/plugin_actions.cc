#include "restore/plugin_actions.h"

#include <utility>

#include "model/phases.h"
#include "restore/data_downloads.h"

namespace lateen::restore {

using plugins::PluginKind;

Result<plugins::RestoreAction::Outcome> PluginRestoreAction::execute(Json& object,
                                                                     const Json& pristine,
                                                                     std::stop_token stop) const {
  const Bytes item = write_json(object);
  const Bytes from_backup = write_json(pristine);
  auto done = TRY(
      action_.execute({.item = item, .item_from_backup = from_backup, .restore = restore_}, stop));
  const Bytes returned = std::exchange(done.item, {});
  if (done.skip_restore || returned.empty() || returned == item) return done;
  Json changed = TRY(parse_json(returned).wrap("it has returned an item that is no JSON object"));
  if (!changed.is_object()) {
    return Error(Code::Corrupt, "it has returned an item that is no JSON object");
  }
  object = std::move(changed);
  return done;
}

Result<bool> PluginRestoreAction::are_ready(const std::vector<model::ResourceIdentifier>& items,
                                            std::stop_token stop) const {
  return action_.are_ready(items, restore_, stop);
}

RestorePlugins::RestorePlugins(const plugins::Registry& registry,
                               plugins::Host& host,
                               const model::Restore& restore)
    : registry_(registry), host_(host), restore_(write_json(model::to_json(restore))) {}

Result<std::vector<PluginRestoreAction>> RestorePlugins::actions(const kube::Discovery& discovery,
                                                                 std::stop_token stop) const {
  std::vector<PluginRestoreAction> actions;
  for (const plugins::PluginId& id :
       registry_.list(PluginKind::RestoreItemAction, PluginKind::RestoreItemActionV2)) {
    plugins::RestoreAction action(host_.binary(id.command), id);
    const auto selector = TRY(
        action.applies_to(stop).wrap("asking restore item action {} what it applies to", id.name));
    auto resolved = TRY(plugins::ResolvedSelector::resolve(selector, discovery)
                            .wrap("restore item action {}", id.name));
    actions.emplace_back(std::move(action), std::move(resolved), restore_);
  }
  return actions;
}

plugins::OperationLook RestorePlugins::look_at(model::RestoreOperation& operation,
                                               TimePoint now,
                                               Duration timeout,
                                               std::stop_token stop) const {
  const std::string& name = operation.spec.restore_item_action;
  const plugins::PluginId* id = registry_.find(PluginKind::RestoreItemActionV2, name);
  if (id == nullptr) {
    operation.status.phase = model::OperationPhase::Failed;
    operation.status.error =
        fmt::format("unable to get valid RestoreItemActionV2 for \"{}\"", name);
    return {.changed = true, .error = operation.status.error};
  }
  const plugins::RestoreAction action(host_.binary(id->command), *id);
  const std::string& operation_id = operation.spec.operation_id;
  return plugins::look_at_operation(
      operation.status, now, timeout,
      {.progress = [&] { return action.progress(operation_id, restore_, stop); },
       .cancel = [&] { return action.cancel(operation_id, restore_, stop); }});
}

RestoreOperationsProgress poll_operations(std::vector<model::RestoreOperation>& operations,
                                          TimePoint now,
                                          Duration timeout,
                                          const RestorePlugins* plugins,
                                          std::stop_token stop) {
  RestoreOperationsProgress progress;
  for (model::RestoreOperation& operation : operations) {
    const bool goes_on = !model::is_terminal(operation.status.phase.value()) &&
                         operation.spec.restore_item_action != kBringBackAction;
    if (goes_on && plugins != nullptr) {
      const plugins::OperationLook look = plugins->look_at(operation, now, timeout, stop);
      if (!look.error.empty()) progress.new_errors.push_back(look.error);
    } else if (goes_on) {
      operation.status.phase = model::OperationPhase::Failed;
      operation.status.error =
          fmt::format("plugin {} is not there any more", operation.spec.restore_item_action);
      progress.new_errors.push_back(operation.status.error);
    }
    const model::OperationPhase phase = operation.status.phase.value();
    if (phase == model::OperationPhase::Completed) ++progress.completed;
    if (phase == model::OperationPhase::Failed) ++progress.failed;
    progress.running |= !model::is_terminal(phase);
  }
  return progress;
}

}  // namespace lateen::restore
