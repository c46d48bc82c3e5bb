// What the pods of the data mover and the agents that watch them say to each other, in Velero's
// words, so that either side may be Velero's: the pod begins when its object is InProgress, hears
// spec.cancel, and says how it ended by its phase and its termination message.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/client.h"
#include "model/pod_volumes.h"

namespace lateen::agent {

inline constexpr std::string_view kBackupWork = "backup";
inline constexpr std::string_view kRestoreWork = "restore";

// The reason of the Events that a pod of Velero's tells its progress by.
inline constexpr std::string_view kProgressEvent = "Data-Path-Progress";

// How the message of a pod ends that was canceled.
inline constexpr std::string_view kCanceledMessage = "data path is canceled";

// The message of a pod that has moved all data, JSON.
struct DataPathResult {
  std::string path = {};         // where the volume was in the pod
  std::string volume_mode = {};  // Filesystem, Block
  ByteCount total = 0;
  // Of backups.
  std::string snapshot_id = {};  // empty: there was nothing in the volume
  ByteCount incremental = 0;
  std::string remark = {};  // ours: files that changed while they were read
};

std::string write_result(std::string_view work, const DataPathResult& result);
Result<DataPathResult> parse_result(std::string_view work, std::string_view message);

enum class PodEnding { Completed, Canceled, Failed };

struct PodEnd {
  PodEnding how = PodEnding::Failed;
  std::string message = {};
};

// Nothing while it runs, and of one that ended without a word: killed, evicted, its node lost. What
// such a one was to do is still to be done. Pure.
std::optional<PodEnd> end_of_pod(const Json& pod);

// Whether it has completed or failed. One that was canceled has not: whoever looks knows of no
// cancel, and it is still to be done.
bool has_outcome(const Json& pod);

// How far a pod of Velero's says it is, by the Events about its object: ours write it there
// themselves. Nothing where they say nothing. Pure.
std::optional<model::DataProgress> progress_in(const Json& events);

// Waits until this very pod has ended; nothing when it has gone, has ended without a word, or is
// not heard of: its node may be lost.
Result<std::optional<PodEnd>> wait_for_end(kube::Client& client,
                                           const Json& pod,
                                           std::stop_token stop);

}  // namespace lateen::agent
