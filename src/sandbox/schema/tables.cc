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

Json text_at(const Json& object, std::string_view path) {
  return Json(string_at(object, path));
}

Json number_at(const Json& object, std::string_view path) {
  return Json(int_at(object, path).value_or(0));
}

Json text_or_none(const Json& object, std::string_view path, std::string_view none = "<none>") {
  const std::string_view text = string_at(object, path);
  return Json(text.empty() ? none : text);
}

Json name_of(const Json& object) {
  return text_at(object, "metadata.name");
}

Json age_of(const Json& object, TimePoint now) {
  return Json(age_text(find(object, "metadata.creationTimestamp"), now));
}

std::size_t size_at(const Json& object, std::string_view path) {
  if (const JsonObject* members = object_at(object, path)) return members->size();
  if (const JsonArray* items = array_at(object, path)) return items->size();
  return 0;
}

std::string value_or(const Json& object, std::string_view path, std::string_view otherwise) {
  const Json* value = find(object, path);
  if (value == nullptr || value->is_null()) return std::string(otherwise);
  return value->is_string() ? std::string(value->get_string()) : write_json(*value);
}

Json containers(const Json& object) {
  return Json(container_names(object, "spec.template.spec"));
}

Json images(const Json& object) {
  return Json(container_images(object, "spec.template.spec"));
}

JsonArray default_cells(const Json& object, TimePoint now) {
  return {name_of(object), age_of(object, now)};
}

JsonArray created_cells(const Json& object, TimePoint) {
  return {name_of(object), text_at(object, "metadata.creationTimestamp")};
}

JsonArray deployment_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          Json(fmt::format("{}/{}", int_at(object, "status.readyReplicas").value_or(0),
                           int_at(object, "spec.replicas").value_or(0))),
          number_at(object, "status.updatedReplicas"),
          number_at(object, "status.availableReplicas"),
          age_of(object, now),
          containers(object),
          images(object),
          Json(selector_text(find(object, "spec.selector")))};
}

JsonArray stateful_set_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          Json(fmt::format("{}/{}", int_at(object, "status.readyReplicas").value_or(0),
                           int_at(object, "spec.replicas").value_or(0))),
          age_of(object, now), containers(object), images(object)};
}

JsonArray replica_set_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          number_at(object, "spec.replicas"),
          number_at(object, "status.replicas"),
          number_at(object, "status.readyReplicas"),
          age_of(object, now),
          containers(object),
          images(object),
          Json(selector_text(find(object, "spec.selector")))};
}

JsonArray replication_controller_cells(const Json& object, TimePoint now) {
  JsonArray cells = replica_set_cells(object, now);
  cells[7] = labels_text(find(object, "spec.selector"));
  return cells;
}

JsonArray daemon_set_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          number_at(object, "status.desiredNumberScheduled"),
          number_at(object, "status.currentNumberScheduled"),
          number_at(object, "status.numberReady"),
          number_at(object, "status.updatedNumberScheduled"),
          number_at(object, "status.numberAvailable"),
          Json(labels_text(find(object, "spec.template.spec.nodeSelector"))),
          age_of(object, now),
          containers(object),
          images(object),
          Json(selector_text(find(object, "spec.selector")))};
}

JsonArray cron_job_cells(const Json& object, TimePoint now) {
  const auto suspended = bool_at(object, "spec.suspend");
  const Json* last = find(object, "status.lastScheduleTime");
  const bool ran = last != nullptr && last->is_string();
  constexpr std::string_view kPod = "spec.jobTemplate.spec.template.spec";
  return {name_of(object),
          text_at(object, "spec.schedule"),
          text_or_none(object, "spec.timeZone"),
          !suspended ? Json("<unset>") : Json(*suspended ? "True" : "False"),
          Json(size_at(object, "status.active")),
          ran ? Json(age_text(last, now)) : Json("<none>"),
          age_of(object, now),
          Json(container_names(object, kPod)),
          Json(container_images(object, kPod)),
          Json(selector_text(find(object, "spec.jobTemplate.spec.selector")))};
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

// "RWO,ROX", each once.
std::string access_modes(const JsonArray* modes) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kShort = {
      {{"ReadWriteOnce", "RWO"},
       {"ReadOnlyMany", "ROX"},
       {"ReadWriteMany", "RWX"},
       {"ReadWriteOncePod", "RWOP"}}};
  std::vector<std::string_view> texts;
  for (const auto& [mode, text] : kShort) {
    if (modes != nullptr && std::ranges::find(*modes, Json(mode)) != modes->end())
      texts.push_back(text);
  }
  return fmt::format("{}", fmt::join(texts, ","));
}

Json phase_of(const Json& object) {
  const bool leaving = !string_at(object, "metadata.deletionTimestamp").empty();
  return leaving ? Json("Terminating") : text_at(object, "status.phase");
}

