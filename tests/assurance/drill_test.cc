#include "assurance/drill.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "base/yaml.h"

namespace lateen::assurance {
namespace {

using model::Backup;
using model::DrillCheck;

const DrillNames kNames{.drill = "weekly", .run = "20261122-020000", .server_namespace = "velero"};

Backup backup(const std::string& name,
              const std::string& schedule,
              model::BackupPhase phase,
              const char* time) {
  Backup one;
  one.metadata.name = name;
  one.metadata.labels["velero.io/schedule-name"] = schedule;
  one.status.phase = phase;
  one.status.start_timestamp = parse_rfc3339(time).value();
  return one;
}

TEST(Drill, TakesTheNewestCompletedBackupOfItsSchedule) {
  using enum model::BackupPhase;
  const std::vector<Backup> backups = {
      backup("old", "nightly", Completed, "2026-11-20T02:00:00Z"),
      backup("good", "nightly", Completed, "2026-11-21T02:00:00Z"),
      backup("half", "nightly", PartiallyFailed, "2026-11-22T02:00:00Z"),
      backup("other", "weekly", Completed, "2026-11-22T03:00:00Z")};
  EXPECT_EQ(choose_drill_backup({.schedule_name = "nightly"}, backups).value().metadata.name,
            "good");
  EXPECT_EQ(choose_drill_backup({.backup_name = "half"}, backups).value().metadata.name, "half");
  EXPECT_EQ(choose_drill_backup({.schedule_name = "none"}, backups).error().message(),
            "there is no Completed backup of schedule none");
}

TEST(Drill, LeavesOutTheClustersOwnNamespacesUnlessTheyAreNamed) {
  const model::StringList in_backup = {"bookstore", "kube-system", "restore-test-20261121", "shop",
                                       "velero"};
  EXPECT_EQ(drill_namespaces({}, in_backup, "velero").value(),
            (model::StringList{"bookstore", "shop"}));
  EXPECT_EQ(drill_namespaces({.included_namespaces = {"shop"}}, in_backup, "velero").value(),
            (model::StringList{"shop"}));
  const auto wrong = drill_namespaces({.included_namespaces = {"shpo"}}, in_backup, "velero");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message().substr(0, 34), "namespace shpo is not in the backu");
}

TEST(Drill, RestoresIntoNamespacesWithTheDateInThem) {
  EXPECT_EQ(drill_mapping({}, {"bookstore"}, "20261122"),
            (model::StringMap{{"bookstore", "restore-test-20261122"}}));
  EXPECT_EQ(drill_mapping({.namespace_prefix = "fire"}, {"a", "b"}, "20261122"),
            (model::StringMap{{"a", "fire-20261122-a"}, {"b", "fire-20261122-b"}}));
  const std::string longest(63, 'x');
  EXPECT_EQ(drill_mapping({}, {longest, "b"}, "20261122").at(longest).size(), 63U);
}

TEST(Drill, ItsRestoreLeavesOutWhatReachesOutside) {
  const model::Restore restore =
      drill_restore(kNames, {.excluded_resources = {"jobs.batch"}}, "good", {{"a", "t"}});
  EXPECT_EQ(restore.metadata.name, "drill-weekly-20261122-020000");
  EXPECT_EQ(restore.spec.namespace_mapping, (model::StringMap{{"a", "t"}}));
  const auto& out = restore.spec.excluded_resources;
  for (const char* kind : {"ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io",
                           "validatingwebhookconfigurations.admissionregistration.k8s.io",
                           "applications.argoproj.io", "jobs.batch"}) {
    EXPECT_NE(std::find(out.begin(), out.end(), kind), out.end()) << kind;
  }
}

TEST(Drill, ItsModifiersAreYamlThatSuspendsCronJobs) {
  const Json map = drill_modifiers(kNames);
  const auto rules = parse_yaml(as_text(find(find(map, "data"), JsonKey{"modifiers.yaml"})));
  ASSERT_TRUE(rules) << rules.error().message();
  const JsonArray* list = array_at(*rules, "resourceModifierRules");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->size(), 3U);
  EXPECT_EQ(string_at(list->at(0), "conditions.groupResource"), "cronjobs.batch");
  const auto tracking =
      parse_yaml(string_at(array_at(list->at(2), "mergePatches")->at(0), "patchData"));
  ASSERT_TRUE(tracking);
  EXPECT_NE(find(find(*tracking, "metadata.labels"), JsonKey{"argocd.argoproj.io/instance"}),
            nullptr);
}

