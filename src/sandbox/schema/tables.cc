#include "sandbox/schema/tables.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/time.h"
#include "sandbox/schema/kinds_reader.h"
#include "sandbox/schema/table_parts.h"

namespace lateen::sandbox::schema {
namespace {

using Cells = JsonArray (*)(const Json& object, TimePoint now);

// A kind's columns: names with "|" between; a `#` after one makes it an integer, a `?` a boolean, a
// `*` wide only.
struct KindTable {
  std::string_view group;
  std::string_view kind;
  std::string_view columns;
  Cells cells;
};

JsonArray default_cells(const Json& object, TimePoint now) {
  return {name_of(object), age_of(object, now)};
}

JsonArray created_cells(const Json& object, TimePoint) {
  return {name_of(object), text_at(object, "metadata.creationTimestamp")};
}

JsonArray namespace_cells(const Json& object, TimePoint now) {
  return {name_of(object), text_at(object, "status.phase"), age_of(object, now)};
}

JsonArray secret_cells(const Json& object, TimePoint now) {
  return {name_of(object), text_at(object, "type"), Json(size_at(object, "data")),
          age_of(object, now)};
}

JsonArray config_map_cells(const Json& object, TimePoint now) {
  return {name_of(object), Json(size_at(object, "data") + size_at(object, "binaryData")),
          age_of(object, now)};
}

JsonArray service_account_cells(const Json& object, TimePoint now) {
  return {name_of(object), Json(size_at(object, "secrets")), age_of(object, now)};
}

JsonArray binding_cells(const Json& object, TimePoint now) {
  std::array<std::vector<std::string>, 3> subjects;
  if (const JsonArray* items = array_at(object, "subjects")) {
    for (const Json& subject : *items) {
      const std::string_view kind = string_at(subject, "kind");
      const std::string name(string_at(subject, "name"));
      if (kind == "User") subjects[0].push_back(name);
      if (kind == "Group") subjects[1].push_back(name);
      if (kind == "ServiceAccount")
        subjects[2].push_back(fmt::format("{}/{}", string_at(subject, "namespace"), name));
    }
  }
  const auto list = [](const std::vector<std::string>& names) {
    return Json(fmt::format("{}", fmt::join(names, ", ")));
  };
  return {name_of(object),
          Json(fmt::format("{}/{}", string_at(object, "roleRef.kind"),
                           string_at(object, "roleRef.name"))),
          age_of(object, now),
          list(subjects[0]),
          list(subjects[1]),
          list(subjects[2])};
}

JsonArray lease_cells(const Json& object, TimePoint now) {
  return {name_of(object), text_at(object, "spec.holderIdentity"), age_of(object, now)};
}

JsonArray priority_class_cells(const Json& object, TimePoint now) {
  return {name_of(object), number_at(object, "value"),
          Json(bool_at(object, "globalDefault").value_or(false)), age_of(object, now),
          text_at(object, "preemptionPolicy")};
}

JsonArray runtime_class_cells(const Json& object, TimePoint now) {
  return {name_of(object), text_at(object, "handler"), age_of(object, now)};
}

JsonArray webhook_cells(const Json& object, TimePoint now) {
  return {name_of(object), Json(size_at(object, "webhooks")), age_of(object, now)};
}

JsonArray api_service_cells(const Json& object, TimePoint now) {
  const Json* service = find(object, "spec.service");
  const bool local = service == nullptr || service->is_null();
  std::string available = "False";
  if (const JsonArray* conditions = array_at(object, "status.conditions")) {
    for (const Json& condition : *conditions) {
      if (string_at(condition, "type") != "Available") continue;
      available = string_at(condition, "status");
      if (available != "True") available += fmt::format(" ({})", string_at(condition, "reason"));
    }
  }
  return {name_of(object),
          local ? Json("Local")
                : Json(fmt::format("{}/{}", string_at(*service, "namespace"),
                                   string_at(*service, "name"))),
          Json(available), age_of(object, now)};
}

JsonArray csr_cells(const Json& object, TimePoint now) {
  std::vector<std::string> conditions;
  if (const JsonArray* items = array_at(object, "status.conditions")) {
    for (const Json& condition : *items)
      conditions.emplace_back(string_at(condition, "type"));
  }
  if (conditions.empty()) conditions.emplace_back("Pending");
  if (!string_at(object, "status.certificate").empty()) conditions.emplace_back("Issued");
  return {name_of(object),
          age_of(object, now),
          text_at(object, "spec.signerName"),
          text_at(object, "spec.username"),
          Json("<none>"),
          Json(fmt::format("{}", fmt::join(conditions, ",")))};
}

constexpr std::array kTables = std::to_array<KindTable>({
    {"", "Pod", "Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*",
     pod_cells},
    {"", "PodTemplate", "Name|Containers|Images|Pod Labels", pod_template_cells},
    {"", "ReplicationController", "Name|Desired#|Current#|Ready#|Age|Containers*|Images*|Selector*",
     replication_controller_cells},
    {"", "Service", "Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*", service_cells},
    {"", "Endpoints", "Name|Endpoints|Age", endpoints_cells},
    {"", "Node",
     "Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-"
     "Runtime*",
     node_cells},
    {"", "Event",
     "Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count#*|Name*",
     event_cells},
    {"", "Namespace", "Name|Status|Age", namespace_cells},
    {"", "Secret", "Name|Type|Data#|Age", secret_cells},
    {"", "ConfigMap", "Name|Data#|Age", config_map_cells},
    {"", "ServiceAccount", "Name|Secrets#|Age", service_account_cells},
    {"", "PersistentVolume",
     "Name|Capacity|Access Modes|Reclaim "
     "Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|VolumeMode*",
     volume_cells},
    {"", "PersistentVolumeClaim",
     "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode*",
     claim_cells},
    {"", "ResourceQuota", "Name|Age|Request|Limit", quota_cells},
    {"", "LimitRange", "Name|Created At", created_cells},
    {"apps", "Deployment", "Name|Ready|Up-to-date#|Available#|Age|Containers*|Images*|Selector*",
     deployment_cells},
    {"apps", "StatefulSet", "Name|Ready|Age|Containers*|Images*", stateful_set_cells},
    {"apps", "ReplicaSet", "Name|Desired#|Current#|Ready#|Age|Containers*|Images*|Selector*",
     replica_set_cells},
    {"apps", "DaemonSet",
     "Name|Desired#|Current#|Ready#|Up-to-date#|Available#|Node "
     "Selector|Age|Containers*|Images*|Selector*",
     daemon_set_cells},
    {"apps", "ControllerRevision", "Name|Controller|Revision#|Age", controller_revision_cells},
    {"batch", "Job", "Name|Status|Completions|Duration|Age|Containers*|Images*|Selector*",
     job_cells},
    {"batch", "CronJob",
     "Name|Schedule|Timezone|Suspend?|Active#|Last Schedule|Age|Containers*|Images*|Selector*",
     cron_job_cells},
    {"autoscaling", "HorizontalPodAutoscaler",
     "Name|Reference|Targets|MinPods|MaxPods|Replicas|Age", autoscaler_cells},
    {"networking.k8s.io", "Ingress", "Name|Class|Hosts|Address|Ports|Age", ingress_cells},
    {"networking.k8s.io", "IngressClass", "Name|Controller|Parameters|Age", ingress_class_cells},
    {"networking.k8s.io", "NetworkPolicy", "Name|Pod-Selector|Age", network_policy_cells},
    {"policy", "PodDisruptionBudget", "Name|Min Available|Max Unavailable|Allowed Disruptions#|Age",
     disruption_budget_cells},
    {"rbac.authorization.k8s.io", "Role", "Name|Created At", created_cells},
    {"rbac.authorization.k8s.io", "ClusterRole", "Name|Created At", created_cells},
    {"rbac.authorization.k8s.io", "RoleBinding", "Name|Role|Age|Users*|Groups*|ServiceAccounts*",
     binding_cells},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding",
     "Name|Role|Age|Users*|Groups*|ServiceAccounts*", binding_cells},
    {"storage.k8s.io", "StorageClass",
     "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion?|Age",
     storage_class_cells},
    {"storage.k8s.io", "VolumeAttachment", "Name|Attacher|PV|Node|Attached?|Age", attachment_cells},
    {"storage.k8s.io", "CSIDriver",
     "Name|AttachRequired?|PodInfoOnMount?|StorageCapacity?|TokenRequests|RequiresRepublish?|Modes|"
     "Age",
     csi_driver_cells},
    {"storage.k8s.io", "CSINode", "Name|Drivers#|Age", csi_node_cells},
    {"coordination.k8s.io", "Lease", "Name|Holder|Age", lease_cells},
    {"discovery.k8s.io", "EndpointSlice", "Name|AddressType|Ports|Endpoints|Age",
     endpoint_slice_cells},
    {"scheduling.k8s.io", "PriorityClass", "Name|Value#|Global-Default?|Age|PreemptionPolicy",
     priority_class_cells},
    {"node.k8s.io", "RuntimeClass", "Name|Handler|Age", runtime_class_cells},
    {"apiextensions.k8s.io", "CustomResourceDefinition", "Name|Created At", created_cells},
    {"apiregistration.k8s.io", "APIService", "Name|Service|Available|Age", api_service_cells},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration", "Name|Webhooks#|Age",
     webhook_cells},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "Name|Webhooks#|Age",
     webhook_cells},
    {"certificates.k8s.io", "CertificateSigningRequest",
     "Name|Age|SignerName|Requestor|RequestedDuration|Condition", csr_cells},
});

