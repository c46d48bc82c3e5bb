// The Restore kind.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "model/hooks.h"
#include "model/label_selector.h"
#include "model/names.h"
#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

// What to do with an object that is in the cluster already. Unset behaves as None. Recreate and
// Apply are Lateen's own: Velero's schema takes any word, its server only the first two.
enum class ExistingResourcePolicy {
  Unset,
  None,      // it stays as it is, with a warning where it differs
  Update,    // a merge patch makes it what the backup has
  Recreate,  // it is deleted and created anew; what holds data is updated instead
  Apply,     // server-side apply: what the backup does not speak of stays
  Unknown,
};

template <>
struct EnumWords<ExistingResourcePolicy> {
  using enum ExistingResourcePolicy;
  static constexpr EnumWord<ExistingResourcePolicy> kWords[] = {
      {Unset, ""}, {None, "none"}, {Update, "update"}, {Recreate, "recreate"}, {Apply, "apply"}};
};

// Whose status is restored. No RestoreStatusSpec at all: nobody's.
struct RestoreStatusSpec {
  StringList included_resources = {};
  StringList excluded_resources = {};
  JsonObject unknown = {};

  bool operator==(const RestoreStatusSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("includedResources", self.included_resources);
    visit("excludedResources", self.excluded_resources);
  }
};

struct UploaderConfigForRestore {
  std::optional<bool> write_sparse_files = {};
  std::int64_t parallel_files_download = 0;
  JsonObject unknown = {};

  bool operator==(const UploaderConfigForRestore&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("writeSparseFiles", self.write_sparse_files);
    visit("parallelFilesDownload", self.parallel_files_download);
  }
};

struct RestoreSpec {
  std::string backup_name = {};    // this one
  std::string schedule_name = {};  // or the newest Completed backup of this schedule
  StringList included_namespaces = {};
  StringList excluded_namespaces = {};
  StringList included_resources = {};
  StringList excluded_resources = {};
  StringMap namespace_mapping = {};  // source → target
  std::optional<LabelSelector> label_selector = {};
  std::vector<LabelSelector> or_label_selectors = {};
  std::optional<bool> restore_pvs = {};
  std::optional<RestoreStatusSpec> restore_status = {};
  std::optional<bool> preserve_node_ports = {};
  std::optional<bool> include_cluster_resources = {};
  RestoreHooks hooks = {};
  OpenEnum<ExistingResourcePolicy> existing_resource_policy = {};
  Duration item_operation_timeout = {};
  std::optional<TypedLocalObjectReference> resource_modifier = {};
  std::optional<UploaderConfigForRestore> uploader_config = {};
  // Not of Velero's spec: the annotation kIncludeObjects, taken from there when a Restore is read.
  // Nothing else is restored (named_object.h).
  StringList included_objects = {};
  JsonObject unknown = {};

  bool operator==(const RestoreSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("backupName", self.backup_name);
    visit("scheduleName", self.schedule_name);
    visit("includedNamespaces", self.included_namespaces);
    visit("excludedNamespaces", self.excluded_namespaces);
    visit("includedResources", self.included_resources);
    visit("excludedResources", self.excluded_resources);
    visit("namespaceMapping", self.namespace_mapping);
    visit("labelSelector", self.label_selector);
    visit("orLabelSelectors", self.or_label_selectors);
    visit("restorePVs", self.restore_pvs);
    visit("restoreStatus", self.restore_status);
    visit("preserveNodePorts", self.preserve_node_ports);
    visit("includeClusterResources", self.include_cluster_resources);
    visit("hooks", self.hooks);
    visit("existingResourcePolicy", self.existing_resource_policy);
    visit.always("itemOperationTimeout", self.item_operation_timeout);
    visit("resourceModifier", self.resource_modifier);
    visit("uploaderConfig", self.uploader_config);
  }
};

struct RestoreProgress {
  std::int64_t total_items = 0;
  std::int64_t items_restored = 0;
  JsonObject unknown = {};

  bool operator==(const RestoreProgress&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("totalItems", self.total_items);
    visit("itemsRestored", self.items_restored);
  }
};

struct RestoreStatus {
  OpenEnum<RestorePhase> phase = {};
  StringList validation_errors = {};
  std::int64_t warnings = 0;
  std::int64_t errors = 0;
  std::string failure_reason = {};
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> completion_timestamp = {};
  std::optional<RestoreProgress> progress = {};
  std::int64_t restore_item_operations_attempted = 0;
  std::int64_t restore_item_operations_completed = 0;
  std::int64_t restore_item_operations_failed = 0;
  std::optional<HookStatus> hook_status = {};
  JsonObject unknown = {};

  bool operator==(const RestoreStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("validationErrors", self.validation_errors);
    visit("warnings", self.warnings);
    visit("errors", self.errors);
    visit("failureReason", self.failure_reason);
    visit("startTimestamp", self.start_timestamp);
    visit("completionTimestamp", self.completion_timestamp);
    visit("progress", self.progress);
    visit("restoreItemOperationsAttempted", self.restore_item_operations_attempted);
    visit("restoreItemOperationsCompleted", self.restore_item_operations_completed);
    visit("restoreItemOperationsFailed", self.restore_item_operations_failed);
    visit("hookStatus", self.hook_status);
  }
};

// The annotation kIncludeObjects, taken apart.
StringList included_objects_of(const StringMap& annotations);

struct Restore {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v1", .kind = "Restore", .plural = "restores"};

  ObjectMeta metadata = {};
  RestoreSpec spec = {};
  RestoreStatus status = {};
  JsonObject unknown = {};

  bool operator==(const Restore&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
    if constexpr (!std::is_const_v<std::remove_reference_t<decltype(self)>>) {
      self.spec.included_objects = included_objects_of(self.metadata.annotations);
    }
  }
};

}  // namespace lateen::model
