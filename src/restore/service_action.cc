#include <algorithm>
#include <set>

#include "kube/object.h"
#include "restore/action.h"

namespace lateen::restore {
namespace {

constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

// The node ports that a person wrote down, rather than the cluster's allocator: by port name and by
// number.
struct ChosenPorts {
  std::set<std::string> names;
  std::set<std::int64_t> numbers;
  bool health_check = false;
};

void from_last_applied(const Json& service, ChosenPorts& chosen) {
  const auto text = kube::annotation_of(service, kLastApplied);
  if (text.empty()) return;
  const auto applied = parse_json(text);
  if (!applied) return;  // somebody's own annotation
  if (int_at(*applied, "spec.healthCheckNodePort").value_or(0) > 0) chosen.health_check = true;
  const JsonArray* ports = array_at(*applied, "spec.ports");
  if (ports == nullptr) return;
  for (const Json& port : *ports) {
    const std::int64_t number = int_at(port, "nodePort").value_or(0);
    if (number <= 0) continue;
    chosen.names.emplace(string_at(port, "name"));
    chosen.numbers.insert(number);
  }
}

// managedFields name a list item by its key: k:{"port":80,"protocol":"TCP"}.
void from_managed_fields(const Json& managed, const Json& service, ChosenPorts& chosen) {
  if (!managed.is_array()) return;
  const JsonArray* ports = array_at(service, "spec.ports");
  for (const Json& manager : managed.as_array()) {
    if (find(manager, "fieldsV1.f:spec.f:healthCheckNodePort") != nullptr)
      chosen.health_check = true;
    const JsonObject* owned = object_at(manager, "fieldsV1.f:spec.f:ports");
    if (owned == nullptr || ports == nullptr) continue;
    for (const auto& [key, fields] : *owned) {
      const std::string_view name(key.data(), key.size());
      if (!name.starts_with("k:") || find(&fields, JsonKey{"f:nodePort"}) == nullptr) continue;
      const auto item = parse_json(name.substr(2));
      if (!item) continue;
      for (const Json& port : *ports) {
        if (int_at(port, "port") == int_at(*item, "port")) {
          chosen.numbers.insert(int_at(port, "nodePort").value_or(0));
        }
      }
    }
  }
}

}  // namespace

void act_on_service(Json& service, const Json& managed_fields, bool preserve_node_ports) {
  if (string_at(service, "spec.clusterIP") != "None") {
    erase(service, "spec.clusterIP");
    erase(service, "spec.clusterIPs");
  }
  if (preserve_node_ports) return;
  ChosenPorts chosen;
  from_last_applied(service, chosen);
  from_managed_fields(managed_fields, service, chosen);
  if (!chosen.health_check) erase(service, "spec.healthCheckNodePort");
  if (string_at(service, "spec.type") == "ExternalName" ||
      array_at(service, "spec.ports") == nullptr)
    return;
  for (Json& port : ensure(service, "spec.ports").as_array()) {
    const std::int64_t number = int_at(port, "nodePort").value_or(0);
    if (number > 0 && chosen.numbers.count(number) == 0) erase(port, "nodePort");
  }
}

}  // namespace lateen::restore
