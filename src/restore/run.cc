#include "restore/run.h"

#include <algorithm>

#include "base/thread.h"
#include "base/time.h"
#include "kube/discovery.h"
#include "kube/object.h"
#include "restore/namespaces.h"
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
    for (const PlannedItem& item : step.items) {
      const std::string name(state.archive.items()[item.archived].key.name);
      const Status ready = wait_established(state.tools.client, name,
                                            Deadline::after(state.options.resource_timeout), stop);
      if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
      if (!ready)
        state.note_error(
            {}, fmt::format("customresourcedefinitions {}: {}", name, ready.error().message()));
    }
  }
  return {};
}

// Every namespace that something goes to, and where it comes from.
std::map<std::string, std::string> target_namespaces(const RestorePlan& plan,
                                                     const archive::ArchiveReader& archive) {
  std::map<std::string, std::string> source_of;
  for (const auto& rank : plan.ranks) {
    for (const RestoreStep& step : rank) {
      for (const PlannedItem& item : step.items) {
        if (!item.target_ns.empty()) {
          source_of.emplace(item.target_ns, archive.items()[item.archived].key.ns);
        }
      }
    }
  }
  return source_of;
}

Status restore_namespaces(RunState& state, const RestorePlan& plan, std::stop_token stop) {
  const auto source_of = target_namespaces(plan, state.archive);
  const std::vector<std::pair<std::string, std::string>> wanted(source_of.begin(), source_of.end());
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
        if (*made) state.note_item("v1", "Namespace", {}, target, ItemOutcome::Created);
        return {};
      },
      stop);
}

}  // namespace

Result<RestoreOutcome> run_restore(const model::Restore& restore,
                                   const RestorePlan& planned,
                                   const archive::ArchiveReader& archive,
                                   const RestoreTools& tools,
                                   const RestoreRunOptions& options,
                                   std::stop_token stop) {
  kube::Discovery discovery = TRY(kube::discover(tools.client, stop));
  RestorePlan plan = TRY(narrow_by_labels(planned, restore.spec, archive, stop));
  plan =
      TRY(add_related(std::move(plan), restore.spec, discovery, options.priorities, archive, stop));

  RunState state(restore, archive, tools, options, discovery);
  state.total = static_cast<std::int64_t>(plan.total);
  TRY(state.resolve_plugins(stop));
  TRY(read_surroundings(state.context, archive, tools, options, stop));
  if (plan.total == 0) {
    state.note_velero_warning(
        "the backup holds nothing that this restore selects: zero items to be restored");
  }
  for (const std::string& entry : archive.refused_entries()) {
    state.note_velero_warning(
        fmt::format("the tarball's entry \"{}\" leads out of it and was not read", entry));
  }
  TRY(restore_definitions(state, plan, stop));
  if (!plan.definitions.empty()) {
    discovery = TRY(kube::discover(tools.client, stop));
    TRY(state.resolve_plugins(stop));  // a name may mean one of the new kinds
  }
  TRY(restore_namespaces(state, plan, stop));
  for (const std::vector<RestoreStep>& rank : plan.ranks)
    TRY(state.restore_rank(rank, stop));
  return state.outcome();
}

}  // namespace lateen::restore
