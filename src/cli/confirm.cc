#include "cli/confirm.h"

#include "cli/output.h"

namespace lateen::cli {
namespace {

Status print_removal(const Removal& removal, std::string_view done, Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  if (!is_silent(call)) return {};
  const Json document = JsonObject{{done, texts_json(removal.names)},
                                   {"dryRun", call.flags.is("dry-run")},
                                   {"errors", texts_json(removal.problems)}};
  call.console.out(print_document(document, format));
  return {};
}

}  // namespace

std::vector<FlagSpec> delete_flags(std::string_view noun_plural) {
  return {
      {.name = "all", .kind = FlagKind::Bool, .usage = fmt::format("Delete all {}", noun_plural)},
      {.name = "selector",
       .kind = FlagKind::Selector,
       .usage = fmt::format("Delete all {} matching this label selector.", noun_plural),
       .shorthand = "l"},
      {.name = "confirm", .kind = FlagKind::Bool, .usage = "Confirm deletion"},
      {.name = "dry-run",
       .kind = FlagKind::Bool,
       .usage = "Print what would be deleted, and delete nothing."},
      result_flag()};
}

Status check_selection(const Invocation& call, std::string_view noun) {
  const int ways = (call.args.empty() ? 0 : 1) + (call.flags.is("all") ? 1 : 0) +
                   (call.flags.selector("selector") ? 1 : 0);
  if (ways == 1) return {};
  return Error(Code::InvalidArgument,
               "you must specify exactly one of: specific {} name(s), the --all flag, or the "
               "--selector flag",
               noun);
}

bool is_confirmed(Invocation& call) {
  if (call.flags.is("confirm")) return true;
  while (true) {
    const std::string_view question = "Are you sure you want to continue (Y/N)? ";
    is_silent(call) ? call.console.err(question) : call.console.out(question);
    const auto answer = call.console.read_line();
    if (!answer) {
      call.console.err("error reading user input: EOF\n");
      return false;
    }
    const std::string word = to_lower(trim(*answer));
    if (word == "y") return true;
    if (word == "n") return false;
  }
}

bool is_silent(const Invocation& call) {
  const std::string format = call.flags.text("output");
  return format == "json" || format == "yaml";
}

// A glob or a selector may catch more than was thought of: it is shown before asking.
bool shall_remove(const std::vector<std::string>& names,
                  std::string_view noun_plural,
                  Invocation& call) {
  const bool dry_run = call.flags.is("dry-run");
  const bool any_glob = std::any_of(call.args.begin(), call.args.end(),
                                    [](const std::string& name) { return is_glob(name); });
  const bool tell = dry_run || (!call.is_velero() && (any_glob || call.args.empty()));
  if (tell && !is_silent(call)) {
    call.console.line(dry_run ? fmt::format("Would delete these {}:", noun_plural)
                              : fmt::format("To be deleted ({} {}):", names.size(), noun_plural));
    for (const std::string& name : names)
      call.console.line("  " + name);
  }
  return !dry_run && is_confirmed(call);
}

Result<int> report_none(Removal removal,
                        std::string_view noun_plural,
                        std::string_view done,
                        Invocation& call) {
  if (!is_silent(call)) {
    call.console.line(fmt::format("No {} found", noun_plural));
    return 0;
  }
  TRY(print_removal(removal, done, call));
  return 0;
}

Result<int> report_kept(Removal removal, std::string_view done, Invocation& call) {
  if (call.flags.is("dry-run")) return report_removal(removal, done, call);
  return report_removal({}, done, call);
}

Result<int> report_removal(const Removal& removal, std::string_view done, Invocation& call) {
  TRY(print_removal(removal, done, call));
  if (removal.problems.empty()) return 0;
  return Error(Code::NotFound, "{}", fmt::format("{}", fmt::join(removal.problems, "; ")));
}

}  // namespace lateen::cli
