// Held against signatures of others: AWS' published examples, and botocore 1.44.5 (PROVENANCE in
// the names of the cases' groups).
#include "net/aws/sigv4.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace lateen::net::aws {
namespace {

Credentials example_credentials(std::string_view token = {}) {
  return {.access_key_id = "AKIDEXAMPLE",
          .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
          .session_token = Secret(std::string(token))};
}

struct SignatureCase {
  std::string_view name;
  HttpRequest request;
  SigningScope scope;
  std::string_view token;
  std::string_view signed_headers;
  std::string_view signature;
};

std::string case_name(const ::testing::TestParamInfo<SignatureCase>& info) {
  return std::string(info.param.name);
}

class SignsAsBotocore : public ::testing::TestWithParam<SignatureCase> {};

TEST_P(SignsAsBotocore, Request) {
  const SignatureCase& c = GetParam();
  const Credentials credentials = example_credentials(c.token);
  HttpRequest request = c.request;
  ASSERT_TRUE(sign_request(
      request,
      {.credentials = credentials, .scope = c.scope, .time = *parse_amz_date("20261122T100921Z")}));
  EXPECT_EQ(request.headers.get("Authorization"),
            fmt::format("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/{}/{}/aws4_request, "
                        "SignedHeaders={}, Signature={}",
                        c.scope.region, c.scope.service, c.signed_headers, c.signature));
}

const std::vector<SignatureCase> kCases = {
    {"S3KeyWithBlanksAndSigns",
     {.url = "https://bucket.s3.eu-west-1.amazonaws.com/backups/a%20b/x%2By%3D%E2%82%AC.json",
      .headers = {{"Range", "bytes=0-9"}}},
     {"eu-west-1", "s3"},
     "",
     "host;range;x-amz-content-sha256;x-amz-date",
     "af55b7cd33069a5017ab85579b31baa1b706be73bb64772734221e522ed5e0a9"},
    {"S3ListingWithUnsortedQueryAndToken",
     {.url = "https://s3.us-east-1.amazonaws.com/"
             "bucket?list-type=2&prefix=a%2Fb%20c&start-after=z%2B%26&delimiter=%2F"},
     {"us-east-1", "s3"},
     "TOKEN/+==",
     "host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
     "509da0251c40b2055767b4bd2d96c1bfeaf61e07b9758ecd32ca91f8092a71a1"},
    {"S3PutWithBodyAndBlanksInHeaders",
     {.method = "PUT",
      .url = "http://127.0.0.1:9000/bucket/k",
      .headers = {{"X-Amz-Tagging", "a=b&c=d"}, {"x-amz-meta-x", "  two   blanks "}},
      .body = "hello"},
     {"us-east-1", "s3"},
     "",
     "host;x-amz-content-sha256;x-amz-date;x-amz-meta-x;x-amz-tagging",
     "fdef4f13bd2e012c172a3d73c7a2610ab326c233b56d033c682ccac296b4dd12"},
    {"S3QueryWithoutValue",
     {.method = "POST", .url = "http://127.0.0.1:9000/bucket/k?uploads"},
     {"us-east-1", "s3"},
     "",
     "host;x-amz-content-sha256;x-amz-date",
     "3c4c2f3731bf74744133ee38105bf6adaf0f93418d22277c1333c0acba250867"},
    {"Ec2Form",
     {.method = "POST",
      .url = "https://ec2.eu-west-1.amazonaws.com/",
      .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                  {"User-Agent", "not signed"}},
      .body = "Action=DescribeVolumes&Version=2016-11-15"},
     {"eu-west-1", "ec2"},
     "",
     "content-type;host;x-amz-date",
     "1e5f2d5c539b6f54952a8900ea9213b7d835de026b6fc72a302088fe758f6ee5"},
    {"PathsAreNormalizedOutsideOfS3",
     {.url = "https://example.amazonaws.com:443/a//b/../c%20d/./e/?x=1"},
     {"us-east-1", "service"},
     "",
     "host;x-amz-date",
     "f5fd2a28280b0369c979911c49895f98180dd9107d2cd003adb3d02bbf293bc6"}};

