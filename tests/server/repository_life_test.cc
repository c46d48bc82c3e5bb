// BackupRepositories are maintained, and read back a part a day.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "model/backup_repository.h"
#include "server/maintenance_job.h"
#include "server/repository_controller.h"
#include "server/repository_keys.h"
#include "server/repository_maintenance.h"
#include "server/repository_rekey.h"
#include "server/repository_verifier.h"
#include "server/testing/velero_cluster.h"
#include "server/verify_rotation.h"

namespace lateen::server {
namespace {

using model::BackupRepository;
using std::chrono::days;
using std::chrono::hours;
using ::testing::HasSubstr;

BackupRepository shop() {
  BackupRepository repository;
  repository.metadata = {.name = "shop-default-kopia", .ns = "velero"};
  repository.spec.volume_namespace = "shop";
  repository.spec.backup_storage_location = "default";
  repository.spec.repository_type = "kopia";
  repository.spec.maintenance_frequency = hours(1);
  return repository;
}

// As an installation has it, with more than a Job is to take over.
constexpr std::string_view kDeployment = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: velero, namespace: velero}
spec:
  selector: {matchLabels: {component: velero}}
  template:
    metadata: {labels: {component: velero}}
    spec:
      serviceAccountName: keeper
      nodeSelector: {disk: slow}
      tolerations: [{operator: Exists}]
      volumes: [{name: cloud, secret: {secretName: cloud-credentials}}]
      containers:
        - name: sidecar
          image: registry.example/watch:1
        - name: velero
          image: registry.example/lateen:1
          command: [/velero]
          args: [server, --log-level=debug]
          env: [{name: AWS_SHARED_CREDENTIALS_FILE, value: /credentials/cloud}]
          volumeMounts: [{name: cloud, mountPath: /credentials}]
)";

class RepositoryLifeTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(ensure_repository_key(cluster_.context, {})); }

  void make_ready(BackupRepository repository) {
    cluster_.create(std::move(repository));
    make_repository_controller(cluster_.context)->reconcile({});
  }

  BackupRepository now() { return cluster_.get<BackupRepository>("shop-default-kopia"); }

  std::vector<Json> jobs() {
    const Json list =
        cluster_.context.client().list({.gvr = {"batch", "v1", "jobs"}, .ns = "velero"}).value();
    const JsonArray* items = array_at(list, "items");
    return {items->begin(), items->end()};
  }

  // What a Job's controller would write.
  void end_job(const Json& job, std::string_view type) {
    const Json status = JsonObject{
        {"status", JsonObject{{"startTime", "2026-11-22T12:09:30Z"},
                              {"conditions", JsonArray{JsonObject{{"type", type},
                                                                  {"status", "True"},
                                                                  {"message", "the pod failed"},
                                                                  {"lastTransitionTime",
                                                                   "2026-11-22T12:09:51Z"}}}}}}};
    const auto written = cluster_.context.client().patch({.gvr = {"batch", "v1", "jobs"},
                                                          .ns = "velero",
                                                          .name = std::string(kube::name_of(job)),
                                                          .subresource = "status"},
                                                         kube::PatchType::Merge, status);
    ASSERT_TRUE(written) << written.error().describe();
  }

  samples::VeleroCluster cluster_;
};

TEST_F(RepositoryLifeTest, MaintenanceRunsInTheServerWhereNothingMakesJobs) {
  make_ready(shop());
  const auto maintenance = make_maintenance_controller(cluster_.context);
  maintenance->reconcile({});
  EXPECT_TRUE(now().status.recent_maintenance.empty()) << "it is not due yet";
  cluster_.clock.advance(hours(2));
  maintenance->reconcile({});
  ASSERT_EQ(now().status.recent_maintenance.size(), 1U);
  EXPECT_EQ(now().status.recent_maintenance.front().result, "Succeeded")
      << now().status.recent_maintenance.front().message;
  EXPECT_TRUE(jobs().empty());
}

