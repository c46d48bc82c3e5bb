#include "backup/run.h"

#include <algorithm>
#include <array>

#include "backup/backed_up_items.h"
#include "backup/collector.h"
#include "backup/csi_actions.h"
#include "backup/definition_action.h"
#include "backup/hook_runner.h"
#include "backup/item_backupper.h"
#include "backup/native_snapshot_action.h"
#include "backup/plugin_actions.h"
#include "backup/plugin_blocks.h"
#include "backup/pod_backupper.h"
#include "backup/pod_volume_copier.h"
#include "backup/policy_gate.h"
#include "backup/progress_estimate.h"
#include "backup/related_actions.h"
#include "backup/volume_tracker.h"
#include "kube/list.h"
#include "kube/object.h"
#include "model/names.h"

namespace lateen::backup {
namespace {

constexpr std::string_view kPods = "pods";
const kube::GroupResource kGroupSnapshots{"groupsnapshot.storage.k8s.io", "volumegroupsnapshots"};

ItemActions make_actions(const model::Backup& backup,
                         const BackupPlan& plan,
                         const BackupTools& tools,
                         const CsiActionTools& csi,
                         const NativeActionTools& native) {
  const std::string label = model::valid_name(backup.metadata.name);
  ItemActions actions;
  actions.push_back(make_pod_action());
  actions.push_back(make_claim_action(label));
  actions.push_back(make_service_account_action(tools.client));
  if (plan.versions == Versions::Preferred) {
    auto definitions = make_definition_action(tools.client, tools.discovery);
    if (definitions) actions.push_back(std::move(definitions));
  }
  actions.push_back(make_csi_claim_action(csi));
  actions.push_back(make_csi_snapshot_action(csi));
  actions.push_back(make_csi_content_action(label));
  actions.push_back(make_csi_class_action());
  // Last: the volume's object is as it will be stored.
  actions.push_back(make_native_snapshot_action(native));
  return actions;
}

// Groups that are Kubernetes' own: their kinds have no CRD to bring along.
bool is_built_in(std::string_view group) {
  constexpr std::array<std::string_view, 5> kPlain = {"", "apps", "batch", "autoscaling", "policy"};
  constexpr std::array<std::string_view, 15> kDotted = {"rbac.authorization.k8s.io",
                                                        "networking.k8s.io",
                                                        "storage.k8s.io",
                                                        "scheduling.k8s.io",
                                                        "coordination.k8s.io",
                                                        "discovery.k8s.io",
                                                        "events.k8s.io",
                                                        "node.k8s.io",
                                                        "apiregistration.k8s.io",
                                                        "admissionregistration.k8s.io",
                                                        "apiextensions.k8s.io",
                                                        "certificates.k8s.io",
                                                        "flowcontrol.apiserver.k8s.io",
                                                        "authentication.k8s.io",
                                                        "authorization.k8s.io"};
  return std::find(kPlain.begin(), kPlain.end(), group) != kPlain.end() ||
         std::find(kDotted.begin(), kDotted.end(), group) != kDotted.end();
}

// Everything that lives as long as one run.
class Run {
 public:
  Run(const model::Backup& backup,
      const BackupPlan& plan,
      const BackupTools& tools,
      const BackupRunOptions& options,
      archive::ArchiveWriter& archive)
      : backup_(backup),
        plan_(plan),
        tools_(tools),
        options_(options),
        volumes_(tools.clock),
        native_(options.record_native_snapshots),
        // What a plugin's actions may lead to, nobody knows.
        items_(archive,
               backup.spec.or_label_selectors.size() > 1 || has_plugins(tools),
               options.witness),
        actions_(make_actions(
            backup,
            plan,
            tools,
            {.client = tools.client,
             .backup = backup,
             .clock = tools.clock,
             .policy = options.policy,
             .volumes = volumes_,
             .locations = options.snapshot_locations,
             .can_copy_files = options.pod_volumes != nullptr,
             .rehearsal = options.rehearsal,
             .serves_group_snapshots = tools.discovery.find(kGroupSnapshots) != nullptr},
            {.client = tools.client,
             .backup = backup,
             .clock = tools.clock,
             .policy = options.policy,
             .volumes = volumes_,
             .snapshots = native_,
             .locations = options.snapshot_locations,
             .rehearsal = options.rehearsal})),
        backupper_(
            {.backup = backup, .plan = plan, .tools = tools, .items = items_, .actions = actions_}),
        hooks_(tools.client, backup.spec.hooks, options.rehearsal),
        pods_({.backup = backup,
               .plan = plan,
               .tools = tools,
               .options = options,
               .volumes = volumes_,
               .items = backupper_,
               .hooks = hooks_,
               .block_actions = blocks_,
               .tell_progress = [this] { tell_progress(); }}) {}

