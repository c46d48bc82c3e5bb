#include "cli/command.h"

#include <algorithm>
#include <array>

#include "base/environment.h"
#include "base/text.h"
#include "cli/exit_codes.h"

namespace lateen::cli {
namespace {

// Whether a flag's value is the next word: to step over it while looking for the command. The flag
// may be a child's: the command is not known yet.
bool value_follows(const Command& command, std::string_view name) {
  const auto match = [name](const FlagSpec& spec) {
    return (spec.name == name || spec.shorthand == name) && spec.takes_value();
  };
  if (std::any_of(command.flags.begin(), command.flags.end(), match)) return true;
  return std::any_of(command.children.begin(), command.children.end(),
                     [name](const Command& child) { return value_follows(child, name); });
}

bool is_flag(std::string_view word) {
  return word.size() > 1 && word[0] == '-';
}

// Whether the command or one below it has a flag of that name or letter that takes no value.
bool is_switch(const Command& command, std::string_view name) {
  const auto match = [name](const FlagSpec& spec) {
    return (spec.name == name || spec.shorthand == name) && !spec.takes_value();
  };
  return std::any_of(command.flags.begin(), command.flags.end(), match) ||
         std::any_of(command.children.begin(), command.children.end(),
                     [name](const Command& child) { return is_switch(child, name); });
}

bool value_follows(const Command& command,
                   const std::vector<FlagSpec>& globals,
                   std::string_view word,
                   bool is_root) {
  if (word.find('=') != std::string_view::npos) return false;
  const std::string_view name = word.substr(word.starts_with("--") ? 2 : 1);
  // In a group whose commands give a global's letter another meaning, theirs counts: `repo -v
  // backup`.
  if (!is_root && is_switch(command, name)) return false;
  return std::any_of(globals.begin(), globals.end(),
                     [name](const FlagSpec& spec) {
                       return (spec.name == name || spec.shorthand == name) && spec.takes_value();
                     }) ||
         value_follows(command, name);
}

struct Found {
  const Command* command;
  std::string path;
  std::vector<std::string> rest;  // all words but the commands' names
  std::string no_command;         // the word that ended the path
};

// The first word that is no command ends the path: what follows are arguments.
Found find_command(const Command& root, const std::vector<std::string>& words) {
  Found found{.command = &root, .path = root.name, .rest = {}, .no_command = {}};
  const std::vector<FlagSpec> globals = global_flags();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word != "--" && is_flag(word)) {
      found.rest.push_back(word);
      if (i + 1 < words.size() &&
          value_follows(*found.command, globals, word, found.command == &root))
        found.rest.push_back(words[++i]);
      continue;
    }
    const Command* child = word == "--" ? nullptr : find_child(*found.command, word);
    if (child == nullptr) {
      found.no_command = word;
      found.rest.insert(found.rest.end(), words.begin() + static_cast<std::ptrdiff_t>(i),
                        words.end());
      break;
    }
    found.command = child;
    found.path += " " + child->name;
  }
  return found;
}

Status parse_long(const std::string& word,
                  const std::vector<std::string>& words,
                  std::size_t& i,
                  Flags& flags) {
  const Cut parts = cut(std::string_view(word).substr(2), "=");
  const FlagSpec* spec = flags.find(parts.before);
  if (spec == nullptr) return Error(Code::InvalidArgument, "unknown flag: --{}", parts.before);
  if (parts.found) return flags.set(*spec, std::string(parts.after));
  if (!spec->takes_value()) return flags.set(*spec, "true");
  if (i + 1 >= words.size()) {
    return Error(Code::InvalidArgument, "flag needs an argument: --{}", spec->name);
  }
  return flags.set(*spec, words[++i]);
}

Status parse_short(const std::string& word,
                   const std::vector<std::string>& words,
                   std::size_t& i,
                   Flags& flags) {
  for (std::size_t at = 1; at < word.size(); ++at) {
    const FlagSpec* spec = flags.find_shorthand(word[at]);
    if (spec == nullptr) {
      return Error(Code::InvalidArgument, "unknown shorthand flag: '{}' in {}", word[at], word);
    }
    const std::string_view rest = std::string_view(word).substr(at + 1);
    if (!spec->takes_value() && !rest.starts_with('=')) {
      TRY(flags.set(*spec, "true"));
      continue;
    }
    if (!rest.empty())
      return flags.set(*spec, std::string(rest.starts_with('=') ? rest.substr(1) : rest));
    if (i + 1 >= words.size()) {
      return Error(Code::InvalidArgument, "flag needs an argument: '{}' in {}", word[at], word);
    }
    return flags.set(*spec, words[++i]);
  }
  return {};
}

Result<std::vector<std::string>> parse_words(const std::vector<std::string>& words, Flags& flags) {
  std::vector<std::string> args;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      args.insert(args.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (word.starts_with("--")) {
      TRY(parse_long(word, words, i, flags));
    } else if (is_flag(word)) {
      TRY(parse_short(word, words, i, flags));
    } else {
      args.push_back(word);
    }
  }
  return args;
}

bool keeps_quirks(std::string_view program) {
  return program == "velero" || env("LATEEN_COMPAT") == "velero";
}

int report(const Error& error, Console& console) {
  console.err(fmt::format("An error occurred: {}\n", error.message()));
  if (!error.hint().empty()) console.err(fmt::format("  {}\n", error.hint()));
  return exit_code::kError;
}

