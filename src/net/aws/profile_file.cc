#include "net/aws/profile_file.h"

#include "base/text.h"

namespace lateen::net::aws {
namespace {

// "[profile ops]": "ops"; nothing for sections that are not profiles.
std::string profile_name(std::string_view section) {
  const Cut words = cut(section, " ");
  if (!words.found) return std::string(section);
  return words.before == "profile" ? std::string(trim(words.after)) : std::string();
}

// A comment begins at " #" or " ;"; a '#' inside a word belongs to it.
std::string_view without_comment(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i) {
    const bool mark = value[i] == '#' || value[i] == ';';
    if (mark && (value[i - 1] == ' ' || value[i - 1] == '\t')) return value.substr(0, i);
  }
  return value;
}

}  // namespace

Result<Profiles> parse_profiles(BytesView text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Profiles profiles;
  Profile* current = nullptr;
  bool in_section = false;
  bool nested = false;  // the lines below, if indented, belong to the key above
  std::size_t number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[')) {
      const Cut bracket = cut(line.substr(1), "]");
      if (!bracket.found) {
        return Error(Code::InvalidArgument, "line {}: a section needs a closing ]", number);
      }
      const std::string name = profile_name(trim(bracket.before));
      current = name.empty() ? nullptr : &profiles[name];
      in_section = true;
      nested = false;
      continue;
    }
    const bool indented = raw.starts_with(' ') || raw.starts_with('\t');
    const Cut pair = cut(line, "=");
    if (!in_section || !pair.found) {
      if (indented) continue;
      return Error(Code::InvalidArgument, "line {}: {}", number,
                   in_section ? "a key needs an = after it" : "a [profile] must come first")
          .with_hint(
              "A credentials file has lines as [default], aws_access_key_id=…, "
              "aws_secret_access_key=….");
    }
    if (nested && indented) continue;
    if (current == nullptr) continue;
    nested = trim(pair.after).empty();
    current->insert_or_assign(to_lower(trim(pair.before)),
                              std::string(trim(without_comment(pair.after))));
  }
  return profiles;
}

void merge_profiles(Profiles& into, const Profiles& over) {
  for (const auto& [name, profile] : over) {
    for (const auto& [key, value] : profile)
      into[name].insert_or_assign(key, value);
  }
}

std::string_view value_of(const Profile& profile, std::string_view key) {
  const auto found = profile.find(key);
  return found == profile.end() ? std::string_view() : std::string_view(found->second);
}

Result<std::vector<std::string>> split_command(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool begun = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      word += line[++i];
      begun = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      begun = true;
    } else if (c == ' ' || c == '\t') {
      if (begun) words.push_back(std::exchange(word, {}));
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (quote != 0) return Error(Code::InvalidArgument, "a quote is not closed");
  if (begun) words.push_back(std::move(word));
  return words;
}

}  // namespace lateen::net::aws
