#include "cli/repo/path_filter.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/text.h"
#include "base/utf8.h"

namespace lateen::cli::repo {
namespace {

// One character of a set or a pattern, a backslash taken away. Nothing if there is none.
std::optional<char32_t> take_character(std::string_view& pattern) {
  if (pattern.starts_with('\\')) pattern.remove_prefix(1);
  if (pattern.empty()) return std::nullopt;
  const Utf8Char c = decode_utf8(pattern);
  pattern.remove_prefix(c.length);
  return c.value;
}

// A set behind its '[': whether `c` is in it, and `pattern` behind its ']'. Nothing if malformed.
std::optional<bool> match_set(std::string_view& pattern, char32_t c) {
  const bool negated = pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  bool found = false;
  for (bool any = false;; any = true) {
    if (pattern.starts_with(']') && any) break;
    if (pattern.empty() || pattern.starts_with(']') || pattern.starts_with('-'))
      return std::nullopt;
    const auto low = take_character(pattern);
    if (!low) return std::nullopt;
    auto high = low;
    if (pattern.starts_with('-')) {
      pattern.remove_prefix(1);
      if (pattern.starts_with(']') || pattern.starts_with('-')) return std::nullopt;
      high = take_character(pattern);
      if (!high) return std::nullopt;
    }
    found = found || (c >= *low && c <= *high);
  }
  pattern.remove_prefix(1);
  return found != negated;
}

// One step that is not '*': whether the first character of `text` fits; both are moved on.
bool match_one(std::string_view& pattern, std::string_view& text) {
  const Utf8Char c = decode_utf8(text);
  text.remove_prefix(c.length);
  if (pattern.starts_with('?')) {
    pattern.remove_prefix(1);
    return true;
  }
  if (pattern.starts_with('[')) {
    pattern.remove_prefix(1);
    return match_set(pattern, c.value).value_or(false);
  }
  const auto wanted = take_character(pattern);
  return wanted && *wanted == c.value;
}

bool is_well_formed(std::string_view pattern) {
  while (!pattern.empty()) {
    if (pattern.starts_with('*') || pattern.starts_with('?')) {
      pattern.remove_prefix(1);
    } else if (pattern.starts_with('[')) {
      pattern.remove_prefix(1);
      if (!match_set(pattern, U'x')) return false;
    } else if (!take_character(pattern)) {
      return false;
    }
  }
  return true;
}

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts = split(path, '/');
  if (parts.front().empty()) parts.front() = "/";
  if (parts.size() > 1 && parts.back().empty()) parts.pop_back();
  return parts;
}

// As Go's filepath.Clean.
std::string clean_path(const std::string& path) {
  std::string clean = std::filesystem::path(path).lexically_normal().string();
  if (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  return clean;
}

}  // namespace

bool match_component(std::string_view pattern, std::string_view name) {
  std::optional<std::string_view> star;  // the pattern behind the last '*'
  std::string_view star_name;
  while (!name.empty() || !pattern.empty()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      star = pattern;
      star_name = name;
      continue;
    }
    if (!pattern.empty() && !name.empty() && match_one(pattern, name)) continue;
    if (!star || star_name.empty()) return false;
    star_name.remove_prefix(decode_utf8(star_name).length);
    pattern = *star;
    name = star_name;
  }
  return true;
}

Result<PathFilter> PathFilter::parse(std::span<const std::string> patterns, bool ignore_case) {
  PathFilter filter;
  filter.ignore_case_ = ignore_case;
  for (const std::string& original : patterns) {
    if (original.empty()) continue;
    Pattern pattern;
    pattern.negated = original.starts_with('!');
    const std::string folded = ignore_case ? to_lower(original) : original;
    const std::string clean = clean_path(folded.substr(pattern.negated ? 1 : 0));
    for (const std::string_view part : split_path(clean)) {
      if (!is_well_formed(part)) {
        return Error(Code::InvalidArgument, "the pattern \"{}\" is malformed", original)
            .with_hint("A [ needs its ], and a \\ a character after it.");
      }
      const bool simple = part.find_first_of("\\[]*?") == std::string_view::npos;
      pattern.parts.push_back(
          {.text = part == "**" ? std::string() : std::string(part), .simple = simple});
    }
    filter.patterns_.push_back(std::move(pattern));
  }
  return filter;
}

// No `**` in it.
bool PathFilter::match_fixed(std::span<const Part> parts, std::span<const std::string_view> path) {
  if (parts.empty()) return path.empty();
  if (parts.size() > path.size()) return false;
  const bool rooted = parts.front().text == "/";
  const std::size_t last = rooted ? 0 : path.size() - parts.size();
  const std::size_t first = !rooted && path.front() == "/" ? 1 : 0;
  for (std::size_t offset = first; offset <= last; ++offset) {
    bool all = true;
    for (std::size_t i = 0; all && i < parts.size(); ++i) {
      const std::string_view name = path[offset + i];
      all = parts[i].simple ? parts[i].text == name : match_component(parts[i].text, name);
    }
    if (all) return true;
  }
  return false;
}

// `**` is tried as no component, one, two, … as many as the path has room for.
bool PathFilter::match(std::span<const Part> parts, std::span<const std::string_view> path) {
  const auto wild =
      std::find_if(parts.begin(), parts.end(), [](const Part& part) { return part.text.empty(); });
  if (wild == parts.end()) return match_fixed(parts, path);
  const auto at = static_cast<std::size_t>(wild - parts.begin());
  for (std::size_t stars = 0; parts.size() - 1 + stars <= path.size(); ++stars) {
    std::vector<Part> spelled(parts.begin(), wild);
    spelled.insert(spelled.end(), stars, {.text = "*", .simple = false});
    const auto rest = parts.subspan(at + 1);
    spelled.insert(spelled.end(), rest.begin(), rest.end());
    if (match(spelled, path)) return true;
  }
  return false;
}

bool PathFilter::child_match(const Pattern& pattern, std::span<const std::string_view> path) {
  if (pattern.parts.front().text != "/") return true;
  const auto wild = std::find_if(pattern.parts.begin(), pattern.parts.end(),
                                 [](const Part& part) { return part.text.empty(); });
  const auto at = static_cast<std::size_t>(wild - pattern.parts.begin());
  if (wild != pattern.parts.end() && path.size() >= at) path = path.first(at);
  const std::size_t length = std::min(path.size(), pattern.parts.size());
  return match(std::span(pattern.parts).first(length), path);
}

PathFilter::Answer PathFilter::look_at(std::string_view path) const {
  Answer answer;
  if (patterns_.empty() || path.empty()) return answer;
  const std::string folded = ignore_case_ ? to_lower(path) : std::string();
  const std::vector<std::string_view> parts = split_path(ignore_case_ ? folded : path);
  for (const Pattern& pattern : patterns_) {
    const bool matched = match(pattern.parts, parts);
    if (pattern.negated) {
      answer.matched = answer.matched && !matched;
      answer.child_may_match = answer.child_may_match && !matched;
    } else {
      answer.matched = answer.matched || matched;
      answer.child_may_match = answer.child_may_match || child_match(pattern, parts);
    }
  }
  return answer;
}

}  // namespace lateen::cli::repo