JsonArray volume_cells(const Json& object, TimePoint now) {
  const Json* claim = find(object, "spec.claimRef");
  return {name_of(object),
          text_at(object, "spec.capacity.storage"),
          Json(access_modes(array_at(object, "spec.accessModes"))),
          text_at(object, "spec.persistentVolumeReclaimPolicy"),
          phase_of(object),
          claim == nullptr ? Json("")
                           : Json(fmt::format("{}/{}", string_at(*claim, "namespace"),
                                              string_at(*claim, "name"))),
          text_at(object, "spec.storageClassName"),
          text_or_none(object, "spec.volumeAttributesClassName", "<unset>"),
          text_at(object, "status.reason"),
          age_of(object, now),
          text_or_none(object, "spec.volumeMode", "<unset>")};
}

JsonArray claim_cells(const Json& object, TimePoint now) {
  const bool bound = !string_at(object, "spec.volumeName").empty();
  return {name_of(object),
          phase_of(object),
          text_at(object, "spec.volumeName"),
          bound ? text_at(object, "status.capacity.storage") : Json(""),
          bound ? Json(access_modes(array_at(object, "status.accessModes"))) : Json(""),
          text_at(object, "spec.storageClassName"),
          text_or_none(object, "spec.volumeAttributesClassName", "<unset>"),
          age_of(object, now),
          text_or_none(object, "spec.volumeMode", "<unset>")};
}

JsonArray endpoints_cells(const Json& object, TimePoint now) {
  std::vector<std::string> all;
  if (const JsonArray* subsets = array_at(object, "subsets")) {
    for (const Json& subset : *subsets) {
      const JsonArray* addresses = array_at(subset, "addresses");
      const JsonArray* ports = array_at(subset, "ports");
      if (addresses == nullptr || ports == nullptr) continue;
      for (const Json& port : *ports) {
        for (const Json& address : *addresses) {
          all.push_back(
              fmt::format("{}:{}", string_at(address, "ip"), int_at(port, "port").value_or(0)));
        }
      }
    }
  }
  std::string text = "<none>";
  if (!all.empty()) {
    const std::size_t shown = std::min<std::size_t>(all.size(), 3);
    text = fmt::format(
        "{}", fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), ","));
    if (all.size() > shown) text += fmt::format(" + {} more...", all.size() - shown);
  }
  return {name_of(object), Json(text), age_of(object, now)};
}

JsonArray endpoint_slice_cells(const Json& object, TimePoint now) {
  std::vector<std::string> ports;
  if (const JsonArray* items = array_at(object, "ports")) {
    for (const Json& port : *items) {
      const auto number = int_at(port, "port");
      ports.push_back(number ? std::to_string(*number) : "*");
    }
  }
  std::vector<std::string> addresses;
  if (const JsonArray* items = array_at(object, "endpoints")) {
    for (const Json& endpoint : *items) {
      const JsonArray* own = array_at(endpoint, "addresses");
      if (own != nullptr) {
        for (const Json& address : *own)
          addresses.emplace_back(as_text(&address));
      }
    }
  }
  std::string text = addresses.empty() ? "<unset>" : std::string();
  const std::size_t shown = std::min<std::size_t>(addresses.size(), 3);
  if (!addresses.empty()) {
    text = fmt::format(
        "{}",
        fmt::join(addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(shown), ","));
  }
  if (addresses.size() > shown) text += fmt::format(" + {} more...", addresses.size() - shown);
  return {name_of(object), text_at(object, "addressType"),
          ports.empty() ? Json("<unset>") : Json(fmt::format("{}", fmt::join(ports, ","))),
          Json(text), age_of(object, now)};
}

JsonArray ingress_cells(const Json& object, TimePoint now) {
  std::vector<std::string> hosts;
  if (const JsonArray* rules = array_at(object, "spec.rules")) {
    for (const Json& rule : *rules) {
      const std::string_view host = string_at(rule, "host");
      if (!host.empty()) hosts.emplace_back(host);
    }
  }
  std::vector<std::string> addresses;
  if (const JsonArray* points = array_at(object, "status.loadBalancer.ingress")) {
    for (const Json& point : *points) {
      const std::string_view ip = string_at(point, "ip");
      addresses.emplace_back(ip.empty() ? string_at(point, "hostname") : ip);
    }
  }
  return {name_of(object),
          text_or_none(object, "spec.ingressClassName"),
          hosts.empty() ? Json("*") : Json(fmt::format("{}", fmt::join(hosts, ","))),
          Json(fmt::format("{}", fmt::join(addresses, ","))),
          Json(size_at(object, "spec.tls") > 0 ? "80, 443" : "80"),
          age_of(object, now)};
}

JsonArray ingress_class_cells(const Json& object, TimePoint now) {
  std::string parameters = "<none>";
  if (const Json* reference = find(object, "spec.parameters")) {
    parameters = std::string(string_at(*reference, "kind"));
    const std::string_view group = string_at(*reference, "apiGroup");
    if (!group.empty()) parameters += fmt::format(".{}", group);
    parameters += fmt::format("/{}", string_at(*reference, "name"));
  }
  return {name_of(object), text_at(object, "spec.controller"), Json(parameters),
          age_of(object, now)};
}

