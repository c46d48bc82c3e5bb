#include "cli/backup_spec_flags.h"

#include "cli/completion.h"
#include "cli/values.h"
#include "model/include_exclude.h"
#include "model/spec_validation.h"

namespace lateen::cli {

std::vector<FlagSpec> backup_spec_flags() {
  using enum FlagKind;
  std::vector<FlagSpec> flags = {
      {.name = "include-namespaces",
       .kind = List,
       .usage = "Namespaces to include in the backup (use '*' for all namespaces).",
       .value = "*"},
      {.name = "exclude-namespaces",
       .kind = List,
       .usage = "Namespaces to exclude from the backup."},
      {.name = "include-resources",
       .kind = List,
       .usage = "Resources to include in the backup, formatted as resource.group, such as "
                "storageclasses.storage.k8s.io (use '*' for all resources). Cannot work with "
                "include-cluster-scoped-resources, exclude-cluster-scoped-resources, "
                "include-namespace-scoped-resources and exclude-namespace-scoped-resources."},
      {.name = "exclude-resources",
       .kind = List,
       .usage = "Resources to exclude from the backup, formatted as resource.group, such as "
                "storageclasses.storage.k8s.io."},
      {.name = "include-cluster-scoped-resources",
       .kind = List,
       .usage = "Cluster-scoped resources to include in the backup, formatted as resource.group "
                "(use '*' for all resources)."},
      {.name = "exclude-cluster-scoped-resources",
       .kind = List,
       .usage = "Cluster-scoped resources to exclude from the backup, formatted as resource.group "
                "(use '*' for all resources)."},
      {.name = "include-namespace-scoped-resources",
       .kind = List,
       .usage = "Namespaced resources to include in the backup, formatted as resource.group (use "
                "'*' for all resources)."},
      {.name = "exclude-namespace-scoped-resources",
       .kind = List,
       .usage = "Namespaced resources to exclude from the backup, formatted as resource.group (use "
                "'*' for all resources)."},
      {.name = "include-cluster-resources",
       .kind = OptionalBool,
       .usage = "Include cluster-scoped resources in the backup."},
      {.name = "labels", .kind = Map, .usage = "Labels to apply to the backup."},
      {.name = "annotations", .kind = Map, .usage = "Annotations to apply to the backup."},
      {.name = "selector",
       .kind = Selector,
       .usage = "Only back up resources matching this label selector.",
       .shorthand = "l"},
      {.name = "or-selector",
       .kind = OrSelector,
       .usage = "Backup resources matching at least one of the label selector from the list. Label "
                "selectors should be separated by ' or '. For example, foo=bar or app=nginx"},
      {.name = "ttl",
       .kind = Duration,
       .usage = "How long before the backup can be garbage collected.",
       .value = "0s"},
      {.name = "storage-location",
       .usage = "Location in which to store the backup.",
       .names = "backup-location"},
      {.name = "volume-snapshot-locations",
       .kind = ListAppend,
       .usage =
           "List of locations (at most one per provider) where volume snapshots should be stored.",
       .names = "snapshot-location"},
      {.name = "snapshot-volumes",
       .kind = OptionalBool,
       .usage = "Take snapshots of PersistentVolumes as part of the backup. If the parameter is "
                "not set, it is treated as setting to 'true'."},
      {.name = "snapshot-move-data",
       .kind = OptionalBool,
       .usage = "Specify whether snapshot data should be moved."},
      {.name = "data-mover",
       .usage = "Specify the data mover to be used by the backup. If the parameter is not set or "
                "set as 'velero', the built-in data mover will be used."},
      {.name = "default-volumes-to-fs-backup",
       .kind = OptionalBool,
       .usage = "Use pod volume file system backup by default for volumes."},
      {.name = "resource-policies-configmap",
       .usage = "Reference to the resource policies configmap that backup should use."},
      {.name = "ordered-resources",
       .usage = "Mapping Kinds to an ordered list of specific resources of that Kind. Resource "
                "names are separated by commas and their names are in format "
                "'namespace/resourcename'. For cluster scope resource, simply use resource name. "
                "Key-value pairs in the mapping are separated by semi-colon. Example: "
                "'pods=ns1/pod1,ns1/pod2;persistentvolumeclaims=ns1/pvc4,ns1/pvc8'. Optional."},
      {.name = "csi-snapshot-timeout",
       .kind = Duration,
       .usage = "How long to wait for CSI snapshot creation before timeout.",
       .value = "0s"},
      {.name = "item-operation-timeout",
       .kind = Duration,
       .usage = "How long to wait for async plugin operations before timeout.",
       .value = "0s"},
      {.name = "parallel-files-upload",
       .kind = Int,
       .usage = "Number of files uploads simultaneously when running a backup. This is only "
                "applicable for the kopia uploader",
       .value = "0"}};
  name_filters(flags, false);
  return flags;
}

Result<model::BackupSpec> backup_spec_from(const Flags& flags) {
  model::BackupSpec spec;
  spec.included_namespaces = flags.list("include-namespaces");
  spec.excluded_namespaces = flags.list("exclude-namespaces");
  spec.included_resources = flags.list("include-resources");
  spec.excluded_resources = flags.list("exclude-resources");
  spec.included_cluster_scoped_resources = flags.list("include-cluster-scoped-resources");
  spec.excluded_cluster_scoped_resources = flags.list("exclude-cluster-scoped-resources");
  spec.included_namespace_scoped_resources = flags.list("include-namespace-scoped-resources");
  spec.excluded_namespace_scoped_resources = flags.list("exclude-namespace-scoped-resources");
  spec.include_cluster_resources = flags.tristate("include-cluster-resources");
  spec.label_selector = flags.selector("selector");
  spec.or_label_selectors = flags.selectors("or-selector");
  spec.ttl = flags.duration("ttl");
  spec.storage_location = flags.text("storage-location");
  spec.volume_snapshot_locations = flags.list("volume-snapshot-locations");
  spec.snapshot_volumes = flags.tristate("snapshot-volumes");
  spec.snapshot_move_data = flags.tristate("snapshot-move-data");
  spec.datamover = flags.text("data-mover");
  spec.default_volumes_to_fs_backup = flags.tristate("default-volumes-to-fs-backup");
  spec.csi_snapshot_timeout = flags.duration("csi-snapshot-timeout");
  spec.item_operation_timeout = flags.duration("item-operation-timeout");
  spec.ordered_resources = TRY(parse_ordered_resources(flags.text("ordered-resources")));
  if (const std::string policy = flags.text("resource-policies-configmap"); !policy.empty()) {
    model::TypedLocalObjectReference reference;
    reference.kind = "configmap";
    reference.name = policy;
    spec.resource_policy = reference;
  }
  if (const std::int64_t parallel = flags.integer("parallel-files-upload"); parallel > 0) {
    model::UploaderConfigForBackup uploader;
    uploader.parallel_files_upload = parallel;
    spec.uploader_config = uploader;
  }
  if (spec.label_selector && !spec.or_label_selectors.empty()) {
    return Error(Code::InvalidArgument,
                 "either a 'selector' or an 'or-selector' can be specified, but not both");
  }
  if (model::uses_old_resource_filters(spec) && model::uses_new_resource_filters(spec)) {
    return Error(Code::InvalidArgument,
                 "include-resources, exclude-resources and include-cluster-resources are old "
                 "filter parameters.\n"
                 "include-cluster-scoped-resources, exclude-cluster-scoped-resources, "
                 "include-namespace-scoped-resources and "
                 "exclude-namespace-scoped-resources are new filter parameters.\n"
                 "They cannot be used together");
  }
  return spec;
}

}  // namespace lateen::cli
