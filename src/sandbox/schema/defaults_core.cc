// Defaults of the kinds of core/v1.

#include "base/encoding.h"
#include "sandbox/schema/defaults_parts.h"
#include "sandbox/schema/edit.h"

namespace lateen::sandbox::schema {
namespace {

bool is_zero_or_absent(const Json* value) {
  return value == nullptr || value->is_null() || *value == Json(0) || *value == Json("");
}

void default_service_port(JsonObject& port) {
  set_default(port, "protocol", "TCP");
  if (is_zero_or_absent(port.if_contains("targetPort"))) {
    const Json* own = member(port, "port");
    port["targetPort"] = own != nullptr ? *own : Json(0);
  }
}

void default_service(JsonObject& object) {
  JsonObject& spec = ensure_object(object, "spec");
  set_default(spec, "sessionAffinity", "None");
  set_default(spec, "type", "ClusterIP");
  if (text_member(spec, "sessionAffinity") == "None") erase(spec, JsonKey{"sessionAffinityConfig"});
  if (text_member(spec, "sessionAffinity") == "ClientIP") {
    JsonObject& client = ensure_object(ensure_object(spec, "sessionAffinityConfig"), "clientIP");
    set_default(client, "timeoutSeconds", 10800);
  }
  for_each_object(spec, "ports", default_service_port);
  const std::string type(text_member(spec, "type"));
  const bool outside = type == "NodePort" || type == "LoadBalancer";
  if (outside) set_default(spec, "externalTrafficPolicy", "Cluster");
  if (outside || type == "ClusterIP") set_default(spec, "internalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") set_default(spec, "allocateLoadBalancerNodePorts", true);
}

// stringData is write-only: its texts become data on every write.
void default_secret(JsonObject& object) {
  set_default(object, "type", "Opaque");
  const JsonObject* texts = object_member(object, "stringData");
  if (texts != nullptr && !texts->empty()) {
    const JsonObject given = *texts;
    JsonObject& data = ensure_object(object, "data");
    for (const auto& [key, text] : given)
      data[key] = base64_encode(as_text(&text));
  }
  erase(object, JsonKey{"stringData"});
}

void default_volume_object(JsonObject& object) {
  set_default(ensure_object(object, "status"), "phase", "Pending");
  JsonObject& spec = ensure_object(object, "spec");
  set_default(spec, "persistentVolumeReclaimPolicy", "Retain");
  set_default(spec, "volumeMode", "Filesystem");
  default_volume_source(spec);
}

void default_namespace(JsonObject& object) {
  set_default(ensure_object(object, "status"), "phase", "Active");
  JsonObject& metadata = ensure_object(object, "metadata");
  const std::string name(text_member(metadata, "name"));
  if (!name.empty()) ensure_object(metadata, "labels")["kubernetes.io/metadata.name"] = name;
}

// Where `to` says nothing about a resource, it takes what `from` says.
void fill_amounts(JsonObject& limit, std::string_view to, std::string_view from) {
  const JsonObject* source = object_member(limit, from);
  if (source == nullptr || source->empty()) return;
  const JsonObject amounts = *source;
  JsonObject& target = ensure_object(limit, to);
  for (const auto& [name, amount] : amounts)
    target.emplace(name, amount);
}

void default_limit_range(JsonObject& object) {
  for_each_object(ensure_object(object, "spec"), "limits", [](JsonObject& limit) {
    if (text_member(limit, "type") != "Container") return;
    fill_amounts(limit, "default", "max");
    fill_amounts(limit, "defaultRequest", "default");
    fill_amounts(limit, "defaultRequest", "min");
  });
}

void default_replication_controller(JsonObject& object) {
  ensure_object(object, "metadata");
  JsonObject& spec = ensure_object(object, "spec");
  set_default(spec, "replicas", 1);
  default_pod_template(spec);
  const Json* labels = member_at(spec, "template.metadata.labels");
  if (labels == nullptr || !labels->is_object() || labels->get_object().empty()) return;
  const Json copy = *labels;
  const JsonObject* selector = object_member(spec, "selector");
  if (selector == nullptr || selector->empty()) spec["selector"] = copy;
  JsonObject& metadata = ensure_object(object, "metadata");
  const JsonObject* own = object_member(metadata, "labels");
  if (own == nullptr || own->empty()) metadata["labels"] = copy;
}

void default_endpoints(JsonObject& object) {
  for_each_object(object, "subsets", [](JsonObject& subset) {
    for_each_object(subset, "ports",
                    [](JsonObject& port) { set_default(port, "protocol", "TCP"); });
  });
}

void default_claim(JsonObject& object) {
  set_default(ensure_object(object, "status"), "phase", "Pending");
  default_claim_spec(ensure_object(object, "spec"));
}

void default_pod(JsonObject& object) {
  JsonObject& spec = ensure_object(object, "spec");
  default_pod_spec(spec);
  default_pod_only(spec);
}

void default_node(JsonObject& object) {
  JsonObject& status = ensure_object(object, "status");
  const JsonObject* allocatable = object_member(status, "allocatable");
  const JsonObject* capacity = object_member(status, "capacity");
  if ((allocatable == nullptr || allocatable->empty()) && capacity != nullptr &&
      !capacity->empty()) {
    const Json copy = *capacity;
    status["allocatable"] = copy;
  }
}

}  // namespace

bool default_core_kind(std::string_view kind, JsonObject& object) {
  if (kind == "Pod") {
    default_pod(object);
  } else if (kind == "Service") {
    default_service(object);
  } else if (kind == "Secret") {
    default_secret(object);
  } else if (kind == "PersistentVolumeClaim") {
    default_claim(object);
  } else if (kind == "PersistentVolume") {
    default_volume_object(object);
  } else if (kind == "Namespace") {
    default_namespace(object);
  } else if (kind == "LimitRange") {
    default_limit_range(object);
  } else if (kind == "ReplicationController") {
    default_replication_controller(object);
  } else if (kind == "PodTemplate") {
    default_pod_template(object);
  } else if (kind == "Endpoints") {
    default_endpoints(object);
  } else if (kind == "Node") {
    default_node(object);
  } else {
    return false;
  }
  return true;
}

}  // namespace lateen::sandbox::schema
