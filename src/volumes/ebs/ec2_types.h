// What EC2's query API is asked about EBS, and what it answers, as values. Pure: the calls are in
// ec2_api.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/object_meta.h"
#include "net/aws/xml.h"
#include "net/url.h"

namespace lateen::volumes::ebs {

using Tags = model::StringMap;

struct Ec2Volume {
  std::string id = {};
  std::string az = {};
  std::string state = {};
  std::string type = {};
  std::optional<std::int64_t> iops = {};
  std::optional<std::int64_t> throughput = {};  // MiB/s
  std::int64_t size_gib = 0;
  bool encrypted = false;
  std::string kms_key_id = {};
  Tags tags = {};
};

struct Ec2Snapshot {
  std::string id = {};
  std::string volume_id = {};
  std::string state = {};          // pending, completed, error, recoverable, recovering
  std::string state_message = {};  // of an error
  std::string progress = {};       // "45%"
  std::string description = {};
  std::optional<TimePoint> started = {};
  std::int64_t size_gib = 0;
  bool encrypted = false;
  std::string kms_key_id = {};
  Tags tags = {};
};

struct CreateSnapshotRequest {
  std::string volume_id = {};
  std::string description = {};
  Tags tags = {};
};

struct CreateVolumeRequest {
  std::string snapshot_id = {};
  std::string az = {};
  std::string type = {};  // empty: EC2's default
  std::optional<std::int64_t> iops = {};
  std::optional<std::int64_t> throughput = {};
  bool encrypted = false;
  std::string kms_key_id = {};    // needs `encrypted`
  std::string client_token = {};  // the same one makes the same volume, once
  Tags tags = {};
};

struct CopySnapshotRequest {
  std::string source_region = {};
  std::string source_snapshot_id = {};
  std::string description = {};
  bool encrypted = false;
  std::string kms_key_id = {};
  Tags tags = {};
};

net::QueryValues parameters_of(const CreateSnapshotRequest& request);
net::QueryValues parameters_of(const CreateVolumeRequest& request);
net::QueryValues parameters_of(const CopySnapshotRequest& request);

// `TagSpecification.1.…` of one kind of resource: tags that are there from the first instant, so
// that a policy can demand them of the creation itself. None where there are no tags.
void add_tag_specification(net::QueryValues& values, std::string_view resource, const Tags& tags);

// One item of volumeSet, or CreateVolume's whole answer; of snapshotSet, or CreateSnapshot's.
// Internal where it lacks its id.
Result<Ec2Volume> read_volume(const net::aws::XmlElement& item);
Result<Ec2Snapshot> read_snapshot(const net::aws::XmlElement& item);

// All of a page. `next` gets the token of the page after it, or "".
Result<std::vector<Ec2Volume>> read_volumes(const net::aws::XmlElement& answer);
Result<std::vector<Ec2Snapshot>> read_snapshots(const net::aws::XmlElement& answer,
                                                std::string& next);

}  // namespace lateen::volumes::ebs
