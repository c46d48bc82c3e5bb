// Events, webhooks and what the server says of itself over HTTP, with a real receiver.
#include "server/notifications.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/thread.h"
#include "base/time.h"
#include "model/restore.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "server/announcer.h"
#include "server/endpoints.h"
#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json backup_that(std::string_view phase) {
  return parse_yaml(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata:
  name: nightly-20260520020000
  namespace: velero
  uid: u1
  labels: {{velero.io/schedule-name: nightly}}
spec: {{storageLocation: default}}
status:
  phase: {}
  errors: 1
  warnings: 2
  failureReason: no room
  startTimestamp: "2026-05-20T02:00:01Z"
)",
                                phase))
      .value();
}

const TimePoint kNow = parse_rfc3339("2026-05-20T02:05:00Z").value();

// ---- What is told.

TEST(Occurrences, ABackupThatFailedSaysWhy) {
  const auto failed = occurrence_of(backup_that("Failed"), "InProgress", kNow);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->type, "backup.failed");
  EXPECT_EQ(failed->reason, "BackupFailed");
  EXPECT_EQ(failed->severity, kube::EventSeverity::Warning);
  EXPECT_EQ(failed->message, "Backup nightly-20260520020000 is Failed: no room");
  EXPECT_EQ(write_json(failed->data.at("schedule")), "\"nightly\"");
}

TEST(Occurrences, PhasesOnTheWayAndRepetitionsAreNone) {
  EXPECT_FALSE(occurrence_of(backup_that("Finalizing"), "InProgress", kNow));
  EXPECT_FALSE(occurrence_of(backup_that("Completed"), "Completed", kNow));
  EXPECT_FALSE(may_be_told("backupstoragelocations", "", "Available"));
  EXPECT_TRUE(may_be_told("backupstoragelocations", "Available", "Unavailable"));
  EXPECT_TRUE(may_be_told("backupstoragelocations", "Unavailable", "Available"));
}

// The required attributes of CloudEvents 1.0, and their forms.
TEST(CloudEvent, HasWhatTheSpecificationAsksFor) {
  const auto event =
      parse_json(cloud_event(*occurrence_of(backup_that("Failed"), "InProgress", kNow), "/here"))
          .value();
  EXPECT_EQ(string_at(event, "specversion"), "1.0");
  EXPECT_EQ(string_at(event, "id"), "u1.Failed");
  EXPECT_EQ(string_at(event, "source"), "/here");
  EXPECT_EQ(string_at(event, "type"), "io.lateen.backup.failed");
  EXPECT_EQ(string_at(event, "subject"), "backup/velero/nightly-20260520020000");
  EXPECT_EQ(string_at(event, "time"), "2026-05-20T02:05:00Z");
  EXPECT_EQ(string_at(event, "datacontenttype"), "application/json");
  EXPECT_EQ(string_at(event, "data.failureReason"), "no room");
  EXPECT_EQ(int_at(event, "data.errors"), 1);
}

// printf '{}' | openssl dgst -sha256 -hmac key
TEST(CloudEvent, IsSignedAsOpensslWould) {
  EXPECT_EQ(webhook_signature("{}", Secret("key")),
            "sha256=a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032");
}

TEST(NotificationEvents, AreChosenByGlobs) {
  EXPECT_TRUE(is_wanted({}, "backup.completed"));
  EXPECT_TRUE(is_wanted({"location.*", "backup.failed"}, "location.unavailable"));
  EXPECT_FALSE(is_wanted({"location.*", "backup.failed"}, "backup.completed"));
}

TEST(NotificationConfig, RefusesWhatIsNoUrl) {
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check(NotificationConfig{.webhook_url = "https://example.org/hook"}));
  EXPECT_FALSE(check(NotificationConfig{.webhook_url = "example.org"}));
  EXPECT_FALSE(check(NotificationConfig{.ping_url = "file:///etc/passwd"}));
}

// ---- Who is told.

// Answers as it is told to, and remembers what came.
class Receiver final : public net::HttpHandler {
 public:
  struct Came {
    std::string path;
    std::string signature;
    std::string authorization;
    std::string type;
    Bytes body;
  };

  void serve(net::ServerExchange& exchange) override {
    const net::ServerRequest& request = exchange.request();
    int status = 204;
    {
      const Lock lock(mu_);
      came_.push_back({.path = request.path,
                       .signature = std::string(request.headers.get("X-Lateen-Signature-256")),
                       .authorization = std::string(request.headers.get("Authorization")),
                       .type = std::string(request.headers.get("Content-Type")),
                       .body = request.body});
      if (!answers_.empty()) {
        status = answers_.front();
        answers_.erase(answers_.begin());
      }
      changed_.notify_all();
    }
    (void)exchange.respond({.status = status});  // the peer may have gone
  }

  void answer(std::vector<int> statuses) {
    const Lock lock(mu_);
    answers_ = std::move(statuses);
  }

  std::vector<Came> wait_for(std::size_t count) {
    const Lock lock(mu_);
    EXPECT_TRUE(
        changed_.wait(mu_, Deadline::after(std::chrono::seconds(60)), {},
                      [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return came_.size() >= count; }))
        << came_.size() << " of " << count;
    return came_;
  }

