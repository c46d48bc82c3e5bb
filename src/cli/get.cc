#include "cli/get.h"

namespace lateen::cli {

std::vector<FlagSpec> get_flags() {
  std::vector<FlagSpec> flags = output_flags("table");
  flags.push_back({.name = "selector",
                   .kind = FlagKind::Selector,
                   .usage = "Only show items matching this label selector.",
                   .shorthand = "l",
                   .type_name = "string"});
  return flags;
}

}  // namespace lateen::cli