TEST_F(RepositoryLifeTest, ANewRepositoryIsAsTheConfigMapSays) {
  cluster_.config.repository_config_map = "repositories";
  cluster_.api.create_yaml(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: repositories, namespace: velero}
data:
  kopia: '{"cacheLimitMB": 2048, "fullMaintenanceInterval": "eagerGC", "enableCompression": true}'
  restic: '{"cacheLimitMB": 1}'
)");
  make_ready(shop());
  EXPECT_EQ(now().status.phase, model::RepositoryPhase::Ready);
  EXPECT_EQ(now().spec.repository_config,
            (model::StringMap{{"cacheLimitMB", "2048"},
                              {"enableCompression", "true"},
                              {"fullMaintenanceInterval", "eagerGC"}}));
  BackupRepository other = shop();
  other.metadata.name = "other";
  other.spec.volume_namespace = "other";
  other.spec.repository_config = {{"cacheLimitMB", "7"}};
  make_ready(other);
  EXPECT_EQ(cluster_.get<BackupRepository>("other").spec.repository_config,
            other.spec.repository_config)
      << "what somebody has written there counts";
}

TEST_F(RepositoryLifeTest, SettingsThatAreWrongKeepNoBackupWaiting) {
  cluster_.config.repository_config_map = "repositories";
  cluster_.api.create_yaml(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: repositories, namespace: velero}
data: {kopia: '{"fullMaintenanceInterval": "sometimes"}'}
)");
  make_ready(shop());
  EXPECT_EQ(now().status.phase, model::RepositoryPhase::Ready);
  EXPECT_TRUE(now().spec.repository_config.empty());
}

TEST_F(RepositoryLifeTest, MaintenanceRunsAsAJobOfTheServersDeploymentAndIsWrittenDownOnce) {
  cluster_.api.create_yaml(kDeployment);
  make_ready(shop());
  cluster_.clock.advance(hours(2));
  const auto maintenance = make_maintenance_controller(cluster_.context);
  maintenance->reconcile({});
  ASSERT_EQ(jobs().size(), 1U);
  maintenance->reconcile({});
  ASSERT_EQ(jobs().size(), 1U) << "one at a time";
  EXPECT_TRUE(now().status.recent_maintenance.empty());
  end_job(jobs().front(), "Complete");
  maintenance->reconcile({});
  maintenance->reconcile({});
  ASSERT_EQ(now().status.recent_maintenance.size(), 1U);
  EXPECT_EQ(now().status.recent_maintenance.front().result, "Succeeded");
  EXPECT_EQ(now().status.last_maintenance_time,
            now().status.recent_maintenance.front().complete_timestamp);
  EXPECT_EQ(jobs().size(), 1U) << "three are kept, and none is due";
  EXPECT_THAT(cluster_.metrics.text(),
              HasSubstr("velero_repo_maintenance_success_total{repository_name=\"shop-default-kopia"
                        "\"} 1"));
}

TEST_F(RepositoryLifeTest, AJobThatFailedSaysWhyAndOnlyTheLatestAreKept) {
  cluster_.config.maintenance.keep_jobs = 0;
  cluster_.api.create_yaml(kDeployment);
  make_ready(shop());
  cluster_.clock.advance(hours(2));
  const auto maintenance = make_maintenance_controller(cluster_.context);
  maintenance->reconcile({});
  ASSERT_EQ(jobs().size(), 1U);
  const std::string first(kube::name_of(jobs().front()));
  end_job(jobs().front(), "Failed");
  cluster_.clock.advance(std::chrono::minutes(1));
  maintenance->reconcile({});
  ASSERT_EQ(now().status.recent_maintenance.size(), 1U);
  EXPECT_EQ(now().status.recent_maintenance.front().result, "Failed");
  EXPECT_THAT(now().status.recent_maintenance.front().message, HasSubstr("the pod failed"));
  for (const Json& job : jobs())
    EXPECT_NE(kube::name_of(job), first);
}

