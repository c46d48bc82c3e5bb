// A VolumeSnapshotLocation of provider aws: the keys of Velero's plugin, with the same meaning, and
// a few of ours. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/object_meta.h"
#include "volumes/ebs/tag_profile.h"

namespace lateen::volumes::ebs {

struct EbsConfig {
  std::string region = {};
  std::string profile = {};           // of the credentials file
  std::string credentials_file = {};  // a path; Velero's server sets it, people may
  std::string kms_key_id = {};        // ebsKmsKeyId: restored volumes are encrypted with it
  // Ours.
  TagProfile tags = TagProfile::Velero;
  std::string az = {};          // availabilityZone: where restored volumes are made, instead of the
                                // zone that the old one was in
  bool copy_snapshots = false;  // copySnapshots: fetch a snapshot that lies in another region
};

// InvalidArgument names the key at fault; unknown keys are refused in the plugin's words.
Result<EbsConfig> parse_config(const model::StringMap& config);

// "eu-west-1" of "eu-west-1a"; "" if it is no zone's name (local zones have their region in front,
// too: "us-west-2-lax-1a").
std::string region_of_zone(std::string_view az);

// The zone that a volume from `az` is restored to, in this region: itself, config's, or the one of
// the same letter.
std::string target_zone(std::string_view az, const EbsConfig& config);

}  // namespace lateen::volumes::ebs
