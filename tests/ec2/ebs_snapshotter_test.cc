// The EBS snapshotter on moto's EC2: what it makes there is looked at through EC2's own calls.
#include "volumes/ebs/ebs_snapshotter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "s3/servers.h"
#include "voyages/testing/aws_gate.h"

namespace lateen::volumes::ebs {
namespace {

using objects::s3::moto_url;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr const char* kHere = "eu-west-1";
constexpr const char* kThere = "us-east-1";

std::optional<std::string> surroundings(const std::string& name) {
  if (name == "AWS_ENDPOINT_URL") return moto_url();
  if (name == "AWS_ACCESS_KEY_ID" || name == "AWS_SECRET_ACCESS_KEY") return "test";
  return std::nullopt;
}

class EbsSnapshotterTest : public ::testing::Test {
 protected:
  static std::unique_ptr<VolumeSnapshotter> open(model::StringMap config = {}) {
    config.emplace("region", kHere);
    auto snapshotter =
        open_ebs({.provider = "aws", .config = std::move(config)},
                 {.environment = surroundings, .poll = std::chrono::milliseconds(50)});
    EXPECT_TRUE(snapshotter) << (snapshotter ? "" : snapshotter.error().describe());
    return snapshotter ? std::move(*snapshotter) : nullptr;
  }

  static std::unique_ptr<Ec2Api> ec2_in(const std::string& region) {
    static const auto credentials =
        net::aws::fixed_credentials({.access_key_id = "test", .secret_access_key = Secret("test")});
    static SystemRng rng;
    return Ec2Api::open({.region = region, .environment = surroundings}, *credentials, rng).value();
  }

  // moto makes volumes of snapshots as EC2 does; the first one comes out of nothing.
  static Ec2Volume make_volume(const std::string& region = kHere) {
    net::QueryValues values{{"AvailabilityZone", region + "b"},
                            {"Size", "8"},
                            {"VolumeType", "gp3"},
                            {"Iops", "4000"},
                            {"Throughput", "250"},
                            {"Encrypted", "true"}};
    add_tag_specification(values, "volume", {{"Name", "db"}, {"team", "shop"}});
    const auto credentials =
        net::aws::fixed_credentials({.access_key_id = "test", .secret_access_key = Secret("test")});
    const auto service = net::aws::Service::open(
        {.service = "ec2", .region = region, .api_version = "2016-11-15", .endpoint = moto_url()},
        credentials.get());
    const auto answer = (*service)->call("CreateVolume", values, {});
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().describe());
    return read_volume(*answer).value();
  }

