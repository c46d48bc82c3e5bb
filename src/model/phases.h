// The phases that velero.io objects go through, as Velero spells them, and which may follow which.
//
// Unset is the empty word of an object nobody has looked at yet; it means New. Unknown is a word of
// a newer peer: it is never terminal and nothing may follow it but by hand.
#pragma once

#include "model/open_enum.h"

namespace lateen::model {

enum class BackupPhase {
  Unset,
  New,
  Queued,
  ReadyToStart,
  FailedValidation,
  InProgress,
  WaitingForPluginOperations,
  WaitingForPluginOperationsPartiallyFailed,
  Finalizing,
  FinalizingPartiallyFailed,
  Completed,
  PartiallyFailed,
  Failed,
  Deleting,
  Unknown,
};

enum class RestorePhase {
  Unset,
  New,
  FailedValidation,
  InProgress,
  WaitingForPluginOperations,
  WaitingForPluginOperationsPartiallyFailed,
  Completed,
  PartiallyFailed,
  Failed,
  Finalizing,
  FinalizingPartiallyFailed,
  Unknown,
};

enum class SchedulePhase { Unset, New, Enabled, FailedValidation, Unknown };

// DeleteBackupRequest (all), DownloadRequest and ServerStatusRequest (never InProgress).
enum class RequestPhase { Unset, New, InProgress, Processed, Unknown };

// BackupStorageLocation and VolumeSnapshotLocation.
enum class LocationPhase { Unset, Available, Unavailable, Unknown };

enum class RepositoryPhase { Unset, New, Ready, NotReady, Unknown };

// PodVolumeBackup, PodVolumeRestore, DataUpload, DataDownload.
enum class DataPhase {
  Unset,
  New,
  Accepted,
  Prepared,
  InProgress,
  Canceling,
  Canceled,
  Completed,
  Failed,
  Unknown
};

// An asynchronous operation of a plugin, and a native snapshot (which is never InProgress).
enum class OperationPhase { Unset, New, InProgress, Completed, Failed, Unknown };

// Nothing will happen any more, unless it is deleted: what a waiting client waits for. Deleting
// counts.
bool is_terminal(BackupPhase phase);
bool is_terminal(RestorePhase phase);
bool is_terminal(DataPhase phase);
bool is_terminal(OperationPhase phase);

// Unset or New: the controller has not taken it yet.
bool is_new(BackupPhase phase);
bool is_new(RestorePhase phase);
bool is_new(DataPhase phase);

// Completed or PartiallyFailed: its data can be restored.
bool is_restorable(BackupPhase phase);

// Waiting* or Finalizing*: uploaded, but not finished. Sync to other clusters passes these over.
bool is_unfinished(BackupPhase phase);

// Whether the state machine of velero.io has this step. Staying where one is always allowed.
bool may_follow(BackupPhase from, BackupPhase to);
bool may_follow(RestorePhase from, RestorePhase to);
bool may_follow(DataPhase from, DataPhase to);

// The same phase on the path of what has had an error: Finalizing → FinalizingPartiallyFailed,
// Completed → PartiallyFailed, WaitingForPluginOperations → …PartiallyFailed. Others stay.
BackupPhase partially_failed(BackupPhase phase);
RestorePhase partially_failed(RestorePhase phase);

template <>
struct EnumWords<BackupPhase> {
  using enum BackupPhase;
  static constexpr EnumWord<BackupPhase> kWords[] = {
      {Unset, ""},
      {New, "New"},
      {Queued, "Queued"},
      {ReadyToStart, "ReadyToStart"},
      {FailedValidation, "FailedValidation"},
      {InProgress, "InProgress"},
      {WaitingForPluginOperations, "WaitingForPluginOperations"},
      {WaitingForPluginOperationsPartiallyFailed, "WaitingForPluginOperationsPartiallyFailed"},
      {Finalizing, "Finalizing"},
      {FinalizingPartiallyFailed, "FinalizingPartiallyFailed"},
      {Completed, "Completed"},
      {PartiallyFailed, "PartiallyFailed"},
      {Failed, "Failed"},
      {Deleting, "Deleting"},
  };
};

template <>
struct EnumWords<RestorePhase> {
  using enum RestorePhase;
  static constexpr EnumWord<RestorePhase> kWords[] = {
      {Unset, ""},
      {New, "New"},
      {FailedValidation, "FailedValidation"},
      {InProgress, "InProgress"},
      {WaitingForPluginOperations, "WaitingForPluginOperations"},
      {WaitingForPluginOperationsPartiallyFailed, "WaitingForPluginOperationsPartiallyFailed"},
      {Completed, "Completed"},
      {PartiallyFailed, "PartiallyFailed"},
      {Failed, "Failed"},
      {Finalizing, "Finalizing"},
      {FinalizingPartiallyFailed, "FinalizingPartiallyFailed"},
  };
};

template <>
struct EnumWords<SchedulePhase> {
  using enum SchedulePhase;
  static constexpr EnumWord<SchedulePhase> kWords[] = {
      {Unset, ""}, {New, "New"}, {Enabled, "Enabled"}, {FailedValidation, "FailedValidation"}};
};

template <>
struct EnumWords<RequestPhase> {
  using enum RequestPhase;
  static constexpr EnumWord<RequestPhase> kWords[] = {
      {Unset, ""}, {New, "New"}, {InProgress, "InProgress"}, {Processed, "Processed"}};
};

template <>
struct EnumWords<LocationPhase> {
  using enum LocationPhase;
  static constexpr EnumWord<LocationPhase> kWords[] = {
      {Unset, ""}, {Available, "Available"}, {Unavailable, "Unavailable"}};
};

template <>
struct EnumWords<RepositoryPhase> {
  using enum RepositoryPhase;
  static constexpr EnumWord<RepositoryPhase> kWords[] = {
      {Unset, ""}, {New, "New"}, {Ready, "Ready"}, {NotReady, "NotReady"}};
};

template <>
struct EnumWords<DataPhase> {
  using enum DataPhase;
  static constexpr EnumWord<DataPhase> kWords[] = {{Unset, ""},
                                                   {New, "New"},
                                                   {Accepted, "Accepted"},
                                                   {Prepared, "Prepared"},
                                                   {InProgress, "InProgress"},
                                                   {Canceling, "Canceling"},
                                                   {Canceled, "Canceled"},
                                                   {Completed, "Completed"},
                                                   {Failed, "Failed"}};
};

template <>
struct EnumWords<OperationPhase> {
  using enum OperationPhase;
  static constexpr EnumWord<OperationPhase> kWords[] = {{Unset, ""},
                                                        {New, "New"},
                                                        {InProgress, "InProgress"},
                                                        {Completed, "Completed"},
                                                        {Failed, "Failed"}};
};

}  // namespace lateen::model
