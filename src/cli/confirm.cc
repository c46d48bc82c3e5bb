#include "cli/confirm.h"

namespace lateen::cli {

std::vector<FlagSpec> delete_flags(std::string_view noun_plural) {
  return {
      {.name = "all", .kind = FlagKind::Bool, .usage = fmt::format("Delete all {}", noun_plural)},
      {.name = "selector",
       .kind = FlagKind::Selector,
       .usage = fmt::format("Delete all {} matching this label selector.", noun_plural),
       .shorthand = "l"},
      {.name = "confirm", .kind = FlagKind::Bool, .usage = "Confirm deletion"}};
}

Status check_selection(const Invocation& call, std::string_view noun) {
  const int ways = (call.args.empty() ? 0 : 1) + (call.flags.is("all") ? 1 : 0) +
                   (call.flags.selector("selector") ? 1 : 0);
  if (ways == 1) return {};
  return Error(Code::InvalidArgument,
               "you must specify exactly one of: specific {} name(s), the --all flag, or the "
               "--selector flag",
               noun);
}

bool is_confirmed(Invocation& call) {
  if (call.flags.is("confirm")) return true;
  while (true) {
    call.console.out("Are you sure you want to continue (Y/N)? ");
    const auto answer = call.console.read_line();
    if (!answer) {
      call.console.err("error reading user input: EOF\n");
      return false;
    }
    const std::string word = to_lower(trim(*answer));
    if (word == "y") return true;
    if (word == "n") return false;
  }
}

}  // namespace lateen::cli
