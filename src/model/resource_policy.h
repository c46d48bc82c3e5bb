// The resource policy that a Backup can name (a ConfigMap with one YAML document): which volumes
// are skipped, copied as files or snapshotted, and resource filters added to those of the spec.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/quantity.h"
#include "base/result.h"
#include "model/object_meta.h"

namespace lateen::model {

enum class VolumeAction { Skip, FsBackup, Snapshot, Custom };

// "skip", "fs-backup", "snapshot", "custom"
std::string_view to_string(VolumeAction action);

// What is known of a volume when a policy is asked about it.
struct VolumeFacts {
  std::optional<Quantity> capacity = {};
  std::string storage_class = {};
  std::string volume_type =
      {};  // "csi", "nfs", "emptyDir", …: the key of the source in the pod's or PV's spec
  std::string nfs_server = {};
  std::string nfs_path = {};
  std::string csi_driver = {};
  StringMap csi_volume_attributes = {};
  StringMap pvc_labels = {};
  std::string pvc_phase = {};

  // Each may be null. The PV's word counts where there is one, else the pod's volume; the claim
  // adds to either.
  static VolumeFacts from(const Json* persistent_volume, const Json* pod_volume, const Json* claim);
};

struct NfsCondition {
  std::string server = {};
  std::string path = {};
};

struct CsiCondition {
  std::string driver = {};
  StringMap volume_attributes = {};
};

// All that are set must hold.
struct VolumeConditions {
  std::optional<Quantity> capacity_at_least = {};
  std::optional<Quantity> capacity_at_most = {};
  StringList storage_classes = {};
  std::optional<NfsCondition> nfs = {};
  std::optional<CsiCondition> csi = {};
  StringList volume_types = {};
  StringMap pvc_labels = {};
  StringList pvc_phases = {};

  bool match(const VolumeFacts& volume) const;
};

struct VolumePolicy {
  VolumeConditions conditions = {};
  VolumeAction action = VolumeAction::Skip;
  JsonObject parameters = {};
};

// Filters that are added to the spec's new-style lists. The spec wins.
struct IncludeExcludePolicy {
  StringList included_cluster_scoped_resources = {};
  StringList excluded_cluster_scoped_resources = {};
  StringList included_namespace_scoped_resources = {};
  StringList excluded_namespace_scoped_resources = {};
};

// Immutable.
class ResourcePolicy {
 public:
  // Strict: a field that nobody knows is InvalidArgument, since a misspelt condition would match
  // too much.
  static Result<ResourcePolicy> parse(std::string_view yaml);

  // Of a ConfigMap, which must have exactly one key.
  static Result<ResourcePolicy> from_config_map(const Json& config_map);

  // The action of the first policy whose conditions all match, or nothing.
  const VolumePolicy* match(const VolumeFacts& volume) const;

  const std::vector<VolumePolicy>& volume_policies() const { return volume_policies_; }

  const std::optional<IncludeExcludePolicy>& include_exclude() const { return include_exclude_; }

 private:
  std::vector<VolumePolicy> volume_policies_;
  std::optional<IncludeExcludePolicy> include_exclude_;
};

}  // namespace lateen::model