  Result<BackupOutcome> carry_out(std::stop_token stop) {
    for (const std::string& error : plan_.errors)
      tools_.log.error(error);
    for (const std::string& warning : plan_.warnings)
      tools_.log.warning(warning);
    const Status taken = take_everything(stop);
    // Also after an error: what was begun is ended.
    std::stop_source ended;
    if (!taken) ended.request_stop();
    const Status copied = finish_copies(taken ? stop : ended.get_token());
    TRY(taken);
    TRY(copied);
    for (const auto& [volume, reason] : volumes_.missed()) {
      tools_.log.warning("The data of this volume is not in the backup",
                         {{"volume", volume}, {"reason", reason}});
    }
    tell_skipped_volumes();
    return outcome();
  }

 private:
  static bool has_plugins(const BackupTools& tools) {
    return tools.plugins != nullptr && tools.plugins->has_actions();
  }

  // Their actions come after the built-in ones, as in Velero.
  Status take_plugins(std::stop_token stop) {
    if (!has_plugins(tools_)) return {};
    for (auto& action : TRY(tools_.plugins->actions(tools_.discovery, stop))) {
      actions_.push_back(options_.policy
                             ? gate_by_policy(std::move(action), tools_.client, *options_.policy)
                             : std::move(action));
    }
    blocks_ = TRY(tools_.plugins->block_actions(tools_.discovery, stop));
    for (const auto& action : blocks_)
      actions_.push_back(make_block_item_action(action));
    return {};
  }

  Status take_everything(std::stop_token stop) {
    TRY(take_plugins(stop));
    std::int64_t number = 0;
    for (const std::vector<CollectionStep>& rank : plan_.ranks) {
      const Span span =
          tools_.trace.span("rank", {{"lateen.rank", ++number}, {"lateen.resources", rank.size()}});
      TRY(parallel_for(
          rank.size(), options_.workers,
          [&](std::size_t i, std::stop_token s) { return trace_step(rank[i], span.trace(), s); },
          stop));
    }
    const Span last = tools_.trace.span("namespaces and definitions");
    TRY(take_namespaces(stop));
    return take_definitions(stop);
  }

  Status finish_copies(std::stop_token stop) {
    if (options_.pod_volumes == nullptr) return {};
    const Span span = tools_.trace.span("copies of volumes' files");
    copies_ = TRY(options_.pod_volumes->finish(tools_.log, stop));
    for (const model::PodVolumeBackup& copy : copies_)
      volumes_.copied(copy);
    return {};
  }

  // Velero's line of the volumes whose data are not in the backup.
  void tell_skipped_volumes() const {
    JsonArray skipped;
    for (const model::BackupVolumeInfo& info : volumes_.infos()) {
      if (!info.skipped) continue;
      JsonObject one;
      one["name"] =
          info.pv_name.empty() ? kube::object_key(info.pvc_namespace, info.pvc_name) : info.pv_name;
      one["reasons"] = JsonArray{JsonObject{{"approach", "any"}, {"reason", info.skipped_reason}}};
      skipped.push_back(std::move(one));
    }
    tools_.log.info("Summary for skipped PVs: " + write_json(Json(std::move(skipped))));
  }

  Status trace_step(const CollectionStep& step, const Trace& trace, std::stop_token stop) {
    Span span = trace.span("resource", {{"k8s.resource", step.type.group_resource()}});
    BackupTools tools = tools_;
    tools.trace = span.trace();
    const Status done = collect_step(step, tools, std::move(stop));
    span.note(done);
    return done;
  }

