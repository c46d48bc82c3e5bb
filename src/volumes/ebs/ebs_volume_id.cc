#include "volumes/ebs/ebs_volume_id.h"

#include <array>

#include <fmt/format.h>

#include "kube/object.h"
#include "volumes/ebs/ebs_snapshotter.h"

namespace lateen::volumes::ebs {
namespace {

constexpr std::string_view kInTree = "spec.awsElasticBlockStore.volumeID";

// "vol-…" of "aws://eu-west-1a/vol-…" or of itself; "" if there is none.
std::string id_in(std::string_view text) {
  const std::size_t at = text.find("vol-");
  return at == std::string_view::npos ? std::string() : std::string(text.substr(at));
}

}  // namespace

Result<std::string> volume_id_of(const Json& volume) {
  if (string_at(volume, "spec.csi.driver") == kCsiDriver) {
    return id_in(string_at(volume, "spec.csi.volumeHandle"));
  }
  if (object_at(volume, "spec.awsElasticBlockStore") == nullptr) return std::string();
  const std::string_view id = string_at(volume, kInTree);
  if (id.empty()) {
    return Error(Code::InvalidArgument, "{} not found in PersistentVolume {}", kInTree,
                 kube::name_of(volume));
  }
  return id_in(id);
}

Result<Json> with_volume_id(Json volume, std::string_view volume_id) {
  if (object_at(volume, "spec.csi") != nullptr) {
    const std::string driver(string_at(volume, "spec.csi.driver"));
    if (driver != kCsiDriver) {
      return Error(Code::Unsupported, "unable to handle CSI driver: {}", driver);
    }
    ensure(volume, "spec.csi.volumeHandle") = volume_id;
    return volume;
  }
  if (object_at(volume, "spec.awsElasticBlockStore") == nullptr) {
    return Error(Code::InvalidArgument, "spec.csi and spec.awsElasticBlockStore not found");
  }
  const std::string_view zone = kube::label_of(volume, "failure-domain.beta.kubernetes.io/zone");
  ensure(volume, kInTree) =
      zone.empty() ? std::string(volume_id) : fmt::format("aws://{}/{}", zone, volume_id);
  return volume;
}

void move_to_zone(Json& volume, std::string_view from, std::string_view to) {
  constexpr std::array<std::string_view, 2> kLabels = {"topology.kubernetes.io/zone",
                                                       "failure-domain.beta.kubernetes.io/zone"};
  constexpr std::array<std::string_view, 2> kRegionLabels = {
      "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"};
  for (const std::string_view label : kLabels) {
    if (kube::label_of(volume, label) == from) kube::set_label(volume, label, to);
  }
  for (const std::string_view label : kRegionLabels) {
    if (kube::label_of(volume, label) == region_of_zone(from)) {
      kube::set_label(volume, label, region_of_zone(to));
    }
  }
  if (array_at(volume, "spec.nodeAffinity.required.nodeSelectorTerms") == nullptr) return;
  for (Json& term : ensure(volume, "spec.nodeAffinity.required.nodeSelectorTerms").as_array()) {
    if (array_at(term, "matchExpressions") == nullptr) continue;
    for (Json& expression : ensure(term, "matchExpressions").as_array()) {
      if (array_at(expression, "values") == nullptr) continue;
      for (Json& value : ensure(expression, "values").as_array()) {
        if (as_text(&value) == from) value = to;
        if (as_text(&value) == region_of_zone(from)) value = region_of_zone(to);
      }
    }
  }
}

}  // namespace lateen::volumes::ebs
