#include "model/resource_policy.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/text.h"
#include "base/yaml.h"

namespace lateen::model {
namespace {

constexpr std::string_view kVersion = "v1";

// The volume sources of pods and PVs, by their keys there.
constexpr std::array<std::string_view, 30> kVolumeTypes = {"awsAzureDisk",
                                                           "awsElasticBlockStore",
                                                           "azureDisk",
                                                           "azureFile",
                                                           "cinder",
                                                           "cephfs",
                                                           "configMap",
                                                           "csi",
                                                           "downwardAPI",
                                                           "emptyDir",
                                                           "ephemeral",
                                                           "fc",
                                                           "flocker",
                                                           "flexVolume",
                                                           "gitRepo",
                                                           "glusterfs",
                                                           "gcePersistentDisk",
                                                           "hostPath",
                                                           "iscsi",
                                                           "local",
                                                           "nfs",
                                                           "photonPersistentDisk",
                                                           "portworxVolume",
                                                           "projected",
                                                           "quobyte",
                                                           "rbd",
                                                           "scaleIO",
                                                           "secret",
                                                           "storageOS",
                                                           "vsphereVolume"};

bool contains(const auto& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

using Keys = std::initializer_list<std::string_view>;

// The object itself, after refusing what it should not hold: a misspelt condition would match too
// much.
Result<const JsonObject*> strict_object(const Json& json, std::string_view path, Keys known) {
  if (!json.is_object()) return Error(Code::InvalidArgument, "{} must be an object", path);
  for (const auto& [key, value] : json.get_object()) {
    if (!contains(known, key)) {
      return Error(Code::InvalidArgument, "{}: unknown field \"{}\"", path, std::string_view(key));
    }
  }
  return &json.get_object();
}

Status read_text(const JsonObject& object,
                 std::string_view key,
                 std::string& out,
                 std::string_view path) {
  const Json* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) return Error(Code::InvalidArgument, "{}.{} must be a string", path, key);
  out = as_text(value);
  return {};
}

Status read_texts(const JsonObject& object,
                  std::string_view key,
                  StringList& out,
                  std::string_view path) {
  const Json* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  const bool all_texts =
      value->is_array() &&
      std::ranges::all_of(value->get_array(), [](const Json& item) { return item.is_string(); });
  if (!all_texts) return Error(Code::InvalidArgument, "{}.{} must be a list of strings", path, key);
  for (const Json& item : value->get_array())
    out.emplace_back(as_text(&item));
  return {};
}

Status read_text_map(const JsonObject& object,
                     std::string_view key,
                     StringMap& out,
                     std::string_view path) {
  const Json* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  const bool all_texts =
      value->is_object() && std::ranges::all_of(value->get_object(), [](const auto& pair) {
        return pair.value().is_string();
      });
  if (!all_texts)
    return Error(Code::InvalidArgument, "{}.{} must map strings to strings", path, key);
  for (const auto& [name, text] : value->get_object())
    out.emplace(name, as_text(&text));
  return {};
}

Result<std::optional<Quantity>> read_bound(std::string_view text, std::string_view path) {
  if (text.empty()) return std::optional<Quantity>();
  const Quantity quantity = TRY(Quantity::parse(text).wrap("{}.capacity", path));
  // Velero takes 0 as "no bound".
  return quantity.is_zero() ? std::optional<Quantity>() : std::optional<Quantity>(quantity);
}

Status read_capacity(const JsonObject& object,
                     VolumeConditions& conditions,
                     std::string_view path) {
  std::string capacity;
  TRY(read_text(object, "capacity", capacity, path));
  if (capacity.empty()) return {};
  const std::vector<std::string_view> bounds = split(capacity, ',');
  if (bounds.size() != 2) {
    return Error(Code::InvalidArgument, "{}.capacity: wrong format of Capacity {}", path, capacity)
        .with_hint("Write \"LOWER,UPPER\"; either may be empty.");
  }
  conditions.capacity_at_least = TRY(read_bound(trim(bounds[0]), path));
  conditions.capacity_at_most = TRY(read_bound(trim(bounds[1]), path));
  if (conditions.capacity_at_least && conditions.capacity_at_most &&
      *conditions.capacity_at_least > *conditions.capacity_at_most) {
    return Error(Code::InvalidArgument, "{}.capacity: illegal values for capacity {}", path,
                 capacity);
  }
  return {};
}

Status read_nfs(const JsonObject& object, VolumeConditions& conditions, std::string_view path) {
  const Json* nfs = object.if_contains("nfs");
  if (nfs == nullptr || nfs->is_null()) return {};
  const JsonObject* fields =
      TRY(strict_object(*nfs, fmt::format("{}.nfs", path), {"server", "path"}));
  NfsCondition& condition = conditions.nfs.emplace();
  TRY(read_text(*fields, "server", condition.server, path));
  return read_text(*fields, "path", condition.path, path);
}

Status read_csi(const JsonObject& object, VolumeConditions& conditions, std::string_view path) {
  const Json* csi = object.if_contains("csi");
  if (csi == nullptr || csi->is_null()) return {};
  const JsonObject* fields =
      TRY(strict_object(*csi, fmt::format("{}.csi", path), {"driver", "volumeAttributes"}));
  CsiCondition& condition = conditions.csi.emplace();
  TRY(read_text(*fields, "driver", condition.driver, path));
  TRY(read_text_map(*fields, "volumeAttributes", condition.volume_attributes, path));
  if (condition.driver.empty() && !condition.volume_attributes.empty()) {
    return Error(Code::InvalidArgument,
                 "{}.csi.driver should not be empty when filtering by volume attributes", path);
  }
  return {};
}

Result<VolumeConditions> read_conditions(const Json& json, std::string_view path) {
  VolumeConditions conditions;
  if (json.is_null()) return conditions;
  const JsonObject* object = TRY(strict_object(
      json, path,
      {"capacity", "storageClass", "nfs", "csi", "volumeTypes", "pvcLabels", "pvcPhase"}));
  TRY(read_capacity(*object, conditions, path));
  TRY(read_texts(*object, "storageClass", conditions.storage_classes, path));
  TRY(read_nfs(*object, conditions, path));
  TRY(read_csi(*object, conditions, path));
  TRY(read_texts(*object, "volumeTypes", conditions.volume_types, path));
  TRY(read_text_map(*object, "pvcLabels", conditions.pvc_labels, path));
  TRY(read_texts(*object, "pvcPhase", conditions.pvc_phases, path));
  for (const std::string& type : conditions.volume_types) {
    if (!contains(kVolumeTypes, type)) {
      return Error(Code::InvalidArgument, "{}.volumeTypes: {} is not a type of volume", path, type);
    }
  }
  return conditions;
}

Result<VolumePolicy> read_policy(const Json& json, const std::string& path) {
  const JsonObject* object = TRY(strict_object(json, path, {"conditions", "action"}));
  VolumePolicy policy;
  if (const Json* conditions = object->if_contains("conditions")) {
    policy.conditions = TRY(read_conditions(*conditions, path + ".conditions"));
  }
  const Json* action = object->if_contains("action");
  if (action == nullptr) return Error(Code::InvalidArgument, "{}.action is required", path);
  const JsonObject* fields = TRY(strict_object(*action, path + ".action", {"type", "parameters"}));
  std::string type;
  TRY(read_text(*fields, "type", type, path + ".action"));
  for (const VolumeAction known :
       {VolumeAction::Skip, VolumeAction::FsBackup, VolumeAction::Snapshot, VolumeAction::Custom}) {
    if (to_string(known) != type) continue;
    policy.action = known;
    if (const JsonObject* parameters = object_at(*action, "parameters"))
      policy.parameters = *parameters;
    return policy;
  }
  return Error(Code::InvalidArgument, "{}.action: invalid action type {}", path, type)
      .with_hint("Use skip, fs-backup, snapshot or custom.");
}

Result<IncludeExcludePolicy> read_include_exclude(const Json& json) {
  constexpr std::string_view kPath = "includeExcludePolicy";
  const JsonObject* object =
      TRY(strict_object(json, kPath,
                        {"includedClusterScopedResources", "excludedClusterScopedResources",
                         "includedNamespaceScopedResources", "excludedNamespaceScopedResources"}));
  IncludeExcludePolicy policy;
  TRY(read_texts(*object, "includedClusterScopedResources",
                 policy.included_cluster_scoped_resources, kPath));
  TRY(read_texts(*object, "excludedClusterScopedResources",
                 policy.excluded_cluster_scoped_resources, kPath));
  TRY(read_texts(*object, "includedNamespaceScopedResources",
                 policy.included_namespace_scoped_resources, kPath));
  TRY(read_texts(*object, "excludedNamespaceScopedResources",
                 policy.excluded_namespace_scoped_resources, kPath));
  for (const StringList* list :
       {&policy.included_cluster_scoped_resources, &policy.excluded_cluster_scoped_resources,
        &policy.included_namespace_scoped_resources, &policy.excluded_namespace_scoped_resources}) {
    if (contains(*list, "*")) {
      return Error(Code::InvalidArgument,
                   "cannot use '*' in the resource lists of includeExcludePolicy");
    }
  }
  return policy;
}

bool has_all(const StringMap& have, const StringMap& wanted) {
  return std::ranges::all_of(wanted, [&have](const auto& pair) {
    const auto found = have.find(pair.first);
    return found != have.end() && found->second == pair.second;
  });
}

bool matches_or_is_empty(std::string_view wanted, std::string_view have) {
  return wanted.empty() || wanted == have;
}

void read_map(const Json& json, std::string_view path, StringMap& out) {
  if (const JsonObject* object = object_at(json, path)) {
    for (const auto& [key, value] : *object)
      out.insert_or_assign(std::string(key), std::string(as_text(&value)));
  }
}

void read_source(const JsonObject& source_holder, VolumeFacts& facts) {
  for (const auto& [key, source] : source_holder) {
    if (!contains(kVolumeTypes, key)) continue;
    facts.volume_type = key;
    if (key == "nfs") {
      facts.nfs_server = string_at(source, "server");
      facts.nfs_path = string_at(source, "path");
    } else if (key == "csi") {
      facts.csi_driver = string_at(source, "driver");
      read_map(source, "volumeAttributes", facts.csi_volume_attributes);
    }
    return;
  }
}

}  // namespace

std::string_view to_string(VolumeAction action) {
  switch (action) {
    case VolumeAction::Skip:
      return "skip";
    case VolumeAction::FsBackup:
      return "fs-backup";
    case VolumeAction::Snapshot:
      return "snapshot";
    case VolumeAction::Custom:
      return "custom";
  }
  return "";
}

VolumeFacts VolumeFacts::from(const Json* persistent_volume,
                              const Json* pod_volume,
                              const Json* claim) {
  VolumeFacts facts;
  if (persistent_volume != nullptr) {
    const Result<Quantity> capacity =
        Quantity::parse(string_at(*persistent_volume, "spec.capacity.storage"));
    if (capacity) facts.capacity = *capacity;
    facts.storage_class = string_at(*persistent_volume, "spec.storageClassName");
    if (const JsonObject* spec = object_at(*persistent_volume, "spec")) read_source(*spec, facts);
  } else if (pod_volume != nullptr && pod_volume->is_object()) {
    read_source(pod_volume->get_object(), facts);
  }
  if (claim != nullptr) {
    read_map(*claim, "metadata.labels", facts.pvc_labels);
    facts.pvc_phase = string_at(*claim, "status.phase");
  }
  return facts;
}

bool VolumeConditions::match(const VolumeFacts& volume) const {
  if (capacity_at_least || capacity_at_most) {
    // What is not known cannot be in a range; Velero takes an unknown capacity as zero.
    const Quantity capacity = volume.capacity.value_or(Quantity());
    if (capacity_at_least && capacity < *capacity_at_least) return false;
    if (capacity_at_most && capacity > *capacity_at_most) return false;
  }
  if (!storage_classes.empty() && !contains(storage_classes, volume.storage_class)) return false;
  if (nfs && (volume.volume_type != "nfs" || !matches_or_is_empty(nfs->server, volume.nfs_server) ||
              !matches_or_is_empty(nfs->path, volume.nfs_path))) {
    return false;
  }
  if (csi && (volume.volume_type != "csi" || !matches_or_is_empty(csi->driver, volume.csi_driver) ||
              !has_all(volume.csi_volume_attributes, csi->volume_attributes))) {
    return false;
  }
  if (!volume_types.empty() && !contains(volume_types, volume.volume_type)) return false;
  if (!pvc_phases.empty() && !contains(pvc_phases, volume.pvc_phase)) return false;
  return has_all(volume.pvc_labels, pvc_labels);
}

Result<ResourcePolicy> ResourcePolicy::parse(std::string_view yaml) {
  const Json document = TRY(parse_yaml(yaml).wrap("the resource policy is not valid YAML"));
  const JsonObject* object = TRY(strict_object(
      document, "resource policy", {"version", "volumePolicies", "includeExcludePolicy"}));
  std::string version;
  TRY(read_text(*object, "version", version, "resource policy"));
  if (version != kVersion) {
    return Error(Code::InvalidArgument, "incompatible version number {} with supported version {}",
                 version, kVersion);
  }
  ResourcePolicy policy;
  if (const Json* list = object->if_contains("volumePolicies");
      list != nullptr && !list->is_null()) {
    if (!list->is_array()) return Error(Code::InvalidArgument, "volumePolicies must be a list");
    for (std::size_t i = 0; i < list->get_array().size(); ++i) {
      policy.volume_policies_.push_back(
          TRY(read_policy(list->get_array()[i], fmt::format("volumePolicies[{}]", i))));
    }
  }
  if (const Json* filters = object->if_contains("includeExcludePolicy");
      filters != nullptr && !filters->is_null()) {
    policy.include_exclude_ = TRY(read_include_exclude(*filters));
  }
  return policy;
}

Result<ResourcePolicy> ResourcePolicy::from_config_map(const Json& config_map) {
  const std::string name = fmt::format("{}/{}", string_at(config_map, "metadata.namespace"),
                                       string_at(config_map, "metadata.name"));
  const JsonObject* data = object_at(config_map, "data");
  if (data == nullptr || data->size() != 1) {
    return Error(Code::InvalidArgument, "illegal resource policies {} configmap", name)
        .with_hint("It must have exactly one key, whose value is the YAML of the policies.");
  }
  return parse(as_text(&data->begin()->value())).wrap("resource policies {}", name);
}

const VolumePolicy* ResourcePolicy::match(const VolumeFacts& volume) const {
  const auto found = std::ranges::find_if(volume_policies_, [&volume](const VolumePolicy& policy) {
    return policy.conditions.match(volume);
  });
  return found == volume_policies_.end() ? nullptr : &*found;
}

}  // namespace lateen::model
