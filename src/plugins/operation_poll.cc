#include "plugins/operation_poll.h"

#include <utility>

namespace lateen::plugins {
namespace {

template <typename T>
void set(T& field, const T& value, bool& changed) {
  if (field == value) return;
  field = value;
  changed = true;
}

OperationLook fail(model::OperationStatus& status, std::string error) {
  status.phase = model::OperationPhase::Failed;
  status.error = error;
  return {.changed = true, .error = std::move(error)};
}

// A program that has crashed meanwhile is started again by the second call.
Result<OperationProgress> ask(const OperationCalls& calls) {
  auto progress = calls.progress();
  if (progress || !progress.error().is(Code::Unavailable)) return progress;
  return calls.progress();
}

}  // namespace

OperationLook look_at_operation(model::OperationStatus& status,
                                TimePoint now,
                                Duration timeout,
                                const OperationCalls& calls) {
  const auto progress = ask(calls);
  if (!progress) {
    if (progress.error().is(Code::Canceled)) return {};
    return fail(status, progress.error().message());
  }
  OperationLook look;
  set(status.n_completed, progress->n_completed, look.changed);
  set(status.n_total, progress->n_total, look.changed);
  set(status.operation_units, progress->units, look.changed);
  set(status.description, progress->description, look.changed);
  if (progress->started) set(status.started, progress->started, look.changed);
  if (progress->updated) set(status.updated, progress->updated, look.changed);
  if (progress->completed) {
    if (!progress->error.empty()) return fail(status, progress->error);
    status.phase = model::OperationPhase::Completed;
    look.changed = true;
    return look;
  }
  if (status.phase != model::OperationPhase::InProgress) {
    status.phase = model::OperationPhase::InProgress;
    look.changed = true;
  }
  if (!status.created || now < *status.created + timeout) return look;
  (void)calls.cancel();  // it has failed for us, whatever becomes of it
  return fail(status, "Asynchronous action timed out");
}

}  // namespace lateen::plugins
