// The data mover's vocabulary: how its operations are called, and how far a DataUpload or a
// DataDownload is in the words of an asynchronous operation. Pure.
#pragma once

#include <string>
#include <string_view>

#include "model/item_operation.h"
#include "model/names.h"
#include "model/phases.h"

namespace lateen::volumes {

// On a DataDownload, "true": its data go into the volume that the claim has, and what the snapshot
// does not have goes from it. Velero refuses such a one, since the claim is bound.
inline constexpr std::string_view kInPlaceAnnotation = "lateen.io/in-place";

// What volumeinfo calls the mover that is built in.
inline constexpr std::string_view kBuiltInMover = "velero";

// spec.datamover: another one's name leaves the object to its own controllers.
inline bool is_built_in_mover(std::string_view name) {
  return name.empty() || name == kBuiltInMover;
}

// The label by which an operation finds its object, and the tag that the snapshot in the repository
// carries.
inline std::string upload_operation_id(std::string_view backup_uid, std::string_view claim_uid) {
  return model::valid_name(fmt::format("du-{}.{}", backup_uid, claim_uid));
}

inline std::string download_operation_id(std::string_view restore_uid, std::string_view claim_uid) {
  return model::valid_name(fmt::format("dd-{}.{}", restore_uid, claim_uid));
}

// Brings the status of an operation up to date with its DataUpload or DataDownload. Gives why it
// failed; empty while it goes on, and when it has completed.
template <typename T>
std::string tell_operation(const T& work, model::OperationStatus& status) {
  using model::DataPhase;
  const DataPhase phase = work.status.phase.value();
  if (model::is_new(phase)) return {};
  status.phase = model::OperationPhase::InProgress;
  status.description = work.status.phase.text();
  status.operation_units = "Bytes";
  status.n_completed = work.status.progress.bytes_done;
  status.n_total = work.status.progress.total_bytes;
  if (work.status.start_timestamp) status.started = work.status.start_timestamp;
  if (work.status.completion_timestamp) status.updated = work.status.completion_timestamp;
  if (phase == DataPhase::Completed) status.phase = model::OperationPhase::Completed;
  if (phase == DataPhase::Canceled) return fmt::format("{} is canceled", T::kKind.kind);
  if (phase != DataPhase::Failed) return {};
  return work.status.message.empty() ? fmt::format("{} failed", T::kKind.kind)
                                     : work.status.message;
}

}  // namespace lateen::volumes
