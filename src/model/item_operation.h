// Asynchronous operations that item actions have started: <name>-itemoperations.json.gz.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

// Its JSON keys are capitalised: the Go struct has no tags.
struct ResourceIdentifier {
  std::string group = {};
  std::string resource = {};
  std::string ns = {};
  std::string name = {};
  JsonObject unknown = {};

  bool operator==(const ResourceIdentifier&) const = default;

  // "persistentvolumeclaims", "deployments.apps"
  std::string group_resource() const { return group.empty() ? resource : resource + "." + group; }

  static void fields(auto& self, auto& visit) {
    visit.always("Group", self.group);
    visit.always("Resource", self.resource);
    visit.always("Namespace", self.ns);
    visit.always("Name", self.name);
  }
};

struct OperationStatus {
  OpenEnum<OperationPhase> phase = {};
  std::string error = {};
  std::int64_t n_completed = 0;
  std::int64_t n_total = 0;
  std::string operation_units = {};
  std::string description = {};
  std::optional<TimePoint> created = {};
  std::optional<TimePoint> started = {};
  std::optional<TimePoint> updated = {};
  JsonObject unknown = {};

  bool operator==(const OperationStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("error", self.error);
    visit("nCompleted", self.n_completed);
    visit("nTotal", self.n_total);
    visit("operationUnits", self.operation_units);
    visit("description", self.description);
    visit("created", self.created);
    visit("started", self.started);
    visit("updated", self.updated);
  }
};

struct BackupOperationSpec {
  std::string backup_name = {};
  std::string backup_uid = {};
  std::string backup_item_action = {};
  ResourceIdentifier resource_identifier = {};
  std::string operation_id = {};
  std::vector<ResourceIdentifier> post_operation_items = {};  // null when empty
  JsonObject unknown = {};

  bool operator==(const BackupOperationSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("backupName", self.backup_name);
    visit.always("backupUID", self.backup_uid);
    visit.always("backupItemAction", self.backup_item_action);
    visit("resourceIdentifier", self.resource_identifier);
    visit.always("operationID", self.operation_id);
    visit.always("postOperationItems", self.post_operation_items);
  }
};

struct BackupOperation {
  BackupOperationSpec spec = {};
  OperationStatus status = {};
  JsonObject unknown = {};

  bool operator==(const BackupOperation&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

struct RestoreOperationSpec {
  std::string restore_name = {};
  std::string restore_uid = {};
  std::string restore_item_action = {};
  ResourceIdentifier resource_identifier = {};
  std::string operation_id = {};
  JsonObject unknown = {};

  bool operator==(const RestoreOperationSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("restoreName", self.restore_name);
    visit.always("restoreUID", self.restore_uid);
    visit.always("restoreItemAction", self.restore_item_action);
    visit("resourceIdentifier", self.resource_identifier);
    visit.always("operationID", self.operation_id);
  }
};

struct RestoreOperation {
  RestoreOperationSpec spec = {};
  OperationStatus status = {};
  JsonObject unknown = {};

  bool operator==(const RestoreOperation&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

}  // namespace lateen::model