TEST(MaintenanceJob, IsWhatVeleroMakesOfTheDeployment) {
  const Json deployment = parse_yaml(kDeployment).value();
  const Json map = parse_yaml(R"(
data:
  global: '{"podResources": {"cpuRequest": "100m", "memoryLimit": "1Gi"}, "priorityClassName": "low",
            "keepLatestMaintenanceJobs": 1, "podLabels": {"team": "storage"}}'
  shop-default-kopia: '{"loadAffinity": [{"nodeSelector": {"matchLabels": {"disk": "fast"}}}]}'
)")
                       .value();
  const MaintenanceConfig flags{.cpu_request = "2", .memory_limit = "9Gi"};
  const auto settings = MaintenanceJobSettings::of(flags, &map, shop());
  ASSERT_TRUE(settings) << settings.error().describe();
  EXPECT_EQ(settings->keep, 1U);
  ServerConfig config;
  const Json job = maintenance_job(shop(), deployment, *settings, config,
                                   TimePoint(std::chrono::milliseconds(1'700'000'000'123)))
                       .value();
  EXPECT_EQ(write_json(job), write_json(parse_yaml(R"(
apiVersion: batch/v1
kind: Job
metadata:
  name: shop-default-kopia-maintain-job-1700000000123
  namespace: velero
  labels: {velero.io/repo-name: shop-default-kopia}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 86400
  template:
    metadata: {labels: {velero.io/repo-name: shop-default-kopia, team: storage}}
    spec:
      restartPolicy: Never
      serviceAccountName: keeper
      priorityClassName: low
      tolerations: [{operator: Exists}]
      volumes: [{name: cloud, secret: {secretName: cloud-credentials}}]
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions: [{key: disk, operator: In, values: [fast]}]
      containers:
        - name: velero-repo-maintenance-container
          image: registry.example/lateen:1
          command: [/velero]
          args: [repo-maintenance, --repo-name=shop, --repo-type=kopia, --backup-storage-location=default,
                 --log-level=info, --log-format=text]
          env: [{name: AWS_SHARED_CREDENTIALS_FILE, value: /credentials/cloud}]
          volumeMounts: [{name: cloud, mountPath: /credentials}]
          resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}
          terminationMessagePolicy: FallbackToLogsOnError
)")
                                            .value()));
}

TEST(MaintenanceJob, SaysWhatIsWrongInItsSettings) {
  const Json map =
      parse_yaml(R"({data: {global: '{"podResources": {"cpuLimit": "many"}}'}})").value();
  const auto settings = MaintenanceJobSettings::of({}, &map, shop());
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().message(),
              HasSubstr("key global: podResources: limits.cpu \"many\""));
}

TEST(MaintenanceJob, IsDueByItsPeriodAndNotPutOffByAClockThatWasWrong) {
  BackupRepository repository = shop();
  const TimePoint now = TimePoint(days(20000));
  EXPECT_FALSE(is_maintenance_due(repository, now)) << "it is not Ready";
  repository.status.phase = model::RepositoryPhase::Ready;
  EXPECT_TRUE(is_maintenance_due(repository, now));
  repository.status.last_maintenance_time = now - std::chrono::minutes(30);
  EXPECT_FALSE(is_maintenance_due(repository, now));
  repository.status.last_maintenance_time = now - hours(1);
  EXPECT_TRUE(is_maintenance_due(repository, now));
  repository.status.last_maintenance_time = now + days(400);
  EXPECT_TRUE(is_maintenance_due(repository, now));
}

constexpr Duration kMonth = hours(720);

