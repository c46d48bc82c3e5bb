// An entry of a tarball that no honest writer makes, and of which nothing was read.
#pragma once

#include <string>
#include <string_view>

namespace lateen::archive {

struct RefusedEntry {
  std::string name;      // as the tarball has it: print it quoted
  std::string_view why;  // "a link or a device", a constant

  bool operator==(const RefusedEntry&) const = default;
};

}  // namespace lateen::archive
