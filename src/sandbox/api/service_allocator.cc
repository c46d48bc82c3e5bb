#include "sandbox/api/service_allocator.h"

#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "kube/object.h"
#include "sandbox/api/object_bytes.h"

namespace lateen::sandbox {

namespace {

using schema::FieldErrors;

constexpr std::uint32_t kFirstAddress = (10U << 24U) | (96U << 16U);
constexpr std::uint32_t kAddressCount = 1U << 20U;
constexpr std::int64_t kFirstPort = 30000;
constexpr std::int64_t kPortCount = 2768;

std::string format_address(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24U, (address >> 16U) & 255U, (address >> 8U) & 255U,
                     address & 255U);
}

std::optional<std::uint32_t> parse_address(std::string_view text) {
  in_addr parsed{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &parsed) != 1) return std::nullopt;
  return ntohl(parsed.s_addr);
}

bool wants_node_ports(const Json& service) {
  const std::string_view type = string_at(service, "spec.type");
  if (type == "NodePort") return true;
  return type == "LoadBalancer" &&
         bool_at(service, "spec.allocateLoadBalancerNodePorts").value_or(true);
}

// The port of the old Service that this one goes on as: by name, or by number.
std::optional<std::int64_t> old_node_port(const Json* old_service, const Json& port) {
  const JsonArray* ports = old_service != nullptr ? array_at(*old_service, "spec.ports") : nullptr;
  if (ports == nullptr) return std::nullopt;
  for (const Json& before : *ports) {
    if (int_at(before, "port") == int_at(port, "port") &&
        string_at(before, "name") == string_at(port, "name")) {
      const auto number = int_at(before, "nodePort");
      if (number && *number != 0) return number;
    }
  }
  return std::nullopt;
}

}  // namespace

void ServiceAllocator::load(const Store& store) {
  const auto page = store.list("services", {});
  if (!page) return;
  const Lock lock(mu_);
  for (const StoredPtr& stored : page->objects) {
    const auto service = parse_stored(*stored);
    if (service) note(kube::object_key(*service), *service);
  }
}

void ServiceAllocator::note(const std::string& key, const Json& service) {
  const std::string_view address = string_at(service, "spec.clusterIP");
  if (!address.empty() && address != "None") give_address(std::string(address), key);
  const JsonArray* ports = array_at(service, "spec.ports");
  if (ports == nullptr) return;
  for (const Json& port : *ports) {
    const auto number = int_at(port, "nodePort");
    if (number && *number != 0) give_port(*number, key);
  }
  const auto health = int_at(service, "spec.healthCheckNodePort");
  if (health && *health != 0) give_port(*health, key);
}

void ServiceAllocator::give_address(const std::string& address, const std::string& key) {
  const std::string& owner = address_owner_.try_emplace(address, key).first->second;
  if (owner == key) held_[key].addresses.insert(address);
}

std::string ServiceAllocator::give_port(std::int64_t port, const std::string& key) {
  const std::string& owner = port_owner_.try_emplace(port, key).first->second;
  if (owner == key) held_[key].ports.insert(port);
  return owner;
}

void ServiceAllocator::release(const std::string& key) {
  const auto held = held_.find(key);
  if (held == held_.end()) return;
  for (const std::string& address : held->second.addresses)
    address_owner_.erase(address);
  for (const std::int64_t port : held->second.ports)
    port_owner_.erase(port);
  held_.erase(held);
}

void ServiceAllocator::settle(const Json& service) {
  const Lock lock(mu_);
  const std::string key = kube::object_key(service);
  release(key);
  note(key, service);
}

void ServiceAllocator::forget(const std::string& key) {
  const Lock lock(mu_);
  release(key);
}

