#include "objects/s3/config.h"

#include <gtest/gtest.h>

#include "base/temp.h"
#include "objects/s3/address.h"
#include "objects/s3/checksum.h"
#include "objects/s3/listing.h"
#include "objects/s3/upload.h"

namespace lateen::objects::s3 {
namespace {

Result<S3Config> config_of(model::StringMap config) {
  return S3Config::from({.provider = "aws", .bucket = "b", .config = std::move(config)});
}

std::string refusal_of(model::StringMap config) {
  const auto parsed = config_of(std::move(config));
  return parsed ? "taken" : parsed.error().message();
}

TEST(S3Config, TakesEveryKeyOfVelerosPlugin) {
  const auto config = config_of({{"region", "eu-west-1"},
                                 {"s3Url", "https://minio.local:9000"},
                                 {"publicUrl", "https://minio.example.com"},
                                 {"kmsKeyId", "alias/velero"},
                                 {"s3ForcePathStyle", "true"},
                                 {"signatureVersion", "4"},
                                 {"credentialsFile", "/credentials/cloud"},
                                 {"profile", "ops"},
                                 {"serverSideEncryption", "AES256"},
                                 {"insecureSkipTLSVerify", "true"},
                                 {"enableSharedConfig", "true"},
                                 {"tagging", "a=b&c=d%20e"},
                                 {"checksumAlgorithm", ""}});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->region, "eu-west-1");
  EXPECT_EQ(config->endpoint, "https://minio.local:9000");
  EXPECT_EQ(config->public_url, "https://minio.example.com");
  EXPECT_TRUE(config->force_path_style);
  EXPECT_EQ(config->profile, "ops");
  EXPECT_EQ(config->credentials_file, "/credentials/cloud");
  EXPECT_EQ(config->write.kms_key_id, "alias/velero");
  EXPECT_EQ(config->write.server_side_encryption, "aws:kms");
  EXPECT_EQ(config->write.tagging, "a=b&c=d%20e");
  EXPECT_EQ(config->write.checksum, Checksum::None);
  EXPECT_TRUE(config->tls.insecure_skip_verify);
  EXPECT_EQ(config_of({})->write.checksum, Checksum::Crc32);
}

TEST(S3Config, RefusesWhatThePluginRefuses) {
  EXPECT_TRUE(refusal_of({{"Region", "x"}, {"bukket", "y"}})
                  .starts_with("config has invalid keys [Region bukket]; valid keys are [region "
                               "s3Url publicUrl "));
  EXPECT_TRUE(refusal_of({{"s3ForcePathStyle", "yes"}})
                  .starts_with("could not parse s3ForcePathStyle (expected bool)"));
  EXPECT_EQ(refusal_of({{"s3Url", "minio:9000"}}),
            "config.s3Url: Invalid s3 url (invalid URL), URL must start with http:// or https://");
  EXPECT_EQ(refusal_of({{"checksumAlgorithm", "MD5"}}), "invalid checksum algorithm: MD5");
  EXPECT_EQ(refusal_of({{"kmsKeyId", "k"}, {"customerKeyEncryptionFile", "/x"}}),
            "you can only use one of: kmsKeyId, customerKeyEncryptionFile, or "
            "customerKeyEncryptionSecret");
  EXPECT_EQ(refusal_of({{"customerKeyEncryptionSecret", "s/k"}}),
            "customer key from secret s/k must be exactly 32 bytes, got 0 bytes");
  EXPECT_EQ(refusal_of({{"tagging", "a"}}), "config.tagging: \"a\" is not KEY=VALUE");
  EXPECT_EQ(refusal_of({{"tagging", "1=&2=&3=&4=&5=&6=&7=&8=&9=&10=&11="}}),
            "config.tagging: S3 allows only ten tags for an object");
  EXPECT_EQ(refusal_of({{"objectLockMode", "GOVERNANCE"}}),
            "objectLockMode and objectLockRetention go together");
  EXPECT_EQ(refusal_of({{"partSize", "1"}}),
            "config.partSize: 1 is not between 5242880 and "
            "1073741824");
  EXPECT_EQ(S3Config::from({.provider = "aws"}).error().message(),
            "objectStorage.bucket must be set");
}

TEST(S3Config, ACustomersKeyIsThirtyTwoBytes) {
  const auto dir = TempDir::create();
  const FilePath file = dir->path() / "key";
  ASSERT_TRUE(write_file(file, "0123456789abcdef0123456789abcdef\n"));
  const auto config = config_of({{"customerKeyEncryptionFile", file.native()}});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->customer_key.reveal().size(), 32U);
  ASSERT_TRUE(write_file(file, "short"));
  EXPECT_NE(refusal_of({{"customerKeyEncryptionFile", file.native()}}).find("not exactly 32 bytes"),
            std::string::npos);
}

