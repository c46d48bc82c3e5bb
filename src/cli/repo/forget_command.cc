#include <algorithm>

#include "cli/repo/prune_options.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/retention.h"
#include "cli/repo/show.h"

namespace lateen::cli::repo {
namespace {

struct CountFlag {
  std::string_view name;
  std::string_view letter;
  int KeepPolicy::* field;
};

struct SpanFlag {
  std::string_view name;
  CalendarSpan KeepPolicy::* field;
};

constexpr std::array<CountFlag, 6> kCounts = {{{"last", "l", &KeepPolicy::last},
                                               {"hourly", "H", &KeepPolicy::hourly},
                                               {"daily", "d", &KeepPolicy::daily},
                                               {"weekly", "w", &KeepPolicy::weekly},
                                               {"monthly", "m", &KeepPolicy::monthly},
                                               {"yearly", "y", &KeepPolicy::yearly}}};

constexpr std::array<SpanFlag, 6> kSpans = {{{"keep-within", &KeepPolicy::within},
                                             {"keep-within-hourly", &KeepPolicy::within_hourly},
                                             {"keep-within-daily", &KeepPolicy::within_daily},
                                             {"keep-within-weekly", &KeepPolicy::within_weekly},
                                             {"keep-within-monthly", &KeepPolicy::within_monthly},
                                             {"keep-within-yearly", &KeepPolicy::within_yearly}}};

Result<KeepPolicy> read_policy(const Flags& flags) {
  KeepPolicy policy;
  for (const CountFlag& flag : kCounts) {
    const std::string name = fmt::format("keep-{}", flag.name);
    if (flags.given(name)) {
      policy.*flag.field = TRY(parse_keep_count(flags.text(name)).wrap("--{}", name));
    }
  }
  for (const SpanFlag& flag : kSpans) {
    if (flags.given(flag.name)) {
      policy.*flag.field = TRY(parse_calendar_span(flags.text(flag.name)).wrap("--{}", flag.name));
    }
  }
  policy.tags = tag_lists(flags, "keep-tag");
  return policy;
}

// What becomes of one group, newest first.
struct GroupPlan {
  SnapshotGroup group = {};
  std::vector<Snapshot> keep = {};
  std::vector<std::vector<std::string>> reasons = {};  // of those to keep
  std::vector<Snapshot> remove = {};
};

GroupPlan plan_group(SnapshotGroup group, const KeepPolicy& policy, TimePoint now) {
  GroupPlan plan;
  std::reverse(group.snapshots.begin(), group.snapshots.end());
  std::vector<DatedSnapshot> dated;
  for (const Snapshot& snapshot : group.snapshots)
    dated.push_back({.time = snapshot.time, .zone = snapshot.zone, .tags = snapshot.tags});
  const std::vector<KeepDecision> decisions = apply_policy(dated, policy, now);
  for (std::size_t i = group.snapshots.size(); i-- > 0;) {  // printed oldest first
    if (decisions[i].keep) {
      plan.keep.push_back(group.snapshots[i]);
      plan.reasons.push_back(decisions[i].reasons);
    } else {
      plan.remove.push_back(group.snapshots[i]);
    }
  }
  plan.group = std::move(group);
  return plan;
}

void print_plan(RepoCall& call, const GroupPlan& plan, const GroupBy& by) {
  const Printer& out = call.printer;
  if (out.json() || out.verbosity() < 1) return;
  const bool compact = call.flags().is("compact");
  const std::string heading = plan.group.heading(by);
  if (!heading.empty()) out.note(heading);
  if (!plan.keep.empty()) {
    out.note(fmt::format("keep {} snapshots:", plan.keep.size()));
    out.note(snapshot_table(plan.keep, plan.reasons, compact, Zone::local()));
  }
  if (!plan.remove.empty()) {
    out.note(fmt::format("remove {} snapshots:", plan.remove.size()));
    out.note(snapshot_table(plan.remove, {}, compact, Zone::local()));
  }
}

Json snapshots_json(const std::vector<Snapshot>& snapshots) {
  if (snapshots.empty()) return nullptr;
  JsonArray out;
  for (const Snapshot& snapshot : snapshots)
    out.push_back(snapshot_json(snapshot));
  return out;
}

JsonObject plan_json(const GroupPlan& plan) {
  JsonArray reasons;
  for (std::size_t i = 0; i < plan.keep.size(); ++i) {
    reasons.push_back(JsonObject{{"snapshot", snapshot_json(plan.keep[i])},
                                 {"matches", texts_json(plan.reasons[i])}});
  }
  const auto list = [](const std::vector<std::string>& texts) {
    return texts.empty() ? Json(nullptr) : Json(texts_json(texts));
  };
  return {{"tags", list(plan.group.tags)},         {"host", plan.group.host},
          {"paths", list(plan.group.paths)},       {"keep", snapshots_json(plan.keep)},
          {"remove", snapshots_json(plan.remove)}, {"reasons", std::move(reasons)}};
}

Status check_policy(const KeepPolicy& policy, const Flags& flags, const SnapshotFilter& filter) {
  if (!policy.empty()) return {};
  if (!flags.is("unsafe-allow-remove-all")) {
    return Error(Code::InvalidArgument, "no policy was given: no snapshots are removed")
        .with_hint("Say what to keep with --keep-*, or name the snapshots to forget.");
  }
  if (!filter.empty()) return {};
  return Error(Code::InvalidArgument,
               "--unsafe-allow-remove-all needs --host, --tag or --path as well");
}

// By policy: what goes. Prints it.
Result<std::vector<Snapshot>> choose_by_policy(RepoCall& call,
                                               std::vector<Snapshot> snapshots,
                                               const SnapshotFilter& filter) {
  const KeepPolicy policy = TRY(read_policy(call.flags()));
  TRY(check_policy(policy, call.flags(), filter));
  const GroupBy by = TRY(parse_group_by(call.flags().text("group-by")));
  call.printer.note(fmt::format("Applying Policy: {}", policy.describe()));
  // A run that did not end is no day's or week's snapshot: it neither counts nor is removed here.
  std::erase_if(snapshots, [](const Snapshot& one) { return !one.incomplete.empty(); });
  std::vector<Snapshot> remove;
  JsonArray json;
  for (SnapshotGroup& group : group_snapshots(std::move(snapshots), by)) {
    const GroupPlan plan = plan_group(std::move(group), policy, call.clock.now());
    print_plan(call, plan, by);
    if (plan.keep.empty() && !policy.empty()) {
      return Error(Code::InvalidArgument, "refusing to remove the last snapshot of a group ({})",
                   plan.group.heading(by));
    }
    json.push_back(plan_json(plan));
    remove.insert(remove.end(), plan.remove.begin(), plan.remove.end());
  }
  if (call.printer.json() && !json.empty()) call.printer.document(json);
  return remove;
}

Result<int> run(RepoCall& call) {
  const bool dry_run = call.flags().is("dry-run");
  repository::PruneRequest prune = TRY(read_prune_request(call.flags(), dry_run));
  if (call.settings.no_lock && !dry_run) {
    return Error(Code::InvalidArgument, "--no-lock goes with --dry-run only");
  }
  const OpenRepo repo =
      TRY(open_repo(call, call.settings.no_lock ? Access::NoLock : Access::Exclusive));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  const SnapshotFilter filter = read_filter(call.flags());
  std::vector<Snapshot> remove = TRY(select_snapshots(list.snapshots, call.call.args, filter));
  if (call.call.args.empty()) remove = TRY(choose_by_policy(call, std::move(remove), filter));

  std::vector<std::string> ids;
  for (const Snapshot& snapshot : remove)
    ids.push_back(snapshot.id);
  if (!ids.empty() && dry_run) {
    call.printer.note(fmt::format("would have removed {} snapshots", ids.size()));
  } else if (!ids.empty()) {
    TRY(repo.repository->forget(ids, call.stop()));
    call.printer.note(fmt::format("removed {} snapshots", ids.size()));
  }
  if (ids.empty() || !call.flags().is("prune")) return kExitOk;
  if (dry_run) prune.without = std::move(ids);
  return prune_repo(call, repo, prune);
}

}  // namespace

Command forget_command() {
  std::vector<FlagSpec> flags;
  for (const CountFlag& flag : kCounts) {
    flags.push_back({.name = fmt::format("keep-{}", flag.name),
                     .usage = fmt::format("Keep the last n {}snapshots (or: unlimited)",
                                          flag.name == "last" ? "" : std::string(flag.name) + " "),
                     .shorthand = std::string(flag.letter),
                     .type_name = "n"});
  }
  for (const SpanFlag& flag : kSpans) {
    flags.push_back({.name = std::string(flag.name),
                     .usage = "Keep those newer than this before the newest, like 1y5m7d2h",
                     .type_name = "duration"});
  }
  flags.push_back({.name = "keep-tag",
                   .kind = FlagKind::Texts,
                   .usage = "Keep those with all of these tags (again: or of those)",
                   .type_name = "taglist"});
  for (FlagSpec& spec : filter_flags()) {
    if (spec.shorthand == "H") spec.shorthand.clear();  // --keep-hourly
    flags.push_back(std::move(spec));
  }
  flags.push_back(
      {.name = "compact", .kind = FlagKind::Bool, .usage = "Show less", .shorthand = "c"});
  flags.push_back({.name = "group-by",
                   .usage = "Group by host, paths and/or tags ('' for one group)",
                   .value = "host,paths",
                   .shorthand = "g",
                   .type_name = "group"});
  flags.push_back({.name = "dry-run",
                   .kind = FlagKind::Bool,
                   .usage = "Remove nothing, only say what would be",
                   .shorthand = "n"});
  flags.push_back(
      {.name = "prune", .kind = FlagKind::Bool, .usage = "Run prune if any was removed"});
  flags.push_back({.name = "unsafe-allow-remove-all",
                   .kind = FlagKind::Bool,
                   .usage = "Allow that no snapshot of a group is left"});
  for (FlagSpec& spec : prune_flags())
    flags.push_back(std::move(spec));
  return {.name = "forget",
          .usage = "[SNAPSHOT...]",
          .summary = "Remove snapshots, by name or by policy",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
