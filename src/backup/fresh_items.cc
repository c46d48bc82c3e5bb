#include "backup/fresh_items.h"

#include "backup/csi_actions.h"
#include "backup/plugin_actions.h"
#include "kube/discovery.h"

namespace lateen::backup {
namespace {

constexpr std::string_view kSnapshotResource = "volumesnapshots.snapshot.storage.k8s.io";
constexpr std::string_view kContents = "volumesnapshotcontents.snapshot.storage.k8s.io";

// Adds the object as it is now, if it can be read.
void read_one(const RelatedItem& item,
              const BackupTools& tools,
              FreshItems& fresh,
              const std::stop_token& stop) {
  const kube::ResourceType* type = tools.discovery.find(item.kind);
  if (type == nullptr) return;
  auto object = tools.client.get({.gvr = type->gvr, .ns = item.ns, .name = item.name}, {}, stop);
  if (!object) {
    tools.log.warning("Could not read an item again after its operation; it stays as it was",
                      {{"resource", type->group_resource()},
                       {"namespace", item.ns},
                       {"name", item.name},
                       {"error", object.error()}});
    return;
  }
  fresh[{type->group_resource(), item.ns, item.name}] = {.version = type->gvr.version,
                                                         .object = std::move(*object)};
}

void annotate_snapshots(FreshItems& fresh, std::string_view backup_name) {
  for (auto& [id, item] : fresh) {
    const std::string& kind = std::get<0>(id);
    if (kind == kContents) label_content(item.object, backup_name);
    if (kind != kSnapshotResource) continue;
    const std::string content(string_at(item.object, "status.boundVolumeSnapshotContentName"));
    const auto at = fresh.find({std::string(kContents), "", content});
    if (at != fresh.end()) annotate_snapshot(item.object, at->second.object, backup_name);
  }
}

// One object through the actions; what they lead to is added to `related`.
Status act_on(std::string_view kind,
              Json& object,
              const ItemActions& actions,
              const Log& log,
              std::vector<RelatedItem>& related,
              const std::stop_token& stop) {
  for (const auto& action : actions) {
    if (!action->applies_to(kind) || !action->wants(object)) continue;
    auto outcome = TRY(action->execute(object, log, stop)
                           .wrap("error executing custom action (name={})", action->name()));
    if (!outcome.operations.empty()) {
      return Error(Code::Unsupported,
                   "action {} has started an operation while the backup is being finalized",
                   action->name());
    }
    related.insert(related.end(), outcome.related.begin(), outcome.related.end());
  }
  return {};
}

Status act_again(FreshItems& fresh, const BackupTools& tools, const std::stop_token& stop) {
  if (tools.plugins == nullptr || !tools.plugins->has_actions() || fresh.empty()) return {};
  const ItemActions actions = TRY(tools.plugins->actions(tools.discovery, stop));
  std::vector<RelatedItem> related;
  for (auto at = fresh.begin(); at != fresh.end();) {
    const auto& [kind, ns, name] = at->first;
    const Log log = tools.log.with({{"resource", kind}, {"namespace", ns}, {"name", name}});
    const Status acted = act_on(kind, at->second.object, actions, log, related, stop);
    if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
    if (!acted) log.error("Error finalizing item; it stays as it was", {{"error", acted.error()}});
    at = acted ? std::next(at) : fresh.erase(at);
  }
  for (const RelatedItem& item : related) {
    if (!fresh.contains({item.kind.to_string(), item.ns, item.name})) {
      read_one(item, tools, fresh, stop);
    }
  }
  return {};
}

}  // namespace

Result<FreshItems> read_items_again(const std::vector<model::BackupOperation>& operations,
                                    std::string_view backup_name,
                                    const BackupTools& tools,
                                    std::stop_token stop) {
  FreshItems fresh;
  for (const model::BackupOperation& operation : operations) {
    for (const model::ResourceIdentifier& item : operation.spec.post_operation_items) {
      read_one({.kind = {item.group, item.resource}, .ns = item.ns, .name = item.name}, tools,
               fresh, stop);
    }
  }
  annotate_snapshots(fresh, backup_name);
  TRY(act_again(fresh, tools, stop));
  return fresh;
}

}  // namespace lateen::backup
