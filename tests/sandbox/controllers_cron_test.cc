#include <chrono>

#include <gtest/gtest.h>

#include "base/time.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/testing/cluster.h"

namespace lateen::sandbox {
namespace {

using testing::Cluster;
using namespace std::literals;

class CronJobs : public ::testing::Test {
 protected:
  CronJobs() { cluster_.create_namespace("shop"); }

  // Due in the minute that has begun last and then for a day no more, and suspended, so that its
  // past can be set before it begins.
  void create(std::string_view name, std::string_view more = "  timeZone: Etc/UTC") {
    const std::chrono::hh_mm_ss day(due_ - std::chrono::floor<std::chrono::days>(due_));
    cluster_.create(fmt::format(R"yaml(
apiVersion: batch/v1
kind: CronJob
metadata: {{name: {}, namespace: shop}}
spec:
  schedule: "{} {} * * *"
  suspend: true
{}
  jobTemplate:
    metadata: {{labels: {{made-by: {}}}}}
    spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: main, image: x}}]}}}}}}
)yaml",
                                name, day.minutes().count(), day.hours().count(), more, name));
  }

  // As if it had been scheduled for the last time so long before it is due.
  void set_last(std::string_view name, Duration before) {
    Json object = *cluster_.get(resources::kCronJobs, "shop", name);
    ensure(object, "status.lastScheduleTime") = format_rfc3339(due_ - before);
    erase(object, "metadata.resourceVersion");
    const auto written = cluster_.api().update_status(resources::kCronJobs, object, "test");
    ASSERT_TRUE(written) << written.error().message();
  }

  void suspend(std::string_view name, bool suspended) {
    cluster_.patch(resources::kCronJobs, "shop", name,
                   fmt::format(R"({{"spec":{{"suspend":{}}}}})", suspended));
  }

  std::vector<Json> jobs_of(std::string_view name) {
    return cluster_.list(resources::kJobs, "shop", fmt::format("made-by={}", name));
  }

  std::vector<Json> wait_jobs(std::string_view name, std::size_t count) {
    const Deadline deadline = Deadline::after(60s);
    std::vector<Json> jobs = jobs_of(name);
    while (jobs.size() != count && !deadline.expired()) {
      (void)sleep_unless_stopped(10ms, {});
      jobs = jobs_of(name);
    }
    EXPECT_EQ(jobs.size(), count);
    return jobs;
  }

  // The job's pods have ended well.
  void finish(const Json& job) {
    const std::string selector = fmt::format("job-name={}", kube::name_of(job));
    const Deadline deadline = Deadline::after(60s);
    std::vector<Json> pods;
    while (pods.empty() && !deadline.expired()) {
      (void)sleep_unless_stopped(10ms, {});
      pods = cluster_.list(resources::kPods, "shop", selector);
    }
    ASSERT_FALSE(pods.empty());
    const std::string pod(kube::name_of(pods.front()));
    (void)cluster_.wait_ready("shop", pod);
    const auto ended = cluster_.api().modify(resources::kPods, "shop", pod,
                                             [](Json& live) -> Result<bool> {
                                               ensure(live, "status.phase") = "Succeeded";
                                               return true;
                                             },
                                             {.subresource = "status"});
    ASSERT_TRUE(ended) << ended.error().message();
  }

  bool has_event(std::string_view reason) {
    const Deadline deadline = Deadline::after(60s);
    while (!deadline.expired()) {
      for (const Json& event : cluster_.list(resources::kEvents, "shop"))
        if (string_at(event, "reason") == reason) return true;
      (void)sleep_unless_stopped(10ms, {});
    }
    return false;
  }

  const TimePoint due_ = std::chrono::floor<std::chrono::minutes>(SystemClock().now());
  Cluster cluster_{/*records_only=*/true};
};

TEST_F(CronJobs, StartOneJobForAllTimesThatWereMissed) {
  create("tick");
  EXPECT_TRUE(jobs_of("tick").empty());  // suspended
  set_last("tick", 48h);
  suspend("tick", false);
  const Json job = wait_jobs("tick", 1).front();
  const Json now = cluster_.wait(resources::kCronJobs, "shop", "tick", [](const Json& object) {
    return array_at(object, "status.active") != nullptr;
  });
  const auto minute = std::chrono::duration_cast<std::chrono::minutes>(
      parse_rfc3339(string_at(now, "status.lastScheduleTime"))->time_since_epoch());
  EXPECT_EQ(kube::name_of(job), fmt::format("tick-{}", minute.count()));
  EXPECT_EQ(kube::controller_of(job)->name, "tick");
  EXPECT_EQ(minute, due_.time_since_epoch());
}

TEST_F(CronJobs, ThatForbidWaitForTheJobBefore) {
  create("alone", "  timeZone: Etc/UTC\n  concurrencyPolicy: Forbid");
  set_last("alone", 90s);
  suspend("alone", false);
  const Json first = wait_jobs("alone", 1).front();
  suspend("alone", true);
  set_last("alone", 10min);
  suspend("alone", false);
  EXPECT_TRUE(has_event("JobAlreadyActive"));
  EXPECT_EQ(jobs_of("alone").size(), 1U);
  finish(first);
  (void)cluster_.wait(resources::kCronJobs, "shop", "alone", [](const Json& object) {
    return !string_at(object, "status.lastSuccessfulTime").empty();
  });
}

TEST_F(CronJobs, ThatReplaceEndTheJobBefore) {
  create("fresh", "  timeZone: Etc/UTC\n  concurrencyPolicy: Replace");
  set_last("fresh", 90s);
  suspend("fresh", false);
  const std::string first(kube::uid_of(wait_jobs("fresh", 1).front()));
  suspend("fresh", true);
  set_last("fresh", 10min);
  suspend("fresh", false);
  const Deadline deadline = Deadline::after(60s);
  while (!deadline.expired()) {
    const auto jobs = jobs_of("fresh");
    if (jobs.size() == 1 && kube::uid_of(jobs.front()) != first) return;
    (void)sleep_unless_stopped(10ms, {});
  }
  ADD_FAILURE() << "the first job stays";
}

TEST_F(CronJobs, KeepAsManyEndedJobsAsTheySay) {
  create("tidy", "  timeZone: Etc/UTC\n  successfulJobsHistoryLimit: 0");
  set_last("tidy", 90s);
  suspend("tidy", false);
  finish(wait_jobs("tidy", 1).front());
  (void)wait_jobs("tidy", 0);
}

TEST_F(CronJobs, ThatAreTooLateSaySo) {
  create("strict", "  startingDeadlineSeconds: 1\n  timeZone: Asia/Kolkata");
  cluster_.patch(resources::kCronJobs, "shop", "strict", R"({"spec":{"schedule":"0 0 1 1 *"}})");
  set_last("strict", 24h * 400);
  suspend("strict", false);
  EXPECT_TRUE(has_event("MissSchedule"));
  EXPECT_TRUE(jobs_of("strict").empty());
}

}  // namespace
}  // namespace lateen::sandbox