FieldErrors ServiceAllocator::allocate(const Json* old_service, Json& service, Rng& rng) {
  const Lock lock(mu_);
  const std::string key = kube::object_key(service);
  FieldErrors errors;
  if (string_at(service, "spec.type") == "ExternalName") return errors;
  errors = take_cluster_ip(key, old_service, service, rng);
  FieldErrors more = take_node_ports(key, old_service, service, rng);
  for (auto& error : more)
    errors.push_back(std::move(error));
  return errors;
}

FieldErrors ServiceAllocator::take_cluster_ip(const std::string& key,
                                              const Json* old_service,
                                              Json& service,
                                              Rng& rng) {
  const std::string_view old_address =
      old_service != nullptr ? string_at(*old_service, "spec.clusterIP") : "";
  std::string address(string_at(service, "spec.clusterIP"));
  if (address.empty() && !old_address.empty()) address = old_address;
  if (address.empty()) {
    for (std::uint32_t tries = 0; tries < kAddressCount; ++tries) {
      const auto offset = static_cast<std::uint32_t>(1 + random_below(rng, kAddressCount - 2));
      address = format_address(kFirstAddress + offset);
      if (!address_owner_.contains(address)) break;
    }
  }
  if (address != "None") {
    const auto number = parse_address(address);
    const auto owner = address_owner_.find(address);
    if (owner != address_owner_.end() && owner->second != key) {
      return {schema::invalid(
          "spec.clusterIPs", Json(JsonArray{Json(address)}),
          fmt::format("failed to allocate IP {}: provided IP is already allocated", address))};
    }
    const bool in_range =
        number && *number > kFirstAddress && *number < kFirstAddress + kAddressCount;
    if (number && !in_range && address != old_address) {
      return {schema::invalid(
          "spec.clusterIPs", Json(JsonArray{Json(address)}),
          fmt::format("failed to allocate IP {}: the provided IP ({}) is not in the valid range. "
                      "The range of valid IPs is 10.96.0.0/12",
                      address, address))};
    }
    if (number) give_address(address, key);
  }
  ensure(service, "spec.clusterIP") = address;
  const JsonArray* all = array_at(service, "spec.clusterIPs");
  if (all == nullptr || all->empty() || (*all)[0] != Json(address)) {
    ensure(service, "spec.clusterIPs") = JsonArray{Json(address)};
  }
  return {};
}

std::int64_t ServiceAllocator::free_port(const std::string& key, Rng& rng) {
  const auto start = static_cast<std::int64_t>(random_below(rng, kPortCount));
  for (std::int64_t i = 0; i < kPortCount; ++i) {
    const std::int64_t port = kFirstPort + (start + i) % kPortCount;
    if (!port_owner_.contains(port) && give_port(port, key) == key) return port;
  }
  return 0;
}

FieldErrors ServiceAllocator::take_node_ports(const std::string& key,
                                              const Json* old_service,
                                              Json& service,
                                              Rng& rng) {
  FieldErrors errors;
  Json* ports = service.as_object().contains("spec") ? &ensure(service, "spec.ports") : nullptr;
  if (ports == nullptr || !ports->is_array() || !wants_node_ports(service)) return errors;
  for (std::size_t i = 0; i < ports->as_array().size(); ++i) {
    Json& port = ports->as_array()[i];
    const auto asked = int_at(port, "nodePort");
    if (asked && *asked != 0) {
      if (give_port(*asked, key) != key) {
        errors.push_back(schema::invalid(fmt::format("spec.ports[{}].nodePort", i), Json(*asked),
                                         "provided port is already allocated"));
      } else if (*asked < kFirstPort || *asked >= kFirstPort + kPortCount) {
        errors.push_back(
            schema::invalid(fmt::format("spec.ports[{}].nodePort", i), Json(*asked),
                            "provided port is not in the valid range. The range of valid ports is "
                            "30000-32767"));
      }
      continue;
    }
    ensure(port, "nodePort") = old_node_port(old_service, port).value_or(0);
    if (int_at(port, "nodePort") == 0) ensure(port, "nodePort") = free_port(key, rng);
  }
  return errors;
}

}  // namespace lateen::sandbox
