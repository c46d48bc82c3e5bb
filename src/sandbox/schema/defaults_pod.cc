// A pod's defaults, wherever a pod's spec occurs.
#include <algorithm>
#include <array>

#include "sandbox/schema/defaults_parts.h"
#include "sandbox/schema/edit.h"

namespace lateen::sandbox::schema {
namespace {

void default_http_get(JsonObject& handler) {
  JsonObject* get = object_member(handler, "httpGet");
  if (get == nullptr) return;
  set_default(*get, "path", "/");
  set_default(*get, "scheme", "HTTP");
}

void default_probe(JsonObject& container, std::string_view which) {
  JsonObject* probe = object_member(container, which);
  if (probe == nullptr) return;
  // Zero means "not said" for these, as in Go.
  const auto set_number = [probe](std::string_view key, int value) {
    const Json* now = probe->if_contains(key);
    if (now == nullptr || now->is_null() || *now == Json(0)) (*probe)[key] = value;
  };
  set_number("timeoutSeconds", 1);
  set_number("periodSeconds", 10);
  set_number("successThreshold", 1);
  set_number("failureThreshold", 3);
  default_http_get(*probe);
  if (JsonObject* grpc = object_member(*probe, "grpc");
      grpc != nullptr && member(*grpc, "service") == nullptr) {
    (*grpc)["service"] = "";
  }
}

void default_field_ref(JsonObject& owner) {
  if (JsonObject* ref = object_member(owner, "fieldRef")) set_default(*ref, "apiVersion", "v1");
}

void default_container(JsonObject& container) {
  set_default(container, "imagePullPolicy",
              Json(default_pull_policy(text_member(container, "image"))));
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  for_each_object(container, "ports",
                  [](JsonObject& port) { set_default(port, "protocol", "TCP"); });
  for_each_object(container, "env", [](JsonObject& variable) {
    if (JsonObject* from = object_member(variable, "valueFrom")) default_field_ref(*from);
    if (JsonObject* from = object_member(variable, "valueFrom")) {
      if (JsonObject* file = object_member(*from, "fileKeyRef");
          file != nullptr && member(*file, "optional") == nullptr) {
        (*file)["optional"] = false;
      }
    }
  });
  for (const std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    default_probe(container, probe);
  if (JsonObject* lifecycle = object_member(container, "lifecycle")) {
    for (const std::string_view hook : {"postStart", "preStop"}) {
      if (JsonObject* handler = object_member(*lifecycle, hook)) default_http_get(*handler);
    }
  }
}

void default_host_ports(JsonObject& container) {
  for_each_object(container, "ports", [](JsonObject& port) {
    const Json* here = member(port, "hostPort");
    const Json* inside = member(port, "containerPort");
    if (inside != nullptr && (here == nullptr || *here == Json(0))) port["hostPort"] = *inside;
  });
}

// A container that says limits only requests as much.
void default_requests(JsonObject& container) {
  JsonObject* resources = object_member(container, "resources");
  if (resources == nullptr) return;
  const JsonObject* limits = object_member(*resources, "limits");
  if (limits == nullptr || limits->empty()) return;
  const JsonObject wanted = *limits;
  JsonObject& requests = ensure_object(*resources, "requests");
  for (const auto& [name, amount] : wanted)
    requests.emplace(name, amount);
}

void default_items_field_refs(JsonObject& source) {
  for_each_object(source, "items", default_field_ref);
}

void default_projected(JsonObject& projected) {
  if (member(projected, "defaultMode") == nullptr) projected["defaultMode"] = 420;
  for_each_object(projected, "sources", [](JsonObject& source) {
    if (JsonObject* downward = object_member(source, "downwardAPI"))
      default_items_field_refs(*downward);
    JsonObject* token = object_member(source, "serviceAccountToken");
    if (token != nullptr && member(*token, "expirationSeconds") == nullptr)
      (*token)["expirationSeconds"] = 3600;
  });
}

void default_disk_sources(JsonObject& volume) {
  if (JsonObject* path = object_member(volume, "hostPath");
      path != nullptr && member(*path, "type") == nullptr) {
    (*path)["type"] = "";
  }
  if (JsonObject* iscsi = object_member(volume, "iscsi"))
    set_default(*iscsi, "iscsiInterface", "default");
  if (JsonObject* rbd = object_member(volume, "rbd")) {
    set_default(*rbd, "pool", "rbd");
    set_default(*rbd, "user", "admin");
    set_default(*rbd, "keyring", "/etc/ceph/keyring");
  }
  if (JsonObject* azure = object_member(volume, "azureDisk")) {
    set_default(*azure, "cachingMode", "ReadWrite");
    set_default(*azure, "kind", "Shared");
    set_default(*azure, "fsType", "ext4");
    set_default(*azure, "readOnly", false);
  }
  if (JsonObject* scale = object_member(volume, "scaleIO")) {
    set_default(*scale, "storageMode", "ThinProvisioned");
    set_default(*scale, "fsType", "xfs");
  }
}

bool has_source(const JsonObject& volume) {
  return std::ranges::any_of(
      volume, [](const auto& entry) { return entry.key() != "name" && !entry.value().is_null(); });
}

void default_volume(JsonObject& volume) {
  if (!has_source(volume)) volume["emptyDir"] = JsonObject();
  default_volume_source(volume);
  for (const std::string_view source : {"secret", "configMap", "downwardAPI"}) {
    JsonObject* files = object_member(volume, source);
    if (files == nullptr) continue;
    if (member(*files, "defaultMode") == nullptr) (*files)["defaultMode"] = 420;
    default_items_field_refs(*files);
  }
  if (JsonObject* projected = object_member(volume, "projected")) default_projected(*projected);
  if (JsonObject* image = object_member(volume, "image")) {
    set_default(*image, "pullPolicy", Json(default_pull_policy(text_member(*image, "reference"))));
  }
  if (JsonObject* ephemeral = object_member(volume, "ephemeral")) {
    JsonObject* claim = object_member(*ephemeral, "volumeClaimTemplate");
    if (claim != nullptr) default_claim_spec(ensure_object(*claim, "spec"));
  }
}

constexpr std::array<std::string_view, 3> kContainerLists = {"initContainers", "containers",
                                                             "ephemeralContainers"};

}  // namespace

std::string_view default_pull_policy(std::string_view image) {
  const std::size_t at = image.find('@');
  const bool has_digest = at != std::string_view::npos;
  const std::string_view named = image.substr(0, at);
  const std::size_t slash = named.rfind('/');
  const std::size_t colon = named.find(':', slash == std::string_view::npos ? 0 : slash);
  const bool has_tag = colon != std::string_view::npos;
  if (!has_tag) return has_digest ? "IfNotPresent" : "Always";
  return named.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

void default_volume_source(JsonObject& volume) {
  default_disk_sources(volume);
}

void default_claim_spec(JsonObject& spec) {
  set_default(spec, "volumeMode", "Filesystem");
}

void default_pod_spec(JsonObject& spec) {
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "restartPolicy", "Always");
  ensure_object(spec, "securityContext");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "schedulerName", "default-scheduler");
  // serviceAccount is the old name of serviceAccountName; both are always shown.
  std::string account(text_member(spec, "serviceAccountName"));
  if (account.empty()) account = text_member(spec, "serviceAccount");
  if (!account.empty()) {
    spec["serviceAccountName"] = account;
    spec["serviceAccount"] = account;
  }
  const Json* host_network = member(spec, "hostNetwork");
  for (const std::string_view list : kContainerLists) {
    for_each_object(spec, list, default_container);
    if (host_network != nullptr && *host_network == Json(true))
      for_each_object(spec, list, default_host_ports);
  }
  for_each_object(spec, "volumes", default_volume);
}

void default_pod_only(JsonObject& spec) {
  for (const std::string_view list : {"initContainers", "containers"})
    for_each_object(spec, list, default_requests);
  if (member(spec, "enableServiceLinks") == nullptr) spec["enableServiceLinks"] = true;
}

void default_pod_template(JsonObject& owner_spec) {
  JsonObject* pod = object_member(owner_spec, "template");
  if (pod != nullptr) default_pod_spec(ensure_object(*pod, "spec"));
}

}  // namespace lateen::sandbox::schema
