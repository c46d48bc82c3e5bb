#include "volumes/ebs/ec2_api.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "net/aws/sigv4.h"
#include "volumes/ebs/ec2_faults.h"

namespace lateen::volumes::ebs {
namespace {

using net::aws::ServiceFault;
using net::aws::XmlElement;

constexpr std::string_view kApiVersion = "2016-11-15";

// EC2 itself looks at the source region's URL, and soon.
constexpr std::chrono::hours kPresigned{1};

}  // namespace

Result<std::unique_ptr<Ec2Api>> Ec2Api::open(Ec2Options options,
                                             net::aws::CredentialsProvider& credentials,
                                             Rng& rng) {
  auto service = TRY(net::aws::Service::open(
      {.service = "ec2",
       .region = options.region,
       .api_version = std::string(kApiVersion),
       .endpoint = net::aws::find_endpoint("ec2", options.region, options.environment),
       .tls = options.tls,
       .environment = options.environment,
       .clock = options.clock},
      &credentials));
  return std::make_unique<Ec2Api>(Private(), std::move(options), credentials, rng,
                                  std::move(service));
}

Ec2Api::Ec2Api(Private,
               Ec2Options options,
               net::aws::CredentialsProvider& credentials,
               Rng& rng,
               std::unique_ptr<net::aws::Service> service)
    : options_(std::move(options)),
      credentials_(credentials),
      rng_(rng),
      service_(std::move(service)) {}

Result<XmlElement> Ec2Api::call(std::string_view action,
                                const net::QueryValues& parameters,
                                std::stop_token stop,
                                ServiceFault* fault) {
  ServiceFault said;
  auto answer = service_->call(action, parameters, stop, &said);
  if (fault != nullptr) *fault = said;
  if (answer || said.code.empty()) return answer;
  return explain(std::move(answer).error(), said, action);
}

Result<Ec2Volume> Ec2Api::volume(std::string_view id, std::stop_token stop) {
  net::QueryValues values;
  values.add("VolumeId.1", id);
  const XmlElement answer = TRY(call("DescribeVolumes", values, stop));
  auto volumes = TRY(read_volumes(answer));
  if (volumes.size() == 1) return std::move(volumes.front());
  return Error(volumes.empty() ? Code::NotFound : Code::Internal,
               "EC2 answered with {} volumes for {} in {}", volumes.size(), id, region());
}

Result<Ec2Snapshot> Ec2Api::snapshot(std::string_view id, std::stop_token stop) {
  auto found = TRY(snapshots({std::string(id)}, stop));
  if (found.size() == 1) return std::move(found.front());
  return Error(found.empty() ? Code::NotFound : Code::Internal,
               "EC2 answered with {} snapshots for {} in {}", found.size(), id, region());
}

Result<std::vector<Ec2Snapshot>> Ec2Api::snapshots(const std::vector<std::string>& ids,
                                                   std::stop_token stop) {
  net::QueryValues values;
  for (std::size_t i = 0; i < ids.size(); ++i)
    values.add(fmt::format("SnapshotId.{}", i + 1), ids[i]);
  return describe_snapshots(std::move(values), stop);
}

Result<std::vector<Ec2Snapshot>> Ec2Api::snapshots_of_volume(std::string_view volume_id,
                                                             std::stop_token stop) {
  net::QueryValues values;
  values.add("Owner.1", "self");
  values.add("Filter.1.Name", "volume-id");
  values.add("Filter.1.Value.1", volume_id);
  return describe_snapshots(std::move(values), stop);
}

Result<std::vector<Ec2Snapshot>> Ec2Api::describe_snapshots(net::QueryValues values,
                                                            std::stop_token stop) {
  std::vector<Ec2Snapshot> all;
  std::string next;
  do {
    if (!next.empty()) values.set("NextToken", next);
    const XmlElement answer = TRY(call("DescribeSnapshots", values, stop));
    std::vector<Ec2Snapshot> page = TRY(read_snapshots(answer, next));
    std::move(page.begin(), page.end(), std::back_inserter(all));
  } while (!next.empty());
  return all;
}

Result<Ec2Snapshot> Ec2Api::create_snapshot(const CreateSnapshotRequest& request,
                                            std::stop_token stop,
                                            ServiceFault* fault) {
  return read_snapshot(TRY(call("CreateSnapshot", parameters_of(request), stop, fault)));
}

Result<Ec2Volume> Ec2Api::create_volume(CreateVolumeRequest request,
                                        std::stop_token stop,
                                        ServiceFault* fault) {
  if (request.client_token.empty()) request.client_token = uuid4(rng_);
  return read_volume(TRY(call("CreateVolume", parameters_of(request), stop, fault)));
}

// With the query API, EC2 reads an encrypted snapshot of another region only with a request to that
// region that its owner has signed.
Result<std::string> Ec2Api::presigned_copy(const CopySnapshotRequest& request,
                                           std::stop_token stop) {
  const net::aws::Credentials credentials = TRY(credentials_.get(stop));
  net::QueryValues query{{"Action", "CopySnapshot"},
                         {"Version", std::string(kApiVersion)},
                         {"SourceRegion", request.source_region},
                         {"SourceSnapshotId", request.source_snapshot_id},
                         {"DestinationRegion", region()}};
  const std::string endpoint =
      net::aws::find_endpoint("ec2", request.source_region, options_.environment);
  return net::aws::presign_url("GET", fmt::format("{}/?{}", endpoint, query.encode()), kPresigned,
                               {.credentials = credentials,
                                .scope = {.region = request.source_region, .service = "ec2"},
                                .time = options_.clock->now()});
}

Result<std::string> Ec2Api::copy_snapshot(const CopySnapshotRequest& request,
                                          std::stop_token stop,
                                          ServiceFault* fault) {
  net::QueryValues values = parameters_of(request);
  values.add("PresignedUrl", TRY(presigned_copy(request, stop)));
  const XmlElement answer = TRY(call("CopySnapshot", values, stop, fault));
  const std::string id(answer.text_of("snapshotId"));
  if (id.empty()) return Error(Code::Internal, "EC2 did not say the id of the snapshot's copy");
  return id;
}

Status Ec2Api::delete_snapshot(std::string_view id, std::stop_token stop) {
  net::QueryValues values;
  values.add("SnapshotId", id);
  ServiceFault fault;
  auto answer = call("DeleteSnapshot", values, stop, &fault);
  if (!answer && fault.code != "InvalidSnapshot.NotFound") return std::move(answer).error();
  return {};
}

Status Ec2Api::delete_volume(std::string_view id, std::stop_token stop) {
  net::QueryValues values;
  values.add("VolumeId", id);
  ServiceFault fault;
  auto answer = call("DeleteVolume", values, stop, &fault);
  if (!answer && fault.code != "InvalidVolume.NotFound") return std::move(answer).error();
  return {};
}

Status Ec2Api::create_tags(std::string_view resource_id,
                           const Tags& tags,
                           std::stop_token stop,
                           ServiceFault* fault) {
  net::QueryValues values;
  values.add("ResourceId.1", resource_id);
  int n = 0;
  for (const auto& [key, value] : tags) {
    ++n;
    values.add(fmt::format("Tag.{}.Key", n), key);
    values.add(fmt::format("Tag.{}.Value", n), value);
  }
  TRY(call("CreateTags", values, stop, fault));
  return {};
}

}  // namespace lateen::volumes::ebs
