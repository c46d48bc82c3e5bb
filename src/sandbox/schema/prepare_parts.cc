#include "sandbox/schema/prepare_parts.h"

#include <algorithm>
#include <array>

#include "base/quantity.h"
#include "sandbox/schema/edit.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::array<std::string_view, 2> kComputeResources = {"cpu", "memory"};

bool is_positive(const JsonObject* amounts, std::string_view name) {
  const Json* amount = amounts != nullptr ? member(*amounts, name) : nullptr;
  const Result<Quantity> quantity = Quantity::parse(as_text(amount));
  return quantity && !quantity->is_zero();
}

struct ContainerQos {
  bool any = false;        // requests or limits something
  bool guaranteed = true;  // limits cpu and memory, and requests just as much
};

ContainerQos container_qos(const JsonObject& container) {
  ContainerQos qos;
  const JsonObject* resources = object_member(container, "resources");
  const JsonObject* requests =
      resources != nullptr ? object_member(*resources, "requests") : nullptr;
  const JsonObject* limits = resources != nullptr ? object_member(*resources, "limits") : nullptr;
  for (const std::string_view name : kComputeResources) {
    const bool requested = is_positive(requests, name);
    const bool limited = is_positive(limits, name);
    qos.any = qos.any || requested || limited;
    if (!limited) qos.guaranteed = false;
    if (requested && limited) {
      qos.guaranteed = qos.guaranteed &&
                       Quantity::parse(as_text(requests->if_contains(name))).value_or(Quantity()) ==
                           Quantity::parse(as_text(limits->if_contains(name))).value_or(Quantity());
    }
  }
  return qos;
}

JsonObject not_ready_toleration(std::string_view key) {
  return {
      {"effect", "NoExecute"}, {"key", key}, {"operator", "Exists"}, {"tolerationSeconds", 300}};
}

// Whether some toleration already answers for this taint.
bool tolerates(const JsonObject& spec, std::string_view key) {
  const JsonArray* tolerations = array_member(spec, "tolerations");
  if (tolerations == nullptr) return false;
  return std::ranges::any_of(*tolerations, [key](const Json& toleration) {
    const std::string_view own = string_at(toleration, "key");
    const std::string_view effect = string_at(toleration, "effect");
    return (own == key || own.empty()) && (effect == "NoExecute" || effect.empty());
  });
}

// Every pod stays on a node that is lost for five minutes, unless it says otherwise.
void add_tolerations(JsonObject& spec) {
  constexpr std::array<std::string_view, 2> kTaints = {"node.kubernetes.io/not-ready",
                                                       "node.kubernetes.io/unreachable"};
  for (const std::string_view key : kTaints) {
    if (tolerates(spec, key)) continue;
    Json& list = spec["tolerations"];
    if (!list.is_array()) list.emplace_array();
    list.get_array().push_back(not_ready_toleration(key));
  }
}

void prepare_pod(JsonObject& object) {
  const std::string_view qos = qos_class(ensure_object(object, "spec"));
  object["status"] = JsonObject{{"phase", "Pending"}, {"qosClass", qos}};
  JsonObject& spec = ensure_object(object, "spec");
  add_tolerations(spec);
  if (text_member(spec, "priorityClassName").empty()) {
    set_default(spec, "priority", 0);
    set_default(spec, "preemptionPolicy", "PreemptLowerPriority");
  }
}

void prepare_service(JsonObject& object) {
  JsonObject& spec = ensure_object(object, "spec");
  if (text_member(spec, "type") == "ExternalName") {
    for (const std::string_view key : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
      erase(spec, JsonKey{key});
    }
    return;
  }
  const std::string address(text_member(spec, "clusterIP"));
  if (!address.empty()) set_default(spec, "clusterIPs", JsonArray{Json(address)});
  const JsonObject* selector = object_member(spec, "selector");
  const bool headless_without_pods =
      address == "None" && (selector == nullptr || selector->empty());
  set_default(spec, "ipFamilyPolicy", headless_without_pods ? "RequireDualStack" : "SingleStack");
  set_default(spec, "ipFamilies",
              headless_without_pods ? JsonArray{"IPv4", "IPv6"} : JsonArray{"IPv4"});
}

