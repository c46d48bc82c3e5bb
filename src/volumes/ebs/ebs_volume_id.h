// Which EBS volume a PersistentVolume is, and making it another. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace lateen::volumes::ebs {

// Of a volume of the CSI driver ebs.csi.aws.com or of the in-tree awsElasticBlockStore: "vol-…";
// "" of any other.
Result<std::string> volume_id_of(const Json& persistent_volume);

// The in-tree form names the zone, too, where the volume is labelled with one.
Result<Json> with_volume_id(Json persistent_volume, std::string_view volume_id);

// The volume's zone is where its nodes are: labels and node affinity must say the new one, or no
// pod could be scheduled to it.
void move_to_zone(Json& persistent_volume, std::string_view from, std::string_view to);

}  // namespace lateen::volumes::ebs