INSTANTIATE_TEST_SUITE_P(, SignsAsBotocore, ::testing::ValuesIn(kCases), case_name);

TEST(SigV4, PresignsAsBotocore) {
  const Credentials credentials = example_credentials("TOKEN/+==");
  const auto url =
      presign_url("GET", "https://bucket.s3.eu-west-1.amazonaws.com/backups/b/b-logs.gz",
                  std::chrono::seconds(600),
                  {.credentials = credentials,
                   .scope = {"eu-west-1", "s3"},
                   .time = *parse_amz_date("20261122T100921Z")});
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->ends_with(
      "&X-Amz-Signature=875fceeac81d38c7fe68a4dc7d100e984ea4fbeb3165d93817b18a0d432c4308"))
      << *url;
  EXPECT_NE(url->find("X-Amz-Security-Token=TOKEN%2F%2B%3D%3D"), std::string::npos);
}

// "get-vanilla" of AWS' Signature Version 4 test suite.
TEST(SigV4, GivesTheSignatureOfAwsTestSuite) {
  const Credentials credentials = example_credentials();
  HttpRequest request{.url = "https://example.amazonaws.com/"};
  ASSERT_TRUE(sign_request(request, {.credentials = credentials,
                                     .scope = {"us-east-1", "service"},
                                     .time = *parse_amz_date("20150830T123600Z")}));
  EXPECT_TRUE(request.headers.get("Authorization")
                  .ends_with("Signature="
                             "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
}

// The two examples of Amazon S3's API reference.
TEST(SigV4, GivesTheSignaturesOfAmazonS3sReference) {
  const Credentials credentials{
      .access_key_id = "AKIAIOSFODNN7EXAMPLE",
      .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")};
  const SigningOptions options{.credentials = credentials,
                               .scope = {"us-east-1", "s3"},
                               .time = *parse_amz_date("20130524T000000Z")};
  HttpRequest request{.url = "https://examplebucket.s3.amazonaws.com/test.txt",
                      .headers = {{"Range", "bytes=0-9"}}};
  ASSERT_TRUE(sign_request(request, options));
  EXPECT_TRUE(request.headers.get("Authorization")
                  .ends_with("Signature="
                             "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  const auto url = presign_url("GET", "https://examplebucket.s3.amazonaws.com/test.txt",
                               std::chrono::hours(24), options);
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->ends_with(
      "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"))
      << *url;
}

TEST(SigV4, SigningAgainReplacesTheSignature) {
  const Credentials temporary = example_credentials("TOKEN");
  const Credentials lasting = example_credentials();
  const TimePoint time = *parse_amz_date("20261122T100921Z");
  HttpRequest request{.url = "https://example.amazonaws.com/"};
  ASSERT_TRUE(sign_request(
      request, {.credentials = temporary, .scope = {"us-east-1", "sts"}, .time = time}));
  ASSERT_TRUE(
      sign_request(request, {.credentials = lasting, .scope = {"us-east-1", "sts"}, .time = time}));
  EXPECT_EQ(request.headers.all("Authorization").size(), 1U);
  EXPECT_FALSE(request.headers.contains("X-Amz-Security-Token"));
}

TEST(SigV4, PresignedUrlsLastAWeekAtMost) {
  const Credentials credentials = example_credentials();
  const SigningOptions options{
      .credentials = credentials, .scope = {"us-east-1", "s3"}, .time = {}};
  EXPECT_TRUE(presign_url("GET", "https://h/k", std::chrono::hours(168), options));
  EXPECT_FALSE(presign_url("GET", "https://h/k", std::chrono::hours(169), options));
  EXPECT_FALSE(presign_url("GET", "https://h/k", Duration(0), options));
}

TEST(SigV4, DatesComeBack) {
  EXPECT_EQ(format_amz_date(*parse_amz_date("20240229T235959Z")), "20240229T235959Z");
  for (const char* const text : {"", "20240230T000000Z", "20240229T240000Z", "20240229 235959Z",
                                 "2024022xT235959Z", "20240229T235959"}) {
    EXPECT_FALSE(parse_amz_date(text)) << text;
  }
}

}  // namespace
}  // namespace lateen::net::aws
