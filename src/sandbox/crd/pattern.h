// Regular expressions of JSON schemas (`pattern`), as far as CustomResourceDefinitions use them:
// Go's syntax, matched by the C library after translation to POSIX.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lateen::sandbox {

// Immutable, thread-safe.
class Pattern {
 public:
  // InvalidArgument for what cannot be translated (look-around, lazy quantifiers count as greedy).
  static Result<Pattern> compile(std::string_view expression);

  // Whether it matches anywhere in the text, as JSON schema has it.
  bool found_in(std::string_view text) const;

 private:
  struct Compiled;

  std::shared_ptr<const Compiled> compiled_;
};

// A pattern from the cache of those compiled before; null if it does not compile. Thread-safe.
const Pattern* cached_pattern(std::string_view expression);

}  // namespace lateen::sandbox
