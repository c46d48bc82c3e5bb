// Whether a bucket is set up as backups want it: verdicts on S3's own documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "objects/s3/bucket_properties.h"
#include "objects/s3/bucket_remedies.h"

namespace lateen::objects::s3 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

net::aws::XmlElement xml(std::string_view text) {
  auto parsed = net::aws::parse_xml(text);
  EXPECT_TRUE(parsed);
  return parsed ? std::move(*parsed) : net::aws::XmlElement();
}

template <typename Judge>
Verdict on(Judge judge, std::string_view text) {
  const net::aws::XmlElement document = xml(text);
  return judge(&document);
}

TEST(BucketVerdicts, VersioningMustBeEnabled) {
  EXPECT_TRUE(on(judge_versioning,
                 R"(<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
                    <Status>Enabled</Status></VersioningConfiguration>)")
                  .ok);
  EXPECT_THAT(on(judge_versioning,
                 "<VersioningConfiguration><Status>Suspended</Status>"
                 "</VersioningConfiguration>")
                  .detail,
              HasSubstr("suspended"));
  EXPECT_FALSE(on(judge_versioning, "<VersioningConfiguration/>").ok);
}

constexpr std::string_view kEncryption =
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>"
    "{}</SSEAlgorithm><KMSMasterKeyID>alias/k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>"
    "<BucketKeyEnabled>{}</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>";

TEST(BucketVerdicts, EncryptionMustBeWithAKmsKeyAndABucketKey) {
  const auto of = [](std::string_view algorithm, std::string_view bucket_key) {
    return on(judge_encryption, fmt::format(fmt::runtime(kEncryption), algorithm, bucket_key));
  };
  EXPECT_EQ(of("aws:kms", "true"), (Verdict{true, "aws:kms with alias/k and a bucket key"}));
  EXPECT_THAT(of("aws:kms", "false").detail, HasSubstr("without a bucket key"));
  EXPECT_FALSE(of("AES256", "true").ok);
  EXPECT_FALSE(judge_encryption(nullptr).ok);
}

Verdict lifecycle(std::string_view rules) {
  return on(judge_lifecycle,
            fmt::format("<LifecycleConfiguration>{}</LifecycleConfiguration>", rules));
}

TEST(BucketVerdicts, LifecycleMustCoolAndExpireOldVersions) {
  constexpr std::string_view kCold =
      "<Rule><ID>c</ID><Status>Enabled</Status><Transition><Days>30</Days>"
      "<StorageClass>GLACIER_IR</StorageClass></Transition></Rule>";
  constexpr std::string_view kOld =
      "<Rule><ID>o</ID><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>180"
      "</NoncurrentDays></NoncurrentVersionExpiration></Rule>";
  EXPECT_EQ(lifecycle(fmt::format("{}{}", kCold, kOld)),
            (Verdict{true, "GLACIER_IR after 30 days, noncurrent versions expire after 180 days"}));
  EXPECT_THAT(lifecycle(kCold).detail, HasSubstr("no expiry of noncurrent versions"));
  EXPECT_THAT(lifecycle(kOld).detail, HasSubstr("no transition to GLACIER_IR"));
  EXPECT_FALSE(judge_lifecycle(nullptr).ok);
}

TEST(BucketVerdicts, LifecycleMustNotTakeBackupsAway) {
  EXPECT_THAT(lifecycle("<Rule><ID>x</ID><Status>Enabled</Status><Transition><Days>90</Days>"
                        "<StorageClass>DEEP_ARCHIVE</StorageClass></Transition></Rule>")
                  .detail,
              HasSubstr("rule x moves objects to DEEP_ARCHIVE after 90 days"));
  EXPECT_THAT(lifecycle("<Rule><ID>x</ID><Status>Enabled</Status><Expiration><Days>365</Days>"
                        "</Expiration></Rule>")
                  .detail,
              HasSubstr("deletes current objects after 365 days"));
  EXPECT_THAT(lifecycle("<Rule><ID>x</ID><Status>Disabled</Status><Expiration><Days>365</Days>"
                        "</Expiration></Rule>")
                  .detail,
              Not(HasSubstr("deletes")));
}

TEST(BucketVerdicts, ThePolicyMustDenyPlainHttpToAll) {
  const auto of = [](std::string_view statement) {
    const Json policy = parse_json(fmt::format(R"({{"Statement":{}}})", statement)).value();
    return judge_transport_policy(&policy, "b").ok;
  };
  EXPECT_TRUE(of(R"([{"Sid":"D","Effect":"Deny","Principal":"*","Action":"s3:*",
    "Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}])"));
  EXPECT_TRUE(of(R"({"Effect":"Deny","Principal":{"AWS":"*"},"Action":["s3:*"],
    "Resource":"arn:aws-cn:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":false}}})"));
  EXPECT_FALSE(of(R"([{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*",
    "Condition":{"Bool":{"aws:SecureTransport":"false"}}}])"));
  EXPECT_FALSE(
      of(R"([{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other/*",
    "Condition":{"Bool":{"aws:SecureTransport":"false"}}}])"));
  EXPECT_FALSE(of(R"([{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}])"));
  EXPECT_FALSE(judge_transport_policy(nullptr, "b").ok);
}

TEST(BucketVerdicts, PublicAccessMustBeBlockedInAllFourWays) {
  constexpr std::string_view kBlock =
      "<PublicAccessBlockConfiguration><BlockPublicAcls>true</"
      "BlockPublicAcls><IgnorePublicAcls>true"
      "</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>{}"
      "</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
  EXPECT_TRUE(on(judge_public_access, fmt::format(kBlock, "true")).ok);
  EXPECT_EQ(on(judge_public_access, fmt::format(kBlock, "false")),
            (Verdict{false, "blocked but for RestrictPublicBuckets"}));
  EXPECT_EQ(judge_public_access(nullptr), (Verdict{false, "not blocked"}));
}

TEST(BucketVerdicts, ReplicationMustBeEnabled) {
  constexpr std::string_view kRule =
      "<ReplicationConfiguration><Rule><Status>{}</Status><Destination><Bucket>arn:aws:s3:::peer"
      "</Bucket></Destination></Rule></ReplicationConfiguration>";
  EXPECT_EQ(on(judge_replication, fmt::format(kRule, "Enabled")),
            (Verdict{true, "to arn:aws:s3:::peer"}));
  EXPECT_FALSE(on(judge_replication, fmt::format(kRule, "Disabled")).ok);
  EXPECT_FALSE(judge_replication(nullptr).ok);
}

TEST(BucketRemedies, NameTheBucketAndWhatIsToBeFilledIn) {
  for (const std::string_view property :
       {"versioning", "encryption", "lifecycle", "secure-transport", "public-access-block",
        "replication"}) {
    const Remedy remedy = remedy_for(property, {.bucket = "my-backups"});
    EXPECT_THAT(remedy.terraform, HasSubstr("bucket")) << property;
    EXPECT_THAT(remedy.terraform, HasSubstr("my-backups")) << property;
    EXPECT_THAT(remedy.aws_cli, HasSubstr("--bucket my-backups")) << property;
    EXPECT_THAT(remedy.terraform + remedy.aws_cli, Not(HasSubstr("@"))) << property;
  }
  EXPECT_THAT(remedy_for("encryption", {.bucket = "b", .kms_key_id = "alias/k"}).aws_cli,
              HasSubstr("alias/k"));
  EXPECT_EQ(remedy_for("other", {.bucket = "b"}).terraform, "");
}

}  // namespace
}  // namespace lateen::objects::s3
