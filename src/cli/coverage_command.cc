#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/coverage_facts.h"
#include "cli/coverage_print.h"
#include "cli/coverage_text.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/stored_backups.h"
#include "cli/table.h"

namespace lateen::cli {
namespace {

using assurance::CoverageReport;

constexpr int kGapsFound = 2;

Result<int> show_coverage(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const Session session = TRY(open_session(call));
  CoverageQuestion question;
  if (call.flags.given("objective")) question.objective = call.flags.duration("objective");
  CoverageReport report =
      assurance::assess_coverage(TRY(read_coverage_facts(session, question, call)));
  if (const std::string ns = call.flags.text("namespace"); !ns.empty()) {
    report = assurance::of_namespace(std::move(report), ns);
    if (report.namespaces.empty())
      return Error(Code::NotFound, "there is nothing in namespace {} that could be backed up", ns);
  }
  call.console.out(format == OutputFormat::Table
                       ? print_coverage(report)
                       : print_document(assurance::to_json(report), format));
  return call.flags.is("exit-code") && report.has_gaps() ? kGapsFound : 0;
}

std::string days(const std::optional<Duration>& duration) {
  return duration ? short_duration(*duration) : "<none>";
}

std::vector<std::string> gap_lines(const CoverageReport& report) {
  std::vector<std::string> lines;
  for (const assurance::NamespaceCoverage& one : report.namespaces) {
    if (one.why.empty()) continue;
    lines.push_back(
        fmt::format("{}: {}", one.ns.empty() ? "cluster-scoped objects" : one.ns, one.why));
  }
  return lines;
}

std::string shown_or_none(const std::string& text) {
  return text.empty() ? "<none>" : text;
}

std::string kind_table(const CoverageReport& report) {
  std::vector<std::vector<std::string>> rows = {{"NAMESPACE", "KIND", "OBJECTS", "HELD"}};
  for (const assurance::KindCoverage& one : report.kinds) {
    if (one.held == one.total) continue;
    rows.push_back(
        {shown_or_none(one.ns), one.kind, std::to_string(one.total), std::to_string(one.held)});
  }
  return rows.size() == 1 ? std::string()
                          : fmt::format("\nKinds that are not held whole:\n{}", print_table(rows));
}

}  // namespace

std::string short_duration(Duration duration) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(duration).count();
  if (hours >= 48) return fmt::format("{}d", hours / 24);
  if (hours >= 1) return fmt::format("{}h", hours);
  return fmt::format("{}m", std::chrono::duration_cast<std::chrono::minutes>(duration).count());
}

std::string print_coverage(const CoverageReport& report) {
  std::vector<std::vector<std::string>> namespaces = {{"NAMESPACE", "OBJECTS", "HELD", "SCHEDULES",
                                                       "LAST GOOD BACKUP", "AGE", "OBJECTIVE",
                                                       "VERDICT"}};
  for (const assurance::NamespaceCoverage& one : report.namespaces) {
    namespaces.push_back({one.ns.empty() ? "<cluster>" : one.ns, std::to_string(one.total),
                          std::to_string(one.held), shown_or_none(join(one.schedules, ",")),
                          shown_or_none(one.backup), days(one.age), days(one.objective),
                          std::string(to_string(one.verdict))});
  }
  std::vector<std::vector<std::string>> volumes = {
      {"NAMESPACE", "CLAIM", "PATH", "SCHEDULE", "BACKUP", "AGE", "VERDICT", "WHY"}};
  for (const assurance::VolumeCoverage& one : report.volumes) {
    volumes.push_back({one.ns, one.claim, one.path, shown_or_none(one.schedule),
                       shown_or_none(one.backup), days(one.age),
                       std::string(to_string(one.verdict)), one.reason});
  }
  std::string text = print_table(namespaces);
  if (volumes.size() > 1) text += fmt::format("\nVolumes:\n{}", print_table(volumes));
  text += print_list("Why", gap_lines(report));
  text += kind_table(report);
  text += print_out_of_reach(report.findings);
  text += print_list("Problems", report.problems);
  return text;
}

Command coverage_command() {
  std::vector<FlagSpec> flags = object_flags();
  flags.front().usage = "Only this namespace of the cluster";
  flags.push_back({.name = "objective",
                   .kind = FlagKind::Duration,
                   .usage = "How old a last good backup may be. Without it, each schedule's own "
                            "interval and an hour."});
  flags.push_back({.name = "exit-code",
                   .kind = FlagKind::Bool,
                   .usage = "Exit with code 2 if something is not covered as it should be."});
  flags.push_back({.name = "output",
                   .usage = "Output display format. Valid formats are 'table', 'json', 'yaml'.",
                   .value = "table",
                   .shorthand = "o",
                   .words = {"table", "json", "yaml"}});
  return {.name = "coverage",
          .usage = "",
          .summary = "Show what is held by which schedule, and what by none",
          .flags = std::move(flags),
          .run = show_coverage,
          .text =
              "Shows, for each namespace, kind and volume, which schedules hold it, the last good "
              "backup and its age, and by\nwhich path volumes are saved; then what no backup of "
              "the cluster can hold: volumes of pods that are no claims,\nand what objects refer "
              "to out of the cluster, each with the tool that covers it.\n\nWhat a schedule holds "
              "is found out by trying its next backup, as `backup create --dry-run` does. "
              "Nothing is changed.",
          .max_args = 0};
}

}  // namespace lateen::cli
