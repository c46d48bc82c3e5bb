// What S3's store asks for beyond the contract, as moto and Swift see it.
#include <gtest/gtest.h>

#include "base/text.h"
#include "net/url.h"
#include "s3/servers.h"

namespace lateen::objects::s3 {
namespace {

std::unique_ptr<ObjectStore> open(S3Config config) {
  return std::move(
      *open_s3_store(std::move(config), net::aws::fixed_credentials(test_credentials())));
}

net::HttpResponse look(const std::string& bucket, std::string_view method, std::string_view rest) {
  const auto answer = ask_s3(moto_url(), method, fmt::format("/{}/{}", bucket, rest));
  EXPECT_TRUE(answer);
  return answer ? *answer : net::HttpResponse{};
}

TEST(S3Store, AsksForEncryptionClassAndTags) {
  S3Config config = test_config(moto_url(), make_bucket(moto_url()));
  const std::string bucket = config.bucket;
  config.write = {.server_side_encryption = "aws:kms",
                  .kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/1",
                  .bucket_key = true,
                  .tagging = "team=a%20b&kind=backup",
                  .storage_class = "STANDARD_IA"};
  const auto store = open(std::move(config));
  ASSERT_TRUE(store->put("k", "x"));
  const net::HttpResponse head = look(bucket, "HEAD", "k");
  EXPECT_EQ(head.headers.get("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(head.headers.get("x-amz-server-side-encryption-aws-kms-key-id"),
            "arn:aws:kms:us-east-1:123456789012:key/1");
  EXPECT_EQ(head.headers.get("x-amz-server-side-encryption-bucket-key-enabled"), "true");
  EXPECT_EQ(head.headers.get("x-amz-storage-class"), "STANDARD_IA");
  EXPECT_NE(look(bucket, "GET", "k?tagging").body.find("<Value>a b</Value>"), std::string::npos);
}

TEST(S3Store, LocksWhatItWrites) {
  S3Config config = test_config(moto_url(), make_bucket(moto_url()));
  const std::string bucket = config.bucket + "-locked";
  ASSERT_TRUE(
      ask_s3(moto_url(), "PUT", "/" + bucket, {}, {{"x-amz-bucket-object-lock-enabled", "true"}})
          ->ok());
  config.bucket = bucket;
  config.write.object_lock_mode = "GOVERNANCE";
  config.write.object_lock_retention = std::chrono::hours(24);
  config.write.legal_hold = true;
  const auto store = open(std::move(config));
  const Status put = store->put("k", "x");
  ASSERT_TRUE(put) << put.error().describe();
  const net::HttpResponse head = look(bucket, "HEAD", "k");
  EXPECT_EQ(head.headers.get("x-amz-object-lock-mode"), "GOVERNANCE");
  EXPECT_FALSE(head.headers.get("x-amz-object-lock-retain-until-date").empty());
  EXPECT_EQ(head.headers.get("x-amz-object-lock-legal-hold"), "ON");
}

class S3Checksums : public ::testing::TestWithParam<Checksum> {};

TEST_P(S3Checksums, AreTakenAndHeldAgainstWhatComesBack) {
  S3Config config = test_config(moto_url(), make_bucket(moto_url()));
  config.write.checksum = GetParam();
  config.part_size = 5_MiB;
  const auto store = open(std::move(config));
  const Bytes large(11'000'000, 'x');
  ASSERT_TRUE(store->put("small", "some text"));
  EXPECT_EQ(store->get("small").value_or("?"), "some text");
  const Status put = store->put("large", large);
  ASSERT_TRUE(put) << put.error().describe();
  EXPECT_TRUE(store->get("large").value_or("?") == large);
}

INSTANTIATE_TEST_SUITE_P(,
                         S3Checksums,
                         ::testing::Values(Checksum::None,
                                           Checksum::Crc32,
                                           Checksum::Crc32c,
                                           Checksum::Sha1,
                                           Checksum::Sha256));

TEST(S3Store, SignedUrlsNeedNoCredentials) {
  for (const std::string& url : {moto_url(), swift_url()}) {
    S3Config config = test_config(url, make_bucket(url));
    config.write.checksum = Checksum::None;
    const auto store = open(std::move(config));
    ASSERT_TRUE(store->put("backups/a b+c/x.gz", "contents"));
    const auto link = store->signed_url("backups/a b+c/x.gz", std::chrono::minutes(10));
    ASSERT_TRUE(link);
    const auto client = net::HttpClient::open({});
    const auto answer = (*client)->send({.url = *link}, {});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "contents");
  }
}

TEST(S3Store, SignedUrlsUseThePublicUrl) {
  S3Config config{.bucket = "backups", .region = "eu-west-1", .endpoint = "http://minio:9000"};
  config.public_url = "https://minio.example.com";
  const auto link = open(std::move(config))->signed_url("k", std::chrono::minutes(10));
  ASSERT_TRUE(link);
  EXPECT_TRUE(link->starts_with("https://backups.minio.example.com/k?X-Amz-Algorithm=")) << *link;
}

TEST(S3Store, ACustomersKeyGoesWithEveryCall) {
  S3Config config = test_config(moto_url(), make_bucket(moto_url()));
  config.customer_key = Secret("0123456789abcdef0123456789abcdef");
  const auto store = open(std::move(config));
  ASSERT_TRUE(store->put("k", "x"));
  EXPECT_EQ(store->get("k").value_or("?"), "x");
  EXPECT_EQ(store->head("k")->size, 1U);
  EXPECT_EQ(store->signed_url("k", std::chrono::minutes(1)).error().code(), Code::Unsupported);
}

// A bucket that isn't there must never look like one without backups: they would be removed from
// the cluster.
TEST(S3Store, AMissingBucketIsNoEmptyBucket) {
  for (const std::string& url : {moto_url(), swift_url()}) {
    const auto store = open(test_config(url, "there-is-no-such-bucket"));
    const auto listed = store->list("backups/");
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().code(), Code::Unavailable);
    EXPECT_NE(listed.error().message().find("bucket there-is-no-such-bucket does not exist"),
              std::string::npos)
        << listed.error().message();
    EXPECT_EQ(store->get("k").error().code(), Code::Unavailable);
    EXPECT_FALSE(store->list_prefixes(""));
    EXPECT_FALSE(store->put("k", "x"));
  }
}

TEST(S3Store, AWrongKeyIsSaidSo) {
  const std::string bucket = make_bucket(swift_url());
  net::aws::Credentials wrong = test_credentials();
  wrong.secret_access_key = Secret("not it");
  wrong.source = "the credentials file";
  const auto store =
      open_s3_store(test_config(swift_url(), bucket), net::aws::fixed_credentials(wrong));
  const auto listed = (*store)->list("");
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code(), Code::Unauthenticated);
  EXPECT_EQ(listed.error().hint(),
            "The secret access key in the credentials from the credentials file is wrong.");
}