  Status collect_step(const CollectionStep& step, const BackupTools& tools, std::stop_token stop) {
    if (step.type.group_resource() == kPods) {
      return pods_.collect_pods(step, taker(step.type, stop), stop);
    }
    TRY(take_first(step, stop));
    const std::string kind = step.type.group_resource();
    if (kind == "persistentvolumeclaims" || kind == "persistentvolumes") {
      return collect_volumes(step, tools, stop);
    }
    return collect(step, tools, options_.page_size, taker(step.type, stop), stop);
  }

  // Of claims and volumes several at once: each snapshot takes the storage its time.
  Status collect_volumes(const CollectionStep& step,
                         const BackupTools& tools,
                         std::stop_token stop) {
    constexpr std::size_t kBatch = 64;  // objects of a few KiB each
    std::vector<Json> batch;
    const auto flush = [&]() -> Status {
      TRY(parallel_for(
          batch.size(), options_.workers,
          [&](std::size_t i, std::stop_token s) -> Status {
            TRY(backupper_.back_up(step.type, std::move(batch[i]), s));
            tell_progress();
            return {};
          },
          stop));
      batch.clear();
      return {};
    };
    const ItemTaker all = taker(step.type, stop);
    ItemTaker batching = all;
    batching.take = [&](const ListPage& page, const ObjectSlice& slice) -> Status {
      estimate_.note(step.type, page, slice);
      const bool is_out =
          slice.deleting || slice.label(model::labels::kExcludeFromBackup) == "true";
      auto object = parse_json(slice.kind.empty() ? page.typed(slice) : Bytes(slice.raw));
      if (is_out || !object) return all.take(page, slice);  // which says why
      batch.push_back(std::move(*object));
      return batch.size() < kBatch ? Status() : flush();
    };
    TRY(collect(step, tools, options_.page_size, batching, stop));
    return flush();
  }

  // Takes every object that comes.
  ItemTaker taker(const kube::ResourceType& type, std::stop_token stop) {
    return {.take = [this, &type, stop](const ListPage& page, const ObjectSlice& slice) -> Status {
              estimate_.note(type, page, slice);
              TRY(backupper_.back_up(type, page, slice, stop));
              tell_progress();
              return {};
            },
            .again = [this, &type] { items_.may_come_again(type); }};
  }

  // spec.orderedResources: the named objects of a kind before the others, in their order.
  Status take_first(const CollectionStep& step, std::stop_token stop) {
    if (step.first.empty()) return {};
    items_.may_come_again(step.type);
    const bool selecting = backup_.spec.label_selector || !backup_.spec.or_label_selectors.empty();
    for (const std::string& key : step.first) {
      const auto [ns, name] = kube::parse_object_key(key);
      if (selecting) {
        auto body = tools_.client.get_raw({.gvr = step.type.gvr, .ns = ns, .name = name}, {}, stop);
        const auto slice = body ? OwnedSlice::parse(std::move(*body)) : std::move(body).error();
        if (!slice || !matches_selector(**slice)) {
          warn_of_first(step, key);
          continue;
        }
      }
      TRY(backupper_.back_up_related(
          {.kind = step.type.gvr.group_resource(), .ns = ns, .name = name}, tools_.log, stop));
    }
    return {};
  }

  void warn_of_first(const CollectionStep& step, std::string_view key) const {
    tools_.log.warning("An object that orderedResources names is not among those to be backed up",
                       {{"resource", step.type.group_resource()}, {"name", key}});
  }

  // The Namespace objects: those asked for by name, those the selector matches, and those that
  // something is in.
  Status take_namespaces(std::stop_token stop) {
    const kube::ResourceType* type = tools_.discovery.find(kube::GroupResource{"", "namespaces"});
    if (type == nullptr || !plan_.resources.why_not_collected(*type).empty()) return {};
    const std::set<std::string> populated = items_.namespaces();
    const bool selecting = backup_.spec.label_selector || !backup_.spec.or_label_selectors.empty();
    const CollectionStep step{
        .type = *type, .namespaces = {}, .list_wide = true, .label_selectors = {""}};
    const ItemTaker all = taker(*type, stop);
    ItemTaker some = all;
    some.take = [&](const ListPage& page, const ObjectSlice& slice) -> Status {
      const std::string name(slice.name);
      const bool selected = plan_.namespaces.includes(name);
      const bool by_filter = selected && !(plan_.namespaces.is_everything() && selecting);
      const bool by_label = selected && selecting && matches_selector(slice);
      if (!by_filter && !by_label && populated.count(name) == 0) return {};
      return all.take(page, slice);
    };
    return collect(step, tools_, options_.page_size, some, stop);
  }

