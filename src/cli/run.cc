#include "cli/run.h"

#include "cli/commands.h"
#include "cli/help_topics.h"

namespace lateen::cli {
namespace {

// `get backups`, `create backup`, …: Velero's verbs before nouns, from the groups themselves.
Command verb_command(const std::string& verb,
                     const std::string& summary,
                     const std::vector<Command>& groups) {
  Command command{.name = verb, .usage = "", .summary = summary};
  for (const Command& group : groups) {
    for (const Command& child : group.children) {
      if (child.name != verb) continue;
      Command one = child;
      one.summary = child.summary;
      // As Velero names them: "create backup", "get backups".
      const bool singular = verb == "create" || verb == "delete";
      one.name = singular ? group.name : group.name + "s";
      one.aliases = {singular ? group.name + "s" : group.name};
      command.children.push_back(std::move(one));
    }
  }
  return command;
}

// `help topics`, and `help TOPIC`: a page of the documents. Velero's help has none.
bool print_help_page(Invocation& call) {
  if (call.is_velero() || call.args.size() != 1) return false;
  if (call.args[0] == "topics") {
    call.console.out("Pages of the documents, by `lateen help TOPIC`:\n\n" + list_help_pages());
    return true;
  }
  const HelpPage* page = find_help_page(call.args[0]);
  if (page == nullptr) return false;
  call.console.out(plain_page(page->markdown));
  return true;
}

// `help backup create` is `backup create --help`.
Result<int> print_help(Invocation& call) {
  const Command root = root_command(call.program);
  if (call.flags.is("reference")) {
    call.console.out(reference_of(root));
    return 0;
  }
  const Command* command = &root;
  std::string path = call.program;
  for (const std::string& word : call.args) {
    const Command* child = find_child(*command, word);
    if (child == nullptr) {
      if (print_help_page(call)) return 0;
      const std::string_view topics =
          call.is_velero() ? "" : " `lateen help topics` lists pages of the documents.";
      return Error(Code::InvalidArgument, "unknown help topic \"{}\"", word)
          .with_hint(fmt::format("`{} --help` lists the commands that there are.{}", path, topics));
    }
    command = child;
    path += " " + child->name;
  }
  call.console.out(help_of(*command, path, command == &root));
  return 0;
}

}  // namespace

Command root_command(const std::string& program) {
  const std::vector<Command> groups = {
      backup_commands(),          restore_commands(),           schedule_commands(),
      backup_location_commands(), snapshot_location_commands(), plugin_commands()};
  Command root{.name = program,
               .usage = "",
               .summary = "Back up and restore Kubernetes cluster resources.",
               .text =
                   "Lateen backs up and restores Kubernetes: its API objects and the volumes that "
                   "they use. It speaks "
                   "Velero's\ncustom resources, commands and bucket layout."};
  if (program != "velero")
    root.text +=
        " `lateen help topics` lists pages to read: restore-at-3am, quickstart and others.";
  root.children = groups;
  root.children.push_back(verb_command("get", "Get velero resources", groups));
  root.children.push_back(verb_command("create", "Create velero resources", groups));
  root.children.push_back(verb_command("describe", "Describe velero resources", groups));
  root.children.push_back(verb_command("delete", "Delete velero resources", groups));
  root.children.push_back(location_commands());
  root.children.push_back(verify_command());
  root.children.push_back(signing_key_commands());
  root.children.push_back(drill_commands());
  root.children.push_back(history_command());
  root.children.push_back(undelete_command());
  root.children.push_back(diff_command());
  root.children.push_back(browse_command());
  root.children.push_back(cat_command());
  root.children.push_back(trace_command());
  root.children.push_back(cost_command());
  root.children.push_back(check_command());
  root.children.push_back(coverage_command());
  root.children.push_back(audit_commands());
  root.children.push_back(server_command());
  root.children.push_back(agent_command());
  root.children.push_back(repo_maintenance_command());
  root.children.push_back(restore_helper_command());
  root.children.push_back(data_mover_command());
  root.children.push_back(sandbox_commands());
  root.children.push_back(repo_commands());
  root.children.push_back(files_commands());
  root.children.push_back(install_command());
  root.children.push_back(uninstall_command());
  root.children.push_back(takeover_command());
  root.children.push_back(version_command());
  root.children.push_back(debug_command());
  root.children.push_back(bug_command());
  root.children.push_back(client_commands());
  root.children.push_back(completion_command(program, root_command));
  root.children.push_back({.name = "help",
                           .usage = "[command]",
                           .summary = "Help about any command",
                           .flags = {{.name = "reference",
                                      .kind = FlagKind::Bool,
                                      .usage = "All commands as docs/reference/flags.md has them",
                                      .hidden = true}},
                           .run = print_help});
  return root;
}

int run(const std::string& program, std::span<const std::string> arguments, std::stop_token stop) {
  SystemConsole console;
  const SystemClock clock;
  return dispatch(root_command(program), {arguments.begin(), arguments.end()}, console, clock,
                  stop);
}

}  // namespace lateen::cli
