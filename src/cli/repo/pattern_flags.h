// --exclude, --include and their files: the flags, and what they say of a path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/flags.h"
#include "cli/repo/path_filter.h"

namespace lateen::cli::repo {

// `kind` is "exclude" or "include": --exclude (-e), --iexclude, --exclude-file, --iexclude-file.
std::vector<FlagSpec> pattern_flags(std::string_view kind);

// Two filters: one that minds the case of letters, one that does not. Immutable once made.
class PatternSet {
 public:
  static Result<PatternSet> read(const Flags& flags, std::string_view kind);

  bool empty() const { return exact_.empty() && folded_.empty(); }

  PathFilter::Answer look_at(std::string_view path) const;

  // The patterns of --exclude, as they were written.
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  PathFilter exact_;
  PathFilter folded_;
  std::vector<std::string> texts_;
};

// $NAME and ${NAME} by the environment; $$ is a dollar.
std::string expand_variables(std::string_view text);

}  // namespace lateen::cli::repo
