// The honest list, the document beside each backup, and what exclusions lose.
#include "assurance/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assurance/exclusions.h"
#include "backup/backed_up_items.h"
#include "base/time.h"
#include "base/yaml.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const TimePoint kNow = *parse_rfc3339("2026-11-22T09:00:00Z");

model::Backup backup(std::string name, std::string schedule, Duration age) {
  model::Backup one;
  one.metadata.name = std::move(name);
  one.metadata.labels["velero.io/schedule-name"] = std::move(schedule);
  one.status.phase = model::BackupPhase::Completed;
  one.status.start_timestamp = kNow - age;
  one.status.expiration = kNow - age + hours(720);
  return one;
}

// A cluster of three namespaces with a claim each, and a schedule that holds one of them.
CoverageFacts facts() {
  CoverageFacts facts{.now = kNow};
  facts.everything = {{"v1/Namespace", {"kube-system", "library", "shop"}},
                      {"v1/ConfigMap", {"kube-system/a", "library/b", "shop/c", "shop/d"}},
                      {"v1/PersistentVolumeClaim", {"library/books", "shop/db"}},
                      {"v1/Event", {"shop/e"}},
                      {"rbac.authorization.k8s.io/v1/ClusterRole", {"readers"}}};
  ScheduleReach nightly{.schedule = "nightly", .objective = hours(25)};
  nightly.objects = {{"v1/Namespace", {"shop"}},
                     {"v1/ConfigMap", {"shop/c", "shop/d"}},
                     {"v1/PersistentVolumeClaim", {"shop/db"}}};
  nightly.volumes = {{.ns = "shop", .claim = "db", .volume = "pv-1", .path = "CSI snapshot"}};
  nightly.last_good = LastGood{.backup = "nightly-1", .time = kNow - hours(7)};
  facts.schedules.push_back(std::move(nightly));
  return facts;
}

const NamespaceCoverage& of(const CoverageReport& report, std::string_view ns) {
  for (const NamespaceCoverage& one : report.namespaces) {
    if (one.ns == ns) return one;
  }
  ADD_FAILURE() << "no namespace " << ns;
  return report.namespaces.front();
}

TEST(Coverage, SaysOfEachNamespaceWhoHoldsItAndSinceWhen) {
  const CoverageReport report = assess_coverage(facts());
  EXPECT_EQ(of(report, "shop").verdict, CoverageVerdict::Covered);
  EXPECT_EQ(of(report, "shop").backup, "nightly-1");
  EXPECT_EQ(*of(report, "shop").age, hours(7));
  EXPECT_EQ(of(report, "shop").total, 4U) << "its Namespace, two ConfigMaps, a claim; no Event";
  EXPECT_EQ(of(report, "library").verdict, CoverageVerdict::NotCovered);
  EXPECT_EQ(of(report, "kube-system").verdict, CoverageVerdict::Platform);
  EXPECT_EQ(of(report, "").verdict, CoverageVerdict::NotCovered);
  EXPECT_TRUE(report.has_gaps());
}

TEST(Coverage, SaysOfEachVolumeByWhichPathItIsHeldOrByNone) {
  const CoverageReport report = assess_coverage(facts());
  ASSERT_EQ(report.volumes.size(), 2U);
  EXPECT_EQ(report.volumes[0].claim, "books");
  EXPECT_EQ(report.volumes[0].path, "none");
  EXPECT_EQ(report.volumes[1].path, "CSI snapshot");
  EXPECT_EQ(report.volumes[1].verdict, CoverageVerdict::Covered);
}

TEST(Coverage, BelievesWhatTheLastGoodBackupDidRatherThanWhatThePlanSays) {
  CoverageFacts changed = facts();
  changed.schedules[0].last_good->volumes = {
      {.ns = "shop", .claim = "db", .volume = "pv-1", .path = "none", .reason = "no class"}};
  const VolumeCoverage db = assess_coverage(changed).volumes[1];
  EXPECT_EQ(db.verdict, CoverageVerdict::NoBackup);
  EXPECT_THAT(db.reason, HasSubstr("nightly-1 does not have it: no class"));
}