// Kinds whose columns a CRD declares in a real cluster.
struct CustomTable {
  std::string_view kind;
  std::string_view columns;  // additionalPrinterColumns
};

constexpr std::array<CustomTable, 3> kSnapshotTables = {{
    {"VolumeSnapshot",
     R"([{"name":"ReadyToUse","type":"boolean","jsonPath":".status.readyToUse"},
{"name":"SourcePVC","type":"string","jsonPath":".spec.source.persistentVolumeClaimName"},
{"name":"SourceSnapshotContent","type":"string","jsonPath":".spec.source.volumeSnapshotContentName"},
{"name":"RestoreSize","type":"string","jsonPath":".status.restoreSize"},
{"name":"SnapshotClass","type":"string","jsonPath":".spec.volumeSnapshotClassName"},
{"name":"SnapshotContent","type":"string","jsonPath":".status.boundVolumeSnapshotContentName"},
{"name":"CreationTime","type":"date","jsonPath":".status.creationTime"},
{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}])"},
    {"VolumeSnapshotContent",
     R"([{"name":"ReadyToUse","type":"boolean","jsonPath":".status.readyToUse"},
{"name":"RestoreSize","type":"integer","jsonPath":".status.restoreSize"},
{"name":"DeletionPolicy","type":"string","jsonPath":".spec.deletionPolicy"},
{"name":"Driver","type":"string","jsonPath":".spec.driver"},
{"name":"VolumeSnapshotClass","type":"string","jsonPath":".spec.volumeSnapshotClassName"},
{"name":"VolumeSnapshot","type":"string","jsonPath":".spec.volumeSnapshotRef.name"},
{"name":"VolumeSnapshotNamespace","type":"string","jsonPath":".spec.volumeSnapshotRef.namespace"},
{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}])"},
    {"VolumeSnapshotClass",
     R"([{"name":"Driver","type":"string","jsonPath":".driver"},
{"name":"DeletionPolicy","type":"string","jsonPath":".deletionPolicy"},
{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}])"},
}};

