#include <fmt/format.h>

#include "cli/check_iam.h"
#include "cli/check_rows.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"

namespace lateen::cli {
namespace {

using assurance::CheckGroup;
using assurance::CheckResult;
using assurance::CheckVerdict;

// EBS' own for an account that asked for nothing else.
constexpr const char* kDefaultQuota = "100000";

std::string_view heading_of(CheckGroup group) {
  switch (group) {
    case CheckGroup::Before:
      return "Before an install";
    case CheckGroup::Production:
      return "The checklist of six";
    case CheckGroup::Beyond:
      return "Beyond it";
    case CheckGroup::Deep:
      return "By doing it";
  }
  return {};
}

std::string summary_of(const CheckResults& results) {
  const auto count = [&results](CheckVerdict verdict) {
    return std::count_if(results.begin(), results.end(),
                         [verdict](const CheckResult& one) { return one.verdict == verdict; });
  };
  return fmt::format("{} ok, {} to look at, {} failed", count(CheckVerdict::Ok),
                     count(CheckVerdict::Warning), count(CheckVerdict::Failed));
}

CheckResults only_production(CheckResults results) {
  std::erase_if(results, [](const CheckResult& one) {
    return assurance::find_check(one.id)->group != CheckGroup::Production;
  });
  return results;
}

void append_rows(CheckResults more, CheckResults& results) {
  std::move(more.begin(), more.end(), std::back_inserter(results));
}

Result<CheckResults> make_checks(const Session& session, const Invocation& call) {
  if (call.flags.is("pre")) return check_before_install(session, call);
  const CheckRequest request{
      .with_coverage = !call.flags.is("quick"),
      .snapshot_quota = static_cast<std::size_t>(call.flags.integer("snapshot-quota")),
      .snapshot_claim = call.flags.text("snapshot-claim")};
  CheckResults results = TRY(check_objects(session, request, call));
  const auto locations = TRY(session.cluster.list<model::BackupStorageLocation>("", call.stop));
  append_rows(check_buckets(locations, session, call.stop), results);
  if (call.flags.is("production")) return only_production(std::move(results));
  append_rows(check_surroundings(session, call), results);
  if (call.flags.is("deep"))
    append_rows(check_by_doing(locations, session, request, call), results);
  return results;
}

Result<int> run_checks(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  if (call.flags.integer("snapshot-quota") <= 0)
    return Error(Code::InvalidArgument, "--snapshot-quota must be more than 0");
  const Session session = TRY(open_session(call));
  CheckResults results = TRY(make_checks(session, call));
  assurance::sort_checks(results);
  call.console.out(format == OutputFormat::Table
                       ? print_checks(results)
                       : print_document(assurance::to_json(results), format));
  return assurance::any_failed(results) ? 1 : 0;
}

}  // namespace

std::string_view check_mark(CheckVerdict verdict) {
  switch (verdict) {
    case CheckVerdict::Ok:
      return "✓";
    case CheckVerdict::Warning:
      return "‼";
    case CheckVerdict::Failed:
      return "✗";
  }
  return "✗";
}

std::string print_checks(const CheckResults& results) {
  std::string text;
  std::optional<CheckGroup> group;
  for (const CheckResult& one : results) {
    const assurance::CheckInfo& info = *assurance::find_check(one.id);
    if (group != info.group) {
      text += fmt::format("{}{}\n", text.empty() ? "" : "\n", heading_of(info.group));
      group = info.group;
    }
    text += fmt::format("  {} {}{}{}: {}{}{}\n", check_mark(one.verdict),
                        info.row > 0 ? fmt::format("{}. ", info.row) : "", info.title,
                        one.subject.empty() ? "" : fmt::format(" [{}]", one.subject), one.evidence,
                        one.verdict == CheckVerdict::Ok ? "" : "  ",
                        one.verdict == CheckVerdict::Ok ? "" : fmt::format("({})", one.id));
    if (one.verdict == CheckVerdict::Ok) continue;
    if (!one.next.empty()) text += fmt::format("      next: {}\n", one.next);
    text += fmt::format("      see:  {}\n", assurance::anchor_of(one.id));
  }
  return text + fmt::format("\n{}\n", summary_of(results));
}

Command check_command() {
  return {
      .name = "check",
      .usage = "",
      .summary = "Check that backups can be relied on",
      .flags = {{.name = "pre",
                 .kind = FlagKind::Bool,
                 .usage = "What an install needs, before there is one."},
                {.name = "production",
                 .kind = FlagKind::Bool,
                 .usage = "Only the checklist of six for production."},
                {.name = "deep",
                 .kind = FlagKind::Bool,
                 .usage =
                     "Also write an object into each bucket and delete it again, and take a CSI "
                     "snapshot of --snapshot-claim."},
                {.name = "quick",
                 .kind = FlagKind::Bool,
                 .usage = "Without what lists the whole cluster: volume-paths, exclusions, "
                          "snapshot-quota."},
                {.name = "snapshot-claim",
                 .usage = "The claim, NAMESPACE/NAME, that --deep takes a snapshot of."},
                {.name = "snapshot-quota",
                 .kind = FlagKind::Int,
                 .usage = "How many EBS snapshots the account may have in the region.",
                 .value = kDefaultQuota},
                {.name = "output",
                 .usage = "Output display format. Valid formats are 'table', 'json', 'yaml'.",
                 .value = "table",
                 .shorthand = "o",
                 .words = {"table", "json", "yaml"}}},
      .run = run_checks,
      .children = {check_iam_command()},
      .text =
          "Each line is a check: ✓ all is well, ‼ look at it, ✗ it failed; with what was seen, "
          "what to do next, and where it is\nexplained. Ids of checks stay, so that a runbook can "
          "name them.\n\nExit code 0: nothing failed; 1: a check failed, or an error.",
      .max_args = 0};
}

}  // namespace lateen::cli