TEST(Coverage, IsStaleWhenTheLastGoodBackupIsOlderThanTheObjective) {
  CoverageFacts old = facts();
  old.schedules[0].last_good->time = kNow - hours(30);
  EXPECT_EQ(of(assess_coverage(old), "shop").verdict, CoverageVerdict::Stale);
  old.schedules[0].last_good.reset();
  EXPECT_EQ(of(assess_coverage(old), "shop").verdict, CoverageVerdict::NoBackup);
}

TEST(Coverage, CountsAScheduleThatCannotRunForNothing) {
  CoverageFacts broken = facts();
  broken.schedules[0].problem = "its location is gone";
  const CoverageReport report = assess_coverage(broken);
  EXPECT_EQ(of(report, "shop").verdict, CoverageVerdict::NotCovered);
  EXPECT_THAT(report.problems, ElementsAre("schedule nightly: its location is gone"));
}

TEST(Coverage, IsOfOneNamespaceWhereAsked) {
  CoverageFacts all = facts();
  all.findings.outside = {{.what = "S3 bucket", .target = "b", .object = "configmaps shop/c"},
                          {.what = "S3 bucket", .target = "b", .object = "configmaps library/b"}};
  const CoverageReport report = of_namespace(assess_coverage(all), "shop");
  EXPECT_EQ(report.namespaces.size(), 1U);
  EXPECT_EQ(report.volumes.size(), 1U);
  EXPECT_EQ(report.findings.outside.size(), 1U);
  EXPECT_FALSE(report.has_gaps());
}

TEST(LastGood, IsTheNewestCompletedOneThatHasNotExpired) {
  std::vector<model::Backup> backups = {
      backup("a", "nightly", hours(50)), backup("b", "nightly", hours(26)),
      backup("c", "nightly", hours(2)), backup("d", "weekly", hours(1))};
  backups[2].status.phase = model::BackupPhase::PartiallyFailed;
  EXPECT_EQ(last_good_of("nightly", backups, kNow)->backup, "b");
  backups[1].status.expiration = kNow - hours(1);
  EXPECT_EQ(last_good_of("nightly", backups, kNow)->backup, "a");
  EXPECT_FALSE(last_good_of("hourly", backups, kNow));
}

TEST(BackupCoverage, ComesBackFromItsDocument) {
  BackupCoverage coverage{.backup = "b1"};
  coverage.volumes = {
      {.ns = "shop", .claim = "db", .volume = "pv", .path = "none", .reason = "why"}};
  coverage.left_out_namespaces = {{.name = "kube-system", .platform = "Kubernetes", .why = "x"}};
  coverage.left_out_kinds = {{.kind = "nodes", .reason = "excluded"}};
  coverage.findings.outside = {{.what = "S3 bucket", .target = "b", .object = "o", .field = "f"}};
  coverage.findings.local_volumes = {{.ns = "shop", .pod = "p", .volume = "v", .type = "emptyDir"}};
  coverage.findings.warnings = {
      {.id = "missing-crd", .subject = "s", .message = "m", .advice = "a"}};
  coverage.findings.not_listed = 3;
  const auto back = backup_coverage_from(write_json(to_json(coverage)));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->volumes, coverage.volumes);
  EXPECT_EQ(back->left_out_namespaces, coverage.left_out_namespaces);
  EXPECT_EQ(back->findings.outside, coverage.findings.outside);
  EXPECT_EQ(back->findings.local_volumes, coverage.findings.local_volumes);
  EXPECT_EQ(back->findings.warnings, coverage.findings.warnings);
  EXPECT_EQ(back->findings.not_listed, 3U);
  EXPECT_FALSE(backup_coverage_from(R"({"errors":{}})")) << "results of Velero's are none";
}

// Kinds as discovery gives them.
const kube::ResourceType kConfigMapType{
    .gvr = {"", "v1", "configmaps"}, .kind = "ConfigMap", .namespaced = true};