// The declared columns; null for kinds that have none of this sort.
Json declared_columns(std::string_view group, std::string_view kind) {
  if (group != "snapshot.storage.k8s.io") return nullptr;
  const auto found = std::ranges::find(kSnapshotTables, kind, &CustomTable::kind);
  return found == kSnapshotTables.end() ? Json() : parse_json(found->columns).value_or(Json());
}

const KindTable* find_table(std::string_view group, std::string_view kind) {
  if (group == "events.k8s.io") group = "";
  const auto found = std::ranges::find_if(
      kTables, [&](const KindTable& table) { return table.group == group && table.kind == kind; });
  return found == kTables.end() ? nullptr : &*found;
}

Column column_of(std::string_view text) {
  Column column;
  while (!text.empty() && (text.back() == '*' || text.back() == '#' || text.back() == '?')) {
    if (text.back() == '*') column.priority = 1;
    if (text.back() == '#') column.type = "integer";
    if (text.back() == '?') column.type = "boolean";
    text.remove_suffix(1);
  }
  column.name = text;
  if (text == "Name") column.format = "name";
  return column;
}

}  // namespace

std::vector<Column> table_columns(std::string_view group, std::string_view, std::string_view kind) {
  const Json declared = declared_columns(group, kind);
  if (!declared.is_null()) return custom_columns(&declared);
  const KindTable* table = find_table(group, kind);
  std::vector<Column> columns;
  for (const std::string_view text :
       parts_of(table != nullptr ? table->columns : "Name|Age", '|')) {
    columns.push_back(column_of(text));
  }
  return columns;
}

JsonArray table_cells(std::string_view group,
                      std::string_view,
                      std::string_view kind,
                      const Json& object,
                      TimePoint now) {
  const Json declared = declared_columns(group, kind);
  if (!declared.is_null()) return custom_cells(&declared, object, now);
  const KindTable* table = find_table(group, kind);
  return table != nullptr ? table->cells(object, now) : default_cells(object, now);
}

Json to_json(std::span<const Column> columns) {
  JsonArray out;
  for (const Column& column : columns) {
    out.push_back(JsonObject{{"name", column.name},
                             {"type", column.type},
                             {"format", column.format},
                             {"description", column.description},
                             {"priority", column.priority}});
  }
  return out;
}

}  // namespace lateen::sandbox::schema
