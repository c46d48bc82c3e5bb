#include "cli/repo/pattern_flags.h"

#include <algorithm>
#include <array>

#include "base/environment.h"
#include "base/file.h"
#include "base/text.h"

namespace lateen::cli::repo {
namespace {

bool is_name_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// One pattern a line; blank lines and those that begin with # are passed over.
Result<std::vector<std::string>> read_patterns(const std::string& path) {
  const Bytes text = TRY(read_file(path, 64_MiB).wrap("reading patterns from {}", path));
  std::vector<std::string> patterns;
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (!line.empty() && !line.starts_with('#')) patterns.push_back(expand_variables(line));
  }
  return patterns;
}

Result<std::vector<std::string>> all_patterns(const Flags& flags, const std::string& name) {
  std::vector<std::string> patterns = flags.texts(name);
  for (const std::string& path : flags.texts(name + "-file")) {
    std::vector<std::string> more = TRY(read_patterns(path));
    std::move(more.begin(), more.end(), std::back_inserter(patterns));
  }
  return patterns;
}

}  // namespace

std::string expand_variables(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Cut dollar = cut(text, "$");
    out += dollar.before;
    if (!dollar.found) break;
    text = dollar.after;
    if (text.starts_with('$')) {
      out += '$';
      text.remove_prefix(1);
    } else if (text.starts_with('{')) {
      const Cut name = cut(text.substr(1), "}");
      out += env(std::string(name.before)).value_or("");
      text = name.after;
    } else {
      const auto end = std::find_if_not(text.begin(), text.end(), is_name_part);
      const auto length = static_cast<std::size_t>(end - text.begin());
      out += length == 0 ? "$" : env(std::string(text.substr(0, length))).value_or("");
      text.remove_prefix(length);
    }
  }
  return out;
}

std::vector<FlagSpec> pattern_flags(std::string_view kind) {
  const std::string name(kind);
  return {{.name = name,
           .kind = FlagKind::Texts,
           .usage = fmt::format("{} what fits this pattern (again: or that)",
                                to_upper(name.substr(0, 1)) + name.substr(1)),
           .shorthand = name.substr(0, 1),
           .type_name = "pattern"},
          {.name = "i" + name,
           .kind = FlagKind::Texts,
           .usage = "The same, without minding the case of letters",
           .type_name = "pattern"},
          {.name = name + "-file",
           .kind = FlagKind::Texts,
           .usage = "File with such patterns, one a line",
           .type_name = "file",
           .names = "file"},
          {.name = "i" + name + "-file",
           .kind = FlagKind::Texts,
           .usage = "The same, without minding the case of letters",
           .type_name = "file",
           .names = "file"}};
}

Result<PatternSet> PatternSet::read(const Flags& flags, std::string_view kind) {
  const std::string name(kind);
  PatternSet set;
  set.texts_ = TRY(all_patterns(flags, name));
  set.exact_ = TRY(PathFilter::parse(set.texts_, false).wrap("--{}", name));
  const std::vector<std::string> folded = TRY(all_patterns(flags, "i" + name));
  set.folded_ = TRY(PathFilter::parse(folded, true).wrap("--i{}", name));
  return set;
}

PathFilter::Answer PatternSet::look_at(std::string_view path) const {
  PathFilter::Answer answer = exact_.look_at(path);
  const PathFilter::Answer folded = folded_.look_at(path);
  answer.matched = answer.matched || folded.matched;
  answer.child_may_match = answer.child_may_match || folded.child_may_match;
  return answer;
}

}  // namespace lateen::cli::repo
