// What the data mover makes in Velero's namespace so that a volume can be reached on a node: a
// claim, and a pod that does nothing but hold it there. Both have the name of the DataUpload or
// DataDownload, which owns them.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/settings.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/object.h"

namespace lateen::agent {

// The pod's volume and its container: each has one.
inline constexpr std::string_view kHeldVolume = "volume";

// What the pods are made of: as the agent's own DaemonSet, where there is one.
struct MoverImage {
  std::string image = "lateen";
  std::string pull_policy = {};
  std::vector<std::string> command = {};  // our program
  std::string service_account = {};
  Json pull_secrets = {};
  Json tolerations = {};
};

// By DaemonSet node-agent of this namespace; the program itself, run from where it lies here, where
// there is none.
Result<MoverImage> read_mover_image(kube::Client& client,
                                    const std::string& ns,
                                    std::stop_token stop);

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
  std::string node = {};  // that was chosen for the volume; empty: the scheduler's choice
};

// A claim filled from the VolumeSnapshot of this name. Pure.
Json backup_claim(const Exposure& exposure,
                  std::string_view size,
                  const BackupClaimSettings* settings);

// One like the target, for its data to be restored into. Pure.
Json restore_claim(const Exposure& exposure, const Json& target);

// The pod that holds the claim of its own name. Pure.
Json holding_pod(const Exposure& exposure, const AgentSettings& settings, const MoverImage& image);

// Creates it unless it is there.
Status ensure_object(kube::Client& client,
                     const kube::GroupVersionResource& kind,
                     const Json& object,
                     std::stop_token stop);

// Pods of the data mover, those of one label, in all namespaces.
Result<std::vector<Json>> list_holding_pods(kube::Client& client,
                                            std::string_view label,
                                            std::stop_token stop);

inline std::string_view node_of(const Json& pod) {
  return string_at(pod, "spec.nodeName");
}

// Whether its container runs, and is to go on.
bool is_pod_running(const Json& pod);

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

// Removes pod and claim, and the claim's volume with its storage, unless it was handed over.
Status remove_exposed(kube::Client& client,
                      const std::string& ns,
                      const std::string& name,
                      Deadline deadline,
                      std::stop_token stop);

}  // namespace lateen::agent
