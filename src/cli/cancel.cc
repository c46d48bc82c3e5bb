#include "cli/cancel.h"

namespace lateen::cli {

std::vector<FlagSpec> cancel_flags(std::string_view noun) {
  return {{.name = "all",
           .kind = FlagKind::Bool,
           .usage = fmt::format("Cancel all {}s that are at work", noun)},
          {.name = "selector",
           .kind = FlagKind::Selector,
           .usage = fmt::format("Cancel all {}s matching this label selector.", noun),
           .shorthand = "l"},
          result_flag()};
}

}  // namespace lateen::cli
