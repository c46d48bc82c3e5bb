#include "net/aws/endpoints.h"

#include <array>

#include <fmt/format.h>

#include "base/environment.h"
#include "base/text.h"

namespace lateen::net::aws {
namespace {

struct RegionFamily {
  std::string_view prefix;  // of its regions
  Partition partition;
  std::string_view first_region;  // what global services are signed for
};

constexpr std::string_view kFirstRegion = "us-east-1";

constexpr std::array<RegionFamily, 8> kFamilies = {{
    {"cn-", {"aws-cn", "amazonaws.com.cn"}, "cn-north-1"},
    {"us-gov-", {"aws-us-gov", "amazonaws.com"}, "us-gov-west-1"},
    {"us-iso-", {"aws-iso", "c2s.ic.gov"}, "us-iso-east-1"},
    {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov"}, "us-isob-east-1"},
    {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk"}, "eu-isoe-west-1"},
    {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov"}, "us-isof-south-1"},
    {"eusc-", {"aws-eusc", "amazonaws.eu"}, "eusc-de-east-1"},
    {"", {"aws", "amazonaws.com"}, kFirstRegion},
}};

const RegionFamily& family_of(std::string_view region) {
  for (const RegionFamily& family : kFamilies) {
    if (region.starts_with(family.prefix)) return family;
  }
  return kFamilies.back();
}

bool is_true(const Environment& environment, const std::string& name) {
  const auto value = environment(name);
  return value && equals_ignoring_case(*value, "true");
}

// IAM has one endpoint for a whole partition.
std::string iam_endpoint(const RegionFamily& family, EndpointOptions options) {
  const std::string_view suffix = family.partition.dns_suffix;
  const std::string_view fips = options.fips ? "-fips" : "";
  if (family.partition.name == "aws") return fmt::format("https://iam{}.{}", fips, suffix);
  if (family.partition.name == "aws-us-gov") return fmt::format("https://iam.us-gov.{}", suffix);
  return fmt::format("https://iam.{}.{}", family.first_region, suffix);
}

std::string dual_stack_suffix(std::string_view suffix) {
  if (suffix == "amazonaws.com") return "api.aws";
  if (suffix == "amazonaws.com.cn") return "api.amazonwebservices.com.cn";
  return std::string(suffix);
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) { return env(name); };
}

Partition partition_of(std::string_view region) {
  return family_of(region).partition;
}

EndpointOptions endpoint_options(const Environment& environment) {
  return {.fips = is_true(environment, "AWS_USE_FIPS_ENDPOINT"),
          .dual_stack = is_true(environment, "AWS_USE_DUALSTACK_ENDPOINT")};
}

std::string endpoint_of(std::string_view service,
                        std::string_view region,
                        EndpointOptions options) {
  const RegionFamily& family = family_of(region);
  if (service == "iam") return iam_endpoint(family, options);
  if (service == "sts" && region.empty()) {
    return fmt::format("https://sts.{}", family.partition.dns_suffix);
  }
  const std::string_view at = region.empty() ? family.first_region : region;
  const std::string_view fips = options.fips ? "-fips" : "";
  std::string suffix(family.partition.dns_suffix);
  if (options.dual_stack && service == "s3") {
    return fmt::format("https://s3{}.dualstack.{}.{}", fips, at, suffix);
  }
  if (options.dual_stack) suffix = dual_stack_suffix(suffix);
  return fmt::format("https://{}{}.{}.{}", service, fips, at, suffix);
}

std::string find_endpoint(std::string_view service,
                          std::string_view region,
                          const Environment& environment) {
  const auto ignored = environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
  if (!ignored || !equals_ignoring_case(*ignored, "true")) {
    for (const std::string& name :
         {"AWS_ENDPOINT_URL_" + to_upper(service), std::string("AWS_ENDPOINT_URL")}) {
      if (const auto url = environment(name); url && !url->empty()) return *url;
    }
  }
  return endpoint_of(service, region, endpoint_options(environment));
}

std::string signing_region(std::string_view service, std::string_view region) {
  if (service == "iam") return std::string(family_of(region).first_region);
  return std::string(region.empty() ? kFirstRegion : region);
}

}  // namespace lateen::net::aws
