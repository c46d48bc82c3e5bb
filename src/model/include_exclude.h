// Lists of what is in and what is out, as Velero's specs have them for namespaces and resources.
//
// An item is in if no exclude matches it and the includes are empty, hold "*", or one of them
// matches. Entries may be globs (`team-*`). Names of resources should be resolved by discovery
// first: this knows only words.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/object_meta.h"

namespace lateen::model {

// Immutable.
class IncludeExclude {
 public:
  IncludeExclude() = default;
  IncludeExclude(StringList includes, StringList excludes);

  const StringList& includes() const { return includes_; }

  const StringList& excludes() const { return excludes_; }

  bool should_include(std::string_view item) const;

  // An exclude matches it.
  bool is_excluded(std::string_view item) const;

  // An include matches it by name or glob; an empty list and "*" don't count.
  bool is_named(std::string_view item) const;

  // No excludes, and the includes are empty or "*" alone.
  bool includes_everything() const;

  // The includes are empty or hold "*".
  bool includes_all_but_excludes() const;

 private:
  StringList includes_;
  StringList excludes_;
};

// Velero's rules for namespaces and for the old resource filters, one text a broken rule: "*" only
// alone among the includes, never among the excludes, and nothing in both.
StringList validate_includes_excludes(const StringList& includes, const StringList& excludes);

// The same, and every entry must be a namespace's name or a glob of one that could match some.
StringList validate_namespace_includes_excludes(const StringList& includes,
                                                const StringList& excludes);

// The rules of the new (scoped) filters: "*" only alone in either list, no includes beside an
// excluded "*", and nothing in both.
StringList validate_scoped_includes_excludes(const StringList& includes,
                                             const StringList& excludes);

}  // namespace lateen::model
