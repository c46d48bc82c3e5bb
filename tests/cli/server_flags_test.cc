#include "cli/server_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config.h"

namespace lateen::cli {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Flags with(const std::vector<std::pair<std::string, std::string>>& given) {
  Flags flags(server_flags());
  for (const auto& [name, value] : given)
    EXPECT_TRUE(flags.set(*flags.find(name), value)) << name;
  return flags;
}

std::string refusal(const Result<server::ServerConfig>& config) {
  return config ? "taken" : config.error().message();
}

// `velero server --help` of 1.14.1, 1.15.2, 1.16.2, 1.17.1 and 1.18.1, put together; the values are
// 1.18.1's but where docs/reference/server.md says otherwise.
TEST(ServerFlags, AreVelerosOfFiveVersions) {
  const Flags flags = with({});
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"backup-repository-configmap", ""},
           {"backup-sync-period", "1m0s"},
           {"client-burst", "100"},
           {"client-page-size", "500"},
           {"client-qps", "100"},
           {"concurrent-backups", "1"},
           {"default-backup-storage-location", "default"},
           {"default-backup-ttl", "720h0m0s"},
           {"default-item-operation-timeout", "4h0m0s"},
           {"default-repo-maintain-frequency", ""},
           {"default-snapshot-move-data", ""},
           {"default-volume-snapshot-locations", ""},
           {"default-volumes-to-fs-backup", ""},
           {"disable-controllers", ""},
           {"disable-informer-cache", ""},
           {"fs-backup-timeout", "4h0m0s"},
           {"garbage-collection-frequency", "1h0m0s"},
           {"item-block-worker-count", "0"},
           {"item-operation-sync-frequency", "1s"},
           {"keep-latest-maintenance-jobs", "3"},
           {"log-format", "text"},
           {"log-level", "info"},
           {"maintenance-job-cpu-limit", ""},
           {"maintenance-job-cpu-request", ""},
           {"maintenance-job-mem-limit", ""},
           {"maintenance-job-mem-request", ""},
           {"max-concurrent-k8s-connections", "30"},
           {"metrics-address", ":8085"},
           {"plugin-dir", "/plugins"},
           {"profiler-address", ""},
           {"repo-maintenance-job-configmap", ""},
           {"resource-timeout", "10m0s"},
           {"restore-only", ""},
           {"restore-resource-priorities", ""},
           {"schedule-skip-immediately", ""},
           {"store-validation-frequency", "1m0s"},
           {"terminating-resource-timeout", "10m0s"},
           {"uploader-type", "kopia"},
           {"volume-group-snapshot-label-key", "velero.io/volume-group"}}) {
    const FlagSpec* spec = flags.find(name);
    ASSERT_NE(spec, nullptr) << name;
    EXPECT_EQ(spec->value, value) << name;
  }
}

TEST(ServerFlags, MakeAConfigurationWithVelerosDefaults) {
  const auto config = server_config(with({}), "velero");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->ns, "velero");
  EXPECT_EQ(config->default_backup_ttl, hours(720));
  EXPECT_EQ(config->garbage_collection_frequency, hours(1));
  EXPECT_EQ(config->profiler_address, "");
  EXPECT_TRUE(config->keep_last_good_backup);
  EXPECT_EQ(config->notifications.ping_period, minutes(5));
}

TEST(ServerFlags, RestoreOnlyLeavesOutWhatMakesAndDeletesBackups) {
  const auto config = server_config(with({{"restore-only", "true"}}), "velero");
  ASSERT_TRUE(config);
  for (const char* name : {"backup", "backup-deletion", "backup-finalizer", "backup-operations",
                           "backup-queue", "gc", "schedule"}) {
    EXPECT_THAT(config->disabled_controllers, Contains(name));
  }
}

TEST(ServerFlags, ControllersThatArePartOfAnotherHereMayBeNamed) {
  const auto config = server_config(
      with({{"disable-controllers", "restore-operations,restore-finalizer,gc"}}), "velero");
  ASSERT_TRUE(config);
  EXPECT_THAT(config->disabled_controllers, ElementsAre("gc"));
  EXPECT_THAT(refusal(server_config(with({{"disable-controllers", "teapot"}}), "velero")),
              HasSubstr("Invalid value for --disable-controllers provided: teapot."));
}

TEST(ServerFlags, SayWhichOneIsWrong) {
  EXPECT_THAT(refusal(server_config(with({{"concurrent-backups", "0"}}), "velero")),
              HasSubstr("--concurrent-backups is 0, it must be from 1 to 32"));
  EXPECT_THAT(refusal(server_config(with({{"notification-webhook-url", "here"}}), "velero")),
              HasSubstr("--notification-webhook-url is no http or https URL"));
}

TEST(ServerConfigFile, SaysWhatTheCommandLineDoesNot) {
  const auto merged = with_config_file(with({{"log-level", "debug"}}), R"(
log-level: error
default-backup-ttl: 24h
client-page-size: 250
default-volumes-to-fs-backup: true
notification-events: [backup.failed, location.*]
default-volume-snapshot-locations: {aws: east, gcp: west}
)");
  ASSERT_TRUE(merged) << merged.error().message();
  const auto config = server_config(*merged, "velero");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->log_level, LogLevel::Debug);
  EXPECT_EQ(config->default_backup_ttl, hours(24));
  EXPECT_EQ(config->client_page_size, 250);
  EXPECT_TRUE(config->default_volumes_to_fs_backup);
  EXPECT_THAT(config->notifications.events, ElementsAre("backup.failed", "location.*"));
  EXPECT_EQ(config->default_volume_snapshot_locations,
            (model::StringMap{{"aws", "east"}, {"gcp", "west"}}));
}

TEST(ServerConfigFile, RefusesWhatTheFlagWouldRefuse) {
  const auto refused = [](std::string_view text) {
    const auto merged = with_config_file(with({}), text);
    return merged ? "taken" : merged.error().message();
  };
  EXPECT_EQ(refused("log-levle: debug"), "\"log-levle\" is no setting of the server");
  EXPECT_EQ(refused("config: other.yaml"), "\"config\" is no setting of the server");
  EXPECT_THAT(refused("default-backup-ttl: soon"), HasSubstr("default-backup-ttl"));
  EXPECT_EQ(refused("- a"), "it is no list of settings");
  EXPECT_EQ(refused(""), "taken");
}

}  // namespace
}  // namespace lateen::cli
