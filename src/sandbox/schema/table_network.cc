// Cells of what leads traffic to pods.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sandbox/schema/table_parts.h"

namespace lateen::sandbox::schema {
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

}  // namespace lateen::sandbox::schema
