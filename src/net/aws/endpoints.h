// Where AWS' services are: by region and partition, or where the environment says
// (AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL). Pure but for the environment that is handed in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lateen::net::aws {

// How the environment is asked: lateen::env, or a test's own.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

// The process's.
Environment process_environment();

// A set of regions that share names and credentials: AWS, China, GovCloud and the isolated ones.
struct Partition {
  std::string_view name;        // "aws", as in ARNs
  std::string_view dns_suffix;  // "amazonaws.com"
};

Partition partition_of(std::string_view region);

struct EndpointOptions {
  bool fips = false;        // AWS_USE_FIPS_ENDPOINT
  bool dual_stack = false;  // AWS_USE_DUALSTACK_ENDPOINT
};

EndpointOptions endpoint_options(const Environment& environment);

// "https://ec2.eu-west-1.amazonaws.com". `service` is the name in the host: s3, sts, ec2, kms, iam
// (one for all regions of a partition).
std::string endpoint_of(std::string_view service,
                        std::string_view region,
                        EndpointOptions options = {});

// The environment's, if it names one for this service or for all, else endpoint_of().
std::string find_endpoint(std::string_view service,
                          std::string_view region,
                          const Environment& environment);

// The region that a call to the service's endpoint is signed for: IAM's is always the partition's
// first.
std::string signing_region(std::string_view service, std::string_view region);

}  // namespace lateen::net::aws
