// What EC2 is asked and answers: requests by its API reference, answers as moto gives them
// (testdata/ec2).
#include "volumes/ebs/ec2_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "net/aws/service.h"
#include "volumes/ebs/ec2_faults.h"

namespace lateen::volumes::ebs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

Bytes recorded(const std::string& name) {
  auto bytes = read_file(FilePath(LATEEN_TESTDATA) / "ec2" / name);
  EXPECT_TRUE(bytes) << name;
  return bytes ? std::move(*bytes) : Bytes();
}

net::aws::XmlElement document(const std::string& name) {
  auto root = net::aws::parse_xml(recorded(name));
  EXPECT_TRUE(root) << name;
  return root ? std::move(*root) : net::aws::XmlElement();
}

net::aws::ServiceFault fault(const std::string& name, int status) {
  net::HttpResponse response;
  response.status = status;
  response.body = recorded(name);
  return net::aws::read_fault(response);
}

TEST(Ec2Requests, TagASnapshotInItsCreation) {
  const auto values = parameters_of(CreateSnapshotRequest{
      .volume_id = "vol-1", .description = "d", .tags = {{"a", "1"}, {"b", "2"}}});
  EXPECT_THAT(values.pairs(), ElementsAre(Pair("VolumeId", "vol-1"), Pair("Description", "d"),
                                          Pair("TagSpecification.1.ResourceType", "snapshot"),
                                          Pair("TagSpecification.1.Tag.1.Key", "a"),
                                          Pair("TagSpecification.1.Tag.1.Value", "1"),
                                          Pair("TagSpecification.1.Tag.2.Key", "b"),
                                          Pair("TagSpecification.1.Tag.2.Value", "2")));
}

TEST(Ec2Requests, KeepWhatAVolumeIs) {
  const auto values = parameters_of(CreateVolumeRequest{.snapshot_id = "snap-1",
                                                        .az = "eu-west-1b",
                                                        .type = "gp3",
                                                        .iops = 4000,
                                                        .throughput = 250,
                                                        .encrypted = true,
                                                        .kms_key_id = "alias/k",
                                                        .client_token = "t"});
  EXPECT_THAT(values.pairs(),
              ElementsAre(Pair("SnapshotId", "snap-1"), Pair("AvailabilityZone", "eu-west-1b"),
                          Pair("VolumeType", "gp3"), Pair("Iops", "4000"),
                          Pair("Throughput", "250"), Pair("Encrypted", "true"),
                          Pair("KmsKeyId", "alias/k"), Pair("ClientToken", "t")));
}

TEST(Ec2Answers, TellAVolumeWithItsTags) {
  const auto volumes = read_volumes(document("describe-volumes.xml"));
  ASSERT_TRUE(volumes);
  ASSERT_EQ(volumes->size(), 1U);
  const Ec2Volume& volume = volumes->front();
  EXPECT_EQ(volume.id, "vol-e6a29d7547d2145d0");
  EXPECT_EQ(volume.az, "eu-west-1a");
  EXPECT_EQ(volume.type, "gp3");
  EXPECT_EQ(volume.iops, 4000);
  EXPECT_EQ(volume.throughput, 250);
  EXPECT_TRUE(volume.encrypted);
  EXPECT_EQ(volume.size_gib, 10);
  EXPECT_THAT(volume.tags, ElementsAre(Pair("Name", "db & <data>"), Pair("team", "shop")));
  const auto created = read_volume(document("create-volume.xml"));
  ASSERT_TRUE(created);
  EXPECT_EQ(created->id, volume.id);
}

TEST(Ec2Answers, TellASnapshotWithItsProgress) {
  std::string next = "?";
  const auto snapshots = read_snapshots(document("describe-snapshots.xml"), next);
  ASSERT_TRUE(snapshots);
  ASSERT_EQ(snapshots->size(), 1U);
  EXPECT_EQ(snapshots->front().id, "snap-c4a5e71478e6c0b87");
  EXPECT_EQ(snapshots->front().state, "completed");
  EXPECT_EQ(snapshots->front().progress, "100%");
  EXPECT_TRUE(snapshots->front().encrypted);
  EXPECT_EQ(snapshots->front().tags.at("velero.io/backup"), "b1");
  EXPECT_EQ(next, "");
  const auto created = read_snapshot(document("create-snapshot.xml"));
  ASSERT_TRUE(created);
  EXPECT_EQ(created->id, snapshots->front().id);
}

TEST(Ec2Answers, WithoutAnIdAreRefused) {
  EXPECT_FALSE(read_volume(document("describe-volumes.xml")));
  EXPECT_FALSE(read_snapshot(net::aws::XmlElement()));
}

TEST(Ec2Faults, NameTheMissingPermissionAndHowItsReasonIsRead) {
  const auto said = fault("unauthorized.xml", 403);
  const Error error = explain(net::aws::error_of_fault(said, "x"), said, "CreateSnapshot");
  EXPECT_EQ(error.code(), Code::Forbidden);
  EXPECT_THAT(error.message(), HasSubstr("not authorized to perform: ec2:CreateTags"));
  EXPECT_THAT(error.message(), Not(HasSubstr("4GIOHl")));
  EXPECT_THAT(error.hint(), HasSubstr("may not do ec2:CreateTags"));
  EXPECT_THAT(error.hint(), HasSubstr("decode-authorization-message"));
  EXPECT_THAT(error.hint(), HasSubstr("--encoded-message 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abc_def"));
}

TEST(Ec2Faults, SayWhereASnapshotIsLookedFor) {
  const auto said = fault("snapshot-not-found.xml", 400);
  const Error error = explain(net::aws::error_of_fault(said, "x"), said, "DescribeSnapshots");
  EXPECT_EQ(error.code(), Code::NotFound);
  EXPECT_THAT(error.hint(), HasSubstr("config.region"));
}

struct MeaningCase {
  const char* name;
  const char* code;
  Code kind;
  bool retryable;
  const char* hint;
};

class Ec2FaultMeaning : public ::testing::TestWithParam<MeaningCase> {};

TEST_P(Ec2FaultMeaning, IsExplained) {
  const net::aws::ServiceFault said{.status = 400, .code = GetParam().code, .message = "m"};
  const Error error = explain(net::aws::error_of_fault(said, "x"), said, "CreateSnapshot");
  EXPECT_EQ(error.code(), GetParam().kind);
  EXPECT_EQ(error.retryable(), GetParam().retryable);
  EXPECT_THAT(error.hint(), HasSubstr(GetParam().hint));
}

INSTANTIATE_TEST_SUITE_P(
    ,
    Ec2FaultMeaning,
    ::testing::Values(
        MeaningCase{"Quota", "SnapshotLimitExceeded", Code::TooManyRequests, false, "quota"},
        MeaningCase{"Pending", "ConcurrentSnapshotLimitExceeded", Code::TooManyRequests, true,
                    "pending"},
        MeaningCase{"Throttled", "RequestLimitExceeded", Code::TooManyRequests, true, "throttles"},
        MeaningCase{"Image", "InvalidSnapshot.InUse", Code::Conflict, true, "AMI"},
        MeaningCase{"Zone", "InvalidZone.NotFound", Code::InvalidArgument, false,
                    "config.availabilityZone"}),
    [](const ::testing::TestParamInfo<MeaningCase>& one) { return one.param.name; });

}  // namespace
}  // namespace lateen::volumes::ebs
