#include "cli/completion.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace lateen::cli {
namespace {

// A command line up to the word under the cursor.
struct Typed {
  const Command* command = nullptr;
  std::vector<std::string> path = {};       // names of the commands, the root's left out
  std::vector<std::string> arguments = {};  // what is neither a command nor a flag
  const FlagSpec* pending = nullptr;        // waits for its value
  bool only_arguments = false;              // behind "--"
};

struct Words {
  std::vector<std::string> before;
  std::string last;
  std::string kept;  // in front of every candidate: the flag, unless the shell keeps it
};

// Joins what bash has split at "=", and divides the last word from the others.
Words join_words(const std::vector<std::string>& words) {
  Words joined;
  bool split = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool value =
        words[i] == "=" && !joined.before.empty() && joined.before.back().starts_with("--");
    if (!value) {
      joined.before.push_back(words[i]);
      split = false;
      continue;
    }
    joined.before.back() += "=";
    if (i + 1 < words.size()) joined.before.back() += words[++i];
    split = true;
  }
  if (joined.before.empty()) return joined;
  joined.last = joined.before.back();
  joined.before.pop_back();
  const std::size_t equals = joined.last.find('=');
  if (joined.last.starts_with("--") && equals != std::string::npos && !split)
    joined.kept = joined.last.substr(0, equals + 1);
  return joined;
}

const FlagSpec* find_in(const std::vector<FlagSpec>& specs, std::string_view word) {
  const bool is_long = word.starts_with("--");
  const std::string_view name = cut(word.substr(is_long ? 2 : 1), "=").before;
  const auto at = std::find_if(specs.begin(), specs.end(), [&](const FlagSpec& spec) {
    return is_long ? spec.name == name : spec.shorthand == name;
  });
  return at == specs.end() ? nullptr : &*at;
}

const FlagSpec* find_flag(const Command& command,
                          const std::vector<FlagSpec>& globals,
                          std::string_view word) {
  const FlagSpec* own = find_in(command.flags, word);
  return own != nullptr ? own : find_in(globals, word);
}

void read_word(Typed& typed, const std::vector<FlagSpec>& globals, const std::string& word) {
  if (typed.pending != nullptr) {
    typed.pending = nullptr;
    return;
  }
  if (!typed.only_arguments && word == "--") {
    typed.only_arguments = true;
    return;
  }
  if (!typed.only_arguments && word.size() > 1 && word[0] == '-') {
    const FlagSpec* flag = find_flag(*typed.command, globals, word);
    const bool complete = word.find('=') != std::string::npos;
    if (flag != nullptr && flag->takes_value() && !complete) typed.pending = flag;
    return;
  }
  const Command* child = typed.arguments.empty() ? find_child(*typed.command, word) : nullptr;
  if (child == nullptr) {
    typed.arguments.push_back(word);
    return;
  }
  typed.command = child;
  typed.path.push_back(child->name);
}

// The kind of object that a command is about, and whether it takes the names of such objects.
std::string_view kind_of(const Typed& typed) {
  constexpr std::array<std::string_view, 5> kKinds = {"backup", "restore", "schedule",
                                                      "backup-location", "snapshot-location"};
  constexpr std::array<std::string_view, 8> kVerbs = {"get",    "describe", "logs",  "download",
                                                      "delete", "set",      "pause", "unpause"};
  std::string_view kind;
  bool takes_names = false;
  for (std::string_view word : typed.path) {
    if (std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end()) takes_names = true;
    if (word.ends_with('s')) word.remove_suffix(1);
    const auto at = std::find(kKinds.begin(), kKinds.end(), word);
    if (at != kKinds.end()) kind = *at;
  }
  return takes_names ? kind : std::string_view();
}

std::string first_line(std::string_view text) {
  return std::string(cut(text, "\n").before);
}

