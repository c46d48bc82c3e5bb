#include "kube/lease.h"

#include "kube/events.h"
#include "kube/object.h"
#include "kube/testing/fake_api.h"
#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

using namespace std::literals;

const std::string kLeases = "/apis/coordination.k8s.io/v1/namespaces/velero/leases";
const std::string kLease = kLeases + "/lateen";

LeaseOptions options() {
  return {.ns = "velero",
          .name = "lateen",
          .identity = "me",
          .lease_duration = 60s,
          .renew_deadline = 60s,
          .retry_period = 10ms};
}

std::string lease(const std::string& holder,
                  int seconds,
                  const std::string& renewed = "2026-05-20T02:00:01.000000Z") {
  return R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"lateen","namespace":"velero","resourceVersion":"5"},)"
         R"("spec":{"holderIdentity":")" +
         holder + R"(","leaseDurationSeconds":)" + std::to_string(seconds) +
         R"(,"acquireTime":"2026-05-20T01:00:00.000000Z","renewTime":")" + renewed +
         R"(","leaseTransitions":4}})";
}

// Takes what is written and gives it back.
FakeApi::Handler echo(int status) {
  return [=](net::ServerExchange& exchange) {
    (void)exchange.respond({.status = status,
                            .headers = {{"Content-Type", "application/json"}},
                            .body = exchange.request().body});
  };
}

TEST(LeaderElector, MakesTheLeaseWhereThereIsNone) {
  FakeApi api;
  api.on("POST " + kLeases, echo(201));
  const auto client = api.client();
  LeaderElector elector(*client, options(), Log());
  const auto leads = elector.try_acquire_or_renew({});
  ASSERT_TRUE(leads) << leads.error().message();
  EXPECT_TRUE(*leads);
  const Json made = json(api.asked().back().body);
  EXPECT_EQ(string_at(made, "spec.holderIdentity"), "me");
  EXPECT_EQ(int_at(made, "spec.leaseTransitions"), 0);
  EXPECT_EQ(string_at(made, "spec.renewTime").size(),
            std::string("2026-05-20T02:00:01.000000Z").size());
}

TEST(LeaderElector, LeavesALeaseAloneThatIsHeld) {
  FakeApi api;
  api.answer("GET " + kLease, 200, lease("other", 3600));
  const auto client = api.client();
  LeaderElector elector(*client, options(), Log());
  EXPECT_EQ(elector.try_acquire_or_renew({}), false);
  EXPECT_EQ(elector.holder(), "other");
  EXPECT_EQ(api.asked().size(), 1U);
}

TEST(LeaderElector, TakesALeaseThatNobodyRenews) {
  FakeApi api;
  api.answer("GET " + kLease, 200, lease("other", 0));
  api.on("PUT " + kLease, echo(200));
  const auto client = api.client();
  LeaderElector elector(*client, options(), Log());
  EXPECT_EQ(elector.try_acquire_or_renew({}), true);
  const Json taken = json(api.asked().back().body);
  EXPECT_EQ(resource_version_of(taken), "5") << "a compare-and-swap";
  EXPECT_EQ(int_at(taken, "spec.leaseTransitions"), 5);
}

TEST(LeaderElector, TakesALeaseAtOnceFromOneThatIsKnownToBeDead) {
  FakeApi api;
  api.answer("GET " + kLease, 200, lease("other", 3600));
  api.on("PUT " + kLease, echo(200));
  const auto client = api.client();
  LeaseOptions wanted = options();
  wanted.is_dead = [](std::string_view holder) { return holder == "other"; };
  LeaderElector elector(*client, wanted, Log());
  EXPECT_EQ(elector.try_acquire_or_renew({}), true);
}

TEST(LeaderElector, SaysOfEachRenewalHowLongTheLeaseIsHeld) {
  FakeApi api;
  api.on("POST " + kLeases, echo(201));
  const auto client = api.client();
  LeaseOptions wanted = options();
  std::optional<Deadline> held_until;
  wanted.renewed = [&held_until](Deadline end) { held_until = end; };
  LeaderElector elector(*client, wanted, Log());
  const Deadline latest = Deadline::after(wanted.lease_duration);
  EXPECT_EQ(elector.try_acquire_or_renew({}), true);
  ASSERT_TRUE(held_until);
  EXPECT_GE(*held_until, latest);
  EXPECT_LE(*held_until, Deadline::after(wanted.lease_duration)) << "from before it was asked for";
}

TEST(LeaderElector, DoesNotLeadWhenAnotherWasQuicker) {
  FakeApi api;
  api.answer("GET " + kLease, 200, lease("", 1));
  api.answer("PUT " + kLease, 409, status_body(409, "Conflict", "the object has been modified"));
  const auto client = api.client();
  LeaderElector elector(*client, options(), Log());
  EXPECT_EQ(elector.try_acquire_or_renew({}), false);
}

TEST(LeaderElector, LeadsAndThenFreesTheLease) {
  FakeApi api;
  api.on("POST " + kLeases, echo(201));
  api.on("PUT " + kLease, echo(200));
  const auto client = api.client();
  LeaderElector elector(*client, options(), Log());
  bool led = false;
  const Status ran = elector.run(
      [&](std::stop_token) {
        led = true;
        return Status();
      },
      {});
  EXPECT_TRUE(ran) << ran.error().message();
  EXPECT_TRUE(led);
  EXPECT_EQ(string_at(json(api.asked().back().body), "spec.holderIdentity"), "");
}