// The commands on what is in a cluster. The others' exit codes are their own, as those of `repo`
// are restic's.
bool is_about_cluster(const Command& root, const std::string& path) {
  constexpr std::array<std::string_view, 11> kGroups = {
      "backup", "restore", "schedule", "backup-location", "snapshot-location",
      "get",    "create",  "describe", "delete",          "files",
      "debug"};
  const std::string_view behind = std::string_view(path).substr(root.name.size());
  const std::string_view group = cut(trim(behind), " ").before;
  return std::find(kGroups.begin(), kGroups.end(), group) != kGroups.end();
}

int report_run(const Error& error, const Found& found, const Command& root, Invocation& call) {
  const int code = report(error, call.console);
  if (call.is_velero()) return code;
  if (call.stop.stop_requested()) return exit_code::kInterrupted;
  const bool missing = error.is(Code::NotFound) && is_about_cluster(root, found.path);
  return missing ? exit_code::kNotFound : code;
}

// In cobra's words; it prints the whole usage, of which nobody finds the first line again.
int refuse_flags(const Error& error, const Found& found, const Command& root, Console& console) {
  console.err(fmt::format("Error: {}\n", error.message()));
  if (keeps_quirks(root.name)) {
    console.err(usage_of(*found.command, found.path, found.command == &root) + "\n");
  } else {
    console.err(fmt::format("Run '{} --help' for usage.\n", found.path));
  }
  return report(error, console);
}

int unknown_command(const Found& found, Console& console) {
  const std::string text =
      fmt::format("unknown command \"{}\" for \"{}\"", found.no_command, found.path);
  console.err(fmt::format("Error: {}\nRun '{} --help' for usage.\n", text, found.path));
  console.err(fmt::format("An error occurred: {}\n", text));
  return 1;
}

}  // namespace

bool Invocation::is_velero() const {
  return keeps_quirks(program);
}

const Command* find_child(const Command& command, std::string_view word) {
  for (const Command& child : command.children) {
    const bool alias =
        std::find(child.aliases.begin(), child.aliases.end(), word) != child.aliases.end();
    if (child.name == word || alias) return &child;
  }
  return nullptr;
}

Handler with_one_name(Handler handler) {
  return [handler = std::move(handler)](Invocation& call) -> Result<int> {
    if (call.args.size() == 1) return handler(call);
    return Error(Code::InvalidArgument, "accepts 1 arg(s), received {}", call.args.size());
  };
}

std::vector<FlagSpec> global_flags() {
  std::vector<FlagSpec> flags = {
      {.name = "kubeconfig",
       .usage = "Path to the kubeconfig file to use to talk to the Kubernetes apiserver. If unset, "
                "try the "
                "environment variable KUBECONFIG, as well as in-cluster configuration",
       .names = "file"},
      {.name = "kubecontext",
       .usage = "The context to use to talk to the Kubernetes apiserver. If unset defaults to "
                "whatever your current-context is (kubectl config current-context)"},
      {.name = "namespace",
       .usage = "The namespace in which Velero should operate",
       .value = "velero",
       .shorthand = "n"},
      {.name = "features",
       .kind = FlagKind::List,
       .usage = "Comma-separated list of features to enable for this process"},
      {.name = "colorized",
       .kind = FlagKind::BoolValue,
       .usage = "Show colored output, on a terminal or not. By default on a terminal only, and not "
                "when NO_COLOR is set or the client's config file says no",
       .words = {"true", "false"}},
      {.name = "help", .kind = FlagKind::Bool, .usage = "help for the command", .shorthand = "h"}};
  // klog's, taken so that scripts which give them go on working; they have no effect.
  for (const char* name : {"add_dir_header", "alsologtostderr", "logtostderr", "one_output",
                           "skip_headers", "skip_log_headers"}) {
    flags.push_back({.name = name, .kind = FlagKind::Bool, .usage = "", .hidden = true});
  }
  for (const char* name : {"log_backtrace_at", "log_dir", "log_file", "log_file_max_size",
                           "stderrthreshold", "vmodule"}) {
    flags.push_back({.name = name, .usage = "", .hidden = true});
  }
  flags.push_back({.name = "v", .usage = "", .shorthand = "v", .hidden = true});
  return flags;
}

int dispatch(const Command& root,
             const std::vector<std::string>& arguments,
             Console& console,
             const Clock& clock,
             std::stop_token stop) {
  const std::string& program = root.name;
  const Found found = find_command(root, arguments);
  // Velero prints the help of a group for a word that is none of its commands, and says that all is
  // well.
  const bool no_command = !found.command->run && !found.no_command.empty();
  if (no_command && (found.command == &root || !keeps_quirks(program)))
    return unknown_command(found, console);
  std::vector<FlagSpec> specs = found.command->flags;
  const std::vector<FlagSpec> globals = global_flags();
  for (const FlagSpec& global : globals) {
    const bool own = std::any_of(specs.begin(), specs.end(), [&global](const FlagSpec& spec) {
      return spec.name == global.name;
    });
    if (!own) specs.push_back(global);
  }
  Flags flags(std::move(specs));
  auto args = parse_words(found.rest, flags);
  if (!args) return refuse_flags(args.error(), found, root, console);
  if (flags.is("help")) {
    console.out(help_of(*found.command, found.path, found.command == &root));
    return 0;
  }
  if (!found.command->run) {
    console.out(help_of(*found.command, found.path, found.command == &root));
    return 0;
  }
  if (args->size() > found.command->max_args) {
    return report(Error(Code::InvalidArgument, "accepts at most {} arg(s), received {}",
                        found.command->max_args, args->size()),
                  console);
  }
  Invocation invocation{.flags = flags,
                        .args = *args,
                        .console = console,
                        .clock = clock,
                        .program = program,
                        .stop = stop};
  auto code = found.command->run(invocation);
  return code ? *code : report_run(code.error(), found, root, invocation);
}

}  // namespace lateen::cli