TEST(Drill, SaysWhatIsWrongWithItself) {
  model::RestoreDrillSpec spec;
  spec.schedule = "every day";
  spec.checks = {{.name = "q", .type = "sql"}, {.type = "dance"}};
  const model::StringList problems = drill_problems(spec);
  ASSERT_EQ(problems.size(), 5U);
  EXPECT_EQ(problems[0], "spec.source: exactly one of scheduleName and backupName must be given");
  EXPECT_EQ(problems[3], "spec.checks[0] q: it has no query");
  model::DrillCheck misspelt{.type = "podsReady"};
  misspelt.expect.unknown["equal"] = "1";
  spec = {.source = {.schedule_name = "nightly"}, .checks = {misspelt}};
  EXPECT_EQ(drill_problems(spec),
            (model::StringList{"spec.checks[0] : there is no field \"equal\""}));
  spec = {.source = {.schedule_name = "nightly"}};
  EXPECT_EQ(drill_problems(spec), model::StringList());
}

TEST(DrillCheck, AsksDatabasesThroughTheirOwnClients) {
  EXPECT_EQ(check_command({.type = "sql",
                           .host = "/run/postgresql",
                           .database = "books",
                           .user = "app",
                           .query = "SELECT 1"},
                          ""),
            (std::vector<std::string>{"psql", "--no-psqlrc", "--tuples-only", "--no-align",
                                      "--set=ON_ERROR_STOP=1", "--host=/run/postgresql",
                                      "--username=app", "--dbname=books", "--command=SELECT 1"}));
  EXPECT_EQ(
      check_command({.type = "http", .path = "/a'b", .port = 80}, "fd00::1")[2],
      "if command -v curl >/dev/null; then exec curl -fsSk -m 20 'http://[fd00::1]:80/a'\\''b'; "
      "else exec wget -q -T 20 -O - 'http://[fd00::1]:80/a'\\''b'; fi");
}

TEST(DrillCheck, HoldsAnswersAgainstWhatWasExpected) {
  const DrillCheck equals{.type = "exec", .expect = {.equals = "5000"}};
  EXPECT_EQ(judge_answer(equals, 0, "5000\n", ""), "");
  EXPECT_EQ(judge_answer(equals, 0, "10\n", ""), "expected \"5000\", got \"10\"");
  EXPECT_EQ(judge_answer(equals, 2, "", "psql: no\n"),
            "the command ended with exit code 2: psql: no");
  const DrillCheck minimum{.type = "sql", .expect = {.minimum = 100}};
  EXPECT_EQ(judge_answer(minimum, 0, "100", ""), "");
  EXPECT_EQ(judge_answer(minimum, 0, "99", ""), "expected at least 100, got 99");
  EXPECT_EQ(judge_answer(minimum, 0, "many", ""), "expected a number, got \"many\"");
  // sha256sum's line for the text "abc".
  const std::string digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const DrillCheck file{.type = "file", .path = "/x", .expect = {.sha256 = digest}};
  EXPECT_EQ(judge_answer(file, 0, digest + "  /x\n", ""), "");
  EXPECT_NE(judge_answer(file, 0, std::string(64, '0') + "  /x\n", ""), "");
  EXPECT_EQ(judge_answer({.type = "http", .expect = {.sha256 = digest}}, 0, "abc", ""), "");
}

TEST(DrillEvidence, EscapesWhatAPodSaid) {
  model::RestoreDrill drill;
  drill.metadata.name = "weekly";
  model::DrillRun run{.id = "r"};
  run.phase = model::DrillPhase::Failed;
  run.checks = {{.name = "q", .type = "exec", .observed = "<script>alert(1)</script>"}};
  const std::string page = drill_page(drill, run, "ab");
  EXPECT_EQ(page.find("<script>"), page.npos);
  EXPECT_NE(page.find("&lt;script&gt;"), page.npos);
  EXPECT_EQ(string_at(drill_evidence(drill, run), "run.id"), "r");
}

}  // namespace
}  // namespace lateen::assurance
