// A pod's token in, a role's temporary credentials out, with moto's STS and S3: the whole way of
// IRSA, and how it fails.
#include <gtest/gtest.h>

#include "base/temp.h"
#include "base/text.h"
#include "s3/servers.h"

namespace lateen::objects::s3 {
namespace {

constexpr const char* kToken =
    "eyJhbGciOiJub25lIn0."
    "eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6dmVsZXJvOnZlbGVybyIsImlzcyI6Imh0dHBzOi8vb2lkYy5leGFt"
    "cGxlIiwiYXVkIjpbInN0cy5hbWF6b25hd3MuY29tIl19.c2lnbmF0dXJl";

class Irsa : public ::testing::Test {
 protected:
  Irsa() : dir_(std::move(*TempDir::create())) {
    EXPECT_TRUE(write_file(dir_.path() / "token", kToken));
  }

  // What the EKS webhook puts into a pod, and where the services are.
  net::aws::Environment environment(const std::string& sts_url) const {
    return [home = dir_.path().native(),
            sts_url](const std::string& name) -> std::optional<std::string> {
      if (name == "AWS_ROLE_ARN") return "arn:aws:iam::123456789012:role/velero";
      if (name == "AWS_WEB_IDENTITY_TOKEN_FILE") return home + "/token";
      if (name == "AWS_STS_REGIONAL_ENDPOINTS") return "regional";
      if (name == "AWS_REGION") return "us-east-1";
      if (name == "AWS_ENDPOINT_URL_STS") return sts_url;
      if (name == "HOME") return home;
      return std::nullopt;
    };
  }

  std::unique_ptr<ObjectStore> open(const std::string& s3_url, const std::string& sts_url) const {
    S3Config config = test_config(s3_url, bucket_);
    config.environment = environment(sts_url);
    config.part_size = 5_MiB;
    config.parallel = 1;
    return std::move(*open_s3_store(std::move(config)));
  }

  TempDir dir_;
  const std::string bucket_ = make_bucket(moto_url());
};

TEST_F(Irsa, TheRolesCredentialsWriteAndRead) {
  const auto store = open(moto_url(), moto_url());
  const Status put = store->put("k", "x");
  ASSERT_TRUE(put) << put.error().describe();
  EXPECT_EQ(store->get("k").value_or("?"), "x");
}

TEST_F(Irsa, ATokenThatExpiresInTheMiddleOfAnUploadIsRenewed) {
  const auto proxy = start_fault_proxy(moto_url());
  const auto sts = start_fault_proxy(moto_url());
  ASSERT_TRUE(sts->ask(R"({"rules": []})"));
  ASSERT_TRUE(proxy->ask(
      R"({"rules": [{"method": "PUT", "match": "partNumber=2", "do": "expired", "times": 1}]})"));
  const auto store = open(proxy->url(), sts->url());
  const Bytes bytes(11'000'000, 'x');
  const auto upload = store->begin_upload("large");
  ASSERT_TRUE((*upload)->write(bytes));
  const Status done = (*upload)->complete();
  ASSERT_TRUE(done) << done.error().describe();
  EXPECT_TRUE(store->get("large").value_or("") == bytes);
  const auto asked = sts->ask(R"({"seen": true})");
  ASSERT_TRUE(asked);
  EXPECT_EQ(split(*asked, ',').size(), 2U) << *asked;  // at first, and when they were refused
}

TEST_F(Irsa, CredentialsThatStayRefusedEndTheUploadWithAReason) {
  const auto proxy = start_fault_proxy(moto_url());
  ASSERT_TRUE(proxy->ask(
      R"({"rules": [{"method": "PUT", "match": "partNumber=2", "do": "expired", "times": 0}]})"));
  const auto store = open(proxy->url(), moto_url());
  auto upload = store->begin_upload("large");
  const Status written = (*upload)->write(Bytes(11'000'000, 'x'));
  const Status done = written ? (*upload)->complete() : written;
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::Unauthenticated);
  EXPECT_EQ(done.error().hint(), "Renew the credentials from the web identity (IRSA).");
  upload->reset();
  EXPECT_EQ(unfinished_uploads(moto_url(), bucket_), 0U);
}

TEST_F(Irsa, WithoutItsTokenTheStoreSaysWhatIsMissing) {
  ASSERT_TRUE(remove_file(dir_.path() / "token"));
  const auto listed = open(moto_url(), moto_url())->list("");
  ASSERT_FALSE(listed);
  EXPECT_NE(listed.error().message().find("web identity (IRSA): the web identity token"),
            std::string::npos)
      << listed.error().message();
  EXPECT_NE(listed.error().hint().find("is the ServiceAccount annotated"), std::string::npos);
}

}  // namespace
}  // namespace lateen::objects::s3