void offer_flags(const std::vector<FlagSpec>& specs, Completion& out) {
  for (const FlagSpec& spec : specs) {
    const std::string value = "--" + spec.name;
    const bool known = std::any_of(out.candidates.begin(), out.candidates.end(),
                                   [&](const Candidate& other) { return other.value == value; });
    if (!spec.hidden && !known)
      out.candidates.push_back({.value = value, .summary = first_line(spec.usage)});
  }
}

void offer_names(std::string_view kind,
                 const NameSource& names,
                 const std::vector<std::string>& given,
                 Completion& out) {
  for (std::string& name : names(kind)) {
    if (std::find(given.begin(), given.end(), name) == given.end())
      out.candidates.push_back({.value = std::move(name), .summary = {}});
  }
}

void keep_matching(std::string_view begin, Completion& out) {
  std::erase_if(out.candidates, [begin](const Candidate& candidate) {
    return !candidate.value.starts_with(begin);
  });
}

void offer_values(const FlagSpec& flag, const NameSource& names, Completion& out) {
  if (flag.names == "file") {
    out.files = true;
    return;
  }
  if (!flag.takes_value()) out.candidates = {{"true", {}}, {"false", {}}};
  for (const std::string& word : flag.words)
    out.candidates.push_back({.value = word, .summary = {}});
  if (!flag.names.empty()) offer_names(flag.names, names, {}, out);
}

void offer_arguments(const Typed& typed, const NameSource& names, Completion& out) {
  if (typed.arguments.empty() && !typed.only_arguments) {
    for (const Command& child : typed.command->children) {
      if (!child.hidden)
        out.candidates.push_back({.value = child.name, .summary = first_line(child.summary)});
    }
  }
  for (const std::string& word : typed.command->words)
    out.candidates.push_back({.value = word, .summary = {}});
  const std::string_view kind = kind_of(typed);
  if (!kind.empty() && typed.command->children.empty())
    offer_names(kind, names, typed.arguments, out);
}

// The values of a flag that begin as typed; of a list, the one behind the last comma.
void offer_matching_values(const FlagSpec& flag,
                           std::string_view typed,
                           const NameSource& names,
                           Completion& out) {
  offer_values(flag, names, out);
  const bool is_list = flag.kind == FlagKind::List || flag.kind == FlagKind::ListAppend;
  const std::size_t comma = is_list ? typed.rfind(',') : std::string_view::npos;
  const std::size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
  keep_matching(typed.substr(begin), out);
  for (Candidate& candidate : out.candidates)
    candidate.value.insert(0, typed.substr(0, begin));
}

}  // namespace

void name_filters(std::vector<FlagSpec>& flags, bool of_backup) {
  for (FlagSpec& flag : flags) {
    if (flag.kind != FlagKind::List) continue;
    if (flag.name.ends_with("-namespaces"))
      flag.names = of_backup ? "namespace-of-backup" : "namespace";
    if (flag.name.ends_with("-resources"))
      flag.names = of_backup ? "resource-of-backup" : "resource";
  }
}

Completion complete(const Command& root,
                    const std::vector<std::string>& words,
                    const NameSource& names) {
  const std::vector<FlagSpec> globals = global_flags();
  const Words typed_words = join_words(words);
  Typed typed{.command = &root};
  for (const std::string& word : typed_words.before)
    read_word(typed, globals, word);
  Completion out;
  const std::string& last = typed_words.last;
  const bool is_flag = !typed.only_arguments && last.starts_with('-');
  const Cut pair = cut(last, "=");
  if (typed.pending != nullptr) {
    offer_matching_values(*typed.pending, last, names, out);
  } else if (is_flag && last.starts_with("--") && pair.found) {
    const FlagSpec* flag = find_flag(*typed.command, globals, last);
    if (flag != nullptr) offer_matching_values(*flag, pair.after, names, out);
    for (Candidate& candidate : out.candidates)
      candidate.value.insert(0, typed_words.kept);
  } else if (is_flag) {
    offer_flags(typed.command->flags, out);
    offer_flags(globals, out);
    keep_matching(last, out);
  } else {
    offer_arguments(typed, names, out);
    keep_matching(last, out);
  }
  return out;
}

}  // namespace lateen::cli
