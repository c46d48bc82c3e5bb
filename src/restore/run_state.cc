#include "restore/run_state.h"

#include <algorithm>

#include "base/text.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/pod_hooks.h"
#include "restore/object_preparation.h"

namespace lateen::restore {
namespace {

// Init containers that a restore's hooks put before the pod's own.
void add_init_containers(Json& pod, const model::RestoreHooks& hooks, const std::string& suffix) {
  const std::vector<Json> wanted =
      model::restore_init_containers_of(model::HookPod::from(pod), hooks, suffix);
  if (wanted.empty()) return;
  Json& list = ensure(pod, "spec.initContainers");
  JsonArray all(wanted.begin(), wanted.end());
  if (list.is_array()) all.insert(all.end(), list.as_array().begin(), list.as_array().end());
  list = std::move(all);
}

// The managed fields as one merge patch: server-side apply's owners come back.
Json managed_fields_patch(const Json& fields) {
  return JsonObject{{"metadata", JsonObject{{"managedFields", fields}}}};
}

bool wants_status(const model::Restore& restore,
                  const kube::Discovery& discovery,
                  std::string_view kind,
                  const Json& object) {
  const std::string_view own = kube::annotation_of(object, model::annotations::kRestoreStatus);
  if (own == "true") return true;
  if (own == "false" || !restore.spec.restore_status) return false;
  const auto has = [&](const model::StringList& list) {
    return std::any_of(list.begin(), list.end(), [&](const std::string& name) {
      return glob_match(is_glob(name) ? name : discovery.resolve_name(name), kind);
    });
  };
  const model::StringList& included = restore.spec.restore_status->included_resources;
  return (included.empty() || has(included)) &&
         !has(restore.spec.restore_status->excluded_resources);
}

// The kind as this cluster serves it in the version that the object is written in. An object of
// another version may mean something else by the same fields, and is not rewritten.
Result<const kube::ResourceType*> served_type(const kube::Discovery& discovery,
                                              std::string_view group_resource,
                                              std::string_view api_version) {
  const kube::ResourceType* type = discovery.find(kube::parse_group_resource(group_resource));
  if (type == nullptr) return Error(Code::NotFound, "this cluster does not serve its kind");
  if (api_version.empty() || type->gvr.api_version() == api_version) return type;
  const Cut parts = cut_last(api_version, "/");
  const kube::ResourceType* same = discovery.find(kube::GroupVersionResource{
      type->gvr.group, std::string(parts.found ? parts.after : api_version), type->gvr.resource});
  if (same != nullptr) return same;
  return Error(Code::NotFound, "it was backed up as {}, which this cluster serves only as {}",
               api_version, type->gvr.api_version());
}

}  // namespace

RunState::RunState(const model::Restore& r,
                   const archive::ArchiveReader& a,
                   const RestoreTools& t,
                   const RestoreRunOptions& o,
                   const kube::Discovery& d)
    : restore(r),
      archive(a),
      tools(t),
      options(o),
      discovery(d),
      context{.restore = r, .discovery = d, .extensions = t.extensions},
      backup_label_(model::valid_name(r.spec.backup_name)),
      restore_label_(model::valid_name(r.metadata.name)),
      creator_(t.client, r),
      native_(context, t, o) {}

Status RunState::restore_step(const RestoreStep& step, std::stop_token stop) {
  return parallel_for(
      step.items.size(), options.workers,
      [&](std::size_t i, std::stop_token s) {
        return restore_item(step.group_resource, step.items[i], s);
      },
      stop);
}

Status RunState::restore_rank(const std::vector<RestoreStep>& rank, std::stop_token stop) {
  std::vector<std::pair<const RestoreStep*, const PlannedItem*>> all;
  for (const RestoreStep& step : rank) {
    for (const PlannedItem& item : step.items)
      all.emplace_back(&step, &item);
  }
  return parallel_for(
      all.size(), options.workers,
      [&](std::size_t i, std::stop_token s) {
        return restore_item(all[i].first->group_resource, *all[i].second, s);
      },
      stop);
}

// An Error only when the tarball is broken or we were told to stop: all else is noted.
Status RunState::restore_item(std::string_view group_resource,
                              const PlannedItem& item,
                              std::stop_token stop) {
  const archive::ArchivedItem& archived = archive.items()[item.archived];
  if (!claim(item.archived)) return {};
  count_one();
  {
    const Lock lock(mu_);
    if (given_up_.count(item.target_ns) > 0) return {};
  }
  const std::string where = kube::object_key(archived.key.ns, archived.key.name);
  // One broken object is lost; the others are not.
  auto body = archive.read(archived);
  if (!body && stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
  auto original = body ? parse_json(*body) : std::move(body).error();
  if (!original || !original->is_object()) {
    note_error(item.target_ns,
               fmt::format("error restoring {}/{}: it is broken in the backup: {}", group_resource,
                           where, original ? "no JSON object" : original.error().message()));
    return {};
  }
  const auto type = served_type(discovery, group_resource, kube::api_version_of(*original));
  if (!type) {
    note_error(item.target_ns, fmt::format("error restoring {}/{}: {}", group_resource, where,
                                           type.error().message()));
    return {};
  }
  if (const std::string why = why_not_worth_it(group_resource, *original); !why.empty()) {
    tools.log.info("Not restoring item", {{"resource", group_resource},
                                          {"namespace", item.target_ns},
                                          {"name", archived.key.name},
                                          {"reason", why}});
    return {};
  }
  Json object = *original;
  strip(object);
  if (group_resource == "persistentvolumes") {
    const Status back = native_.bring_back(object, stop);
    if (!back) {
      if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
      note_error(item.target_ns, fmt::format("error restoring {}/{} from its snapshot: {}",
                                             group_resource, where, back.error().describe()));
      return {};
    }
  }
  const Json none;
  const Json* status = find(*original, "status");
  auto verdict = apply_actions(group_resource, object, status != nullptr ? *status : none, context);
  const bool ends_here = !verdict || !verdict->skip_reason.empty();
  if (ends_here && group_resource == "persistentvolumes") {
    settle_volume(kube::name_of(object), false);
  }
  if (!verdict) {
    note_error(item.target_ns, fmt::format("error restoring {}/{}: {}", group_resource, where,
                                           verdict.error().message()));
    return {};
  }
  for (const std::string& warning : verdict->warnings) {
    note_warning(item.target_ns, fmt::format("{} {}: {}", group_resource, where, warning));
  }
  for (const std::string& error : verdict->errors) {
    note_error(item.target_ns, fmt::format("{} {}: {}", group_resource, where, error));
  }
  if (!verdict->skip_reason.empty()) {
    tools.log.info("Skipping item", {{"resource", group_resource},
                                     {"namespace", item.target_ns},
                                     {"name", archived.key.name},
                                     {"reason", verdict->skip_reason}});
    return {};
  }
  const auto goes_on = act_with_plugins(archived, object, *original, stop);
  if (!goes_on || !*goes_on) {
    if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
    if (group_resource == "persistentvolumes") settle_volume(kube::name_of(object), false);
    if (!goes_on) {
      note_error(item.target_ns, fmt::format("error restoring {}/{}: {}", group_resource, where,
                                             goes_on.error().describe()));
    }
    return {};
  }
  if (group_resource == "services") {
    const Json* managed = find(*original, "metadata.managedFields");
    act_on_service(object, managed != nullptr ? *managed : none,
                   restore.spec.preserve_node_ports.value_or(false));
  }
  return create(**type, item, std::move(object), *original, stop);
}

Status RunState::create(const kube::ResourceType& type,
                        const PlannedItem& item,
                        Json object,
                        const Json& original,
                        std::stop_token stop) {
  const std::string kind = type.group_resource();
  const std::string source_ns(kube::namespace_of(original));
  for (const std::string& error : options.modifiers.apply(kind, source_ns, object)) {
    note_error(item.target_ns, fmt::format("{} {}: {}", kind, kube::object_key(object), error));
  }
  if (!item.target_ns.empty()) ensure(object, "metadata.namespace") = item.target_ns;
  if (kind == "pods") {
    const std::string suffix = std::string(kube::uid_of(original)).substr(0, 8);
    add_init_containers(object, restore.spec.hooks, suffix);
  }
  label_as_restored(object, backup_label_, restore_label_);
  const kube::ObjectPath path{
      .gvr = type.gvr, .ns = item.target_ns, .name = std::string(kube::name_of(object))};
  if (kind == "persistentvolumeclaims") native_.follow_rename(object);
  auto created = creator_.bring(path, object, stop);
  if (kind == "persistentvolumes") {
    settle_volume(path.name, created && created->outcome == ItemOutcome::Created);
  }
  if (!created) {
    if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
    note_error(item.target_ns,
               fmt::format("error restoring {}/{}: {}", kind,
                           kube::object_key(item.target_ns, path.name), created.error().message()));
    note_item(type.gvr.api_version(), type.kind, item.target_ns, path.name, ItemOutcome::Failed);
    return {};
  }
  for (const std::string& warning : created->warnings)
    note_warning(item.target_ns, warning);
  note_item(type.gvr.api_version(), type.kind, item.target_ns, path.name, created->outcome);
  if (created->outcome == ItemOutcome::Created)
    after_creation(kind, path, original, *created, stop);
  return {};
}

void RunState::after_creation(std::string_view kind,
                              const kube::ObjectPath& path,
                              const Json& original,
                              const CreatedItem& created,
                              std::stop_token stop) {
  if (const Json* status = find(original, "status");
      status != nullptr && wants_status(restore, discovery, kind, original)) {
    const Json patch = JsonObject{{"status", *status}};
    auto written = tools.client.patch(path.sub("status"), kube::PatchType::Merge, patch, {}, stop);
    if (!written) {
      note_warning(path.ns,
                   fmt::format("could not restore the status of {} {}: {}", kind,
                               kube::object_key(path.ns, path.name), written.error().message()));
    }
  }
  if (const Json* fields = applied_fields(original)) {
    auto written =
        tools.client.patch(path, kube::PatchType::Merge, managed_fields_patch(*fields), {}, stop);
    if (!written && !written.error().is(Code::NotFound)) {
      note_warning(path.ns,
                   fmt::format("could not restore the managed fields of {} {}: {}", kind,
                               kube::object_key(path.ns, path.name), written.error().message()));
    }
  }
  if (kind == "persistentvolumeclaims") note_volume(created.object, original, path.ns);
  if (kind != "pods") return;
  auto hooks =
      model::restore_exec_hooks_of(model::HookPod::from(created.object), restore.spec.hooks);
  if (hooks.empty()) return;
  const Lock lock(mu_);
  outcome_.hooked_pods.push_back({.ns = path.ns, .name = path.name, .hooks = std::move(hooks)});
}

void RunState::settle_volume(std::string_view name, bool created) {
  const Status settled = native_.settle(name, created);
  if (settled) return;
  note_warning({}, fmt::format("persistentvolumes {}: {}", name, settled.error().describe()));
}

void RunState::note_volume(const Json& claim, const Json& original, const std::string& target_ns) {
  const std::string source_ns(kube::namespace_of(original));
  const auto known =
      context.volume_by_claim.find(kube::object_key(source_ns, kube::name_of(original)));
  if (known == context.volume_by_claim.end()) return;
  const model::BackupVolumeInfo& saved = known->second;
  const bool from_snapshot =
      how_it_returns(original, source_ns, context) == VolumeReturn::FromSnapshot;
  model::RestoreVolumeInfo info;
  info.pvc_name = kube::name_of(claim);
  info.pvc_namespace = target_ns;
  info.pv_name = saved.pv_name;
  const Lock lock(mu_);
  if (from_snapshot) {
    info.restore_method = model::VolumeRestoreMethod::CSISnapshot;
    info.csi_snapshot_info = saved.csi_snapshot_info;
    outcome_.volumes.push_back(info);
  }
  const bool provisioned = saved.backup_method == model::VolumeBackupMethod::CSISnapshot ||
                           saved.backup_method == model::VolumeBackupMethod::PodVolumeBackup;
  if (saved.pv_info && provisioned) {
    outcome_.provisioned_claims.push_back({.ns = target_ns,
                                           .name = info.pvc_name,
                                           .reclaim_policy = saved.pv_info->reclaim_policy,
                                           .labels = saved.pv_info->labels});
  }
}

void RunState::note_item(std::string_view api_version,
                         std::string_view kind,
                         std::string_view ns,
                         std::string_view name,
                         ItemOutcome outcome) {
  tools.log.debug(
      "Restored item",
      {{"kind", kind}, {"namespace", ns}, {"name", name}, {"outcome", to_string(outcome)}});
  const Lock lock(mu_);
  model::add_to_resource_list(outcome_.resource_list, api_version, kind, ns, name,
                              to_string(outcome));
}

void RunState::note_warning(std::string_view ns, std::string message) {
  tools.log.warning(message, {{"namespace", ns}});
  const Lock lock(mu_);
  outcome_.results.warnings.add(ns, std::move(message));
}

void RunState::note_error(std::string_view ns, std::string message) {
  tools.log.error(message, {{"namespace", ns}});
  const Lock lock(mu_);
  outcome_.results.errors.add(ns, std::move(message));
}

void RunState::note_velero_warning(std::string message) {
  tools.log.warning(message);
  const Lock lock(mu_);
  outcome_.results.warnings.add_velero(std::move(message));
}

void RunState::give_up_namespace(const std::string& ns, const Error& why) {
  note_error(ns, fmt::format("nothing was restored into namespace {}: {}", ns, why.message()));
  const Lock lock(mu_);
  given_up_.insert(ns);
}

void RunState::count_one() {
  std::int64_t now = 0;
  {
    const Lock lock(mu_);
    now = ++done_;
  }
  if (options.progress) options.progress(now, std::max(total, now));
}

RestoreOutcome RunState::outcome() const {
  const Lock lock(mu_);
  RestoreOutcome result = outcome_;
  result.items = done_;
  const std::vector<model::RestoreVolumeInfo> native = native_.infos();
  result.volumes.insert(result.volumes.end(), native.begin(), native.end());
  model::sort_resource_list(result.resource_list);
  return result;
}

}  // namespace lateen::restore
