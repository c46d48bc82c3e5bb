// What plugins' actions do with an object on its way back: RunState's part of it.
#include "kube/object.h"
#include "restore/namespaces.h"
#include "restore/plugin_actions.h"
#include "restore/run_state.h"
#include "restore/selection.h"

namespace lateen::restore {
namespace {

constexpr std::chrono::seconds kReadyPause{1};  // as in Velero

model::RestoreOperation operation_of(const model::Restore& restore,
                                     const std::string& action,
                                     const archive::ItemKey& item,
                                     std::string id,
                                     TimePoint now) {
  const kube::GroupResource kind = kube::parse_group_resource(item.group_resource);
  model::RestoreOperation operation;
  operation.spec.restore_name = restore.metadata.name;
  operation.spec.restore_uid = restore.metadata.uid;
  operation.spec.restore_item_action = action;
  operation.spec.resource_identifier.group = kind.group;
  operation.spec.resource_identifier.resource = kind.resource;
  operation.spec.resource_identifier.ns = item.ns;
  operation.spec.resource_identifier.name = item.name;
  operation.spec.operation_id = std::move(id);
  operation.status.phase = model::OperationPhase::New;
  operation.status.created = now;
  return operation;
}

}  // namespace

Status RunState::resolve_plugins(std::stop_token stop) {
  if (tools.plugins == nullptr) return {};
  plugin_actions_ = TRY(tools.plugins->actions(discovery, stop));
  return {};
}

bool RunState::claim(std::size_t archived) {
  if (plugin_actions_.empty()) return true;  // nothing but the plan leads to an item
  const Lock lock(mu_);
  return claimed_.insert(archived).second;
}

Result<bool> RunState::act_with_plugins(const archive::ArchivedItem& item,
                                        Json& object,
                                        const Json& pristine,
                                        std::stop_token stop) {
  for (const PluginRestoreAction& action : plugin_actions_) {
    if (!action.wants(item.key.group_resource, object)) continue;
    tools.log.info("Executing item action", {{"resource", item.key.group_resource},
                                             {"namespace", item.key.ns},
                                             {"name", item.key.name},
                                             {"actionName", action.name()}});
    auto done = TRY(action.execute(object, pristine, stop)
                        .wrap("error preparing {}: {}",
                              kube::object_key(item.key.ns, item.key.name), action.name()));
    if (!done.operation_id.empty()) {
      notes.operation(operation_of(restore, action.name(), item.key, std::move(done.operation_id),
                                   tools.clock.now()));
    }
    if (done.skip_restore) {
      tools.log.info("Skipping item because a registered plugin has skipped it",
                     {{"resource", item.key.group_resource},
                      {"namespace", item.key.ns},
                      {"name", item.key.name},
                      {"actionName", action.name()}});
      return false;
    }
    TRY(restore_additional(done.additional, stop));
    if (!done.wait_for_additional) continue;
    const Status ready = wait_for_additional(action, done, stop);
    if (ready) continue;
    if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
    // As in Velero it is restored all the same.
    notes.error(context.target_of(item.key.ns),
                fmt::format("additional items for {} are not ready to use: {}",
                            kube::object_key(item.key.ns, item.key.name), ready.error().message()));
  }
  return true;
}

// They come before what has named them.
Status RunState::restore_additional(const std::vector<model::ResourceIdentifier>& items,
                                    std::stop_token stop) {
  const Selection selection(restore.spec, discovery);
  for (const model::ResourceIdentifier& one : items) {
    const kube::ResourceType* type = discovery.find(kube::GroupResource{one.group, one.resource});
    const std::string kind = type != nullptr ? type->group_resource() : one.group_resource();
    const archive::ArchivedItem* found = archive.find(kind, one.ns, one.name);
    if (found == nullptr) {
      notes.warning(context.target_of(one.ns),
                    fmt::format("an action wants {} {} restored, which is not in the backup", kind,
                                kube::object_key(one.ns, one.name)));
      continue;
    }
    if (const std::string why = selection.why_not_as_additional(found->key); !why.empty()) {
      tools.log.info(
          "Not restoring additional item",
          {{"resource", kind}, {"namespace", one.ns}, {"name", one.name}, {"reason", why}});
      continue;
    }
    const PlannedItem item{.archived = static_cast<std::size_t>(found - archive.items().data()),
                           .target_ns = one.ns.empty() ? std::string() : context.target_of(one.ns)};
    if (!item.target_ns.empty()) {
      auto made = ensure_namespace(tools.client, archive, one.ns, item.target_ns,
                                   Deadline::after(options.terminating_resource_timeout), stop);
      if (!made) {
        if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
        notes.error(item.target_ns, made.error().message());
        continue;
      }
      if (*made) notes.item("v1", "Namespace", {}, item.target_ns, ItemOutcome::Created);
    }
    TRY(restore_item(kind, item, stop));
  }
  return {};
}

Status RunState::wait_for_additional(const PluginRestoreAction& action,
                                     const plugins::RestoreAction::Outcome& done,
                                     std::stop_token stop) const {
  const Deadline deadline = Deadline::after(done.ready_timeout.value_or(options.resource_timeout));
  while (true) {
    if (TRY(action.are_ready(done.additional, stop).wrap("{}", action.name()))) return {};
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "{} still says so when their time is over",
                   action.name());
    }
    if (!sleep_unless_stopped(kReadyPause, stop)) {
      return Error(Code::Canceled, "the restore was stopped");
    }
  }
}

}  // namespace lateen::restore