JsonArray network_policy_cells(const Json& object, TimePoint now) {
  return {name_of(object), Json(selector_text(find(object, "spec.podSelector"))),
          age_of(object, now)};
}

JsonArray disruption_budget_cells(const Json& object, TimePoint now) {
  return {name_of(object), Json(value_or(object, "spec.minAvailable", "N/A")),
          Json(value_or(object, "spec.maxUnavailable", "N/A")),
          number_at(object, "status.disruptionsAllowed"), age_of(object, now)};
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

JsonArray storage_class_cells(const Json& object, TimePoint now) {
  std::string name(string_at(object, "metadata.name"));
  const Json* annotations = find(object, "metadata.annotations");
  for (const std::string_view key : {"storageclass.kubernetes.io/is-default-class",
                                     "storageclass.beta.kubernetes.io/is-default-class"}) {
    if (as_text(find(annotations, JsonKey{key})) == "true") {
      name += " (default)";
      break;
    }
  }
  return {Json(name),
          text_at(object, "provisioner"),
          text_or_none(object, "reclaimPolicy", "Delete"),
          text_or_none(object, "volumeBindingMode", "Immediate"),
          Json(bool_at(object, "allowVolumeExpansion").value_or(false)),
          age_of(object, now)};
}

JsonArray lease_cells(const Json& object, TimePoint now) {
  return {name_of(object), text_at(object, "spec.holderIdentity"), age_of(object, now)};
}

JsonArray controller_revision_cells(const Json& object, TimePoint now) {
  std::string controller = "<none>";
  if (const JsonArray* owners = array_at(object, "metadata.ownerReferences")) {
    for (const Json& owner : *owners) {
      if (!bool_at(owner, "controller").value_or(false)) continue;
      std::string kind(string_at(owner, "kind"));
      std::ranges::transform(kind, kind.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      });
      const std::string_view api_version = string_at(owner, "apiVersion");
      const std::size_t slash = api_version.find('/');
      const std::string_view group =
          slash == std::string_view::npos ? "" : api_version.substr(0, slash);
      controller =
          fmt::format("{}{}{}/{}", kind, group.empty() ? "" : ".", group, string_at(owner, "name"));
    }
  }
  return {name_of(object), Json(controller), number_at(object, "revision"), age_of(object, now)};
}

JsonArray quota_cells(const Json& object, TimePoint now) {
  std::vector<std::string> requests;
  std::vector<std::string> limits;
  if (const JsonObject* hard = object_at(object, "status.hard")) {
    const Json* used = find(object, "status.used");
    for (const auto& [name, amount] : *hard) {
      std::string_view have = as_text(find(used, JsonKey{name}));
      if (have.empty()) have = "0";
      (name.starts_with("limits.") ? limits : requests)
          .push_back(fmt::format("{}: {}/{}", std::string_view(name), have, as_text(&amount)));
    }
  }
  std::ranges::sort(requests);
  std::ranges::sort(limits);
  return {name_of(object), age_of(object, now), Json(fmt::format("{}", fmt::join(requests, ", "))),
          Json(fmt::format("{}", fmt::join(limits, ", ")))};
}

JsonArray priority_class_cells(const Json& object, TimePoint now) {
  return {name_of(object), number_at(object, "value"),
          Json(bool_at(object, "globalDefault").value_or(false)), age_of(object, now),
          text_at(object, "preemptionPolicy")};
}

JsonArray runtime_class_cells(const Json& object, TimePoint now) {
  return {name_of(object), text_at(object, "handler"), age_of(object, now)};
}

JsonArray attachment_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          text_at(object, "spec.attacher"),
          text_at(object, "spec.source.persistentVolumeName"),
          text_at(object, "spec.nodeName"),
          Json(bool_at(object, "status.attached").value_or(false)),
          age_of(object, now)};
}

JsonArray csi_driver_cells(const Json& object, TimePoint now) {
  std::vector<std::string> modes;
  if (const JsonArray* items = array_at(object, "spec.volumeLifecycleModes")) {
    for (const Json& mode : *items)
      modes.emplace_back(as_text(&mode));
  }
  const auto flag = [&object](std::string_view path) {
    return Json(bool_at(object, path).value_or(false));
  };
  return {name_of(object),
          Json(bool_at(object, "spec.attachRequired").value_or(true)),
          flag("spec.podInfoOnMount"),
          flag("spec.storageCapacity"),
          Json("<unset>"),
          flag("spec.requiresRepublish"),
          Json(joined_or_none(modes)),
          age_of(object, now)};
}

JsonArray csi_node_cells(const Json& object, TimePoint now) {
  return {name_of(object), Json(size_at(object, "spec.drivers")), age_of(object, now)};
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

JsonArray pod_template_cells(const Json& object, TimePoint) {
  return {name_of(object), Json(container_names(object, "template.spec")),
          Json(container_images(object, "template.spec")),
          Json(labels_text(find(object, "template.metadata.labels")))};
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
