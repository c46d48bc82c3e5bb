#include "cli/sandbox_fault_commands.h"

#include "base/duration.h"
#include "base/file.h"
#include "cli/output.h"
#include "cli/table.h"
#include "sandbox/fault_client.h"
#include "sandbox/sandbox.h"

namespace lateen::cli {
namespace {

// A flag and the member of a fault that it sets.
struct Member {
  std::string_view flag;
  std::string_view member;
  FlagKind kind;
  std::string_view usage;
};

constexpr Member kMembers[] = {
    {"name", "name", FlagKind::String, "What to call it. Default: its kind and a number."},
    {"verbs", "verbs", FlagKind::List,
     "Of requests: get, list, watch, create, update, patch, delete, deletecollection. Default: "
     "all."},
    {"resources", "resources", FlagKind::List,
     "Resources as kubectl names them: pods, deployments.apps, pods/log, '*.velero.io'."},
    {"namespaces", "namespaces", FlagKind::List, "Patterns of namespaces."},
    {"names", "names", FlagKind::List, "Patterns of objects' names."},
    {"user-agents", "userAgents", FlagKind::List, "Patterns of the client's User-Agent."},
    {"paths", "paths", FlagKind::List, "Patterns of the URL's path: '/apis*'."},
    {"classes", "classes", FlagKind::List,
     "Of storage: patterns of StorageClasses, or of VolumeSnapshotClasses."},
    {"skip", "skip", FlagKind::Int, "Leave the first so many alone."},
    {"every", "every", FlagKind::Int, "Only each n-th."},
    {"count", "count", FlagKind::Int, "At most so many times."},
    {"seed", "seed", FlagKind::Int, "Of the chance. The same seed, the same faults."},
    {"delay", "delay", FlagKind::Duration,
     "How long it takes (latency, snapshot-delay), or a watch lives (watch-drop)."},
    {"jitter", "jitter", FlagKind::Duration, "Up to so much more (latency)."},
    {"retry-after", "retryAfter", FlagKind::Duration, "What throttle asks clients to wait."},
    {"status", "status", FlagKind::Int, "The HTTP status of an error."},
    {"message", "message", FlagKind::String, "What an error or a failure says."},
    {"when", "when", FlagKind::String, "When a reset comes: before, during or after the work."},
    {"events", "events", FlagKind::Int,
     "How many events a watch sees before it ends (watch-drop, gone)."},
};

FilePath fault_dir(const Invocation& call) {
  const std::string dir = call.flags.text("dir");
  return dir.empty() ? sandbox::default_sandbox_dir() : std::filesystem::absolute(dir);
}

Json value_of(const Flags& flags, const Member& member) {
  const std::string name(member.flag);
  if (member.kind == FlagKind::Int) return flags.integer(name);
  if (member.kind == FlagKind::Duration) return Json(format_go_duration(flags.duration(name)));
  if (member.kind == FlagKind::String) return Json(flags.text(name));
  const auto list = flags.list(name);
  return JsonArray(list.begin(), list.end());
}

Result<sandbox::Fault> fault_from(const std::string& kind, const Flags& flags) {
  JsonObject json = {{"kind", kind}};
  for (const Member& member : kMembers) {
    if (flags.given(member.flag)) json[member.member] = value_of(flags, member);
  }
  if (flags.given("probability")) {
    // 0.05 is a number of JSON, too; and "5%" is not.
    json["probability"] =
        TRY(parse_json(flags.text("probability")).wrap("--probability must be like 0.05"));
  }
  return sandbox::parse_fault(json);
}

Result<int> add(Invocation& call) {
  std::vector<sandbox::Fault> faults;
  const std::string path = call.flags.text("file");
  if (path.empty() == call.args.empty()) {
    return Error(Code::InvalidArgument, "name one kind of fault, or a --file of them")
        .with_hint("The kinds are in the help: `lateen sandbox fault add --help`.");
  }
  if (path.empty()) {
    faults.push_back(TRY(fault_from(call.args.front(), call.flags)));
  } else {
    const Bytes text = TRY(read_file(path, 1_MiB));
    sandbox::FaultFile file = TRY(sandbox::parse_fault_file(text).wrap("{}", path));
    faults = std::move(file.faults);
    // A running sandbox has its seed; each fault of the file keeps the file's.
    for (sandbox::Fault& fault : faults)
      if (!fault.seed) fault.seed = file.seed;
  }
  for (const sandbox::Fault& fault : faults) {
    const std::string name = TRY(sandbox::add_fault(fault_dir(call), fault, call.stop));
    call.console.line(fmt::format("Fault \"{}\" is in force.", name));
  }
  return 0;
}

// "verbs=list resources=pods,secrets every=3": all but what has a column of its own.
std::string summary_of(const Json& fault) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : fault.as_object()) {
    if (key == "name" || key == "kind" || key == "matched" || key == "struck") continue;
    std::string text = value.is_string() ? std::string(value.get_string()) : write_json(value);
    if (value.is_array()) {
      std::vector<std::string> each;
      for (const Json& one : value.get_array())
        each.emplace_back(as_text(&one));
      text = fmt::format("{}", fmt::join(each, ","));
    }
    parts.push_back(fmt::format("{}={}", std::string_view(key), text));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

Result<int> list(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const std::vector<Json> faults = TRY(sandbox::list_faults(fault_dir(call), call.stop));
  if (format != OutputFormat::Table) {
    const Json document = JsonObject{{"faults", JsonArray(faults.begin(), faults.end())}};
    call.console.out(print_document(document, format));
    return 0;
  }
  if (faults.empty()) {
    call.console.line("No faults: all works as it should.");
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "KIND", "MATCHED", "STRUCK", "WHAT"}};
  for (const Json& fault : faults) {
    rows.push_back({std::string(string_at(fault, "name")), std::string(string_at(fault, "kind")),
                    std::to_string(int_at(fault, "matched").value_or(0)),
                    std::to_string(int_at(fault, "struck").value_or(0)), summary_of(fault)});
  }
  call.console.out(print_table(rows));
  return 0;
}

Result<int> clear(Invocation& call) {
  if (call.args.empty()) {
    const std::int64_t gone = TRY(sandbox::clear_faults(fault_dir(call), "", call.stop));
    call.console.line(gone == 0 ? "There was no fault."
                                : fmt::format("{} fault{} cleared.", gone, gone == 1 ? "" : "s"));
    return 0;
  }
  for (const std::string& name : call.args) {
    TRY(sandbox::clear_faults(fault_dir(call), name, call.stop));
    call.console.line(fmt::format("Fault \"{}\" is cleared.", name));
  }
  return 0;
}

std::vector<std::string> kinds() {
  std::vector<std::string> names;
  for (const sandbox::FaultKind kind : sandbox::all_fault_kinds())
    names.emplace_back(sandbox::to_string(kind));
  return names;
}

std::vector<FlagSpec> add_flags(const FlagSpec& dir) {
  std::vector<FlagSpec> flags = {
      dir,
      {.name = "file",
       .usage = "Add all faults of this YAML file.",
       .shorthand = "f",
       .names = "file"},
      {.name = "probability", .usage = "How often, from above 0 to 1: 0.05."}};
  for (const Member& member : kMembers) {
    flags.push_back({.name = std::string(member.flag),
                     .kind = member.kind,
                     .usage = std::string(member.usage)});
  }
  return flags;
}

}  // namespace

Command sandbox_fault_commands(const FlagSpec& dir) {
  std::vector<FlagSpec> list_flags = {{.name = "output",
                                       .usage = "table, json or yaml.",
                                       .value = "table",
                                       .shorthand = "o",
                                       .words = {"table", "json", "yaml"}},
                                      dir};
  return {.name = "fault",
          .usage = "",
          .summary = "Make things fail in the running sandbox, on request",
          .children = {
              {.name = "add",
               .usage = "KIND",
               .summary = "Let something go wrong from now on",
               .flags = add_flags(dir),
               .run = add,
               .text = fmt::format("Let something go wrong from now on, until it is cleared or the "
                                   "sandbox stops.\n\nThe kinds are {}.",
                                   fmt::join(kinds(), ", ")),
               .max_args = 1,
               .words = kinds()},
              {.name = "list",
               .usage = "",
               .summary = "The faults in force, and how often each has struck",
               .flags = std::move(list_flags),
               .run = list,
               .max_args = 0},
              {.name = "clear",
               .usage = "[NAME...]",
               .summary = "Let all be well again, or only what these faults did",
               .flags = {dir},
               .run = clear}}};
}

}  // namespace lateen::cli
