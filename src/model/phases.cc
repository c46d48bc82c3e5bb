#include "model/phases.h"

#include <algorithm>
#include <initializer_list>

namespace lateen::model {
namespace {

template <typename E>
bool is_one_of(E value, std::initializer_list<E> list) {
  return std::ranges::find(list, value) != list.end();
}

}  // namespace

bool is_terminal(BackupPhase phase) {
  using enum BackupPhase;
  return is_one_of(phase, {FailedValidation, Completed, PartiallyFailed, Failed, Deleting});
}

bool is_terminal(RestorePhase phase) {
  using enum RestorePhase;
  return is_one_of(phase, {FailedValidation, Completed, PartiallyFailed, Failed});
}

bool is_terminal(DataPhase phase) {
  using enum DataPhase;
  return is_one_of(phase, {Canceled, Completed, Failed});
}

bool is_terminal(OperationPhase phase) {
  using enum OperationPhase;
  return is_one_of(phase, {Completed, Failed});
}

bool is_new(BackupPhase phase) {
  return phase == BackupPhase::Unset || phase == BackupPhase::New;
}

bool is_new(RestorePhase phase) {
  return phase == RestorePhase::Unset || phase == RestorePhase::New;
}

bool is_new(DataPhase phase) {
  return phase == DataPhase::Unset || phase == DataPhase::New;
}

bool is_restorable(BackupPhase phase) {
  return phase == BackupPhase::Completed || phase == BackupPhase::PartiallyFailed;
}

bool is_unfinished(BackupPhase phase) {
  using enum BackupPhase;
  return is_one_of(phase, {WaitingForPluginOperations, WaitingForPluginOperationsPartiallyFailed,
                           Finalizing, FinalizingPartiallyFailed});
}

bool may_follow(BackupPhase from, BackupPhase to) {
  using enum BackupPhase;
  if (from == to) return true;
  // A terminal backup, and one that a server found half done at its start, can only be deleted;
  // Deleting goes back nowhere. InProgress may fail at any step.
  if (to == Deleting) return is_terminal(from) && from != Deleting;
  switch (from) {
    case Unset:
    case New:
      // 1.14 has no queue: New goes to InProgress at once.
      return is_one_of(to, {New, Queued, ReadyToStart, FailedValidation, InProgress});
    case Queued:
      return is_one_of(to, {ReadyToStart, FailedValidation});
    case ReadyToStart:
      return is_one_of(to, {FailedValidation, InProgress});
    case InProgress:
      return to == Failed || is_unfinished(to);
    case WaitingForPluginOperations:
      return is_one_of(
          to, {WaitingForPluginOperationsPartiallyFailed, Finalizing, FinalizingPartiallyFailed});
    case WaitingForPluginOperationsPartiallyFailed:
      return to == FinalizingPartiallyFailed;
    case Finalizing:
      return is_one_of(to, {Completed, FinalizingPartiallyFailed});
    case FinalizingPartiallyFailed:
      return to == PartiallyFailed;
    case FailedValidation:
    case Completed:
    case PartiallyFailed:
    case Failed:
    case Deleting:
    case Unknown:
      return false;
  }
  return false;
}

bool may_follow(RestorePhase from, RestorePhase to) {
  using enum RestorePhase;
  if (from == to) return true;
  switch (from) {
    case Unset:
    case New:
      return is_one_of(to, {New, FailedValidation, InProgress});
    case InProgress:
      return is_one_of(
          to, {Failed, WaitingForPluginOperations, WaitingForPluginOperationsPartiallyFailed,
               Finalizing, FinalizingPartiallyFailed});
    case WaitingForPluginOperations:
      return is_one_of(
          to, {WaitingForPluginOperationsPartiallyFailed, Finalizing, FinalizingPartiallyFailed});
    case WaitingForPluginOperationsPartiallyFailed:
      return to == FinalizingPartiallyFailed;
    case Finalizing:
      return is_one_of(to, {Completed, PartiallyFailed, FinalizingPartiallyFailed});
    case FinalizingPartiallyFailed:
      return to == PartiallyFailed;
    case FailedValidation:
    case Completed:
    case PartiallyFailed:
    case Failed:
    case Unknown:
      return false;
  }
  return false;
}

bool may_follow(DataPhase from, DataPhase to) {
  using enum DataPhase;
  if (from == to) return true;
  if (from != Unknown && !is_terminal(from) && to == Failed) return true;
  switch (from) {
    // 1.14 has no Accepted and no Prepared.
    case Unset:
    case New:
      return is_one_of(to, {New, Accepted, InProgress, Canceled});
    case Accepted:
      return is_one_of(to, {Prepared, Canceled});
    case Prepared:
      return is_one_of(to, {InProgress, Canceled});
    // An uploader that had nothing left to do when the cancel came completes.
    case InProgress:
      return is_one_of(to, {Completed, Canceling, Canceled});
    case Canceling:
      return is_one_of(to, {Canceled, Completed});
    case Canceled:
    case Completed:
    case Failed:
    case Unknown:
      return false;
  }
  return false;
}

BackupPhase partially_failed(BackupPhase phase) {
  using enum BackupPhase;
  if (phase == WaitingForPluginOperations) return WaitingForPluginOperationsPartiallyFailed;
  if (phase == Finalizing) return FinalizingPartiallyFailed;
  return phase == Completed ? PartiallyFailed : phase;
}

RestorePhase partially_failed(RestorePhase phase) {
  using enum RestorePhase;
  if (phase == WaitingForPluginOperations) return WaitingForPluginOperationsPartiallyFailed;
  if (phase == Finalizing) return FinalizingPartiallyFailed;
  return phase == Completed ? PartiallyFailed : phase;
}

}  // namespace lateen::model
