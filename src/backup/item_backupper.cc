#include "backup/item_backupper.h"

#include "kube/object.h"
#include "model/names.h"

namespace lateen::backup {
namespace {

model::ResourceIdentifier identifier_of(const RelatedItem& item) {
  model::ResourceIdentifier id;
  id.group = item.kind.group;
  id.resource = item.kind.resource;
  id.ns = item.ns;
  id.name = item.name;
  return id;
}

ItemId id_of(const kube::ResourceType& type, const ObjectSlice& slice) {
  return {.type = &type, .ns = std::string(slice.ns), .name = std::string(slice.name)};
}

}  // namespace

Log ItemBackupper::log_of(const ItemId& item) const {
  return parts_.tools.log.with(
      {{"resource", item.type->group_resource()}, {"namespace", item.ns}, {"name", item.name}});
}

bool ItemBackupper::is_wanted(const ItemId& item,
                              const ObjectSlice& slice,
                              bool must_include) const {
  if (slice.deleting) {
    log_of(item).info("Skipping item because it's being deleted.");
    return false;
  }
  if (must_include) return true;
  if (!slice.labels.empty() && slice.label(model::labels::kExcludeFromBackup) == "true") {
    log_of(item).info("Excluding item because it has label velero.io/exclude-from-backup=true");
    return false;
  }
  if (!item.ns.empty() && !parts_.plan.namespaces.includes(item.ns)) {
    log_of(item).info("Excluding item because namespace is excluded");
    return false;
  }
  return true;
}

Result<bool> ItemBackupper::back_up(const kube::ResourceType& type,
                                    const ListPage& page,
                                    const ObjectSlice& slice,
                                    std::stop_token stop) {
  const ItemId item = id_of(type, slice);
  if (!is_wanted(item, slice, false)) return false;
  const Kind& kind = kind_of(type);
  if (!kind.has_actions) {
    if (!parts_.items.claim(item)) return false;
    // A list's items of built-in kinds come without their type; what has one is passed on as it is.
    if (!slice.kind.empty() && !slice.api_version.empty()) {
      TRY(parts_.items.add(item, slice.raw, stop));
    } else {
      TRY(parts_.items.add(item, page.typed(slice), stop));
    }
    log_stored(item, kind);
    return true;
  }
  auto object = parse_json(slice.kind.empty() ? page.typed(slice) : Bytes(slice.raw));
  if (!object) {
    log_of(item).error("Error reading item", {{"error", object.error()}});
    return false;
  }
  if (!parts_.items.claim(item)) return false;
  return store(item, std::move(*object), stop);
}

Result<bool> ItemBackupper::back_up(const kube::ResourceType& type,
                                    Json object,
                                    std::stop_token stop) {
  const ItemId item{.type = &type,
                    .ns = std::string(kube::namespace_of(object)),
                    .name = std::string(kube::name_of(object))};
  if (!parts_.items.claim(item)) return false;
  return store(item, std::move(object), stop);
}

Result<bool> ItemBackupper::store(const ItemId& item, Json object, std::stop_token stop) {
  const Log log = log_of(item);
  const Kind& kind = kind_of(*item.type);
  std::vector<RelatedItem> related;
  for (const auto& action : parts_.actions) {
    if (!action->applies_to(kind.group_resource) || !action->wants(object)) continue;
    auto outcome = action->execute(object, log, stop);
    if (!outcome) {
      if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
      const Error error = std::move(outcome).error().wrap("error executing custom action (name={})",
                                                          action->name());
      log.error("Error backing up item", {{"error", error}, {"hint", error.hint()}});
      // What the actions before it have named goes in all the same, as in Velero.
      for (const RelatedItem& one : related)
        TRY(back_up_related(one, log, stop));
      return false;
    }
    if (outcome->skip) {
      log.info("The item is skipped by an action", {{"actionName", action->name()}});
      return false;
    }
    note_operations(item, *outcome);
    related.insert(related.end(), outcome->related.begin(), outcome->related.end());
  }
  TRY(parts_.items.add(item, write_json(object), stop));
  log_stored(item, kind);
  for (const RelatedItem& one : related)
    TRY(back_up_related(one, log, stop));
  return true;
}

const ItemBackupper::Kind& ItemBackupper::kind_of(const kube::ResourceType& type) {
  const Lock lock(mu_);
  const auto [at, is_new] = kinds_.try_emplace(&type);
  if (is_new) {
    at->second.group_resource = type.group_resource();
    at->second.has_actions = any_applies(parts_.actions, at->second.group_resource);
  }
  return at->second;
}

void ItemBackupper::log_stored(const ItemId& item, const Kind& kind) const {
  parts_.tools.log.info(
      "Backed up 1 item",
      {{"resource", kind.group_resource}, {"namespace", item.ns}, {"name", item.name}});
}

void ItemBackupper::note_operations(const ItemId& item, const ActionOutcome& outcome) {
  if (outcome.operations.empty()) return;
  const TimePoint now = parts_.tools.clock.now();
  const Lock lock(mu_);
  for (const StartedOperation& started : outcome.operations) {
    model::BackupOperation operation;
    operation.spec.backup_name = parts_.backup.metadata.name;
    operation.spec.backup_uid = parts_.backup.metadata.uid;
    operation.spec.backup_item_action = started.action;
    operation.spec.operation_id = started.operation_id;
    operation.spec.resource_identifier = identifier_of({.kind = item.type->gvr.group_resource(),
                                                        .ns = item.ns,
                                                        .name = item.name,
                                                        .must_include = false});
    for (const RelatedItem& later : started.items_to_update) {
      operation.spec.post_operation_items.push_back(identifier_of(later));
    }
    operation.status.phase = model::OperationPhase::New;
    operation.status.created = now;
    operations_.push_back(std::move(operation));
  }
}

Status ItemBackupper::back_up_related(const RelatedItem& related,
                                      const Log& log,
                                      std::stop_token stop) {
  const kube::ResourceType* type = parts_.tools.discovery.find(related.kind);
  if (type == nullptr) {
    log.warning("Skipping additional item: the cluster does not serve its kind",
                {{"groupResource", related.kind.to_string()}, {"itemName", related.name}});
    return {};
  }
  if (!related.must_include) {
    if (const Reason reason = parts_.plan.resources.why_not_as_additional(*type); !reason.empty()) {
      log.info("Excluding additional item", {{"groupResource", related.kind.to_string()},
                                             {"itemName", related.name},
                                             {"reason", reason}});
      return {};
    }
  }
  const ItemId item{.type = type, .ns = related.ns, .name = related.name};
  if (parts_.items.is_claimed(item)) return {};
  auto body =
      parts_.tools.client.get_raw({.gvr = type->gvr, .ns = item.ns, .name = item.name}, {}, stop);
  if (!body) {
    if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
    const bool gone = body.error().is(Code::NotFound);
    const LogField error("error", body.error());
    if (gone) {
      log.warning("Additional item was not found in the Kubernetes API, can't back it up",
                  {{"groupResource", related.kind.to_string()}, {"itemName", related.name}});
    } else {
      log.error("Error getting additional item from the Kubernetes API", {error});
    }
    return {};
  }
  auto slice = OwnedSlice::parse(std::move(*body));
  if (!slice) {
    log.error("Error reading additional item", {{"error", slice.error()}});
    return {};
  }
  if (!is_wanted(item, **slice, related.must_include) || !parts_.items.claim(item)) return {};
  const Kind& kind = kind_of(*type);
  if (!kind.has_actions) {
    TRY(parts_.items.add(item, (*slice)->raw, stop));
    log_stored(item, kind);
    return {};
  }
  auto object = (*slice)->parse();
  if (!object) {
    log.error("Error reading additional item", {{"error", object.error()}});
    return {};
  }
  TRY(store(item, std::move(*object), stop));
  return {};
}

std::vector<model::BackupOperation> ItemBackupper::operations() const {
  const Lock lock(mu_);
  return operations_;
}

}  // namespace lateen::backup