  bool matches_selector(const ObjectSlice& slice) const {
    const auto labels = slice.parse_labels();
    if (!labels) return false;
    model::StringMap map;
    for (const auto& [key, value] : *labels)
      map[std::string(key)] = as_text(&value);
    if (backup_.spec.label_selector) return backup_.spec.label_selector->matches(map);
    return std::any_of(backup_.spec.or_label_selectors.begin(),
                       backup_.spec.or_label_selectors.end(),
                       [&map](const model::LabelSelector& one) { return one.matches(map); });
  }

  // The CustomResourceDefinition of each custom resource that something was taken of.
  Status take_definitions(std::stop_token stop) {
    const kube::GroupResource definitions{"apiextensions.k8s.io", "customresourcedefinitions"};
    if (!plan_.resources.crds_by_default() || tools_.discovery.find(definitions) == nullptr)
      return {};
    for (const std::string& kind : items_.kinds()) {
      if (is_built_in(kube::parse_group_resource(kind).group)) continue;
      auto there = tools_.client.get_raw(
          {.gvr = {definitions.group, "v1", definitions.resource}, .name = kind}, {}, stop);
      // An aggregated API's kinds have none.
      if (!there && there.error().is(Code::NotFound)) continue;
      TRY(backupper_.back_up_related({.kind = definitions, .name = kind}, tools_.log, stop));
    }
    return {};
  }

  void tell_progress() const {
    if (!options_.progress) return;
    const std::int64_t done = items_.count();
    options_.progress(done, std::max(done, estimate_.total()));
  }

  BackupOutcome outcome() {
    BackupOutcome outcome;
    outcome.items = items_.count();
    outcome.names = items_.take_names();
    outcome.operations = backupper_.operations();
    outcome.volumes = volumes_.infos();
    outcome.native_snapshots = native_.all();
    outcome.pod_volume_backups = copies_;
    outcome.hooks = hooks_.status();
    // As Velero counts: those that came to a VolumeSnapshot.
    outcome.csi_snapshots_attempted = std::count_if(
        outcome.volumes.begin(), outcome.volumes.end(), [](const model::BackupVolumeInfo& info) {
          return info.csi_snapshot_info.has_value() && !info.snapshot_data_moved;
        });
    return outcome;
  }

  const model::Backup& backup_;
  const BackupPlan& plan_;
  const BackupTools& tools_;
  const BackupRunOptions& options_;
  VolumeTracker volumes_;
  NativeSnapshots native_;
  BackedUpItems items_;
  ItemActions actions_;
  PluginBlockActions blocks_;
  ItemBackupper backupper_;
  HookRunner hooks_;
  PodBackupper pods_;
  ProgressEstimate estimate_;
  std::vector<model::PodVolumeBackup> copies_;
};

}  // namespace

Result<std::vector<NamespaceFacts>> read_namespaces(kube::Client& client, std::stop_token stop) {
  std::vector<NamespaceFacts> facts;
  kube::ListPager pager(client, {.gvr = {"", "v1", "namespaces"}}, {});
  while (auto page = TRY(pager.next(stop).wrap("listing namespaces"))) {
    for (const ObjectSlice& slice : page->items()) {
      NamespaceFacts one{.name = std::string(slice.name), .labels = {}, .active = !slice.deleting};
      const JsonObject labels = TRY(slice.parse_labels());
      for (const auto& [key, value] : labels)
        one.labels[std::string(key)] = as_text(&value);
      facts.push_back(std::move(one));
    }
  }
  return facts;
}

Result<BackupOutcome> run_backup(const model::Backup& backup,
                                 const BackupPlan& plan,
                                 const BackupTools& tools,
                                 const BackupRunOptions& options,
                                 archive::ArchiveWriter& archive,
                                 std::stop_token stop) {
  Run run(backup, plan, tools, options, archive);
  return run.carry_out(stop);
}

}  // namespace lateen::backup
