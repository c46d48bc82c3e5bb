// Turns the volumes of a pod into directories of the machine, ready to be mounted into its
// containers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "sandbox/api/api.h"
#include "sandbox/runtime/container_spec.h"
#include "sandbox/runtime/pod_env.h"
#include "sandbox/runtime/pod_fields.h"
#include "sandbox/runtime/pod_paths.h"
#include "sandbox/runtime/volume_store.h"

namespace lateen::sandbox {

struct PreparedVolume {
  FilePath path;
  bool read_only = false;
  std::string handle;    // in the VolumeStore; empty for the pod's own
  FilePath linked = {};  // a folder that its links lead to, shown at its own path; empty: none
};

using PreparedVolumes = std::map<std::string, PreparedVolume, std::less<>>;

struct TokenRequest {
  std::string ns;
  std::string service_account;
  std::string pod_name;
  std::string pod_uid;
  std::string audience;
  std::int64_t expiration_seconds = 3600;
};

// Gives a token that the API server accepts; absent where nobody can.
using TokenIssuer = std::function<Result<std::string>(const TokenRequest&)>;

// Not thread-safe: one for each pod that is being prepared.
class PodVolumes {
 public:
  PodVolumes(Api& api,
             const VolumeStore& store,
             const TokenIssuer& tokens,
             const Json& pod,
             PodPaths paths,
             PodAddress address);

  // Makes or refreshes all of them. The message is what kubelet's FailedMount event says.
  Result<PreparedVolumes> prepare();

 private:
  Result<PreparedVolume> prepare_one(const Json& volume);
  Result<PreparedVolume> claim(std::string_view name, bool read_only);
  Result<PreparedVolume> empty_dir(std::string_view name) const;
  Result<PreparedVolume> host_path(const Json& source) const;
  // In kubelet's folder, which is the sandbox's.
  Result<PreparedVolume> kubelet_path(const FilePath& path) const;

  // Files of configMaps, secrets, the downward API and tokens: what `projected` mixes.
  struct ProjectedFile {
    Bytes content;
    std::optional<mode_t> mode;
  };

  using ProjectedFiles = std::map<std::string, ProjectedFile>;

  Status add_data(const GroupVersionResource& gvr,
                  std::string_view name,
                  const Json& source,
                  ProjectedFiles& out) const;
  Status add_fields(const Json& source, ProjectedFiles& out) const;
  Status add_token(const Json& source, ProjectedFiles& out) const;
  Status add_projected(const Json& source, ProjectedFiles& out) const;
  // Where node agents look for it.
  Status link_claim(std::string_view volume_name, const FilePath& path) const;
  Result<PreparedVolume> write_files(const FilePath& root,
                                     const Json& source,
                                     const ProjectedFiles& files) const;

  Api& api_;
  const VolumeStore& store_;
  const TokenIssuer& tokens_;
  const Json& pod_;
  const PodPaths paths_;
  const PodAddress address_;
  const std::string ns_;
};

// The mounts of one container: volumeMounts with subPath and readOnly.
Result<std::vector<BindMount>> container_mounts(const Json& container,
                                                const PreparedVolumes& volumes,
                                                const Variables& variables);

}  // namespace lateen::sandbox
