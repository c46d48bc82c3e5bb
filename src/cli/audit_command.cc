#include <set>

#include <fmt/format.h>

#include "assurance/exclusions.h"
#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/coverage_facts.h"
#include "cli/coverage_text.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/table.h"
#include "server/backup_preview.h"

namespace lateen::cli {
namespace {

using assurance::ExclusionAudit;
using assurance::LostKind;

constexpr int kSomethingLost = 2;

// "2 nowhere, 1 tracked".
std::string recoveries_text(const LostKind& kind) {
  std::vector<std::string> parts;
  for (const auto& [recovery, count] : kind.by_recovery)
    parts.push_back(fmt::format("{} {}", count, to_string(recovery)));
  return join(parts, ", ");
}

std::string print_audit(const ExclusionAudit& audit) {
  std::string text = audit.loses()
                         ? fmt::format(
                               "Schedule {} does not hold {} object{} that come{} back from "
                               "nowhere else, and the data of {} claim{}.\n",
                               audit.schedule, audit.at_risk(), audit.at_risk() == 1 ? "" : "s",
                               audit.at_risk() == 1 ? "s" : "", audit.lost_volumes.size(),
                               audit.lost_volumes.size() == 1 ? "" : "s")
                         : fmt::format(
                               "Schedule {} leaves out nothing that comes back from nowhere "
                               "else.\n",
                               audit.schedule);
  std::vector<std::vector<std::string>> rows = {
      {"NAMESPACE", "KIND", "OBJECTS", "AT RISK", "COME BACK FROM", "SUCH AS"}};
  for (const LostKind& kind : audit.lost) {
    if (!kind.platform.empty()) continue;
    rows.push_back({kind.ns.empty() ? "<cluster>" : kind.ns, kind.kind, std::to_string(kind.total),
                    std::to_string(kind.at_risk()), recoveries_text(kind),
                    join(kind.examples, ", ")});
  }
  if (rows.size() > 1) text += fmt::format("\nLost:\n{}", print_table(rows));
  text += print_list("Claims whose data are lost", audit.lost_volumes);
  text += print_list("Namespaces that are left out", namespace_lines(audit.namespaces));
  std::vector<std::string> kinds;
  for (const backup::SkippedKind& kind : audit.kinds)
    kinds.push_back(fmt::format("{}: {}", kind.kind, kind.reason));
  text += print_list("Kinds that are left out", kinds);
  if (audit.loses()) {
    text +=
        "\nInclude by default, and exclude only what is looked at: GitOps holds what should be, "
        "not what controllers have made of it.\n";
  }
  return text;
}

Result<model::Schedule> read_schedule_file(const FilePath& path) {
  constexpr ByteCount kMost = 1_MiB;
  const Bytes text = TRY(read_file(path, kMost));
  for (const Json& document : TRY(parse_yaml_documents(text).wrap("{}", path.string()))) {
    if (string_at(document, "kind") == model::Schedule::kKind.kind)
      return model::from_json<model::Schedule>(document).wrap("{}", path.string());
  }
  return Error(Code::InvalidArgument, "{} holds no Schedule", path.string());
}

Result<model::Schedule> asked_schedule(const Session& session, const Invocation& call) {
  const std::string file = call.flags.text("filename");
  if (file.empty() == call.args.empty()) {
    return Error(Code::InvalidArgument, "name one schedule, or give its file with -f");
  }
  if (!file.empty()) return read_schedule_file(file);
  return session.cluster.get<model::Schedule>(call.args.front(), call.stop);
}

Result<int> audit(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const Session session = TRY(open_session(call));
  const model::Schedule schedule = TRY(asked_schedule(session, call));
  Selection selection = TRY(read_selection(backup_by(schedule), session, nullptr, call)
                                .wrap("trying a backup of schedule {}", schedule.metadata.name));
  for (auto& [kind, names] : selection.objects)
    std::sort(names.begin(), names.end());
  assurance::LostObjects lost(selection.objects);
  TRY(read_selection(server::backup_of_everything(), session, &lost, call));
  const ExclusionAudit result =
      assurance::audit_exclusions(schedule.metadata.name, selection.coverage, lost);
  call.console.out(format == OutputFormat::Table
                       ? print_audit(result)
                       : print_document(assurance::to_json(result), format));
  return result.loses() ? kSomethingLost : 0;
}

}  // namespace

Command audit_commands() {
  return {
      .name = "audit",
      .usage = "",
      .summary = "Find out what a configuration of backups loses",
      .children = {
          {.name = "exclusions",
           .usage = "[SCHEDULE]",
           .summary = "Show what a schedule's exclusions lose",
           .flags = {{.name = "filename",
                      .usage = "A YAML file with the Schedule, which need not be in the cluster.",
                      .shorthand = "f",
                      .names = "file"},
                     {.name = "output",
                      .usage = "Output display format. Valid formats are 'table', 'json', 'yaml'.",
                      .value = "table",
                      .shorthand = "o",
                      .words = {"table", "json", "yaml"}}},
           .run = audit,
           .text =
               "Tries the schedule's next backup, lists the cluster, and shows the objects that "
               "the "
               "backup would not hold: how many\nof each kind, and where they could come back "
               "from: "
               "a GitOps repository (Argo CD, Flux, Fleet, Config Sync), a Helm\nrelease, a "
               "controller, or nowhere. Namespaces that belong to the platform are told apart.\n\n"
               "Exit code 0: nothing is lost; 1: an error; 2: objects or data that come back from "
               "nowhere else.",
           .max_args = 1}}};
}

}  // namespace lateen::cli
