#include "sandbox/controllers/endpoints.h"

#include <algorithm>

#include "kube/object.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";
constexpr std::string_view kManagedByLabel = "endpointslice.kubernetes.io/managed-by";

// A service's targetPort is a number, or the name of a container's port.
std::optional<std::int64_t> target_port(const Json& service_port, const Json& pod) {
  const Json* target = find(service_port, "targetPort");
  if (target == nullptr) return int_at(service_port, "port");
  if (target->is_int64())
    return target->as_int64() != 0 ? target->as_int64() : int_at(service_port, "port");
  const JsonArray* containers = array_at(pod, "spec.containers");
  if (containers == nullptr) return std::nullopt;
  for (const Json& container : *containers) {
    const JsonArray* ports = array_at(container, "ports");
    if (ports == nullptr) continue;
    for (const Json& port : *ports) {
      if (string_at(port, "name") == as_text(target)) return int_at(port, "containerPort");
    }
  }
  return std::nullopt;
}

JsonArray ports_for(const Json& service, const Json& pod) {
  JsonArray out;
  const JsonArray* ports = array_at(service, "spec.ports");
  if (ports == nullptr) return out;
  for (const Json& port : *ports) {
    const auto number = target_port(port, pod);
    if (!number) continue;
    const std::string_view protocol = string_at(port, "protocol");
    JsonObject one{{"port", *number},
                   {"protocol", protocol.empty() ? std::string_view("TCP") : protocol}};
    if (!string_at(port, "name").empty()) one["name"] = string_at(port, "name");
    if (!string_at(port, "appProtocol").empty())
      one["appProtocol"] = string_at(port, "appProtocol");
    out.push_back(std::move(one));
  }
  return out;
}

JsonObject target_ref(const Json& pod) {
  return {{"kind", "Pod"},
          {"name", kube::name_of(pod)},
          {"namespace", kube::namespace_of(pod)},
          {"uid", kube::uid_of(pod)}};
}

// The pod's name under its service, where it asks for one.
std::string_view host_under(const Json& pod, const Json& service) {
  return string_at(pod, "spec.subdomain") == kube::name_of(service)
             ? string_at(pod, "spec.hostname")
             : std::string_view();
}

// Pods that have ended, or have no address yet, are behind nothing.
std::vector<ObjectPtr> pods_behind(const Json& service, const ObjectCache& pods) {
  const auto selector =
      kube::LabelSelector::from_labels(kube::to_labels(object_at(service, "spec.selector")));
  std::vector<ObjectPtr> out;
  for (const ObjectPtr& pod : pods.list(kube::namespace_of(service))) {
    const std::string_view phase = string_at(*pod, "status.phase");
    const bool there =
        !string_at(*pod, "status.podIP").empty() && phase != "Succeeded" && phase != "Failed";
    if (there && selector.matches(kube::labels_of(*pod))) out.push_back(pod);
  }
  return out;
}

// Pods with the same ports share a subset, as the Endpoints API wants it.
struct Group {
  JsonArray ports;
  JsonArray ready;
  JsonArray not_ready;
  JsonArray slice_endpoints;
};

std::vector<Group> group(const Json& service, const std::vector<ObjectPtr>& pods) {
  const bool publishes_all = bool_at(service, "spec.publishNotReadyAddresses").value_or(false);
  std::vector<Group> out;
  for (const ObjectPtr& pod : pods) {
    JsonArray ports = ports_for(service, *pod);
    auto same =
        std::find_if(out.begin(), out.end(), [&](const Group& g) { return g.ports == ports; });
    if (same == out.end()) {
      out.push_back(
          {.ports = std::move(ports), .ready = {}, .not_ready = {}, .slice_endpoints = {}});
      same = out.end() - 1;
    }
    const bool terminating = kube::is_being_deleted(*pod);
    const bool serving = is_pod_ready(*pod);
    const bool ready = publishes_all || (serving && !terminating);
    const std::string_view ip = string_at(*pod, "status.podIP");
    JsonObject address{{"ip", ip},
                       {"nodeName", string_at(*pod, "spec.nodeName")},
                       {"targetRef", target_ref(*pod)}};
    JsonObject endpoint{
        {"addresses", JsonArray{ip}},
        {"conditions",
         JsonObject{{"ready", ready}, {"serving", serving}, {"terminating", terminating}}},
        {"nodeName", string_at(*pod, "spec.nodeName")},
        {"targetRef", target_ref(*pod)}};
    if (const std::string_view host = host_under(*pod, service); !host.empty()) {
      address["hostname"] = host;
      endpoint["hostname"] = host;
    }
    same->slice_endpoints.push_back(std::move(endpoint));
    if (ready) {
      same->ready.push_back(std::move(address));
    } else if (!terminating) {
      same->not_ready.push_back(std::move(address));
    }
  }
  return out;
}

