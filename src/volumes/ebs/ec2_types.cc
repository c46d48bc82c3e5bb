#include "volumes/ebs/ec2_types.h"

#include <charconv>

#include <fmt/format.h>

#include "base/time.h"

namespace lateen::volumes::ebs {
namespace {

using net::aws::XmlElement;

std::optional<std::int64_t> number_at(const XmlElement& element, std::string_view path) {
  const std::string_view text = element.text_of(path);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Tags read_tags(const XmlElement& element) {
  Tags tags;
  const XmlElement* set = element.find("tagSet");
  if (set == nullptr) return tags;
  for (const XmlElement* item : set->all("item")) {
    tags[std::string(item->text_of("key"))] = item->text_of("value");
  }
  return tags;
}

void add_encryption(net::QueryValues& values, bool encrypted, const std::string& kms_key_id) {
  // Left out rather than "false": an account may encrypt by default, and would refuse the word.
  if (!encrypted) return;
  values.add("Encrypted", "true");
  if (!kms_key_id.empty()) values.add("KmsKeyId", kms_key_id);
}

}  // namespace

void add_tag_specification(net::QueryValues& values, std::string_view resource, const Tags& tags) {
  if (tags.empty()) return;
  values.add("TagSpecification.1.ResourceType", resource);
  int n = 0;
  for (const auto& [key, value] : tags) {
    ++n;
    values.add(fmt::format("TagSpecification.1.Tag.{}.Key", n), key);
    values.add(fmt::format("TagSpecification.1.Tag.{}.Value", n), value);
  }
}

net::QueryValues parameters_of(const CreateSnapshotRequest& request) {
  net::QueryValues values;
  values.add("VolumeId", request.volume_id);
  if (!request.description.empty()) values.add("Description", request.description);
  add_tag_specification(values, "snapshot", request.tags);
  return values;
}

net::QueryValues parameters_of(const CreateVolumeRequest& request) {
  net::QueryValues values;
  values.add("SnapshotId", request.snapshot_id);
  values.add("AvailabilityZone", request.az);
  if (!request.type.empty()) values.add("VolumeType", request.type);
  if (request.iops) values.add("Iops", std::to_string(*request.iops));
  if (request.throughput) values.add("Throughput", std::to_string(*request.throughput));
  add_encryption(values, request.encrypted, request.kms_key_id);
  if (!request.client_token.empty()) values.add("ClientToken", request.client_token);
  add_tag_specification(values, "volume", request.tags);
  return values;
}

net::QueryValues parameters_of(const CopySnapshotRequest& request) {
  net::QueryValues values;
  values.add("SourceRegion", request.source_region);
  values.add("SourceSnapshotId", request.source_snapshot_id);
  if (!request.description.empty()) values.add("Description", request.description);
  add_encryption(values, request.encrypted, request.kms_key_id);
  add_tag_specification(values, "snapshot", request.tags);
  return values;
}

Result<Ec2Volume> read_volume(const XmlElement& item) {
  Ec2Volume volume;
  volume.id = item.text_of("volumeId");
  if (volume.id.empty()) return Error(Code::Internal, "EC2 answered with a volume without an id");
  volume.az = item.text_of("availabilityZone");
  volume.state = item.text_of("status");
  volume.type = item.text_of("volumeType");
  volume.iops = number_at(item, "iops");
  volume.throughput = number_at(item, "throughput");
  volume.size_gib = number_at(item, "size").value_or(0);
  volume.encrypted = item.text_of("encrypted") == "true";
  volume.kms_key_id = item.text_of("kmsKeyId");
  volume.tags = read_tags(item);
  return volume;
}

Result<Ec2Snapshot> read_snapshot(const XmlElement& item) {
  Ec2Snapshot snapshot;
  snapshot.id = item.text_of("snapshotId");
  if (snapshot.id.empty()) {
    return Error(Code::Internal, "EC2 answered with a snapshot without an id");
  }
  snapshot.volume_id = item.text_of("volumeId");
  snapshot.state = item.text_of("status");
  snapshot.state_message = item.text_of("statusMessage");
  snapshot.progress = item.text_of("progress");
  snapshot.description = item.text_of("description");
  if (const auto started = parse_rfc3339(item.text_of("startTime"))) snapshot.started = *started;
  snapshot.size_gib = number_at(item, "volumeSize").value_or(0);
  snapshot.encrypted = item.text_of("encrypted") == "true";
  snapshot.kms_key_id = item.text_of("kmsKeyId");
  snapshot.tags = read_tags(item);
  return snapshot;
}

Result<std::vector<Ec2Volume>> read_volumes(const XmlElement& answer) {
  std::vector<Ec2Volume> volumes;
  const XmlElement* set = answer.find("volumeSet");
  if (set == nullptr) return volumes;
  for (const XmlElement* item : set->all("item"))
    volumes.push_back(TRY(read_volume(*item)));
  return volumes;
}

Result<std::vector<Ec2Snapshot>> read_snapshots(const XmlElement& answer, std::string& next) {
  std::vector<Ec2Snapshot> snapshots;
  next = answer.text_of("nextToken");
  const XmlElement* set = answer.find("snapshotSet");
  if (set == nullptr) return snapshots;
  for (const XmlElement* item : set->all("item"))
    snapshots.push_back(TRY(read_snapshot(*item)));
  return snapshots;
}

}  // namespace lateen::volumes::ebs
