// What `check`, `check iam` and `coverage` print, and their commands' help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/check_iam.h"
#include "cli/commands.h"
#include "cli/coverage_print.h"
#include "cli/testing/recorded_console.h"

namespace lateen::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CheckOutput, ShowsEvidenceNextStepAndPage) {
  EXPECT_EQ(print_checks({assurance::passed("location-available", "default", "Available"),
                          assurance::failed("schedule-fresh", "nightly", "it is 31 h old", "look"),
                          assurance::warned("alert-route", "", "nobody is told", "tell somebody")}),
            R"(The checklist of six
  ✓ 1. backup storage locations are Available [default]: Available
  ✗ 2. the last good backup is young enough [nightly]: it is 31 h old  (schedule-fresh)
      next: look
      see:  docs/reference/checks.md#schedule-fresh

Beyond it
  ‼ somebody is told when a backup fails: nobody is told  (alert-route)
      next: tell somebody
      see:  docs/reference/checks.md#alert-route

1 ok, 1 to look at, 1 failed
)");
}

TEST(CheckOutput, NamesWhatAPolicyDeniesAndPrintsTheSmallestOne) {
  const assurance::IamScenario scenario{.bucket = "backups", .native_snapshots = false};
  const auto policy = assurance::IamPolicy::parse(
      R"({"Statement":[{"Effect":"Allow","Action":"s3:*Object","Resource":"arn:aws:s3:::backups/*"}]})");
  ASSERT_TRUE(policy);
  const std::string text = print_iam(assurance::judge_policy(*policy, scenario), scenario);
  EXPECT_THAT(text,
              HasSubstr("✗ s3:ListBucket on arn:aws:s3:::backups\n      no statement allows it. "
                        "It is for: the location becomes Available only if it can be listed"));
  EXPECT_THAT(text, HasSubstr("✓ s3:PutObject"));
  EXPECT_THAT(text, HasSubstr("\"Sid\": \"Bucket\""));
  EXPECT_THAT(text, Not(HasSubstr("ec2:")));
}

TEST(CheckOutput, AsksNoClusterForAPolicyOfABucket) {
  RecordedConsole console;
  const SystemClock clock;
  const int code = dispatch(root_command("lateen"), {"check", "iam", "--bucket", "b", "-o", "json"},
                            console, clock, {});
  EXPECT_EQ(code, 0) << console.complained;
  EXPECT_THAT(console.printed, HasSubstr("arn:aws:s3:::b/*"));
}

TEST(CoverageOutput, ShowsWhoHoldsWhatAndWhatIsOutOfReach) {
  assurance::CoverageReport report;
  report.namespaces = {{.ns = "shop",
                        .total = 12,
                        .held = 12,
                        .schedules = {"nightly"},
                        .backup = "nightly-1",
                        .age = std::chrono::hours(7),
                        .objective = std::chrono::hours(25),
                        .verdict = assurance::CoverageVerdict::Covered},
                       {.ns = "lab", .total = 3, .why = "no schedule holds anything of it"}};
  report.kinds = {{.ns = "lab", .kind = "v1/ConfigMap", .total = 3}};
  report.volumes = {{.ns = "shop",
                     .claim = "db",
                     .path = "none",
                     .schedule = "nightly",
                     .reason = "no class of its driver"}};
  EXPECT_EQ(
      print_coverage(report),
      R"(NAMESPACE   OBJECTS   HELD   SCHEDULES   LAST GOOD BACKUP   AGE      OBJECTIVE   VERDICT
shop        12        12     nightly     nightly-1          7h       25h         covered
lab         3         0      <none>      <none>             <none>   <none>      not covered

Volumes:
NAMESPACE   CLAIM   PATH   SCHEDULE   BACKUP   AGE      VERDICT       WHY
shop        db      none   nightly    <none>   <none>   not covered   no class of its driver

Why:
  lab: no schedule holds anything of it

Kinds that are not held whole:
NAMESPACE   KIND           OBJECTS   HELD
lab         v1/ConfigMap   3         0
)");
}

}  // namespace
}  // namespace lateen::cli
