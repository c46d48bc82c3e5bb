// The tree of commands, in cobra's ways: help, usage, unknown words.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/console.h"
#include "cli/flags.h"

namespace lateen::cli {

// One call of a command.
struct Invocation {
  const Flags& flags;
  const std::vector<std::string>& args;  // what is not a flag
  Console& console;
  const Clock& clock;
  std::string program;  // "lateen", or "velero" when started under that name
  std::stop_token stop;

  // Started under Velero's name, or told so by LATEEN_COMPAT=velero: its quirks are kept too.
  bool is_velero() const;
};

// The exit code, or what went wrong (exit code 1).
using Handler = std::function<Result<int>(Invocation&)>;

struct Command {
  std::string name;
  std::string usage;    // behind the name: "NAME [NAME...]"
  std::string summary;  // one line
  std::vector<FlagSpec> flags = {};
  Handler run = {};  // none: the command is a group
  std::vector<Command> children = {};
  std::vector<std::string> aliases = {};
  std::string text = {};      // above the usage in help; the summary if empty
  std::string examples = {};  // below the usage in help, lines indented by two
  bool hidden = false;
  std::size_t max_args = static_cast<std::size_t>(-1);
  std::vector<std::string> words = {};  // what an argument may be, for completion
};

// The handler for a command that takes exactly one name: "accepts 1 arg(s), received 2" otherwise.
Handler with_one_name(Handler handler);

// The flags that every command has.
std::vector<FlagSpec> global_flags();

// Finds the command, parses its flags and runs it. Says errors on the console as Velero does, and
// gives the exit code (exit_codes.h).
int dispatch(const Command& root,
             const std::vector<std::string>& arguments,
             Console& console,
             const Clock& clock,
             std::stop_token stop);

// The child of that name or alias; null when there is none.
const Command* find_child(const Command& command, std::string_view word);

// Help as cobra lays it out. `path` is the command with its parents: "velero backup create". The
// flags that every command has are the root's own.
std::string help_of(const Command& command, const std::string& path, bool is_root = false);

// The same without what the command is for: what cobra prints below a wrong flag.
std::string usage_of(const Command& command, const std::string& path, bool is_root = false);

// docs/reference/flags.md: every command that is not hidden, with its flags.
std::string reference_of(const Command& root);

}  // namespace lateen::cli
