// EC2's calls about EBS: values in, values out, refusals explained.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "net/aws/credentials.h"
#include "net/aws/service.h"
#include "volumes/ebs/ec2_types.h"

namespace lateen::volumes::ebs {

struct Ec2Options {
  std::string region = {};
  net::TlsOptions tls = {};
  net::aws::Environment environment = net::aws::process_environment();
  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
};

// Thread-safe.
class Ec2Api {
 public:
  // `credentials` and `rng` must outlive it.
  static Result<std::unique_ptr<Ec2Api>> open(Ec2Options options,
                                              net::aws::CredentialsProvider& credentials,
                                              Rng& rng);

  const std::string& region() const { return options_.region; }

  // NotFound if it is not there.
  Result<Ec2Volume> volume(std::string_view id, std::stop_token stop);
  Result<Ec2Snapshot> snapshot(std::string_view id, std::stop_token stop);
  Result<std::vector<Ec2Snapshot>> snapshots(const std::vector<std::string>& ids,
                                             std::stop_token stop);

  // Our own ones of a volume.
  Result<std::vector<Ec2Snapshot>> snapshots_of_volume(std::string_view volume_id,
                                                       std::stop_token stop);

  // `fault`, if given, gets what EC2 itself said.
  Result<Ec2Snapshot> create_snapshot(const CreateSnapshotRequest& request,
                                      std::stop_token stop,
                                      net::aws::ServiceFault* fault = nullptr);

  // A call that is repeated because its answer was lost does not make a second volume.
  Result<Ec2Volume> create_volume(CreateVolumeRequest request,
                                  std::stop_token stop,
                                  net::aws::ServiceFault* fault = nullptr);

  // Into this region; gives the copy's id.
  Result<std::string> copy_snapshot(const CopySnapshotRequest& request,
                                    std::stop_token stop,
                                    net::aws::ServiceFault* fault = nullptr);

  // What is gone already is fine.
  Status delete_snapshot(std::string_view id, std::stop_token stop);
  Status delete_volume(std::string_view id, std::stop_token stop);

  Status create_tags(std::string_view resource_id,
                     const Tags& tags,
                     std::stop_token stop,
                     net::aws::ServiceFault* fault = nullptr);

 private:
  Result<std::vector<Ec2Snapshot>> describe_snapshots(net::QueryValues values,
                                                      std::stop_token stop);

  struct Private {
    explicit Private() = default;
  };

  Result<net::aws::XmlElement> call(std::string_view action,
                                    const net::QueryValues& parameters,
                                    std::stop_token stop,
                                    net::aws::ServiceFault* fault = nullptr);
  Result<std::string> presigned_copy(const CopySnapshotRequest& request, std::stop_token stop);

  const Ec2Options options_;
  net::aws::CredentialsProvider& credentials_;
  Rng& rng_;
  const std::unique_ptr<net::aws::Service> service_;

 public:
  // For open() alone.
  Ec2Api(Private,
         Ec2Options options,
         net::aws::CredentialsProvider& credentials,
         Rng& rng,
         std::unique_ptr<net::aws::Service> service);
};

}  // namespace lateen::volumes::ebs
