#include "cli/wait.h"

#include "base/duration.h"
#include "cli/exit_codes.h"
#include "cli/wait_progress.h"

namespace lateen::cli {
namespace {

constexpr std::chrono::milliseconds kPoll{100};
constexpr int kPollsPerDot = 10;
constexpr std::chrono::seconds kPatience{30};  // with an API server that cannot say how it stands
constexpr std::string_view kClearLine = "\r\x1b[K";

// Whether asking again may well be answered.
bool may_pass(const Error& error) {
  return error.is(Code::Internal) || error.is(Code::Unavailable) ||
         error.is(Code::DeadlineExceeded) || error.is(Code::TooManyRequests);
}

int code_of(std::string_view phase, const Invocation& call) {
  if (call.is_velero() || phase == "Completed") return exit_code::kDone;
  return phase == "PartiallyFailed" ? exit_code::kPartiallyFailed : exit_code::kFailed;
}

// What is waited for, in words.
struct Awaited {
  const std::string& name;
  std::string_view noun;
  std::string_view capital;
};

template <typename T>
std::string ended_text(const T& object, const Awaited& awaited, const Invocation& call) {
  return fmt::format(
      "{} completed with status: {}. You may check for more information using the commands `{} {} "
      "describe {}` and `{} {} logs {}`.",
      awaited.capital, object.status.phase.text(), call.program, awaited.noun, awaited.name,
      call.program, awaited.noun, awaited.name);
}

// The time that a person gave is over: an answer, not a failure.
int time_is_over(const Awaited& awaited, std::string_view phase, Invocation& call) {
  call.console.err(
      fmt::format("An error occurred: {} {} has not ended within {}: it is {}\n"
                  "  It goes on. Look at it with `{} {} describe {}`.\n",
                  awaited.noun, awaited.name, format_go_duration(call.flags.duration("timeout")),
                  phase.empty() ? "New" : phase, call.program, awaited.noun, awaited.name));
  return call.is_velero() ? exit_code::kError : exit_code::kTimedOut;
}

// Shows that it goes on: on a terminal how far it is, else a dot. Called each second.
template <typename T>
void show(const Session& session, const T& object, Duration elapsed, Invocation& call) {
  if (!call.console.is_terminal() || call.is_velero()) {
    call.console.out(".");
    return;
  }
  WaitMoment moment = wait_moment(session, object, call.stop);
  moment.elapsed = elapsed;
  call.console.out(std::string(kClearLine) + wait_line(moment));
}

void end_line(Invocation& call) {
  const bool one_line = call.console.is_terminal() && !call.is_velero();
  call.console.out(one_line ? kClearLine : "\n");
}

// The prompt shall not stand behind the line that was being shown.
int interrupted(Invocation& call) {
  if (call.console.is_terminal()) call.console.out("\n");
  return exit_code::kInterrupted;
}

template <typename T>
Result<int> wait_for(const Session& session, const Awaited& awaited, Invocation& call) {
  call.console.line(
      fmt::format("Waiting for {} to complete. You may safely press ctrl-c to stop waiting - your "
                  "{} will continue in the background.",
                  awaited.noun, awaited.noun));
  const auto begin = monotonic_now();
  const Duration within = call.flags.duration("timeout");
  const Deadline end = within > Duration::zero() ? Deadline::after(within) : Deadline::never();
  Deadline patience = Deadline::after(kPatience);
  for (int polls = 1;; ++polls) {
    auto object = session.cluster.get<T>(awaited.name, call.stop);
    if (call.stop.stop_requested()) return interrupted(call);
    if (!object && (!may_pass(object.error()) || patience.expired())) {
      end_line(call);
      return std::move(object).error().wrap("waiting for {} {}", awaited.noun, awaited.name);
    }
    if (object) {
      patience = Deadline::after(kPatience);
      const auto phase = object->status.phase;
      if (model::is_terminal(phase.value())) {
        end_line(call);
        call.console.line(ended_text(*object, awaited, call));
        return code_of(phase.text(), call);
      }
      if (end.expired()) {
        end_line(call);
        return time_is_over(awaited, phase.text(), call);
      }
      if (polls % kPollsPerDot == 0) show(session, *object, monotonic_now() - begin, call);
    }
    if (!sleep_unless_stopped(kPoll, call.stop)) return interrupted(call);
  }
}

}  // namespace

Result<int> wait_for_backup(const Session& session, const std::string& name, Invocation& call) {
  return wait_for<model::Backup>(session, {.name = name, .noun = "backup", .capital = "Backup"},
                                 call);
}

Result<int> wait_for_restore(const Session& session, const std::string& name, Invocation& call) {
  return wait_for<model::Restore>(session, {.name = name, .noun = "restore", .capital = "Restore"},
                                  call);
}

std::vector<FlagSpec> wait_flags() {
  return {{.name = "wait",
           .kind = FlagKind::Bool,
           .usage = "Wait for the operation to complete.",
           .shorthand = "w"},
          {.name = "timeout",
           .kind = FlagKind::Duration,
           .usage = "With --wait: how long to wait at most. The operation goes on; the exit code "
                    "is then 5. 0: as long as it takes.",
           .value = "0s"}};
}

}  // namespace lateen::cli
