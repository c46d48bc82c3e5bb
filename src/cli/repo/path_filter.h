// Which files: restic's include and exclude patterns. A pattern is path components, each of them a
// shell pattern (* ? [a-z] [^x] \x), `**` standing for any number of components. It matches a path
// whose last components fit it, or from the root on if it begins with '/'. A '!' before it takes
// out again what patterns before it matched.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lateen::cli::repo {

// One shell pattern against one component, as Go's filepath.Match does it. False for a malformed
// one.
bool match_component(std::string_view pattern, std::string_view name);

// Immutable once made.
class PathFilter {
 public:
  PathFilter() = default;

  // InvalidArgument names the pattern that is malformed. Empty patterns are passed over.
  static Result<PathFilter> parse(std::span<const std::string> patterns, bool ignore_case);

  bool empty() const { return patterns_.empty(); }

  struct Answer {
    bool matched = false;
    bool child_may_match = false;  // something below it may
  };

  // `path` is clean and, as a rule, absolute.
  Answer look_at(std::string_view path) const;

  bool matches(std::string_view path) const { return look_at(path).matched; }

 private:
  struct Part {
    std::string text;  // "/" first in a rooted pattern; empty for `**`
    bool simple = true;
  };

  struct Pattern {
    std::vector<Part> parts;
    bool negated = false;
  };

  static bool match(std::span<const Part> parts, std::span<const std::string_view> path);
  static bool match_fixed(std::span<const Part> parts, std::span<const std::string_view> path);
  static bool child_match(const Pattern& pattern, std::span<const std::string_view> path);

  std::vector<Pattern> patterns_;
  bool ignore_case_ = false;
};

}  // namespace lateen::cli::repo