 private:
  Mutex mu_;
  Condition changed_;
  std::vector<int> answers_;
  std::vector<Came> came_;
};

class NotifierTest : public ::testing::Test {
 protected:
  NotifierTest() { server_ = net::HttpServer::start({}, receiver_).value(); }

  std::string url(std::string_view path) const { return server_->url() + std::string(path); }

  void secret(const std::map<std::string, std::string>& values) {
    JsonObject data;
    for (const auto& [key, value] : values)
      data[key] = base64_encode(value);
    Json made;
    ensure(made, "apiVersion") = "v1";
    ensure(made, "kind") = "Secret";
    ensure(made, "metadata.name") = "tell";
    ensure(made, "metadata.namespace") = "velero";
    ensure(made, "data") = std::move(data);
    cluster_.api.create(made);
    cluster_.config.notifications.secret = "tell";
  }

  std::unique_ptr<Notifier> start() {
    return Notifier::start(cluster_.context,
                           {.first_pause = std::chrono::milliseconds(1), .most_waiting = 100})
        .value();
  }

  static Occurrence completed() {
    return *occurrence_of(backup_that("Completed"), "Finalizing", kNow);
  }

  std::string metrics() { return cluster_.metrics.text(); }

  samples::VeleroCluster cluster_;
  Receiver receiver_;
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(NotifierTest, NobodyIsToldUnlessAskedFor) {
  EXPECT_EQ(start(), nullptr);
}

TEST_F(NotifierTest, PostsASignedCloudEventWithTheSecretsKeys) {
  secret({{"webhook-url", url("/hook") + "\n"},
          {"webhook-hmac-key", "key"},
          {"webhook-authorization", "Bearer t"},
          {"ping-url.nightly", url("/ping/nightly")}});
  const auto notifier = start();
  notifier->tell(completed());
  const auto came = receiver_.wait_for(2);
  EXPECT_EQ(came[0].path, "/ping/nightly");
  EXPECT_EQ(came[1].path, "/hook");
  EXPECT_EQ(came[1].type, "application/cloudevents+json; charset=UTF-8");
  EXPECT_EQ(came[1].authorization, "Bearer t");
  EXPECT_EQ(came[1].signature, webhook_signature(came[1].body, Secret("key")));
  EXPECT_EQ(string_at(parse_json(came[1].body).value(), "type"), "io.lateen.backup.completed");
}

TEST_F(NotifierTest, RepeatsTheSameMessageUntilItIsTaken) {
  cluster_.config.notifications.webhook_url = url("/hook");
  receiver_.answer({503, 500, 429});
  auto notifier = start();
  notifier->tell(completed());
  const auto came = receiver_.wait_for(4);
  EXPECT_EQ(came[0].body, came[3].body);
  notifier.reset();
  EXPECT_THAT(metrics(), HasSubstr("lateen_notifications_total{outcome=\"sent\"} 1"));
}

TEST_F(NotifierTest, GivesUpWhatIsRefused) {
  cluster_.config.notifications.webhook_url = url("/hook");
  receiver_.answer({400});
  const auto notifier = start();
  notifier->tell(completed());
  notifier->tell(*occurrence_of(backup_that("Failed"), "InProgress", kNow));
  const auto came = receiver_.wait_for(2);  // they go one after the other
  EXPECT_THAT(came[0].body, HasSubstr("backup.completed"));
  EXPECT_THAT(came[1].body, HasSubstr("backup.failed"));
  EXPECT_THAT(metrics(), HasSubstr("lateen_notifications_total{outcome=\"failed\"} 1"));
}

// A backup must never wait for a receiver.
TEST_F(NotifierTest, TellingDoesNotWaitAndDropsTheOldestWhenTooManyWait) {
  const std::string nowhere = server_->url();
  server_->stop();
  cluster_.config.notifications.webhook_url = nowhere;
  auto notifier = start();
  for (int i = 0; i < 5000; ++i)  // more than can fail meanwhile
    notifier->tell(completed());
  EXPECT_THAT(metrics(), HasSubstr("outcome=\"dropped\""));
}

TEST_F(NotifierTest, TheDeadMansSwitchIsAskedForOnceAPeriod) {
  cluster_.config.notifications.ping_url = url("/alive");
  const auto notifier = start();
  notifier->ping({});
  notifier->ping({});
  const auto came = receiver_.wait_for(1);
  ASSERT_EQ(came.size(), 1U);
  EXPECT_EQ(came[0].path, "/alive");
}

// ---- Events.

TEST_F(NotifierTest, AChangeOfPhaseBecomesAnEventOnTheObject) {
  Backup backup;
  backup.metadata.name = "b1";
  backup.status.phase = BackupPhase::Failed;
  backup.status.failure_reason = "no room";
  const Backup made = cluster_.create(backup);
  const auto kept = [&](const char* phase) {
    Json json = model::to_json(made);
    ensure(json, "status.phase") = phase;
    return std::make_shared<const Json>(std::move(json));
  };
  auto announcer = Announcer::start(cluster_.context, nullptr);
  announcer->changed("backups", {.key = "velero/b1", .before = {}, .after = kept("Failed")});
  announcer->changed("backups",
                     {.key = "velero/b1", .before = kept("InProgress"), .after = kept("Failed")});
  announcer.reset();  // it tells what waits
  const Json events =
      cluster_.api.client().list({.gvr = {"", "v1", "events"}, .ns = "velero"}, {}, {}).value();
  const JsonArray* items = array_at(events, "items");
  ASSERT_NE(items, nullptr);
  ASSERT_EQ(items->size(), 1U);
  EXPECT_EQ(string_at(items->front(), "reason"), "BackupFailed");
  EXPECT_EQ(string_at(items->front(), "type"), "Warning");
  EXPECT_EQ(string_at(items->front(), "message"), "Backup b1 is Failed: no room");
  EXPECT_EQ(string_at(items->front(), "involvedObject.kind"), "Backup");
  EXPECT_EQ(string_at(items->front(), "involvedObject.uid"), made.metadata.uid);
}

// ---- What the server says of itself.

class EndpointsTest : public ::testing::Test {
 protected:
  EndpointsTest() {
    config_.metrics_address = "127.0.0.1:0";
    config_.profiler_address = ":0";
    endpoints_ = Endpoints::start(config_, metrics_, Log()).value();
  }

