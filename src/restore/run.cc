#include "restore/run.h"

#include <algorithm>

#include "base/text.h"
#include "base/thread.h"
#include "base/time.h"
#include "kube/discovery.h"
#include "kube/object.h"
#include "model/restarts.h"
#include "restore/item_extension.h"
#include "restore/namespace_mapping.h"
#include "restore/namespaces.h"
#include "restore/preview.h"
#include "restore/rehearsal.h"
#include "restore/related.h"
#include "restore/run_state.h"
#include "restore/surroundings.h"

namespace lateen::restore {
namespace {

using std::chrono::milliseconds;

// Until the API server serves the kind of a definition that was just created.
Status wait_established(kube::Client& client,
                        const std::string& name,
                        Deadline deadline,
                        std::stop_token stop) {
  const kube::ObjectPath path{.gvr = {"apiextensions.k8s.io", "v1", "customresourcedefinitions"},
                              .name = name};
  while (true) {
    const Json definition = TRY(client.get(path, {}, stop));
    if (kube::is_condition_true(definition, "Established") &&
        kube::is_condition_true(definition, "NamesAccepted")) {
      return {};
    }
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded,
                   "CustomResourceDefinition {} was not established in time", name);
    }
    if (!sleep_unless_stopped(milliseconds(100), stop)) {
      return Error(Code::Canceled, "the restore was stopped");
    }
  }
}

Status restore_definitions(RunState& state, const RestorePlan& plan, std::stop_token stop) {
  for (const RestoreStep& step : plan.definitions) {
    TRY(state.restore_step(step, stop));
    if (state.rehearsal != nullptr) continue;
    for (const PlannedItem& item : step.items) {
      const std::string name(state.archive.items()[item.archived].key.name);
      const Status ready = wait_established(state.tools.client, name,
                                            Deadline::after(state.options.resource_timeout), stop);
      if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
      if (!ready)
        state.notes.error(
            {}, fmt::format("customresourcedefinitions {}: {}", name, ready.error().message()));
    }
  }
  return {};
}

// Every namespace that something goes to, and where it comes from. InvalidArgument when two become
// one: their objects would stand in each other's way.
Result<std::map<std::string, std::string>> target_namespaces(
    const RestorePlan& plan, const archive::ArchiveReader& archive) {
  std::map<std::string, std::string> source_of;
  for (const auto& rank : plan.ranks) {
    for (const RestoreStep& step : rank) {
      for (const PlannedItem& item : step.items) {
        if (item.target_ns.empty()) continue;
        const std::string_view source = archive.items()[item.archived].key.ns;
        const auto [at, is_new] = source_of.emplace(item.target_ns, source);
        if (!is_new && at->second != source) {
          return two_to_one(at->second, source, item.target_ns);
        }
      }
    }
  }
  return source_of;
}

Status trace_rank(RunState& state,
                  const std::vector<RestoreStep>& rank,
                  std::size_t number,
                  std::stop_token stop) {
  std::size_t items = 0;
  std::vector<std::string_view> resources;
  for (const RestoreStep& step : rank) {
    items += step.items.size();
    resources.emplace_back(step.group_resource);
  }
  Span span = state.tools.trace.span(
      "rank",
      {{"lateen.rank", number}, {"k8s.resources", join(resources, ",")}, {"lateen.items", items}});
  const Status done = state.restore_rank(rank, std::move(stop));
  span.note(done);
  return done;
}

using Namespaces = std::vector<std::pair<std::string, std::string>>;  // target, source

// Whether the run that was interrupted has made it.
bool is_of_earlier_run(const RunState& state, const std::string& ns, std::stop_token stop) {
  const model::ObjectMeta& metadata = state.restore.metadata;
  if (model::restarts_of(metadata) == 0 || !metadata.creation_timestamp) return false;
  const auto there =
      state.tools.client.get({.gvr = {"", "v1", "namespaces"}, .name = ns}, {}, std::move(stop));
  return there && kube::creation_time_of(*there) >= metadata.creation_timestamp;
}

