// The evaluator against the examples of AWS' documentation (IAM: policy evaluation logic, condition
// operators, multivalued keys), and the two policies of testdata/iam.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assurance/iam_calls.h"
#include "base/file.h"

namespace lateen::assurance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

IamPolicy policy(const std::string& statements) {
  auto parsed = IamPolicy::parse(R"({"Version":"2012-10-17","Statement":)" + statements + "}");
  EXPECT_TRUE(parsed) << statements << ": " << parsed.error().message();
  return parsed ? *parsed : IamPolicy();
}

bool allows(const std::string& statements,
            const std::string& action,
            const std::string& resource = "*",
            IamContext context = {}) {
  return policy(statements)
      .decide({.action = action, .resource = resource, .context = std::move(context)})
      .allowed;
}

std::string allow(const std::string& action, const std::string& resource = "*") {
  return R"({"Effect":"Allow","Action":")" + action + R"(","Resource":")" + resource + R"("})";
}

bool holds(const std::string& condition, IamContext context) {
  return allows(R"({"Effect":"Allow","Action":"x:Y","Resource":"*","Condition":)" + condition + "}",
                "x:Y", "*", std::move(context));
}

TEST(IamPolicy, DeniesWhatNothingAllowsAndLetsADenyWin) {
  EXPECT_FALSE(allows("[]", "s3:GetObject"));
  const std::string both =
      "[" + allow("s3:*") + R"(,{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}])";
  EXPECT_TRUE(allows(both, "s3:GetObject"));
  EXPECT_FALSE(allows(both, "s3:DeleteObject"));
}

TEST(IamPolicy, ComparesActionsWithoutCaseAndResourcesWithIt) {
  EXPECT_TRUE(allows(allow("S3:get*"), "s3:GetObject"));
  EXPECT_TRUE(allows(allow("ec2:Describe?olumes"), "ec2:DescribeVolumes"));
  EXPECT_FALSE(allows(allow("s3:Get*"), "s3:PutObject"));
  const std::string objects = allow("s3:GetObject", "arn:aws:s3:::backups/*");
  EXPECT_TRUE(allows(objects, "s3:GetObject", "arn:aws:s3:::backups/a/b.json"));
  EXPECT_FALSE(allows(objects, "s3:GetObject", "arn:aws:s3:::Backups/a"));
  EXPECT_FALSE(
      allows(allow("s3:GetObject", "arn:aws:s3:::b/[ab]"), "s3:GetObject", "arn:aws:s3:::b/a"));
}

TEST(IamPolicy, LeavesOutByNotActionAndNotResource) {
  const std::string not_action =
      R"({"Effect":"Allow","NotAction":["iam:*","s3:DeleteObject"],"Resource":"*"})";
  EXPECT_TRUE(allows(not_action, "s3:GetObject"));
  EXPECT_FALSE(allows(not_action, "s3:DeleteObject"));
  const std::string not_resource =
      R"([{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"},)" + allow("s3:*") +
      "]";
  EXPECT_TRUE(allows(not_resource, "s3:GetObject", "arn:aws:s3:::b/x"));
  EXPECT_FALSE(allows(not_resource, "s3:GetObject", "arn:aws:s3:::c/x"));
}

TEST(IamPolicy, FillsInVariables) {
  const std::string home = allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*");
  EXPECT_TRUE(allows(home, "s3:GetObject", "arn:aws:s3:::home/ana/x", {{"aws:username", {"ana"}}}));
  EXPECT_FALSE(
      allows(home, "s3:GetObject", "arn:aws:s3:::home/bob/x", {{"aws:username", {"ana"}}}));
}

TEST(IamPolicy, ComparesKeysWithoutCaseButTagsWithIt) {
  EXPECT_TRUE(
      holds(R"({"StringEquals":{"AWS:requesttag/Team":"a"}})", {{"aws:RequestTag/Team", {"a"}}}));
  EXPECT_FALSE(
      holds(R"({"StringEquals":{"aws:RequestTag/team":"a"}})", {{"aws:RequestTag/Team", {"a"}}}));
}

TEST(IamPolicy, TakesAnAbsentKeyAsTheOperatorSays) {
  EXPECT_FALSE(holds(R"({"StringEquals":{"k":"a"}})", {}));
  EXPECT_TRUE(holds(R"({"StringNotEquals":{"k":"a"}})", {}));
  EXPECT_TRUE(holds(R"({"StringEqualsIfExists":{"k":"a"}})", {}));
  EXPECT_FALSE(holds(R"({"StringEqualsIfExists":{"k":"a"}})", {{"k", {"b"}}}));
  EXPECT_FALSE(holds(R"({"StringNotEquals":{"k":["a","b"]}})", {{"k", {"b"}}}));
  EXPECT_TRUE(holds(R"({"Null":{"aws:TagKeys":"true"}})", {}));
  EXPECT_FALSE(holds(R"({"Null":{"aws:TagKeys":"false"}})", {}));
}

