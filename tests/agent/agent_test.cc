#include <latch>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/pod_volume_restores.h"
#include "agent/settings.h"
#include "agent/settings_source.h"
#include "agent/work_board.h"
#include "base/temp.h"
#include "base/testing/fake_clock.h"
#include "base/time.h"
#include "kube/testing/fake_api.h"
#include "volumes/node_agent.h"

namespace lateen::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json config_map(std::string_view json) {
  return JsonObject{{"metadata", JsonObject{{"namespace", "velero"}, {"name", "settings"}}},
                    {"data", JsonObject{{"node-agent-config.json", json}}}};
}

TEST(AgentSettings, TheLeastNumberThatMatchesANodeCounts) {
  const auto settings = AgentSettings::parse(config_map(R"({
    "loadConcurrency": {"globalConfig": 2, "perNodeConfig": [
      {"nodeSelector": {"matchLabels": {"disk": "slow"}}, "number": 3},
      {"nodeSelector": {"matchLabels": {"zone": "a"}}, "number": 5}]}})"));
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->concurrency({}), 2U);
  EXPECT_EQ(settings->concurrency({{"zone", "a"}}), 5U);
  EXPECT_EQ(settings->concurrency({{"zone", "a"}, {"disk", "slow"}}), 3U);
}

TEST(AgentSettings, WithoutAWordOneVolumeIsCopiedAtATime) {
  const auto settings = AgentSettings::parse(config_map("{}"));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->concurrency({{"zone", "a"}}), 1U);
}

TEST(AgentSettings, SaysWhatIsWrongAndWhatHasNoEffect) {
  const auto wrong = AgentSettings::parse(config_map(R"({"loadConcurrency":{"globalConfig":0}})"));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("globalConfig is 0: it must be at least 1"));
  EXPECT_FALSE(AgentSettings::parse(config_map("no json")));
  const auto idle = AgentSettings::parse(config_map(R"({"privilegedFsBackup":true})"));
  ASSERT_TRUE(idle);
  ASSERT_EQ(idle->idle.size(), 1U);
  EXPECT_EQ(idle->idle.front().key, "privilegedFsBackup");
  EXPECT_THAT(idle->idle.front().why, HasSubstr("--privileged-node-agent"));
  const auto asked_for_nothing =
      AgentSettings::parse(config_map(R"({"privilegedFsBackup":false})"));
  ASSERT_TRUE(asked_for_nothing);
  EXPECT_TRUE(asked_for_nothing->idle.empty());
}

// The sizes are Velero's: 120 % of the limit, in whole GiB.
TEST(AgentSettings, ALargeVolumesRestoreHasAVolumeForItsCache) {
  const auto settings = AgentSettings::parse(
      config_map(R"({"cachePVC":{"storageClass":"scratch","residentThresholdInMB":1024}})"));
  ASSERT_TRUE(settings) << settings.error().message();
  ASSERT_TRUE(settings->cache_claim);
  CacheClaimSettings claim = *settings->cache_claim;
  EXPECT_EQ(claim.size_for(1_GiB - 1), 0U);
  EXPECT_EQ(claim.size_for(1_GiB), 6_GiB);
  EXPECT_EQ(claim.size_for(0), 6_GiB) << "nobody knows how much there is";
  claim.limit = 1000_MiB;
  EXPECT_EQ(claim.size_for(0), 2_GiB);
  const auto without_class = AgentSettings::parse(config_map(R"({"cachePVC":{}})"));
  ASSERT_TRUE(without_class);
  EXPECT_FALSE(without_class->cache_claim);
  EXPECT_EQ(without_class->idle.front().key, "cachePVC");
}

TEST(AgentSettings, TheCacheIsAsLargeAsTheRepositoriesConfigMapSays) {
  const auto size = [](int answer, std::string_view given) {
    kube::FakeApi api;
    api.answer("GET /apis/storage.k8s.io/v1/storageclasses/scratch", answer, "{}");
    api.answer("GET /api/v1/namespaces/velero/configmaps/repositories", 200,
               write_json(JsonObject{{"data", JsonObject{{"kopia", given}}}}));
    const auto client = api.client();
    AgentSettings settings{.cache_claim = CacheClaimSettings{.storage_class = "scratch"}};
    AgentConfig config;
    config.repository_configmap = "repositories";
    const Status done = complete_cache_claim(*client, config, settings, Log(), {});
    EXPECT_TRUE(done) << done.error().describe();
    return settings.cache_claim ? settings.cache_claim->limit : 0;
  };
  EXPECT_EQ(size(200, R"({"cacheLimitMB": 800})"), 800_MiB);
  EXPECT_EQ(size(200, "{}"), 5000_MiB);
  EXPECT_EQ(size(404, "{}"), 0U) << "no claim of a class that is not there";
}