// dataSource and dataSourceRef say the same where both may.
void prepare_claim(JsonObject& object) {
  object["status"] = JsonObject{{"phase", "Pending"}};
  JsonObject& spec = ensure_object(object, "spec");
  const Json* source = member(spec, "dataSource");
  const Json* reference = member(spec, "dataSourceRef");
  if (source != nullptr && reference == nullptr) {
    Json copy = *source;
    spec["dataSourceRef"] = std::move(copy);
  } else if (source == nullptr && reference != nullptr &&
             string_at(*reference, "namespace").empty()) {
    Json copy = *reference;
    spec["dataSource"] = std::move(copy);
  }
}

}  // namespace

std::string_view qos_class(const JsonObject& pod_spec) {
  bool any = false;
  bool guaranteed = true;
  bool containers = false;
  for (const std::string_view list : {"initContainers", "containers"}) {
    const JsonArray* items = array_member(pod_spec, list);
    if (items == nullptr) continue;
    for (const Json& item : *items) {
      if (!item.is_object()) continue;
      const ContainerQos qos = container_qos(item.get_object());
      any = any || qos.any;
      guaranteed = guaranteed && qos.guaranteed;
      containers = true;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed && containers ? "Guaranteed" : "Burstable";
}

void prepare_core_kind(std::string_view kind, JsonObject& object) {
  if (kind == "Pod") {
    prepare_pod(object);
  } else if (kind == "Service") {
    prepare_service(object);
  } else if (kind == "PersistentVolumeClaim") {
    prepare_claim(object);
  } else if (kind == "PersistentVolume") {
    object["status"] = JsonObject{{"phase", "Pending"}};
  } else if (kind == "Namespace") {
    object["status"] = JsonObject{{"phase", "Active"}};
    object["spec"] = JsonObject{{"finalizers", JsonArray{"kubernetes"}}};
  }
}

void prepare_job(JsonObject& object) {
  ensure_object(object, "metadata");
  JsonObject& spec = ensure_object(object, "spec");
  const Json* manual = member(spec, "manualSelector");
  if (manual != nullptr && *manual == Json(true)) return;
  JsonObject& metadata = ensure_object(object, "metadata");
  JsonObject& pod_metadata = ensure_object(ensure_object(spec, "template"), "metadata");
  // Labels that were the pods' already (by default) follow them.
  const bool same = metadata["labels"] == pod_metadata["labels"];
  const std::string name(text_member(metadata, "name"));
  const std::string uid(text_member(metadata, "uid"));
  JsonObject& labels = ensure_object(pod_metadata, "labels");
  // What is there already stays: validation refuses another Job's labels.
  labels.emplace("batch.kubernetes.io/controller-uid", uid);
  labels.emplace("controller-uid", uid);
  labels.emplace("batch.kubernetes.io/job-name", name);
  labels.emplace("job-name", name);
  JsonObject& selector = ensure_object(spec, "selector");
  ensure_object(selector, "matchLabels").emplace("batch.kubernetes.io/controller-uid", uid);
  if (same) metadata["labels"] = Json(labels);
}

void keep_service_addresses(const Json& old_object, JsonObject& object) {
  JsonObject& spec = ensure_object(object, "spec");
  const JsonObject* before = object_at(old_object, "spec");
  if (before == nullptr) return;
  const auto has_address = [](const JsonObject& of) {
    return text_member(of, "type") != "ExternalName";
  };
  if (!has_address(*before) || !has_address(spec)) return;
  if (text_member(spec, "clusterIP").empty()) {
    for (const std::string_view key : {"clusterIP", "clusterIPs"}) {
      if (const Json* kept = member(*before, key)) spec[key] = *kept;
    }
  }
  for (const std::string_view key : {"ipFamilies", "ipFamilyPolicy"}) {
    if (const Json* kept = member(*before, key)) set_default(spec, key, *kept);
  }
  const std::string_view type = text_member(spec, "type");
  const JsonArray* ports_before = array_member(*before, "ports");
  if ((type != "NodePort" && type != "LoadBalancer") || ports_before == nullptr) return;
  for_each_object(spec, "ports", [ports_before](JsonObject& port) {
    const Json* now = member(port, "nodePort");
    if (now != nullptr && *now != Json(0)) return;
    for (const Json& old_port : *ports_before) {
      const Json* kept = find(old_port, "nodePort");
      const Json* number = find(old_port, "port");
      const Json* own = member(port, "port");
      const bool same = own != nullptr && number != nullptr && *own == *number &&
                        string_at(old_port, "protocol") == text_member(port, "protocol");
      if (same && kept != nullptr) port["nodePort"] = *kept;
    }
  });
}

}  // namespace lateen::sandbox::schema