TEST(S3Store, RemovesConsolesFoldersToo) {
  S3Config config = test_config(moto_url(), make_bucket(moto_url()));
  const std::string bucket = config.bucket;
  const auto store = open(std::move(config));
  ASSERT_TRUE(ask_s3(moto_url(), "PUT", "/" + bucket + "/backups/b/")->ok());
  ASSERT_TRUE(store->put("backups/b/x", ""));
  ASSERT_TRUE(store->put("backups/c", ""));
  EXPECT_EQ(store->list("backups/")->objects.size(), 2U);
  ASSERT_TRUE(store->remove_below("backups/b/", {}));
  EXPECT_EQ(*store->list_prefixes("backups/"), std::vector<std::string>{});
  EXPECT_TRUE(store->head("backups/c"));
}

TEST(S3Store, KeysMayHoldAnyCharacter) {
  for (const std::string& url : {moto_url(), swift_url()}) {
    S3Config config = test_config(url, make_bucket(url));
    config.write.checksum = Checksum::None;
    const auto store = open(std::move(config));
    const std::vector<std::string> keys = {"a b/c+d=e&f", "a%20b", "caf\xC3\xA9/\xE2\x82\xAC",
                                           "q?x#y", "z~!@$^*()_-.,;:'[]{}"};
    for (const std::string& key : keys)
      ASSERT_TRUE(store->put(key, key)) << key;
    std::vector<std::string> found;
    const auto page = store->list("");
    ASSERT_TRUE(page) << page.error().describe();
    for (const ObjectInfo& object : page->objects)
      found.push_back(object.key);
    EXPECT_EQ(found, keys);
    for (const std::string& key : keys)
      EXPECT_EQ(store->get(key).value_or("?"), key);
    ASSERT_TRUE(store->remove_below("", {}));
    EXPECT_TRUE(store->list("")->objects.empty());
  }
}

}  // namespace
}  // namespace lateen::objects::s3