TEST(VerifyRotation, ReadsEveryPartOnceWithinThePeriodWhateverWasMissed) {
  // Asked every ten minutes, but for ten days in which no server ran.
  std::optional<VerifyRotation> kept;
  std::map<std::size_t, std::vector<TimePoint>> read;
  const TimePoint start = TimePoint(days(20000));
  for (TimePoint now = start; now < start + days(95); now += std::chrono::minutes(10)) {
    if (now > start + days(12) && now < start + days(22)) continue;
    VerifyRotation rotation = rotation_at(kept, now, kMonth);
    if (const auto part = part_due(rotation, now, kMonth)) {
      read[*part].push_back(now);
      rotation.done = *part;
      rotation.last = now;
      kept = VerifyRotation::parse(rotation.write()).value();
    }
  }
  ASSERT_EQ(read.size(), 30U);
  for (const auto& [part, times] : read) {
    ASSERT_GE(times.size(), 3U) << part;
    for (std::size_t i = 1; i < times.size(); ++i) {
      EXPECT_LE(times[i] - times[i - 1], days(42)) << part;
      EXPECT_LE(times[i], start + i * days(30) + days(30)) << part;
    }
  }
}

TEST(VerifyRotation, GoesOnWhereItWasWhenTheClockIsSetBack) {
  const TimePoint now = TimePoint(days(20000));
  const VerifyRotation ahead{.began = now + days(365), .parts = 30, .done = 7};
  const VerifyRotation rotation = rotation_at(ahead, now, kMonth);
  EXPECT_EQ(rotation.done, 7U);
  EXPECT_EQ(part_due(rotation, now + days(7), kMonth), 8U);
}

TEST(VerifyRotation, BeginsAnewWithOtherParts) {
  const TimePoint now = TimePoint(days(20000));
  const VerifyRotation before{.began = now, .parts = 30, .done = 7, .damaged = {{3, 1}}};
  EXPECT_EQ(rotation_at(before, now, hours(240)).parts, 10U);
  EXPECT_EQ(rotation_at(before, now, hours(240)).done, 0U);
  EXPECT_EQ(verify_parts_of(hours(1)), 1U);
  EXPECT_EQ(verify_parts_of(hours(24 * 1000)), 256U);
}

TEST_F(RepositoryLifeTest, AFlippedBitIsFoundWithinTheRoundAndStaysKnownAfterARestart) {
  cluster_.config.repository_verify_period = hours(72);
  cluster_.fill_bucket();  // of the real Velero: key static-passw0rd
  BackupRepository repository = shop();
  repository.metadata.name = "bookstore-default-kopia";
  repository.spec.volume_namespace = "bookstore";
  make_ready(repository);
  const auto rotation = [&] {
    const auto object = cluster_.get<BackupRepository>("bookstore-default-kopia");
    return VerifyRotation::parse(annotation_of(object, kVerification)).value();
  };
  for (int day = 0; day < 3; ++day) {
    make_repository_verify_controller(cluster_.context)->reconcile({});
    cluster_.clock.advance(hours(24));
  }
  EXPECT_EQ(rotation().done, 3U);
  EXPECT_EQ(rotation().problems(), 0U) << rotation().message;
  const auto entries = list_dir(cluster_.bucket() / "kopia/bookstore");
  ASSERT_TRUE(entries);
  for (const DirEntry& entry : *entries) {
    if (!entry.name.starts_with("p")) continue;
    const FilePath pack = cluster_.bucket() / "kopia/bookstore" / entry.name;
    std::string bytes = read_file(pack).value();
    for (std::size_t at = 0; at < bytes.size(); at += 16)
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
    ASSERT_TRUE(write_file(pack, bytes));
  }
  for (int day = 0; day < 3; ++day) {
    // Each time another server.
    make_repository_verify_controller(cluster_.context)->reconcile({});
    cluster_.clock.advance(hours(24));
  }
  EXPECT_EQ(rotation().done, 3U);
  EXPECT_GT(rotation().problems(), 0U);
  EXPECT_NE(rotation().message, "");
  EXPECT_THAT(cluster_.metrics.text(),
              HasSubstr("lateen_repository_verify_problems{repository_name=\"bookstore-default-"
                        "kopia\"}"));
}

}  // namespace
}  // namespace lateen::server
