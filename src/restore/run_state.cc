#include "restore/run_state.h"

#include <algorithm>

#include "base/text.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/pod_hooks.h"
#include "model/restarts.h"
#include "restore/item_creator.h"
#include "restore/item_extension.h"
#include "restore/object_preparation.h"
#include "restore/pod_volume_action.h"
#include "restore/rehearsal.h"

namespace lateen::restore {
namespace {

// Init containers that a restore's hooks put before the pod's own.
void add_init_containers(Json& pod, const model::RestoreHooks& hooks, const std::string& suffix) {
  const std::vector<Json> wanted =
      model::restore_init_containers_of(model::HookPod::from(pod), hooks, suffix);
  if (wanted.empty()) return;
  Json& list = ensure(pod, "spec.initContainers");
  JsonArray all = list.is_array() ? list.as_array() : JsonArray();
  // The volumes' files must be there before a hook looks at them.
  const bool waits_first = !all.empty() && string_at(all.front(), "name") == kWaitContainer;
  all.insert(all.begin() + (waits_first ? 1 : 0), wanted.begin(), wanted.end());
  list = std::move(all);
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

Result<Json> read_object(const archive::ArchiveReader& archive, const archive::ArchivedItem& item) {
  Json object = TRY(parse_json(TRY(archive.read(item))));
  if (!object.is_object()) return Error(Code::Corrupt, "no JSON object");
  TRY(check_identity(object, item.key));
  return object;
}

Error stopped() {
  return Error(Code::Canceled, "the restore was stopped");
}

std::unique_ptr<ItemBringer> make_bringer(const RestoreTools& tools,
                                          const RestoreRunOptions& options,
                                          const model::Restore& restore,
                                          Rehearsal* rehearsal) {
  const model::ExistingResourcePolicy policy = restore.spec.existing_resource_policy.value();
  if (rehearsal != nullptr) return std::make_unique<ItemAsker>(tools.client, policy, *rehearsal);
  EarlierRun earlier;
  if (model::restarts_of(restore.metadata) > 0) {
    earlier = {.restore_label = model::valid_name(restore.metadata.name),
               .began = restore.metadata.creation_timestamp.value_or(TimePoint::max())};
  }
  return std::make_unique<ItemCreator>(tools.client, policy, options.terminating_resource_timeout,
                                       std::move(earlier));
}

}  // namespace

std::string RunState::ItemAtHand::where() const {
  return kube::object_key(archived.key.ns, archived.key.name);
}

RunState::RunState(const model::Restore& r,
                   const archive::ArchiveReader& a,
                   const RestoreTools& t,
                   const RestoreRunOptions& o,
                   const kube::Discovery& d,
                   Rehearsal* rehearsing)
    : restore(r),
      archive(a),
      tools(t),
      options(o),
      discovery(d),
      rehearsal(rehearsing),
      context{.restore = r, .discovery = d, .extensions = t.extensions},
      notes(t.log),
      backup_label_(model::valid_name(r.spec.backup_name)),
      restore_label_(model::valid_name(r.metadata.name)),
      bringer_(make_bringer(t, o, r, rehearsing)),
      native_(context, t, o) {}

RunState::~RunState() = default;

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

Status RunState::restore_item(std::string_view group_resource,
                              const PlannedItem& item,
                              std::stop_token stop) {
  const archive::ArchivedItem& archived = archive.items()[item.archived];
  if (!claim(item.archived)) return {};
  count_one();
  if (is_given_up(item.target_ns)) return {};
  const auto original = read_object(archive, archived);
  const Json none;
  const ItemAtHand hand{.kind = group_resource,
                        .item = item,
                        .archived = archived,
                        .original = original ? *original : none};
  // One broken object is lost; the others are not.
  if (!original) {
    if (stop.stop_requested()) return stopped();
    fail(hand, PreviewAction::Broken,
         fmt::format("it is broken in the backup: {}", original.error().message()));
    return {};
  }
  const auto type = served_type(discovery, group_resource, kube::api_version_of(*original));
  if (!type) {
    not_served(hand, type.error());
    return {};
  }
  if (const std::string_view kind = kube::kind_of(*original);
      !kind.empty() && kind != (*type)->kind) {
    fail(hand, PreviewAction::Broken,
         fmt::format("it is broken in the backup: at its place lies a {}", quote_go(kind)));
    return {};
  }
  if (const std::string why = why_not_worth_it(group_resource, *original); !why.empty()) {
    leave_out(hand, why);
    return {};
  }
  Json object = *original;
  strip(object);
  const bool goes_on = TRY(prepare(hand, object, stop));
  if (goes_on) return create(hand, **type, std::move(object), stop);
  if (group_resource == "persistentvolumes") settle_volume(kube::name_of(object), false);
  return {};
}

Result<bool> RunState::prepare(const ItemAtHand& hand, Json& object, std::stop_token stop) {
  if (hand.kind == "persistentvolumes" && rehearsal == nullptr) {
    const Status back = native_.bring_back(object, stop);
    if (!back) {
      if (stop.stop_requested()) return stopped();
      fail(hand, PreviewAction::Broken,
           fmt::format("from its snapshot: {}", back.error().describe()));
      return false;
    }
  }
  const Json none;
  const Json* status = find(hand.original, "status");
  const auto verdict =
      apply_actions(hand.kind, object, status != nullptr ? *status : none, context);
  if (!take_verdict(hand, verdict)) return false;
  if (!TRY(act_with_extensions(hand, object))) return false;
  const auto goes_on = act_with_plugins(hand.archived, object, hand.original, stop);
  if (!goes_on) {
    if (stop.stop_requested()) return stopped();
    fail(hand, PreviewAction::Broken, goes_on.error().describe());
    return false;
  }
  if (!*goes_on) return false;
  if (hand.kind == "services") {
    const Json* managed = find(hand.original, "metadata.managedFields");
    act_on_service(object, managed != nullptr ? *managed : none,
                   restore.spec.preserve_node_ports.value_or(false));
  }
  return true;
}

Result<bool> RunState::act_with_extensions(const ItemAtHand& hand, Json& object) {
  for (const ItemExtension* extension : tools.extensions) {
    if (!take_verdict(hand, extension->prepare(hand.kind, object, hand.original, context))) {
      return false;
    }
  }
  return true;
}

bool RunState::take_verdict(const ItemAtHand& hand, const Result<ActionVerdict>& verdict) {
  if (!verdict) {
    fail(hand, PreviewAction::Broken, verdict.error().message());
    return false;
  }
  for (const std::string& warning : verdict->warnings) {
    notes.warning(hand.item.target_ns, fmt::format("{} {}: {}", hand.kind, hand.where(), warning));
  }
  for (const std::string& error : verdict->errors) {
    notes.error(hand.item.target_ns, fmt::format("{} {}: {}", hand.kind, hand.where(), error));
  }
  if (verdict->skip_reason.empty()) return true;
  leave_out(hand, verdict->skip_reason);
  return false;
}

Status RunState::create(const ItemAtHand& hand,
                        const kube::ResourceType& type,
                        Json object,
                        std::stop_token stop) {
  const std::string& ns = hand.item.target_ns;
  const std::string source_ns(kube::namespace_of(hand.original));
  for (const std::string& error : options.modifiers.apply(hand.kind, source_ns, object)) {
    notes.error(ns, fmt::format("{} {}: {}", hand.kind, kube::object_key(object), error));
  }
  if (!ns.empty()) ensure(object, "metadata.namespace") = ns;
  if (hand.kind == "pods") {
    const std::string suffix = std::string(kube::uid_of(hand.original)).substr(0, 8);
    add_init_containers(object, restore.spec.hooks, suffix);
  }
  label_as_restored(object, backup_label_, restore_label_);
  if (hand.kind == "persistentvolumeclaims") native_.follow_rename(object);
  const kube::ObjectPath path{
      .gvr = type.gvr, .ns = ns, .name = std::string(kube::name_of(object))};
  auto created = bringer_->bring({.path = path, .object = object, .original = hand.original}, stop);
  if (hand.kind == "persistentvolumes") {
    settle_volume(path.name, created && created->outcome == ItemOutcome::Created);
  }
  if (!created) {
    if (stop.stop_requested()) return stopped();
    notes.error(ns, fmt::format("error restoring {}/{}: {}", hand.kind,
                                kube::object_key(ns, path.name), created.error().message()));
    preview(hand, PreviewAction::Broken, created.error().message());
    notes.item(type.gvr.api_version(), type.kind, ns, path.name, ItemOutcome::Failed);
    return {};
  }
  for (const std::string& warning : created->warnings)
    notes.warning(ns, warning);
  notes.item(type.gvr.api_version(), type.kind, ns, path.name, created->outcome);
  if (created->outcome == ItemOutcome::Created) after_creation(hand, path, *created, stop);
  return {};
}

void RunState::leave_out(const ItemAtHand& hand, std::string_view reason) {
  tools.log.info("Skipping item", {{"resource", hand.kind},
                                   {"namespace", hand.item.target_ns},
                                   {"name", hand.archived.key.name},
                                   {"reason", reason}});
  preview(hand, PreviewAction::Skipped, std::string(reason));
}

void RunState::fail(const ItemAtHand& hand, PreviewAction action, const std::string& message) {
  notes.error(hand.item.target_ns,
              fmt::format("error restoring {}/{}: {}", hand.kind, hand.where(), message));
  preview(hand, action, message);
}

void RunState::not_served(const ItemAtHand& hand, const Error& why) {
  if (rehearsal != nullptr && rehearsal->brings_kind(hand.kind)) {
    preview(hand, PreviewAction::Create, "not asked for: its definition comes with this restore");
    return;
  }
  fail(hand, PreviewAction::MissingCrd, why.message());
}

void RunState::preview(const ItemAtHand& hand, PreviewAction action, std::string reason) {
  if (rehearsal == nullptr) return;
  rehearsal->note({.group_resource = std::string(hand.kind),
                   .kind = std::string(kube::kind_of(hand.original)),
                   .ns = hand.item.target_ns,
                   .name = std::string(hand.archived.key.name),
                   .action = action,
                   .reason = std::move(reason)});
}

bool RunState::is_given_up(const std::string& ns) const {
  const Lock lock(mu_);
  return given_up_.count(ns) > 0;
}

void RunState::give_up_namespace(const std::string& ns, const Error& why) {
  notes.error(ns, fmt::format("nothing was restored into namespace {}: {}", ns, why.message()));
  const Lock lock(mu_);
  given_up_.insert(ns);
}

void RunState::count_one() {
  const std::int64_t now = notes.count_one();
  if (options.progress) options.progress(now, std::max(total, now));
}

RestoreOutcome RunState::outcome() const {
  RestoreOutcome result = notes.outcome();
  const std::vector<model::RestoreVolumeInfo> native = native_.infos();
  result.volumes.insert(result.volumes.end(), native.begin(), native.end());
  return result;
}

}  // namespace lateen::restore