const kube::ResourceType kClaimType{.gvr = {"", "v1", "persistentvolumeclaims"},
                                    .kind = "PersistentVolumeClaim",
                                    .namespaced = true};
const kube::ResourceType kExceptionType{
    .gvr = {"kyverno.io", "v2", "policyexceptions"}, .kind = "PolicyException", .namespaced = true};

void see(LostObjects& lost,
         const kube::ResourceType& type,
         const std::string& ns,
         const std::string& name,
         std::string_view metadata = "{}") {
  Json object = JsonObject{{"metadata", *parse_yaml(metadata)}};
  ensure(object, "metadata.name") = name;
  lost.see({.type = &type, .ns = ns, .name = name}, write_json(object));
}

TEST(Exclusions, LoseWhatComesBackFromNowhere) {
  const model::ResourceList held = {{"v1/ConfigMap", {"library/held"}}};
  LostObjects lost(held);
  see(lost, kConfigMapType, "library", "held");
  see(lost, kConfigMapType, "shop", "by-hand", "{managedFields: [{manager: kubectl, time: '1'}]}");
  see(lost, kConfigMapType, "shop", "by-argo",
      "{annotations: {argocd.argoproj.io/tracking-id: 'shop:/ConfigMap:shop/by-argo'}}");
  see(lost, kConfigMapType, "shop", "by-helm", "{annotations: {meta.helm.sh/release-name: shop}}");
  see(lost, kConfigMapType, "shop", "kube-root-ca.crt");
  see(lost, kExceptionType, "shop", "waiver",
      "{managedFields: [{manager: exception-controller, time: '1'}, {manager: kubectl, time: "
      "'2'}]}");
  see(lost, kConfigMapType, "kube-system", "platform");
  see(lost, kClaimType, "shop", "db");
  const ExclusionAudit audit = audit_exclusions("nightly", {}, lost);
  EXPECT_EQ(audit.at_risk(), 3U) << "by hand, the exception, the claim";
  EXPECT_THAT(audit.lost_volumes, ElementsAre("shop/db"));
  EXPECT_TRUE(audit.loses());
  ASSERT_EQ(audit.lost.size(), 4U);
  EXPECT_EQ(audit.lost[0].platform, "Kubernetes");
  EXPECT_EQ(audit.lost[0].at_risk(), 0U);
  EXPECT_EQ(audit.lost[1].kind, "configmaps");
  EXPECT_EQ(audit.lost[1].total, 4U);
  EXPECT_THAT(audit.lost[1].examples, ElementsAre("by-hand"));
  EXPECT_EQ(audit.lost[3].kind, "policyexceptions.kyverno.io");
  EXPECT_THAT(audit.lost[3].examples, ElementsAre("waiver (made by exception-controller)"));
}

TEST(Exclusions, AreOfAPersonsObjectThoughAControllerWroteInTheSameSecond) {
  const Json pod = *parse_yaml(
      "{metadata: {name: p, managedFields: [{manager: scheduler, time: '1'}, {manager: "
      "kubectl-client-side-apply, time: '1'}, {manager: kubelet, subresource: status, time: "
      "'0'}]}}");
  EXPECT_EQ(origin_of("pods", pod).recovery, Recovery::Nowhere);
}

TEST(Exclusions, LoseNothingWhereEverythingIsTrackedOrThePlatforms) {
  const model::ResourceList held;
  LostObjects lost(held);
  see(lost, kConfigMapType, "shop", "a", "{labels: {kustomize.toolkit.fluxcd.io/name: apps}}");
  see(lost, kConfigMapType, "kube-system", "b");
  const ExclusionAudit audit = audit_exclusions("nightly", {}, lost);
  EXPECT_FALSE(audit.loses());
  EXPECT_THAT(audit.lost_volumes, IsEmpty());
  EXPECT_EQ(string_at(to_json(audit), "kind"), "ExclusionAudit");
}

}  // namespace
}  // namespace lateen::assurance
