// `backup cancel` and `restore cancel`: asks the server to end what is at work. Velero has no such
// thing: its server passes over the annotation.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/session.h"
#include "model/names.h"
#include "model/phases.h"

namespace lateen::cli {

// --all, -l, -o.
std::vector<FlagSpec> cancel_flags(std::string_view noun);

template <typename T>
Result<int> cancel_objects(Invocation& call, std::string_view noun) {
  TRY(check_selection(call, noun));
  const Session session = TRY(open_session(call));
  const auto chosen = TRY(choose_objects<T>(session, call, call.args));
  Removal canceled{.problems = chosen.problems};
  for (const T& object : chosen.objects) {
    const std::string& name = object.metadata.name;
    if (model::is_terminal(object.status.phase.value())) {
      if (!is_silent(call) && !call.args.empty()) {
        call.console.line(
            fmt::format("The {} {} has ended already: {}", noun, name, object.status.phase.text()));
      }
      continue;
    }
    TRY(session.cluster.modify<T>(
        name,
        [](T& now) { now.metadata.annotations[std::string(model::annotations::kCancel)] = "true"; },
        call.stop));
    canceled.names.push_back(name);
    if (!is_silent(call)) {
      call.console.line(
          fmt::format("Request to cancel {} \"{}\" submitted successfully.", noun, name));
    }
  }
  if (canceled.names.empty() && call.args.empty())
    return report_none(canceled, fmt::format("{}s at work", noun), "canceled", call);
  return report_removal(canceled, "canceled", call);
}

template <typename T>
Command cancel_command(const std::string& noun) {
  return {.name = "cancel",
          .usage = "[NAMES]",
          .summary = fmt::format("Cancel {}s that are at work", noun),
          .flags = cancel_flags(noun),
          .run = [noun](Invocation& call) { return cancel_objects<T>(call, noun); },
          .text = fmt::format("Asks the server to end {0}s that are at work. Such a {0} ends as "
                              "Failed, and describe says that it\nwas canceled. Needs Lateen's "
                              "server: Velero's has no way to end a {0}.",
                              noun)};
}

}  // namespace lateen::cli
