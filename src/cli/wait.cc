#include "cli/wait.h"

#include "base/environment.h"

namespace lateen::cli {
namespace {

constexpr std::chrono::milliseconds kPoll{100};
constexpr int kPollsPerDot = 10;
constexpr int kInterrupted = 130;
constexpr std::chrono::seconds kPatience{30};  // with an API server that cannot say how it stands

// Whether asking again may well be answered.
bool may_pass(const Error& error) {
  return error.is(Code::Internal) || error.is(Code::Unavailable) ||
         error.is(Code::DeadlineExceeded) || error.is(Code::TooManyRequests);
}

int exit_code(std::string_view phase, const Invocation& call) {
  if (call.is_velero() || env("LATEEN_VELERO_EXIT_CODES") == "1") return 0;
  if (phase == "Completed") return 0;
  if (phase == "PartiallyFailed") return 3;
  return 2;
}

template <typename T>
Result<int> wait_for(const Session& session,
                     const std::string& name,
                     std::string_view noun,
                     std::string_view capital,
                     Invocation& call) {
  call.console.line(
      fmt::format("Waiting for {} to complete. You may safely press ctrl-c to stop waiting - your "
                  "{} will continue in the background.",
                  noun, noun));
  Deadline patience = Deadline::after(kPatience);
  for (int polls = 1;; ++polls) {
    auto object = session.cluster.get<T>(name, call.stop);
    if (call.stop.stop_requested()) return kInterrupted;
    if (!object && may_pass(object.error()) && !patience.expired()) {
      if (!sleep_unless_stopped(kPoll, call.stop)) return kInterrupted;
      continue;
    }
    patience = Deadline::after(kPatience);
    if (!object) {
      call.console.line("");
      return std::move(object).error().wrap("waiting for {} {}", noun, name);
    }
    const auto phase = object->status.phase;
    if (model::is_terminal(phase.value())) {
      call.console.line("");
      call.console.line(
          fmt::format("{} completed with status: {}. You may check for more information using the "
                      "commands `{} {} describe {}` and `{} {} logs {}`.",
                      capital, phase.text(), call.program, noun, name, call.program, noun, name));
      return exit_code(phase.text(), call);
    }
    if (!sleep_unless_stopped(kPoll, call.stop)) return kInterrupted;
    if (polls % kPollsPerDot == 0) call.console.out(".");
  }
}

}  // namespace

Result<int> wait_for_backup(const Session& session, const std::string& name, Invocation& call) {
  return wait_for<model::Backup>(session, name, "backup", "Backup", call);
}

Result<int> wait_for_restore(const Session& session, const std::string& name, Invocation& call) {
  return wait_for<model::Restore>(session, name, "restore", "Restore", call);
}

}  // namespace lateen::cli