std::string url_of(std::string bucket, std::string endpoint, std::string region, bool path_style) {
  const auto address = address_of({.bucket = std::move(bucket),
                                   .endpoint = std::move(endpoint),
                                   .region = std::move(region),
                                   .force_path_style = path_style},
                                  [](const std::string&) { return std::nullopt; });
  return address ? address->url_of("a b/c+d").format() : address.error().message();
}

TEST(S3Address, BucketsStandBeforeTheHostOrInThePath) {
  EXPECT_EQ(url_of("bucket", "", "eu-west-1", false),
            "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/c%2Bd");
  EXPECT_EQ(url_of("bucket", "", "eu-west-1", true),
            "https://s3.eu-west-1.amazonaws.com/bucket/a%20b/c%2Bd");
  EXPECT_EQ(url_of("my.bucket", "", "cn-north-1", false),
            "https://s3.cn-north-1.amazonaws.com.cn/my.bucket/a%20b/c%2Bd");
  EXPECT_EQ(url_of("bucket", "http://minio:9000/", "x", false),
            "http://bucket.minio:9000/a%20b/c%2Bd");
  EXPECT_EQ(url_of("bucket", "http://10.0.0.1:9000", "x", false),
            "http://10.0.0.1:9000/bucket/a%20b/c%2Bd");
  EXPECT_EQ(url_of("bucket", "https://gateway/s3/", "x", true),
            "https://gateway/s3/bucket/a%20b/c%2Bd");
}

TEST(S3Listing, DecodesWhatTheDocumentSaysIsEncoded) {
  const auto listing = parse_listing(
      "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>t%2B</NextContinuationToken><Contents><Key>a+b%2Bc</Key>"
      "<LastModified>2026-11-22T10:09:21.000Z</LastModified><Size>7</Size></Contents>"
      "<CommonPrefixes><Prefix>d+e/</Prefix></CommonPrefixes></ListBucketResult>");
  ASSERT_TRUE(listing) << listing.error().message();
  EXPECT_EQ(listing->objects.at(0).key, "a b+c");
  EXPECT_EQ(listing->objects.at(0).size, 7U);
  EXPECT_EQ(listing->prefixes.at(0), "d e/");
  EXPECT_EQ(listing->continuation, "t%2B");
  EXPECT_TRUE(listing->truncated);
  EXPECT_FALSE(parse_listing("<html/>"));
  EXPECT_FALSE(
      parse_listing("<ListBucketResult><Contents><Key>a</Key><Size>-1</Size>"
                    "<LastModified>2026-11-22T10:09:21Z</LastModified></Contents>"
                    "</ListBucketResult>"));
}

// The check values of "123456789", as S3 writes them.
TEST(S3Checksum, AreBase64OfTheBytesInNetworkOrder) {
  EXPECT_EQ(checksum_base64(Checksum::Crc32, "123456789"), "y/Q5Jg==");
  EXPECT_EQ(checksum_base64(Checksum::Crc32c, "123456789"), "4waSgw==");
  EXPECT_EQ(checksum_base64(Checksum::Crc64Nvme, "123456789"), "rosUhgp5mIg=");
  EXPECT_EQ(checksum_base64(Checksum::Sha1, ""), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
  EXPECT_EQ(checksum_base64(Checksum::None, "x"), "");
}

TEST(S3Upload, TenThousandPartsHoldFiveTebibytes) {
  ByteCount total = 0;
  for (std::size_t part = 1; part <= 10'000; ++part) {
    const ByteCount size = part_size_of(part, 8_MiB);
    ASSERT_GE(size, 5_MiB);
    ASSERT_LE(size, 5_GiB);
    total += size;
  }
  EXPECT_GE(total, 5 * 1024_GiB);
  EXPECT_EQ(part_size_of(1000, 8_MiB), 8_MiB);
}

}  // namespace
}  // namespace lateen::objects::s3