  net::HttpResponse get(std::uint16_t port, std::string_view path) {
    return client_->send({.url = fmt::format("http://127.0.0.1:{}{}", port, path)}, {}).value();
  }

  ServerConfig config_;
  Metrics metrics_;
  std::unique_ptr<Endpoints> endpoints_;
  std::unique_ptr<net::HttpClient> client_ = net::HttpClient::open({}).value();
};

TEST_F(EndpointsTest, HealthIsSaidAtOnceAndReadinessWhenItIs) {
  EXPECT_EQ(get(endpoints_->metrics_port(), "/healthz").status, 200);
  EXPECT_EQ(get(endpoints_->metrics_port(), "/readyz").status, 503);
  endpoints_->set_ready();
  EXPECT_EQ(get(endpoints_->metrics_port(), "/readyz").status, 200);
  EXPECT_EQ(get(endpoints_->metrics_port(), "/else").status, 404);
}

// Velero's InitSchedule(""), and what its dashboards ask for.
TEST_F(EndpointsTest, MetricsBeginWithVelerosSeries) {
  const std::string text = get(endpoints_->metrics_port(), "/metrics").body;
  for (const char* series :
       {"velero_backup_attempt_total{schedule=\"\"} 0",
        "velero_backup_items_total{schedule=\"\"} 0", "velero_backup_last_status{schedule=\"\"} 1",
        "velero_csi_snapshot_attempt_total{backupName=\"\",schedule=\"\"} 0",
        "process_resident_memory_bytes ", "process_open_fds ", "process_cpu_seconds_total ",
        "lateen_build_info{"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
}

TEST_F(EndpointsTest, TheProfileIsServedToThisMachine) {
  EXPECT_THAT(get(endpoints_->profiler_port(), "/debug/threads").body, HasSubstr("CPU s"));
  EXPECT_THAT(get(endpoints_->profiler_port(), "/debug/memory").body, HasSubstr("VmRSS"));
  EXPECT_EQ(get(endpoints_->profiler_port(), "/debug/profile?seconds=x").status, 400);
}

TEST(Metrics, SeriesOfWhatIsGoneGo) {
  Metrics metrics;
  metrics.schedule_seen("nightly", nullptr);
  EXPECT_THAT(metrics.text(), HasSubstr("velero_backup_attempt_total{schedule=\"nightly\"} 0"));
  metrics.schedule_gone("nightly");
  EXPECT_THAT(metrics.text(), ::testing::Not(HasSubstr("nightly")));
  Backup backup;
  backup.metadata.name = "b1";
  backup.status.csi_volume_snapshots_attempted = 1;
  metrics.backup_ended(backup, 0);
  EXPECT_THAT(metrics.text(), HasSubstr("backupName=\"b1\""));
  metrics.backups_known({backup});
  EXPECT_THAT(metrics.text(), HasSubstr("backupName=\"b1\""));
  metrics.backups_known({});
  EXPECT_THAT(metrics.text(), ::testing::Not(HasSubstr("backupName=\"b1\"")));
}

TEST(Metrics, GaugesOfOursAreReplacedAsAWhole) {
  Metrics metrics;
  metrics.set_gauges("lateen_x", "X", {{{{"a", "1"}}, 5}, {{{"a", "2"}}, 6}});
  metrics.set_gauges("lateen_x", "X", {{{{"a", "2"}}, 7}});
  EXPECT_THAT(metrics.text(), HasSubstr("lateen_x{a=\"2\"} 7"));
  EXPECT_THAT(metrics.text(), ::testing::Not(HasSubstr("a=\"1\"")));
}

}  // namespace
}  // namespace lateen::server
