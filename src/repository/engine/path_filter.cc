#include "repository/engine/path_filter.h"

#include <algorithm>
#include <optional>
#include <span>

#include "base/text.h"

namespace lateen::repository {

namespace {

// "[a-z]", "[!x]", "[^x]" at the front of `pattern`: whether `c` is in it, and what follows.
// Nothing if it is not closed.
struct ClassMatch {
  bool matches;
  std::string_view rest;
};

std::optional<ClassMatch> match_class(std::string_view pattern, char c) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  bool found = false;
  for (bool first = true; at < pattern.size() && (first || pattern[at] != ']'); first = false) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    const char low = pattern[at++];
    char high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      high = pattern[at + 1];
      at += 2;
    }
    found |= low <= c && c <= high;
  }
  if (at >= pattern.size()) return std::nullopt;
  return ClassMatch{.matches = found != negated, .rest = pattern.substr(at + 1)};
}

// One character of the pattern (not '*') against one of the name; what follows it if it matches.
std::optional<std::string_view> match_one(std::string_view pattern, char c) {
  if (pattern[0] == '[') {
    const auto matched = match_class(pattern, c);
    if (matched) return matched->matches ? std::optional(matched->rest) : std::nullopt;
  }
  if (pattern[0] == '\\' && pattern.size() > 1)
    pattern.remove_prefix(1);
  else if (pattern[0] == '?')
    return pattern.substr(1);
  if (pattern[0] != c) return std::nullopt;
  return pattern.substr(1);
}

std::vector<std::string_view> components_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

// Whether the pattern's components match the path's, beginning at both fronts; `prefix` when the
// path may go on below.
bool match_from(std::span<const std::string> pattern, std::span<const std::string_view> path) {
  while (!pattern.empty()) {
    if (pattern.front() == "**") {
      for (std::size_t skip = 0; skip <= path.size(); ++skip) {
        if (match_from(pattern.subspan(1), path.subspan(skip))) return true;
      }
      return false;
    }
    if (path.empty() || !match_component(pattern.front(), path.front())) return false;
    pattern = pattern.subspan(1);
    path = path.subspan(1);
  }
  // What lies in a folder that matches is matched.
  return true;
}

// Whether a path below `folder` could match.
bool could_match(std::span<const std::string> pattern, std::span<const std::string_view> folder) {
  while (!folder.empty() && !pattern.empty()) {
    if (pattern.front() == "**") return true;
    if (!match_component(pattern.front(), folder.front())) return false;
    pattern = pattern.subspan(1);
    folder = folder.subspan(1);
  }
  return true;
}

}  // namespace

// The last '*' is where matching goes on after a failure: time in the product of both lengths.
bool match_component(std::string_view pattern, std::string_view name) {
  std::string_view star_pattern;
  std::string_view star_name;
  bool star = false;
  while (true) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      star = true;
      star_pattern = pattern;
      star_name = name;
      continue;
    }
    if (name.empty() && pattern.empty()) return true;
    if (!name.empty() && !pattern.empty()) {
      if (const auto rest = match_one(pattern, name[0])) {
        pattern = *rest;
        name.remove_prefix(1);
        continue;
      }
    }
    if (!star || star_name.empty()) return false;
    star_name.remove_prefix(1);
    pattern = star_pattern;
    name = star_name;
  }
}

Result<PathFilter> PathFilter::parse(const std::vector<std::string>& patterns, Options options) {
  PathFilter filter;
  filter.ignore_case_ = options.ignore_case;
  for (const std::string& text : patterns) {
    std::string_view rest = text;
    Pattern pattern;
    if (rest.starts_with('!')) {
      pattern.negated = true;
      rest.remove_prefix(1);
    }
    pattern.anchored = rest.starts_with('/');
    for (const std::string_view part : components_of(rest)) {
      pattern.components.push_back(options.ignore_case ? to_lower(part) : std::string(part));
    }
    if (pattern.components.empty() && !pattern.anchored) {
      return Error(Code::InvalidArgument, "\"{}\" is not a pattern", text);
    }
    filter.patterns_.push_back(std::move(pattern));
  }
  return filter;
}

bool PathFilter::matches(std::string_view path) const {
  const std::string lower = ignore_case_ ? to_lower(path) : std::string();
  const std::vector<std::string_view> parts = components_of(ignore_case_ ? lower : path);
  bool matched = false;
  for (const Pattern& pattern : patterns_) {
    bool hit = match_from(pattern.components, parts);
    for (std::size_t from = 1; !hit && !pattern.anchored && from < parts.size(); ++from) {
      hit = match_from(pattern.components, std::span(parts).subspan(from));
    }
    if (hit) matched = !pattern.negated;
  }
  return matched;
}

bool PathFilter::could_match_below(std::string_view folder) const {
  const std::string lower = ignore_case_ ? to_lower(folder) : std::string();
  const std::vector<std::string_view> parts = components_of(ignore_case_ ? lower : folder);
  return std::any_of(patterns_.begin(), patterns_.end(), [&parts](const Pattern& pattern) {
    return !pattern.negated && (!pattern.anchored || could_match(pattern.components, parts));
  });
}

}  // namespace lateen::repository
