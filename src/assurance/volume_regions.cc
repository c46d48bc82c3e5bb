#include "assurance/volume_regions.h"

#include "kube/object.h"

namespace lateen::assurance {
namespace {

constexpr std::string_view kRegion = "topology.kubernetes.io/region";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Zones go by several names: topology.kubernetes.io/zone, topology.ebs.csi.aws.com/zone, …
std::string region_in(const Json& requirement) {
  const std::string_view key = string_at(requirement, "key");
  const JsonArray* values = array_at(requirement, "values");
  if (values == nullptr || values->empty()) return {};
  const std::string_view value = as_text(&values->front());
  if (key == kRegion) return std::string(value);
  return key.ends_with("/zone") ? region_of_zone(value) : std::string();
}

}  // namespace

std::string region_of_zone(std::string_view zone) {
  // The letter behind the region's number.
  if (zone.size() > 2 && !is_digit(zone.back()) && is_digit(zone[zone.size() - 2]))
    zone.remove_suffix(1);
  return std::string(zone);
}

std::string region_of_volume(const Json& volume) {
  if (const auto region = kube::label_of(volume, kRegion); !region.empty())
    return std::string(region);
  if (const auto zone = kube::label_of(volume, "topology.kubernetes.io/zone"); !zone.empty())
    return region_of_zone(zone);
  const JsonArray* terms = array_at(volume, "spec.nodeAffinity.required.nodeSelectorTerms");
  if (terms == nullptr) return {};
  for (const Json& term : *terms) {
    const JsonArray* requirements = array_at(term, "matchExpressions");
    if (requirements == nullptr) continue;
    for (const Json& requirement : *requirements) {
      if (std::string region = region_in(requirement); !region.empty()) return region;
    }
  }
  return {};
}

}  // namespace lateen::assurance
