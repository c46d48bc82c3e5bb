#include <algorithm>

#include "base/text.h"
#include "cli/command.h"

namespace lateen::cli {
namespace {

std::string_view type_name(const FlagSpec& spec) {
  if (!spec.type_name.empty()) return spec.type_name;
  switch (spec.kind) {
    case FlagKind::Bool:
      return "";
    case FlagKind::OptionalBool:
      return "optionalBool[=true]";
    case FlagKind::BoolValue:
      return "optionalBool";
    case FlagKind::String:
      return "string";
    case FlagKind::Int:
      return "int";
    case FlagKind::Duration:
      return "duration";
    case FlagKind::List:
      return "stringArray";
    case FlagKind::Count:
      return "count";
    case FlagKind::Texts:
      return "stringArray";
    case FlagKind::ListAppend:
      return "strings";
    case FlagKind::Map:
      return "mapStringString";
    case FlagKind::Mappings:
      return "mapStringString";
    case FlagKind::Selector:
      return "labelSelector";
    case FlagKind::OrSelector:
      return "orLabelSelector";
  }
  return "";
}

std::string flag_lines(const std::vector<FlagSpec>& specs) {
  std::vector<const FlagSpec*> shown;
  for (const FlagSpec& spec : specs) {
    if (!spec.hidden) shown.push_back(&spec);
  }
  std::sort(shown.begin(), shown.end(),
            [](const FlagSpec* a, const FlagSpec* b) { return a->name < b->name; });
  std::vector<std::string> left;
  std::size_t width = 0;
  for (const FlagSpec* spec : shown) {
    const std::string_view type = type_name(*spec);
    std::string text = spec->shorthand.empty()
                           ? fmt::format("      --{}", spec->name)
                           : fmt::format("  -{}, --{}", spec->shorthand, spec->name);
    if (!type.empty()) text += fmt::format(" {}", type);
    width = std::max(width, text.size());
    left.push_back(std::move(text));
  }
  std::string lines;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    std::string by_default;
    const std::string& value = shown[i]->value;
    if (!value.empty() && value != "false" && value != "0" && value != "0s") {
      by_default = shown[i]->kind == FlagKind::String
                       ? fmt::format(" (default {})", quote_go(value))
                       : fmt::format(" (default {})", value);
    }
    lines += fmt::format("{:<{}}   {}{}\n", left[i], width, shown[i]->usage, by_default);
  }
  return lines;
}

std::string usage_lines(const Command& command, const std::string& path, bool has_children) {
  std::string text = "Usage:\n";
  if (command.run) {
    text +=
        fmt::format("  {}{}{} [flags]\n", path, command.usage.empty() ? "" : " ", command.usage);
  }
  if (has_children) text += fmt::format("  {} [command]\n", path);
  if (!command.aliases.empty())
    text += fmt::format("\nAliases:\n  {}, {}\n", command.name, join(command.aliases, ", "));
  if (!command.examples.empty()) text += fmt::format("\nExamples:\n{}\n", command.examples);
  return text;
}

std::string child_lines(const std::vector<const Command*>& children) {
  constexpr std::size_t kNarrowest = 11;
  std::size_t width = kNarrowest;
  for (const Command* child : children)
    width = std::max(width, child->name.size());
  std::string text = "\nAvailable Commands:\n";
  for (const Command* child : children)
    text += fmt::format("  {:<{}} {}\n", child->name, width, child->summary);
  return text;
}

// By name, without the hidden ones.
std::vector<const Command*> shown_children(const Command& command) {
  std::vector<const Command*> shown;
  for (const Command& child : command.children) {
    if (!child.hidden) shown.push_back(&child);
  }
  std::sort(shown.begin(), shown.end(),
            [](const Command* a, const Command* b) { return a->name < b->name; });
  return shown;
}

// Velero's verbs before nouns are the nouns' own commands once more.
bool is_verb_group(std::string_view name) {
  return name == "get" || name == "create" || name == "describe" || name == "delete";
}

std::string reference_section(const Command& command, const std::string& path) {
  std::string text =
      fmt::format("\n## {}\n\n{}\n", path, command.text.empty() ? command.summary : command.text);
  std::string usage = usage_lines(command, path, false);
  const std::string flags = flag_lines(command.flags);
  if (!flags.empty()) usage += "\nFlags:\n" + flags;
  text += fmt::format("\n```\n{}```\n", usage);
  return text;
}

void append_reference(const Command& command, const std::string& path, std::string& text) {
  if (command.run) text += reference_section(command, path);
  for (const Command* child : shown_children(command))
    append_reference(*child, path + " " + child->name, text);
}

}  // namespace

std::string reference_of(const Command& root) {
  std::string text =
      "# Commands and flags\n\nEvery command with its flags, as `lateen COMMAND --help` has them; "
      "`lateen help --reference` printed this page.\n`lateen get`, `create`, `describe` and "
      "`delete` with a kind behind them are those kinds' own commands.\n\n## Flags of every "
      "command\n\n```\n" +
      flag_lines(global_flags()) + "```\n";
  for (const Command* child : shown_children(root)) {
    if (!is_verb_group(child->name)) append_reference(*child, root.name + " " + child->name, text);
  }
  return text;
}

std::string usage_of(const Command& command, const std::string& path, bool is_root) {
  const std::vector<const Command*> children = shown_children(command);
  std::vector<FlagSpec> own = command.flags;
  std::vector<FlagSpec> inherited;
  for (FlagSpec flag : global_flags()) {
    const bool is_help = flag.name == "help";
    if (is_help) flag.usage = fmt::format("help for {}", command.name);
    (is_help || is_root ? own : inherited).push_back(std::move(flag));
  }
  std::string text = usage_lines(command, path, !children.empty());
  if (!children.empty()) text += child_lines(children);
  text += "\nFlags:\n" + flag_lines(own);
  if (!inherited.empty()) text += "\nGlobal Flags:\n" + flag_lines(inherited);
  if (children.empty()) return text;
  return text +
         fmt::format("\nUse \"{} [command] --help\" for more information about a command.\n", path);
}

std::string help_of(const Command& command, const std::string& path, bool is_root) {
  return (command.text.empty() ? command.summary : command.text) + "\n\n" +
         usage_of(command, path, is_root);
}

}  // namespace lateen::cli