TEST(AgentSettings, PodResourcesAreTheContainersAndZeroIsNoBound) {
  const auto settings = AgentSettings::parse(
      config_map(R"({"podResources":{"cpuRequest":"500m","cpuLimit":"0","memoryLimit":"1Gi"}})"));
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(write_json(settings->pod_resources),
            R"({"limits":{"memory":"1Gi"},"requests":{"cpu":"500m"}})");
  const auto wrong = AgentSettings::parse(config_map(R"({"podResources":{"cpuLimit":"much"}})"));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("podResources: cpuLimit"));
}

TEST(WorkBoard, DoesNoMoreAtOnceThanItMay) {
  std::latch end(1);
  WorkBoard board(1);
  ASSERT_TRUE(board.start("a", [&end](std::stop_token) { end.wait(); }));
  EXPECT_TRUE(board.has("a"));
  EXPECT_FALSE(board.start("a", [](std::stop_token) {})) << "it is done already";
  EXPECT_FALSE(board.start("b", [](std::stop_token) {})) << "there is no place";
  end.count_down();
}

TEST(WorkBoard, WorkThatIsStoppedHearsItAndItsPlaceIsFree) {
  std::latch ended(1);
  WorkBoard board(1);
  board.on_end([&ended] { ended.count_down(); });
  ASSERT_TRUE(board.start(
      "a", [](std::stop_token stop) { sleep_unless_stopped(std::chrono::seconds(30), stop); }));
  board.stop("a");
  ended.wait();
  EXPECT_FALSE(board.has("a"));
}

TEST(DoneMark, IsWhereTheWaitingContainerLooks) {
  const TempDir volume = TempDir::create("done-mark").value();
  ASSERT_TRUE(put_done_mark(volume.path(), "1b4e28ba"));
  EXPECT_TRUE(path_exists(volume.path() / ".velero/1b4e28ba"));
  ASSERT_TRUE(put_done_mark(volume.path(), "6ba7b810"));
  EXPECT_FALSE(path_exists(volume.path() / ".velero/1b4e28ba")) << "of a former restore";
}

// The pod of a DaemonSet runs for ever on a node that is dead, as far as anybody can tell.
TEST(LostAgent, IsOneWhoseLeaseHasRunOut) {
  const auto is_lost = [](std::string_view holder, int seconds_ago) {
    kube::FakeApi api;
    const FakeClock clock;
    const TimePoint renewed = clock.now() - std::chrono::seconds(seconds_ago);
    api.answer("GET /apis/coordination.k8s.io/v1/namespaces/velero/leases/node-agent-n1", 200,
               fmt::format(R"({{"spec":{{"holderIdentity":"{}","leaseDurationSeconds":15,)"
                           R"("renewTime":"{}"}}}})",
                           holder, format_rfc3339_micro(renewed)));
    api.answer("GET /api/v1/namespaces/velero/pods", 200,
               R"({"items":[{"status":{"phase":"Running"}}]})");
    const auto client = api.client();
    return volumes::is_node_agent_lost(*client, "velero", "n1", clock, {}).value_or(false);
  };
  EXPECT_FALSE(is_lost("n1-x", 20));
  EXPECT_TRUE(is_lost("n1-x", 40));
  EXPECT_FALSE(is_lost("", 40)) << "it is being replaced";
  EXPECT_TRUE(is_lost("", 300));
}

// A volume's content is its pod's: a link in it leads nowhere that we write to.
TEST(DoneMark, FollowsNoLinkOutOfTheVolume) {
  const TempDir volume = TempDir::create("done-mark").value();
  const TempDir elsewhere = TempDir::create("elsewhere").value();
  ASSERT_TRUE(write_file(elsewhere.path() / "keep", "me"));
  std::filesystem::create_directory_symlink(elsewhere.path(), volume.path() / ".velero");
  ASSERT_TRUE(put_done_mark(volume.path(), "1b4e28ba"));
  EXPECT_FALSE(path_exists(elsewhere.path() / "1b4e28ba"));
  EXPECT_TRUE(path_exists(elsewhere.path() / "keep"));
  EXPECT_FALSE(put_done_mark(volume.path(), "../1b4e28ba"));
}

}  // namespace
}  // namespace lateen::agent
