// A volume that was filled for somebody else's claim, handed over to it: the data mover restores
// into a claim of its own, and the claim that people asked for gets the volume.
//
// What says that a volume is whole lies on the PersistentVolume itself, so that whoever comes next
// goes on from there.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/client.h"

namespace lateen::volumes {

// On a volume that is whole: the uid of the work that has filled it.
inline constexpr std::string_view kWholeLabel = "lateen.io/data-download-uid";

struct VolumeHandover {
  std::string mover_uid = {};  // whose work it is
  std::string ns = {};         // of the claim that the volume was filled through, and of its pod
  std::string name = {};       // of both
  std::string target_ns = {};
  std::string target_claim = {};
};

// Says on the volume of the mover's claim that it is whole, and keeps the storage from deleting it
// with that claim. Gives the volume's name.
Result<std::string> mark_whole(kube::Client& client,
                               const VolumeHandover& handover,
                               std::stop_token stop);

// The volume that an earlier mark_whole() of this work has marked, if any.
Result<std::optional<std::string>> find_whole(kube::Client& client,
                                              const VolumeHandover& handover,
                                              std::stop_token stop);

// Removes the mover's pod and claim, binds the volume to the target, and gives it back its reclaim
// policy. May be called again after it was interrupted anywhere.
Status hand_over(kube::Client& client,
                 const VolumeHandover& handover,
                 const std::string& volume,
                 Deadline deadline,
                 std::stop_token stop);

// Whether a pod that has not ended mounts the claim. Pure.
bool uses_claim(const Json& pod, std::string_view claim);

// Deletes an object and waits until it is gone. `grace` of pods; what is gone already is fine.
Status remove_and_wait(kube::Client& client,
                       const kube::ObjectPath& path,
                       std::optional<std::int64_t> grace,
                       Deadline deadline,
                       std::stop_token stop);

}  // namespace lateen::volumes
