#include "net/aws/endpoints.h"

#include <map>

#include <gtest/gtest.h>

namespace lateen::net::aws {
namespace {

Environment environment_of(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

TEST(AwsEndpoints, AreWhereAwsDocumentsThem) {
  EXPECT_EQ(endpoint_of("s3", "eu-west-1"), "https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(endpoint_of("sts", "us-east-1"), "https://sts.us-east-1.amazonaws.com");
  EXPECT_EQ(endpoint_of("sts", ""), "https://sts.amazonaws.com");
  EXPECT_EQ(endpoint_of("ec2", "cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(endpoint_of("s3", "us-gov-west-1"), "https://s3.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(endpoint_of("iam", "eu-central-1"), "https://iam.amazonaws.com");
  EXPECT_EQ(endpoint_of("iam", "us-gov-east-1"), "https://iam.us-gov.amazonaws.com");
  EXPECT_EQ(endpoint_of("iam", "cn-northwest-1"), "https://iam.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(endpoint_of("s3", "us-east-1", {.fips = true}),
            "https://s3-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(endpoint_of("s3", "us-east-1", {.dual_stack = true}),
            "https://s3.dualstack.us-east-1.amazonaws.com");
  EXPECT_EQ(endpoint_of("ec2", "us-east-1", {.dual_stack = true}), "https://ec2.us-east-1.api.aws");
}

TEST(AwsEndpoints, TheEnvironmentMayNameThem) {
  const Environment environment = environment_of(
      {{"AWS_ENDPOINT_URL", "http://localhost:1"}, {"AWS_ENDPOINT_URL_STS", "http://localhost:2"}});
  EXPECT_EQ(find_endpoint("ec2", "eu-west-1", environment), "http://localhost:1");
  EXPECT_EQ(find_endpoint("sts", "eu-west-1", environment), "http://localhost:2");
  const Environment ignored = environment_of({{"AWS_ENDPOINT_URL", "http://localhost:1"},
                                              {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"},
                                              {"AWS_USE_FIPS_ENDPOINT", "true"}});
  EXPECT_EQ(find_endpoint("sts", "us-west-2", ignored), "https://sts-fips.us-west-2.amazonaws.com");
}

TEST(AwsEndpoints, PartitionsAndSigningRegions) {
  EXPECT_EQ(partition_of("us-gov-east-1").name, "aws-us-gov");
  EXPECT_EQ(partition_of("us-east-1").name, "aws");
  EXPECT_EQ(signing_region("iam", "eu-west-1"), "us-east-1");
  EXPECT_EQ(signing_region("iam", "cn-northwest-1"), "cn-north-1");
  EXPECT_EQ(signing_region("sts", ""), "us-east-1");
}

}  // namespace
}  // namespace lateen::net::aws