TEST(IamPolicy, ComparesKeysOfSeveralValues) {
  const std::string all = R"({"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}})";
  EXPECT_TRUE(holds(all, {{"aws:TagKeys", {"a"}}}));
  EXPECT_FALSE(holds(all, {{"aws:TagKeys", {"a", "Name"}}}));
  EXPECT_TRUE(holds(all, {}));
  const std::string any = R"({"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}})";
  EXPECT_TRUE(holds(any, {{"aws:TagKeys", {"b", "c"}}}));
  EXPECT_FALSE(holds(any, {{"aws:TagKeys", {"c"}}}));
  EXPECT_FALSE(holds(any, {}));
}

TEST(IamPolicy, ComparesBoolsNumbersDatesAddressesAndArns) {
  EXPECT_TRUE(
      holds(R"({"Bool":{"aws:SecureTransport":"false"}})", {{"aws:SecureTransport", {"false"}}}));
  EXPECT_FALSE(
      holds(R"({"Bool":{"aws:SecureTransport":false}})", {{"aws:SecureTransport", {"true"}}}));
  EXPECT_TRUE(holds(R"({"NumericLessThanEquals":{"s3:max-keys":"10"}})", {{"s3:max-keys", {"9"}}}));
  EXPECT_TRUE(holds(R"({"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}})",
                    {{"aws:CurrentTime", {"2026-06-01T00:00:00Z"}}}));
  EXPECT_TRUE(
      holds(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", {{"aws:SourceIp", {"10.1.2.3"}}}));
  EXPECT_FALSE(
      holds(R"({"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", {{"aws:SourceIp", {"10.1.2.3"}}}));
  EXPECT_TRUE(holds(R"({"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:back*"}})",
                    {{"aws:SourceArn", {"arn:aws:s3:::backups"}}}));
  EXPECT_FALSE(holds(R"({"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}})",
                     {{"aws:SourceArn", {"arn:aws:s3:::backups"}}}));
}

TEST(IamPolicy, IsRefusedWithAnOperatorThatNobodyKnows) {
  const auto parsed = IamPolicy::parse(
      R"({"Statement":{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualz":{"a":"1"}}}})");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message(), "statement A: condition operator StringEqualz is not known");
}

IamPolicy of_file(const std::string& name) {
  const auto text = read_file(FilePath(LATEEN_TESTDATA) / "iam" / name, 1_MiB);
  auto parsed = IamPolicy::parse(text ? *text : Bytes());
  EXPECT_TRUE(parsed);
  return parsed ? *parsed : IamPolicy();
}

// "ec2:CreateTags on snapshot: …" of each required call that is denied.
std::vector<std::string> denied(const IamPolicy& attached, const IamScenario& scenario) {
  std::vector<std::string> calls;
  for (const IamVerdict& one : judge_policy(attached, scenario)) {
    if (one.call.required && !one.decision.allowed)
      calls.push_back(one.call.request.action + ": " + one.decision.reason);
  }
  return calls;
}

const IamScenario kOwned{.bucket = "backups", .region = "eu-west-1", .tags = TagProfile::Owned};

TEST(IamCalls, AreAllAllowedByTheMinimalPolicies) {
  EXPECT_THAT(denied(of_file("minimal-policy.json"), kOwned), IsEmpty());
  for (const TagProfile tags : {TagProfile::Owned, TagProfile::Velero}) {
    const IamScenario scenario{.bucket = "backups",
                               .kms_key_arn = "arn:aws:kms:eu-west-1:1:key/k",
                               .object_lock = true,
                               .tagging = true,
                               .tags = tags,
                               .copies_snapshots = true};
    const auto minimal = IamPolicy::parse(write_json(minimal_policy(scenario)));
    ASSERT_TRUE(minimal);
    EXPECT_THAT(denied(*minimal, scenario), IsEmpty());
  }
}

TEST(IamCalls, AreNamedWhereTheHandbooksPolicyDeniesThem) {
  const auto calls = denied(of_file("document-policy.json"), kOwned);
  EXPECT_THAT(
      calls,
      ElementsAre(
          "ec2:CreateSnapshot: statement EC2Create allows it only if StringEquals "
          "aws:RequestTag/velero.io/backup is true, and the call has none there",
          "ec2:CreateTags: statement EC2Tagging allows it only if StringEquals aws:TagKeys is "
          "velero.io/backup or velero.io/restore, and the call has velero.io/backup, "
          "velero.io/backup-name",
          "ec2:CreateVolume: statement EC2Create allows it only if StringEquals "
          "aws:RequestTag/velero.io/backup is true, and the call has none there",
          "ec2:CreateTags: statement EC2Tagging allows it only if StringEquals aws:TagKeys is "
          "velero.io/backup or velero.io/restore, and the call has velero.io/backup, "
          "velero.io/backup-name, velero.io/restore"));
}

TEST(IamCalls, AreNamedOneByOneWhenAStatementIsMissing) {
  Json minimal = minimal_policy(kOwned);
  JsonArray& statements = minimal.at("Statement").as_array();
  ASSERT_EQ(string_at(statements.front(), "Sid"), "Bucket");
  statements.erase(statements.begin());
  const auto attached = IamPolicy::parse(write_json(minimal));
  ASSERT_TRUE(attached);
  EXPECT_THAT(denied(*attached, kOwned), ElementsAre("s3:ListBucket: no statement allows it"));
}

}  // namespace
}  // namespace lateen::assurance
