// Which paths are wanted: restic's exclude and include patterns, and gitignore-like ones of kopia's
// policies.
//
//   *  any text without '/'    ?  one character but '/'    [a-z]  one of    **  any folders
//
// A pattern with a '/' at its front is matched from the root, others at any depth; one that matches
// a folder takes all below it. '!' in front takes an earlier match back (the last match decides).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lateen::repository {

// Immutable.
class PathFilter {
 public:
  struct Options {
    bool ignore_case = false;
  };

  PathFilter() = default;
  // InvalidArgument for a pattern that cannot be one.
  static Result<PathFilter> parse(const std::vector<std::string>& patterns, Options options);

  bool empty() const { return patterns_.empty(); }

  // Whether the path itself, or a folder that it lies in, is matched. "/" + components.
  bool matches(std::string_view path) const;

  // Whether something below this folder could match: false lets a restore pass over it.
  bool could_match_below(std::string_view folder) const;

 private:
  struct Pattern {
    std::vector<std::string> components = {};
    bool anchored = false;
    bool negated = false;
  };

  std::vector<Pattern> patterns_;
  bool ignore_case_ = false;
};

// One component against one component pattern.
bool match_component(std::string_view pattern, std::string_view name);

}  // namespace lateen::repository
