// `takeover`: the checks before, the change, and the way back.
#include <algorithm>
#include <array>
#include <set>

#include "cli/commands.h"
#include "cli/install_apply.h"
#include "cli/install_objects.h"
#include "cli/install_options.h"
#include "cli/published_keys.h"
#include "cli/server_status.h"
#include "cli/session.h"
#include "cli/takeover.h"
#include "kube/object.h"
#include "model/names.h"

namespace lateen::cli {
namespace {

// What older versions keep in their buckets and objects was never tried.
constexpr std::int64_t kOldestVelero = 10;
constexpr Duration kTakeoverAnswer = std::chrono::seconds(30);

struct Workload {
  kube::ObjectPath path;
  Json before;
  Json after;
};

struct TakeoverWork {
  const Session& session;
  Invocation& call;

  kube::Client& client() const { return *session.client; }

  bool dry_run() const { return call.flags.is("dry-run"); }
};

// The server's Deployment and the node agents, as they are. One that is not there is left out.
Result<std::vector<Workload>> find_workloads(const TakeoverWork& at) {
  std::vector<Workload> found;
  for (const auto& [resource, name] :
       {std::pair{"deployments", "velero"}, std::pair{"daemonsets", "node-agent"}}) {
    kube::ObjectPath path{.gvr = {"apps", "v1", resource}, .ns = at.session.ns(), .name = name};
    auto object = at.client().get(path, {}, at.call.stop);
    if (object) {
      found.push_back({.path = std::move(path), .before = std::move(*object), .after = nullptr});
    } else if (!object.error().is(Code::NotFound)) {
      return std::move(object).error();
    }
  }
  if (found.empty() || found.front().path.gvr.resource != "deployments") {
    return Error(Code::NotFound, "there is no Deployment velero in namespace {}", at.session.ns())
        .with_hint(
            fmt::format("Name another namespace with -n, or use `{} install`.", at.call.program));
  }
  return found;
}

// A server that is replaced marks what it was at as failed, or has it done again.
Status check_nothing_runs(const TakeoverWork& at) {
  struct Running {
    const char* version;
    const char* plural;
  };

  constexpr std::array<Running, 6> kKinds = {{{"v1", "backups"},
                                              {"v1", "restores"},
                                              {"v1", "podvolumebackups"},
                                              {"v1", "podvolumerestores"},
                                              {"v2alpha1", "datauploads"},
                                              {"v2alpha1", "datadownloads"}}};
  std::vector<std::string> running;
  for (const Running& kind : kKinds) {
    const auto list = at.client().list(
        {.gvr = {std::string(model::kGroup), kind.version, kind.plural}, .ns = at.session.ns()}, {},
        at.call.stop);
    const JsonArray* items = list ? array_at(*list, "items") : nullptr;
    if (items == nullptr) continue;
    for (const Json& one : *items) {
      const std::string_view phase = string_at(one, "status.phase");
      if (phase == "InProgress" || phase.starts_with("WaitingForPluginOperations") ||
          phase.starts_with("Finalizing"))
        running.push_back(fmt::format("{} {} ({})", kube::kind_of(one), kube::name_of(one), phase));
    }
  }
  if (running.empty() || at.call.flags.is("force")) return {};
  return Error(Code::Unavailable, "Velero is at work: {}", fmt::join(running, ", "))
      .with_hint("Wait until that has ended, or give --force: what runs then fails.");
}

std::vector<FlagSpec> flags_of(const Workload& workload) {
  const Command command = workload.path.gvr.resource == "deployments"
                              ? server_command()
                              : agent_command().children.front();
  std::vector<FlagSpec> flags = command.flags;
  for (FlagSpec& global : global_flags())
    flags.push_back(std::move(global));
  return flags;
}

Status check_workload(const TakeoverWork& at, const Workload& workload) {
  const Json* container = velero_container(workload.before);
  const std::string_view image = container == nullptr ? "" : string_at(*container, "image");
  const auto minor = velero_minor_of(image);
  if (minor && *minor < kOldestVelero && image.find("velero/velero") != std::string_view::npos) {
    at.call.console.err(fmt::format("WARNING: {} is older than what was tried (Velero 1.{}).\n",
                                    image, kOldestVelero));
  }
  const std::vector<std::string> refused = refused_arguments(workload.before, flags_of(workload));
  if (refused.empty()) return {};
  return Error(Code::InvalidArgument, "{} would not start with {}", workload.path.describe(),
               fmt::join(refused, " "))
      .with_hint("Take these arguments out of it first.");
}

// Whoever else writes the object will put Velero back.
void warn_of_owner(const TakeoverWork& at, const Json& object) {
  std::string_view owner = kube::label_of(object, "app.kubernetes.io/managed-by");
  for (const char* tracked :
       {"argocd.argoproj.io/tracking-id", "kustomize.toolkit.fluxcd.io/name"}) {
    if (kube::has_annotation(object, tracked) || kube::has_label(object, tracked)) owner = "GitOps";
  }
  if (owner.empty()) return;
  at.call.console.err(fmt::format(
      "WARNING: {} {} is managed by {}, which puts Velero back when it next applies it. Set the "
      "image there, too.\n",
      kube::kind_of(object), kube::name_of(object), owner));
}

void show_changes(const TakeoverWork& at, const Workload& workload) {
  at.call.console.line(
      fmt::format("{} {}", kube::kind_of(workload.before), kube::object_key(workload.before)));
  for (const std::string& line : container_changes(workload.before, workload.after))
    at.call.console.line("  " + line);
}

Status update_definitions(const TakeoverWork& at) {
  for (const Json& crd : install_definitions()) {
    const kube::ObjectPath path = TRY(install_path(crd));
    const auto there = at.client().get(path, {}, at.call.stop);
    if (!there && !there.error().is(Code::NotFound)) return Error(there.error());
    std::string_view done = "created";
    if (at.dry_run()) {
      if (there) continue;
    } else if (!there) {
      TRY(at.client().create(path.collection(), crd, {}, at.call.stop));
    } else if (TRY(update_definition(at.client(), crd, at.call.stop))) {
      done = "brought up to date";
    } else {
      continue;
    }
    at.call.console.line(fmt::format("CustomResourceDefinition {}: {}{}", path.name,
                                     at.dry_run() ? "would be " : "", done));
  }
  return {};
}

// Compared and swapped: what somebody else changed meanwhile is not overwritten.
Status write_workloads(const TakeoverWork& at, const std::vector<Workload>& workloads) {
  for (const Workload& workload : workloads) {
    if (workload.before == workload.after) continue;
    Json patch = kube::diff_merge_patch(workload.before, workload.after);
    ensure(patch, "metadata.resourceVersion") = kube::resource_version_of(workload.before);
    TRY(at.client()
            .patch(workload.path, kube::PatchType::Merge, patch, {}, at.call.stop)
            .wrap("changing {}", workload.path.describe()));
  }
  return {};
}

Status wait_for_takeover(const TakeoverWork& at, const std::vector<Workload>& workloads) {
  const InstallWork work{.client = at.client(), .console = at.call.console, .stop = at.call.stop};
  TRY(wait_for_server_pods(work, at.session.ns()));
  if (workloads.size() > 1) TRY(wait_for_agent_pods(work, at.session.ns(), "node-agent"));
  TRY(ask_server_status(at.session, kTakeoverAnswer, at.call.stop)
          .wrap("the server's pods are ready, but it does not answer"));
  return {};
}

// Velero reads one key for all repositories.
Status check_keys(const TakeoverWork& at) {
  const auto closed = TRY(keys_closed_to_velero(at.session, at.call.stop));
  if (closed.empty() || at.call.flags.is("force")) return {};
  std::vector<std::string> names;
  std::set<std::string> commands;
  for (const PublishedKey& one : closed) {
    names.push_back(fmt::format("{} ({})", one.subject, one.detail));
    commands.insert(one.next);
  }
  return Error(Code::InvalidArgument, "Velero would not open {}", fmt::join(names, ", "))
      .with_hint(fmt::format("First: {}. Or give --force.", fmt::join(commands, "; ")));
}

Result<int> revert_takeover(const TakeoverWork& at, std::vector<Workload> workloads) {
  for (Workload& workload : workloads) {
    // A node agent that was added later is none of Velero's.
    if (workload.path.gvr.resource == "daemonsets" &&
        !kube::has_annotation(workload.before, kTakenOver)) {
      workload.after = workload.before;
      continue;
    }
    workload.after = TRY(given_back(workload.before));
    show_changes(at, workload);
  }
  TRY(check_keys(at));
  if (at.dry_run()) return 0;
  TRY(check_nothing_runs(at));
  TRY(write_workloads(at, workloads));
  at.call.console.line("Velero is back in its place.");
  return 0;
}

Result<int> run_takeover(Invocation& call) {
  const Session session = TRY(open_session(call));
  const TakeoverWork at{.session = session, .call = call};
  std::vector<Workload> workloads = TRY(find_workloads(at));
  if (call.flags.is("revert")) return revert_takeover(at, std::move(workloads));
  const std::string image = call.flags.text("image");
  bool anything = false;
  for (Workload& workload : workloads) {
    TRY(check_workload(at, workload));
    workload.after = TRY(taken_over(workload.before, image));
    if (container_changes(workload.before, workload.after).empty())
      workload.after = workload.before;
    anything |= workload.before != workload.after;
  }
  if (!anything) {
    call.console.line(fmt::format("{} runs here already.", image));
    return 0;
  }
  if (!at.dry_run()) TRY(check_nothing_runs(at));
  for (const Workload& workload : workloads) {
    warn_of_owner(at, workload.before);
    show_changes(at, workload);
  }
  TRY(update_definitions(at));
  if (at.dry_run()) {
    call.console.line("Nothing was changed.");
    return 0;
  }
  TRY(write_workloads(at, workloads));
  if (call.flags.is("wait")) {
    call.console.line("Waiting for the server to answer.");
    TRY(wait_for_takeover(at, workloads));
  }
  call.console.line(fmt::format(
      "Lateen is in Velero's place, over the same objects, Secrets and buckets. `{} takeover "
      "--revert` puts Velero back.",
      call.program));
  return 0;
}

}  // namespace

Command takeover_command() {
  return {
      .name = "takeover",
      .usage = "",
      .summary = "Put Lateen in the place of an installed Velero, and back",
      .flags = {{.name = "image", .usage = "The image to run.", .value = default_image()},
                {.name = "dry-run",
                 .kind = FlagKind::Bool,
                 .usage = "Print what would change, and change nothing."},
                {.name = "revert",
                 .kind = FlagKind::Bool,
                 .usage = "Put Velero back, as it was before the takeover."},
                {.name = "force",
                 .kind = FlagKind::Bool,
                 .usage = "Even while backups or restores run, which then fail; and with --revert, "
                          "though Velero "
                          "would not open some repositories."},
                {.name = "wait",
                 .kind = FlagKind::Bool,
                 .usage = "Wait until the server answers.",
                 .value = "true"}},
      .run = run_takeover,
      .text =
          "Changes the image of the Deployment 'velero' and of the DaemonSet 'node-agent', and "
          "nothing else: custom resources, Secrets, buckets, arguments, environment, plugins and "
          "ServiceAccount stay as they are. What was there before is noted in an annotation, for "
          "--revert.",
      .max_args = 0};
}

}  // namespace lateen::cli