Json endpoints_object(const Json& service, const std::vector<Group>& groups) {
  JsonArray subsets;
  for (const Group& one : groups) {
    JsonObject subset;
    if (!one.ready.empty()) subset["addresses"] = one.ready;
    if (!one.not_ready.empty()) subset["notReadyAddresses"] = one.not_ready;
    if (subset.empty()) continue;
    if (!one.ports.empty()) subset["ports"] = one.ports;
    subsets.push_back(std::move(subset));
  }
  Json out = JsonObject{{"apiVersion", "v1"},
                        {"kind", "Endpoints"},
                        {"metadata", JsonObject{{"name", kube::name_of(service)},
                                                {"namespace", kube::namespace_of(service)}}}};
  if (!subsets.empty()) out.as_object()["subsets"] = std::move(subsets);
  if (const Json* labels = find(service, "metadata.labels"))
    ensure(out, "metadata.labels") = *labels;
  if (string_at(service, "spec.clusterIP") == "None")
    kube::set_label(out, "service.kubernetes.io/headless", "");
  return out;
}

Json slice_object(const Json& service, const std::vector<Group>& groups) {
  JsonArray endpoints;
  JsonArray ports;
  for (const Group& one : groups) {
    if (ports.empty()) ports = one.ports;
    for (const Json& endpoint : one.slice_endpoints)
      endpoints.push_back(endpoint);
  }
  Json out = JsonObject{
      {"apiVersion", "discovery.k8s.io/v1"},
      {"kind", "EndpointSlice"},
      {"metadata",
       JsonObject{{"name", fmt::format("{}-{}", kube::name_of(service),
                                       template_hash(Json(kube::uid_of(service))).substr(0, 5))},
                  {"namespace", kube::namespace_of(service)}}},
      {"addressType", "IPv4"},
      {"endpoints", std::move(endpoints)},
      {"ports", std::move(ports)}};
  if (const Json* labels = find(service, "metadata.labels"))
    ensure(out, "metadata.labels") = *labels;
  kube::set_label(out, kServiceNameLabel, kube::name_of(service));
  kube::set_label(out, kManagedByLabel, "endpointslice-controller.k8s.io");
  if (string_at(service, "spec.clusterIP") == "None")
    kube::set_label(out, "service.kubernetes.io/headless", "");
  kube::add_owner_reference(out, kube::owner_reference_to(service, true));
  return out;
}

bool same_content(const Json& a, const Json& b) {
  for (const std::string_view field : {"subsets", "endpoints", "ports", "metadata.labels"}) {
    const Json* of_a = find(a, field);
    const Json* of_b = find(b, field);
    if ((of_a == nullptr) != (of_b == nullptr)) return false;
    if (of_a != nullptr && *of_a != *of_b) return false;
  }
  return true;
}

}  // namespace

EndpointController::EndpointController(ControllerContext& context)
    : Controller(context, "endpoint-controller") {
  follow(caches().services);
  caches().pods.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    for (const ObjectPtr& service :
         caches().services.list(kube::namespace_of(now ? *now : *before))) {
      const auto selector =
          kube::LabelSelector::from_labels(kube::to_labels(object_at(*service, "spec.selector")));
      const bool fits = (before && selector.matches(kube::labels_of(*before))) ||
                        (now && selector.matches(kube::labels_of(*now)));
      if (fits) queue().add(kube::object_key(*service));
    }
  });
}

Result<LookAgain> EndpointController::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, service_name] = kube::parse_object_key(key);
  const ObjectPtr service = caches().services.find(ns, service_name);
  if (!service) {
    const ObjectPtr left = caches().endpoints.find(ns, service_name);
    if (left) TRY(remove_seen(api(), caches().endpoints, *left, stop));
    return LookAgain();
  }
  const JsonObject* selector = object_at(*service, "spec.selector");
  // Without a selector the endpoints are somebody else's to write.
  if (selector == nullptr || selector->empty() ||
      string_at(*service, "spec.type") == "ExternalName")
    return LookAgain();
  const std::vector<Group> groups = group(*service, pods_behind(*service, caches().pods));
  TRY(write(caches().endpoints, endpoints_object(*service, groups), stop));
  TRY(write(caches().endpoint_slices, slice_object(*service, groups), stop));
  return LookAgain();
}

Status EndpointController::write(ObjectCache& cache, Json object, std::stop_token stop) {
  const ObjectPtr present = cache.find(kube::namespace_of(object), kube::name_of(object));
  if (!present) {
    auto made = create_seen(api(), cache, std::move(object), name(), std::move(stop));
    if (!made) return std::move(made).error();
    return Status();
  }
  if (same_content(*present, object)) return Status();
  Json changed = *present;
  for (const std::string_view field : {"subsets", "endpoints", "ports"}) {
    changed.as_object().erase(field);
    if (const Json* value = find(object, field)) changed.as_object()[field] = *value;
  }
  (void)erase(changed, "metadata.labels");
  if (const Json* labels = find(object, "metadata.labels"))
    ensure(changed, "metadata.labels") = *labels;
  auto written = api().update(cache.gvr(), std::move(changed), write_as(name()));
  if (!written) return Error(written.error());
  return Status();
}

}  // namespace lateen::sandbox
