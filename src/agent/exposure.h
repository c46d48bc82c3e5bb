// What the data mover makes in Velero's namespace so that a volume can be reached: a claim, and a
// pod that has it mounted and moves its data. Both have the name of the DataUpload or DataDownload,
// which owns them.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.h"
#include "agent/pod_template.h"
#include "agent/settings.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/object.h"

namespace lateen::agent {

// The volume and the container of a pod that only holds its claim. In a pod that moves data both
// have the uid of its owner for a name, as Velero has it.
inline constexpr std::string_view kHeldVolume = "volume";

// Whose the objects are, and what is exposed.
struct Exposure {
  std::string ns = {};  // of the pod, and of the claim that is made for it
  std::string name = {};
  std::string claim = {};           // that is there already; empty: one of our name is made
  kube::OwnerReference owner = {};  // without a uid: nobody, as in another namespace
  std::string label = {};           // velero.io/data-upload or …-download: the pod's, of this name
  std::string volume_mode = {};     // empty: Filesystem
  std::string storage_class = {};   // of the claim
  bool read_only = false;
  bool no_relabeling = false;
  std::string node = {};         // that was chosen for the volume; empty: the scheduler's choice
  std::string cache_claim = {};  // a volume for what is kept of the repository; empty: none
  std::vector<std::string> arguments = {};  // of our program in the pod
};

// Where the volume is in its pod.
std::string volume_path_of(const Exposure& exposure);

// `data-mover backup|restore` with its flags. Pure.
std::vector<std::string> data_pod_arguments(const Exposure& exposure,
                                            std::string_view work,
                                            const AgentConfig& config);

// A claim filled from the VolumeSnapshot of this name. Pure.
Json backup_claim(const Exposure& exposure,
                  std::string_view size,
                  const BackupClaimSettings* settings);

// One like the target, for its data to be restored into. Pure.
Json restore_claim(const Exposure& exposure, const Json& target);

// The name of the claim for what is kept of the repository, by that of its owner.
std::string cache_claim_name(std::string_view name);

// That claim. Pure.
Json cache_claim(const Exposure& exposure, const CacheClaimSettings& settings, ByteCount size);

// The pod that has the claim mounted. Pure.
Json data_pod(const Exposure& exposure, const AgentSettings& settings, const PodTemplate& made);

// Creates it unless it is there.
Status ensure_object(kube::Client& client,
                     const kube::GroupVersionResource& kind,
                     const Json& object,
                     std::stop_token stop);

using DataPods = std::map<std::string, Json, std::less<>>;  // by name

// Pods of the data mover, those of one label, in all namespaces.
Result<DataPods> list_data_pods(kube::Client& client, std::string_view label, std::stop_token stop);

inline std::string_view node_of(const Json& pod) {
  return string_at(pod, "spec.nodeName");
}

// Whether its container runs, and is to go on.
bool is_pod_running(const Json& pod);

// Whether its node says that it runs: of a lost node's pods somebody else says that they do not.
bool is_pod_heard_of(const Json& pod);

// Why the pod will never run; empty when it may.
std::string why_hopeless(const Json& pod);

// What waiting will not mend.
inline bool is_hopeless(const Error& error) {
  return error.is(Code::NotFound) || error.is(Code::InvalidArgument) ||
         error.is(Code::Unsupported) || error.is(Code::AlreadyExists);
}

// What keeps an exposure from being ready, for people: the pod's and the claim's state.
std::string diagnose(kube::Client& client,
                     const std::string& ns,
                     const std::string& name,
                     std::stop_token stop);

Status remove_pod(kube::Client& client,
                  const std::string& ns,
                  const std::string& name,
                  Deadline deadline,
                  std::stop_token stop);

// Removes a claim, and its volume with its storage, unless it was handed over.
Status remove_claim(kube::Client& client,
                    const std::string& ns,
                    const std::string& name,
                    Deadline deadline,
                    std::stop_token stop);

// Removes pod and claim.
Status remove_exposed(kube::Client& client,
                      const std::string& ns,
                      const std::string& name,
                      Deadline deadline,
                      std::stop_token stop);

}  // namespace lateen::agent