Status restore_namespaces(RunState& state, const Namespaces& wanted, std::stop_token stop) {
  return parallel_for(
      wanted.size(), state.options.workers,
      [&](std::size_t i, std::stop_token s) -> Status {
        const auto& [target, source] = wanted[i];
        auto made =
            ensure_namespace(state.tools.client, state.archive, source, target,
                             Deadline::after(state.options.terminating_resource_timeout), s);
        if (s.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
        if (!made) {
          // Each object in it would say the same.
          state.give_up_namespace(target, made.error());
          return {};
        }
        // One that was there is not an item of this restore, as with Velero.
        if (*made || is_of_earlier_run(state, target, s))
          state.notes.item("v1", "Namespace", {}, target, ItemOutcome::Created);
        return {};
      },
      stop);
}

Status ask_for_namespaces(RunState& state, const Namespaces& wanted, std::stop_token stop) {
  return parallel_for(
      wanted.size(), state.options.workers,
      [&](std::size_t i, std::stop_token s) -> Status {
        const std::string& name = wanted[i].first;
        const auto there =
            state.tools.client.get({.gvr = {"", "v1", "namespaces"}, .name = name}, {}, s);
        if (!there && !there.error().is(Code::NotFound)) return there.error();
        PreviewedItem item{.group_resource = "namespaces",
                           .kind = "Namespace",
                           .name = name,
                           .action = PreviewAction::Same};
        if (!there) {
          item.action = PreviewAction::Create;
          state.rehearsal->note_missing_namespace(name);
        } else if (kube::is_being_deleted(*there)) {
          item.action = PreviewAction::Conflict;
          item.reason = "it is being deleted: the restore would wait until it has gone";
          state.rehearsal->note_missing_namespace(name);
        }
        state.rehearsal->note(std::move(item));
        return {};
      },
      stop);
}

// All that is planned, in its order.
Status carry_out(RunState& state,
                 kube::Discovery& discovery,
                 const RestorePlan& plan,
                 std::stop_token stop) {
  const auto source_of = TRY(target_namespaces(plan, state.archive));
  const Namespaces namespaces(source_of.begin(), source_of.end());
  TRY(restore_definitions(state, plan, stop));
  if (state.rehearsal != nullptr) {
    TRY(ask_for_namespaces(state, namespaces, stop));
  } else {
    if (!plan.definitions.empty()) {
      discovery = TRY(kube::discover(state.tools.client, stop));
      TRY(state.resolve_plugins(stop));  // a name may mean one of the new kinds
    }
    TRY(restore_namespaces(state, namespaces, stop));
  }
  std::size_t number = 0;
  for (const std::vector<RestoreStep>& rank : plan.ranks) {
    ++number;
    if (state.rehearsal != nullptr) state.rehearsal->enter_rank(number);
    TRY(trace_rank(state, rank, number, stop));
  }
  return {};
}

// The plan with what only the objects themselves can tell: their labels, and what they lead to.
Result<RestorePlan> complete(const RestorePlan& planned,
                             const model::Restore& restore,
                             const archive::ArchiveReader& archive,
                             const kube::Discovery& discovery,
                             const RestoreRunOptions& options,
                             std::stop_token stop) {
  RestorePlan plan = TRY(narrow_by_labels(planned, restore.spec, archive, stop));
  return add_related(std::move(plan), restore.spec, discovery, options.priorities, archive, stop);
}

void warn_of_contents(RunState& state, const RestorePlan& plan) {
  if (plan.total == 0) {
    state.notes.velero_warning(
        "the backup holds nothing that this restore selects: zero items to be restored");
  }
  for (const archive::RefusedEntry& entry : state.archive.refused_entries()) {
    state.notes.velero_warning(
        fmt::format("the tarball's entry {} was not read: {}", quote_go(entry.name), entry.why));
  }
}

ComingObjects coming_with(const RestorePlan& plan, const archive::ArchiveReader& archive) {
  ComingObjects coming;
  for (const RestoreStep& step : plan.definitions) {
    for (const PlannedItem& item : step.items)
      coming.kinds.emplace(archive.items()[item.archived].key.name);
  }
  for (const auto& rank : plan.ranks) {
    for (const RestoreStep& step : rank) {
      if (step.group_resource != "storageclasses.storage.k8s.io") continue;
      for (const PlannedItem& item : step.items)
        coming.storage_classes.emplace(archive.items()[item.archived].key.name);
    }
  }
  return coming;
}

}  // namespace

Result<RestoreOutcome> run_restore(const model::Restore& restore,
                                   const RestorePlan& planned,
                                   const archive::ArchiveReader& archive,
                                   const RestoreTools& tools,
                                   const RestoreRunOptions& options,
                                   std::stop_token stop) {
  kube::Discovery discovery = TRY(kube::discover(tools.client, stop));
  const RestorePlan plan = TRY(complete(planned, restore, archive, discovery, options, stop));
  RunState state(restore, archive, tools, options, discovery, nullptr);
  state.total = static_cast<std::int64_t>(plan.total);
  TRY(state.resolve_plugins(stop));
  TRY(read_surroundings(state.context, archive, tools, options, stop));
  warn_of_contents(state, plan);
  Status done = carry_out(state, discovery, plan, stop);
  RestoreOutcome outcome = state.outcome();
  for (ItemExtension* extension : tools.extensions) {
    const Status finished = extension->finish(outcome, stop);
    if (done) done = finished;
  }
  if (done && stop.stop_requested()) done = Error(Code::Canceled, "the restore was stopped");
  if (!done) outcome.cut_short = std::move(done).error();
  return outcome;
}

Result<RestorePreview> preview_restore(const model::Restore& restore,
                                       const RestorePlan& planned,
                                       const archive::ArchiveReader& archive,
                                       const RestoreTools& tools,
                                       const RestoreRunOptions& options,
                                       std::stop_token stop) {
  kube::Discovery discovery = TRY(kube::discover(tools.client, stop));
  const RestorePlan plan = TRY(complete(planned, restore, archive, discovery, options, stop));
  Rehearsal rehearsal(coming_with(plan, archive));
  RunState state(restore, archive, tools, options, discovery, &rehearsal);
  TRY(read_surroundings(state.context, archive, tools, options, stop));
  warn_of_contents(state, plan);
  TRY(carry_out(state, discovery, plan, stop));
  RestorePreview preview;
  preview.items = rehearsal.take();
  preview.skipped = plan.skipped;
  preview.results = state.outcome().results;
  return preview;
}

}  // namespace lateen::restore