  static std::string snapshot(VolumeSnapshotter& snapshotter, const std::string& volume) {
    const auto id = snapshotter.create_snapshot(
        volume, "eu-west-1b", {{"velero.io/backup", "b1"}, {"velero.io/pv", "pv-1"}}, {});
    EXPECT_TRUE(id) << (id ? "" : id.error().describe());
    return id ? *id : std::string();
  }
};

TEST_F(EbsSnapshotterTest, TagsASnapshotAsVelerosPluginDoes) {
  const auto snapshotter = open();
  const Ec2Snapshot made =
      ec2_in(kHere)->snapshot(snapshot(*snapshotter, make_volume().id), {}).value();
  EXPECT_THAT(made.tags,
              UnorderedElementsAre(Pair("velero.io/backup", "b1"), Pair("velero.io/pv", "pv-1"),
                                   Pair("Name", "db"), Pair("team", "shop")));
  EXPECT_EQ(made.description, "Backup b1, PersistentVolume pv-1");
}

TEST_F(EbsSnapshotterTest, TagsItsOwnAndNothingElse) {
  const auto snapshotter = open({{"tagProfile", "owned"}});
  const Ec2Snapshot made =
      ec2_in(kHere)->snapshot(snapshot(*snapshotter, make_volume().id), {}).value();
  EXPECT_THAT(made.tags, UnorderedElementsAre(Pair("velero.io/backup", "true"),
                                              Pair("velero.io/backup-name", "b1")));
}

TEST_F(EbsSnapshotterTest, KeepsWhatTheVolumeWas) {
  const auto snapshotter = open();
  const Ec2Volume old = make_volume();
  const StoredVolumeInfo info = snapshotter->volume_info(old.id, old.az, {}).value();
  EXPECT_EQ(info, (StoredVolumeInfo{.type = "gp3", .iops = 4000, .throughput = 250}));
  const auto id = snapshotter->create_volume_from_snapshot(
      {.snapshot_id = snapshot(*snapshotter, old.id), .az = old.az, .info = info}, {});
  ASSERT_TRUE(id) << id.error().describe();
  const Ec2Volume restored = ec2_in(kHere)->volume(*id, {}).value();
  EXPECT_EQ(restored.az, old.az);
  EXPECT_EQ(restored.type, "gp3");
  EXPECT_EQ(restored.iops, 4000);
  EXPECT_EQ(restored.throughput, 250);
  EXPECT_EQ(restored.size_gib, 8);
  EXPECT_TRUE(restored.encrypted);
  EXPECT_THAT(restored.tags, IsSupersetOf({Pair("Name", "db"), Pair("velero.io/backup", "b1")}));
  EXPECT_TRUE(snapshotter->delete_volume(*id, {}));
  EXPECT_TRUE(snapshotter->delete_volume(*id, {}));
}

TEST_F(EbsSnapshotterTest, DeletesASnapshotOnceAndForeignOnesNever) {
  const auto snapshotter = open();
  const Ec2Volume volume = make_volume();
  const std::string ours = snapshot(*snapshotter, volume.id);
  EXPECT_TRUE(snapshotter->delete_snapshot(ours, {}));
  EXPECT_TRUE(ec2_in(kHere)->snapshot(ours, {}).error().is(Code::NotFound));
  EXPECT_TRUE(snapshotter->delete_snapshot(ours, {}));
  const auto foreign = ec2_in(kHere)->create_snapshot({.volume_id = volume.id}, {});
  ASSERT_TRUE(foreign);
  const Status refused = snapshotter->delete_snapshot(foreign->id, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("no backup made it"));
  EXPECT_TRUE(ec2_in(kHere)->snapshot(foreign->id, {}));
}

// The server died before it heard, or could note, which snapshot was made.
TEST_F(EbsSnapshotterTest, FindsWhatACallHasMadeWhoseAnswerWasLost) {
  const auto snapshotter = open();
  const Ec2Volume volume = make_volume();
  const TimePoint since = SystemClock().now() - std::chrono::minutes(5);
  const std::string lost = snapshot(*snapshotter, volume.id);
  snapshot(*snapshotter, make_volume().id);
  const model::StringMap tags = {{"velero.io/backup", "b1"}, {"velero.io/pv", "pv-1"}};
  EXPECT_THAT(snapshotter->find_snapshots(volume.id, tags, since, {}).value(), ElementsAre(lost));
  EXPECT_THAT(
      snapshotter->find_snapshots(volume.id, tags, since + std::chrono::hours(1), {}).value(),
      IsEmpty());
  const model::StringMap others = {{"velero.io/backup", "b2"}, {"velero.io/pv", "pv-1"}};
  EXPECT_THAT(snapshotter->find_snapshots(volume.id, others, since, {}).value(), IsEmpty());
}

TEST_F(EbsSnapshotterTest, SaysWhereASnapshotOfAnotherRegionIs) {
  const Ec2Volume there = make_volume(kThere);
  const auto snapshotter_there = open({{"region", kThere}});
  const std::string id = snapshot(*snapshotter_there, there.id);
  const VolumeRequest request{.snapshot_id = id, .az = there.az, .info = {.type = "gp3"}};
  const auto refused = open()->create_volume_from_snapshot(request, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(),
              HasSubstr("is not in eu-west-1: its volume was in us-east-1b"));
  EXPECT_THAT(refused.error().hint(), HasSubstr("config.copySnapshots=true"));
}

TEST_F(EbsSnapshotterTest, FetchesASnapshotOfAnotherRegionAndDropsTheCopy) {
  const Ec2Volume there = make_volume(kThere);
  const std::string id = snapshot(*open({{"region", kThere}}), there.id);
  const VolumeRequest request{.snapshot_id = id, .az = there.az, .info = {.type = "gp3"}};
  const auto snapshotter = open({{"copySnapshots", "true"}});
  const std::size_t before = ec2_in(kHere)->snapshots({}, {})->size();
  const auto made = snapshotter->create_volume_from_snapshot(request, {});
  ASSERT_TRUE(made) << made.error().describe();
  const Ec2Volume volume = ec2_in(kHere)->volume(*made, {}).value();
  EXPECT_EQ(volume.az, "eu-west-1b");
  EXPECT_EQ(volume.size_gib, 8);
  EXPECT_EQ(ec2_in(kHere)->snapshots({}, {})->size(), before);
  const auto moved = snapshotter->set_volume_id(
      parse_yaml("metadata: {labels: {topology.kubernetes.io/zone: us-east-1b}}\n"
                 "spec: {csi: {driver: ebs.csi.aws.com, volumeHandle: vol-old}}")
          .value(),
      *made);
  ASSERT_TRUE(moved);
  EXPECT_THAT(write_json(*moved), HasSubstr("eu-west-1b"));
  EXPECT_EQ(string_at(*moved, "spec.csi.volumeHandle"), *made);
}

TEST_F(EbsSnapshotterTest, MarksWhatTheCsiDriverTookWhereItIsToldTo) {
  const auto taken = ec2_in(kHere)->create_snapshot({.volume_id = make_volume().id}, {});
  ASSERT_TRUE(taken);
  const Json content = JsonObject{{"spec", JsonObject{{"driver", kCsiDriver}}},
                                  {"status", JsonObject{{"snapshotHandle", taken->id}}}};
  const Tags tags{{"velero.io/backup", "b1"}, {"velero.io/pv", "pv-1"}};
  EXPECT_TRUE(open()->mark_csi_snapshot(content, tags, {}));
  EXPECT_TRUE(ec2_in(kHere)->snapshot(taken->id, {})->tags.empty());
  EXPECT_TRUE(open({{"tagProfile", "owned"}})->mark_csi_snapshot(content, tags, {}));
  EXPECT_THAT(
      ec2_in(kHere)->snapshot(taken->id, {})->tags,
      UnorderedElementsAre(Pair("velero.io/backup", "true"), Pair("velero.io/backup-name", "b1")));
}

// The driver's role has tagged it: ours need not have the right to.
TEST_F(EbsSnapshotterTest, LeavesACsiSnapshotAsItIsThatMayNotBeMarkedButIs) {
  const auto gate = voyages::AwsGate::start();
  ASSERT_NE(gate, nullptr);
  gate->control("configure", *parse_json(R"({"users": {"test": {"secret": "test", "policies": [{
    "Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}]}}})"));
  const auto taken = [&](std::string_view tags) {
    const std::string volume = voyages::AwsGate::element(
        gate->ec2("Action=CreateVolume&AvailabilityZone=eu-west-1b&Size=1"), "volumeId");
    return voyages::AwsGate::element(
        gate->ec2(fmt::format("Action=CreateSnapshot&VolumeId={}{}", volume, tags)), "snapshotId");
  };
  const auto snapshotter =
      open_ebs({.provider = "aws", .config = {{"region", kHere}, {"tagProfile", "owned"}}},
               {.environment = [&](const std::string& name) -> std::optional<std::string> {
                 return name == "AWS_ENDPOINT_URL" ? gate->url() : surroundings(name);
               }});
  ASSERT_TRUE(snapshotter);
  const auto mark = [&](const std::string& id) {
    const Json content = JsonObject{{"spec", JsonObject{{"driver", kCsiDriver}}},
                                    {"status", JsonObject{{"snapshotHandle", id}}}};
    return (*snapshotter)->mark_csi_snapshot(content, {{"velero.io/backup", "b1"}}, {});
  };
  const Status marked =
      mark(taken("&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key="
                 "velero.io/backup&TagSpecification.1.Tag.1.Value=true"));
  EXPECT_TRUE(marked) << marked.error().describe();
  const Status bare = mark(taken(""));
  ASSERT_FALSE(bare);
  EXPECT_THAT(bare.error().message(), HasSubstr("ec2:CreateTags"));
}

TEST_F(EbsSnapshotterTest, ExplainsAVolumeThatIsNotThere) {
  const auto failed = open()->create_snapshot("vol-0123456789abcdef0", "eu-west-1b", {}, {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::NotFound);
  EXPECT_THAT(failed.error().message(), StartsWith("looking at volume vol-0123456789abcdef0: "));
  EXPECT_THAT(failed.error().hint(), HasSubstr("config.region"));
}

}  // namespace
}  // namespace lateen::volumes::ebs
