// What a Backup asks for; also the template of a Schedule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/hooks.h"
#include "model/label_selector.h"
#include "model/object_meta.h"

namespace lateen::model {

// Labels for the Backups that a Schedule makes. Only read inside a Schedule's template.
struct TemplateMetadata {
  StringMap labels = {};
  JsonObject unknown = {};

  bool operator==(const TemplateMetadata&) const = default;

  static void fields(auto& self, auto& visit) { visit("labels", self.labels); }
};

struct UploaderConfigForBackup {
  std::int64_t parallel_files_upload = 0;
  JsonObject unknown = {};

  bool operator==(const UploaderConfigForBackup&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("parallelFilesUpload", self.parallel_files_upload);
  }
};

struct BackupSpec {
  TemplateMetadata metadata = {};
  StringList included_namespaces = {};  // empty: all
  StringList excluded_namespaces = {};
  // The "old" filters, not to be mixed with the four "new" scoped ones below.
  StringList included_resources = {};
  StringList excluded_resources = {};
  StringList included_cluster_scoped_resources = {};
  StringList excluded_cluster_scoped_resources = {};
  StringList included_namespace_scoped_resources = {};
  StringList excluded_namespace_scoped_resources = {};
  std::optional<LabelSelector> label_selector = {};  // excludes or_label_selectors
  std::vector<LabelSelector> or_label_selectors = {};
  std::optional<bool> snapshot_volumes = {};
  Duration ttl = {};  // zero: the server's default (720h)
  std::string volume_group_snapshot_label_key = {};
  std::optional<bool> include_cluster_resources =
      {};  // unset: only what is related to the namespaces
  BackupHooks hooks = {};
  std::string storage_location = {};
  StringList volume_snapshot_locations = {};
  std::optional<bool> default_volumes_to_restic = {};  // deprecated name of the next
  std::optional<bool> default_volumes_to_fs_backup = {};
  StringMap ordered_resources = {};  // "pods" → "ns1/a,ns1/b"
  Duration csi_snapshot_timeout = {};
  Duration item_operation_timeout = {};
  std::optional<TypedLocalObjectReference> resource_policy = {};
  std::optional<bool> snapshot_move_data = {};
  std::string datamover = {};
  std::optional<UploaderConfigForBackup> uploader_config = {};
  JsonObject unknown = {};

  bool operator==(const BackupSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("includedNamespaces", self.included_namespaces);
    visit("excludedNamespaces", self.excluded_namespaces);
    visit("includedResources", self.included_resources);
    visit("excludedResources", self.excluded_resources);
    visit("includedClusterScopedResources", self.included_cluster_scoped_resources);
    visit("excludedClusterScopedResources", self.excluded_cluster_scoped_resources);
    visit("includedNamespaceScopedResources", self.included_namespace_scoped_resources);
    visit("excludedNamespaceScopedResources", self.excluded_namespace_scoped_resources);
    visit("labelSelector", self.label_selector);
    visit("orLabelSelectors", self.or_label_selectors);
    visit("snapshotVolumes", self.snapshot_volumes);
    visit.always("ttl", self.ttl);
    visit("volumeGroupSnapshotLabelKey", self.volume_group_snapshot_label_key);
    visit("includeClusterResources", self.include_cluster_resources);
    visit("hooks", self.hooks);
    visit("storageLocation", self.storage_location);
    visit("volumeSnapshotLocations", self.volume_snapshot_locations);
    visit("defaultVolumesToRestic", self.default_volumes_to_restic);
    visit("defaultVolumesToFsBackup", self.default_volumes_to_fs_backup);
    visit("orderedResources", self.ordered_resources);
    visit.always("csiSnapshotTimeout", self.csi_snapshot_timeout);
    visit.always("itemOperationTimeout", self.item_operation_timeout);
    visit("resourcePolicy", self.resource_policy);
    visit("snapshotMoveData", self.snapshot_move_data);
    visit("datamover", self.datamover);
    visit("uploaderConfig", self.uploader_config);
  }
};

}  // namespace lateen::model