// The answer to a renewal was not waited for: the Lease is another by then, and ours all the same.
TEST(LeaderElector, FreesALeaseThatARenewalCutShortHasChanged) {
  FakeApi api;
  api.on("POST " + kLeases, echo(201));
  const auto client = api.client();
  LeaderElector elector(*client, options(), Log());
  ASSERT_EQ(elector.try_acquire_or_renew({}), true);
  api.answer("PUT " + kLease, 409, status_body(409, "Conflict", "the object has been modified"));
  api.on("PUT " + kLease, echo(200));
  api.answer("GET " + kLease, 200, lease("me", 60));
  const Status freed = elector.release({});
  ASSERT_TRUE(freed) << freed.error().message();
  EXPECT_EQ(api.count("PUT " + kLease), 2U);
  const Json left = json(api.asked().back().body);
  EXPECT_EQ(string_at(left, "spec.holderIdentity"), "");
  EXPECT_EQ(string_at(left, "metadata.resourceVersion"), "5");
}

TEST(LeaderElector, LeavesAloneWhatSomebodyElseHasTaken) {
  FakeApi api;
  api.on("POST " + kLeases, echo(201));
  const auto client = api.client();
  LeaderElector elector(*client, options(), Log());
  ASSERT_EQ(elector.try_acquire_or_renew({}), true);
  api.answer("PUT " + kLease, 409, status_body(409, "Conflict", "the object has been modified"));
  api.answer("GET " + kLease, 200, lease("other", 60));
  EXPECT_TRUE(elector.release({}));
  EXPECT_EQ(api.asked().back().method, "GET");
}

TEST(LeaderElector, StopsLeadingWhenItLosesTheLease) {
  FakeApi api;
  api.on("POST " + kLeases, echo(201));
  api.answer("GET " + kLease, 404, status_body(404, "NotFound", "none yet"));
  api.answer("GET " + kLease, 200, lease("other", 3600));
  const auto client = api.client();
  LeaderElector elector(*client, options(), Log());
  const Status ran = elector.run(
      [](std::stop_token leading) {
        sleep_unless_stopped(60s, leading);
        return Status();
      },
      {});
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code(), Code::Unavailable);
  EXPECT_EQ(api.count("PUT " + kLease), 0U) << "what is another's is not released";
}

const std::string kEvents = "/api/v1/namespaces/velero/events";

Json backup() {
  return json(
      R"({"apiVersion":"velero.io/v1","kind":"Backup","metadata":{"name":"b","namespace":"velero","uid":"u1"}})");
}

TEST(EventRecorder, CountsARepeatedEventInsteadOfMakingAnother) {
  FakeApi api;
  api.on("POST " + kEvents, echo(201));
  const auto client = api.client();
  const SystemClock clock;
  EventRecorder recorder(*client, "velero", clock);
  ASSERT_TRUE(recorder.record(backup(), EventSeverity::Warning, "Failed", "it broke"));
  const Json event = json(api.asked().back().body);
  EXPECT_EQ(string_at(event, "involvedObject.uid"), "u1");
  EXPECT_EQ(string_at(event, "type"), "Warning");
  EXPECT_EQ(string_at(event, "source.component"), "velero");
  EXPECT_TRUE(name_of(event).starts_with("b."));
  api.answer("PATCH " + kEvents + "/" + std::string(name_of(event)), 200, "{}");
  ASSERT_TRUE(recorder.record(backup(), EventSeverity::Warning, "Failed", "it broke"));
  EXPECT_EQ(int_at(json(api.asked().back().body), "count"), 2);
  EXPECT_EQ(api.count("POST " + kEvents), 1U);
}

TEST(EventRecorder, MakesANewOneWhenTheOldHasGone) {
  FakeApi api;
  api.on("POST " + kEvents, echo(201));
  const auto client = api.client();
  const SystemClock clock;
  EventRecorder recorder(*client, "velero", clock);
  ASSERT_TRUE(recorder.record(backup(), EventSeverity::Normal, "Done", "ok"));
  ASSERT_TRUE(recorder.record(backup(), EventSeverity::Normal, "Done", "ok"));
  EXPECT_EQ(api.count("POST " + kEvents), 2U);
}

TEST(EventRecorder, CutsAFloodAboutOneObject) {
  FakeApi api;
  api.on("POST " + kEvents, echo(201));
  const auto client = api.client();
  const SystemClock clock;
  EventRecorder recorder(*client, "velero", clock);
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(
        recorder.record(backup(), EventSeverity::Warning, "Failed", "item " + std::to_string(i)));
  }
  std::size_t combined = 0;
  for (const auto& asked : api.asked())
    combined += asked.body.find("(combined from similar events): ") != std::string::npos ? 1 : 0;
  EXPECT_LE(api.count("POST " + kEvents), 25U);
  EXPECT_GT(combined, 0U);
}

}  // namespace
}  // namespace lateen::kube
