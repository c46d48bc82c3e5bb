#include "sandbox/runtime/pod_network.h"

#include "base/text.h"
#include "kube/object.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kClusterDomain = "cluster.local";

// FNV-1a: only to spread the addresses.
std::uint32_t spread(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

// 1 to 254 in both places: no address that looks like a network's or a broadcast.
std::string address_of(std::uint32_t number) {
  return fmt::format("127.10.{}.{}", number / 254 % 254 + 1, number % 254 + 1);
}

void add_line(std::string& out,
              std::string_view ip,
              std::string_view name,
              std::string_view ns,
              std::string_view own_ns) {
  if (ip.empty()) return;
  out += fmt::format("{0}\t{1}.{2}.svc.{3}\t{1}.{2}.svc\t{1}.{2}", ip, name, ns, kClusterDomain);
  if (ns == own_ns) out += fmt::format("\t{}", name);
  out += '\n';
}

// Headless: the service's name is its pods', and a pod with a hostname has a name under it.
void add_headless(std::string& out, const Json& endpoints, std::string_view own_ns) {
  const std::string_view service = kube::name_of(endpoints);
  const std::string_view ns = kube::namespace_of(endpoints);
  const JsonArray* subsets = array_at(endpoints, "subsets");
  if (subsets == nullptr) return;
  for (const Json& subset : *subsets) {
    for (const std::string_view field : {"addresses", "notReadyAddresses"}) {
      const JsonArray* addresses = array_at(subset, field);
      if (addresses == nullptr) continue;
      for (const Json& address : *addresses) {
        const std::string_view ip = string_at(address, "ip");
        const std::string_view host = string_at(address, "hostname");
        if (field == "addresses") add_line(out, ip, service, ns, own_ns);
        if (!host.empty()) add_line(out, ip, fmt::format("{}.{}", host, service), ns, own_ns);
      }
    }
  }
}

}  // namespace

std::string PodAddresses::assign(const std::string& uid, std::string_view wanted) {
  Lock lock(mu_);
  const auto known = by_uid_.find(uid);
  if (known != by_uid_.end()) return known->second;
  std::string address(wanted);
  for (std::uint32_t number = spread(uid); address.empty() || taken_.contains(address); ++number) {
    address = address_of(number % (254U * 254U));
    if (taken_.size() >= 254U * 254U) break;
  }
  taken_.insert(address);
  by_uid_.emplace(uid, address);
  return address;
}

void PodAddresses::release(const std::string& uid) {
  Lock lock(mu_);
  const auto known = by_uid_.find(uid);
  if (known == by_uid_.end()) return;
  taken_.erase(known->second);
  by_uid_.erase(known);
}

std::string service_address(const Json& service) {
  const std::string_view ip = string_at(service, "spec.clusterIP");
  if (ip.empty() || ip == "None") return "";
  const std::vector<std::string_view> parts = split(ip, '.');
  if (parts.size() != 4) return "";
  if (parts[0] == "127") return std::string(ip);
  return fmt::format("127.{}.{}.{}", parts[1], parts[2], parts[3]);
}

std::string service_host_lines(const ObjectCache& services,
                               const ObjectCache& endpoints,
                               std::string_view ns) {
  std::string out;
  for (const ObjectPtr& service : services.list()) {
    const std::string_view its_ns = kube::namespace_of(*service);
    const std::string_view name = kube::name_of(*service);
    const std::string address = service_address(*service);
    if (!address.empty()) add_line(out, address, name, its_ns, ns);
    const ObjectPtr behind =
        string_at(*service, "spec.clusterIP") == "None" ? endpoints.find(its_ns, name) : nullptr;
    if (behind) add_headless(out, *behind, ns);
  }
  return out;
}

std::string hosts_file(const Json& pod, std::string_view pod_ip, std::string_view service_lines) {
  const std::string_view name = string_at(pod, "spec.hostname").empty()
                                    ? kube::name_of(pod)
                                    : string_at(pod, "spec.hostname");
  const std::string_view subdomain = string_at(pod, "spec.subdomain");
  std::string out =
      "# Kubernetes-managed hosts file (lateen sandbox).\n127.0.0.1\tlocalhost\n::1\tlocalhost "
      "ip6-localhost\n";
  if (subdomain.empty()) {
    out += fmt::format("{}\t{}\n", pod_ip, name);
  } else {
    out += fmt::format("{0}\t{1}.{2}.{3}.svc.{4}\t{1}\n", pod_ip, name, subdomain,
                       kube::namespace_of(pod), kClusterDomain);
  }
  if (const JsonArray* aliases = array_at(pod, "spec.hostAliases")) {
    for (const Json& alias : *aliases) {
      out += string_at(alias, "ip");
      if (const JsonArray* names = array_at(alias, "hostnames")) {
        for (const Json& host : *names)
          out += fmt::format("\t{}", as_text(&host));
      }
      out += '\n';
    }
  }
  out += service_lines;
  return out;
}

}  // namespace lateen::sandbox
