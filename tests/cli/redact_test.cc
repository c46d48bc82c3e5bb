// What a debug bundle may not hold.
#include "cli/redact.h"

#include <gtest/gtest.h>

namespace lateen::cli {
namespace {

Json redacted(std::string_view text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  if (!json) return {};
  redact(*json);
  return *json;
}

TEST(RedactText, TakesSignaturesOutOfLinks) {
  EXPECT_EQ(
      redact_text("GET https://s3/b?X-Amz-Credential=AKIA%2F2026&X-Amz-Signature=ab12&x=1 403"),
      "GET https://s3/b?X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED&x=1 403");
  EXPECT_EQ(redact_text("http://127.0.0.1:1/d/BackupLog/n?expires=1&signature=ff\""),
            "http://127.0.0.1:1/d/BackupLog/n?expires=1&signature=REDACTED\"");
}

TEST(RedactText, TakesPasswordsTokensAndKeysOutOfLogs) {
  EXPECT_EQ(redact_text("--db-password=hunter2 Authorization: Bearer eyJh.x.y"),
            "--db-password=REDACTED Authorization: Bearer REDACTED");
  EXPECT_EQ(redact_text("a\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\nb"),
            "a\nREDACTED\nb");
  EXPECT_EQ(redact_text("a -----BEGIN RSA PRIVATE KEY-----\nMHc"), "a REDACTED");
}

TEST(RedactText, LeavesTheRestAsItIs) {
  const std::string text =
      "time=\"2026\" level=info msg=\"tokens: 3\" password= -----BEGIN CERTIFICATE-----\nMII";
  EXPECT_EQ(redact_text(text), text);
}

TEST(Redact, TakesWhatIsCalledASecretAndSignedLinks) {
  EXPECT_EQ(redacted(R"({"spec":{"adminPassword":"x","config":{"region":"eu"}},
                         "status":{"downloadURL":"https://s3/x"}})"),
            parse_json(R"({"spec":{"adminPassword":"REDACTED","config":{"region":"eu"}},
                           "status":{"downloadURL":"REDACTED"}})")
                .value_or(nullptr));
}

TEST(Redact, TakesTheValuesOfSecretVariablesAndKeepsWhereTheyComeFrom) {
  EXPECT_EQ(
      redacted(R"({"env":[{"name":"AWS_SECRET_ACCESS_KEY","value":"k"},{"name":"TZ","value":"UTC"},
                   {"name":"API_TOKEN","valueFrom":{"secretKeyRef":{"name":"s","key":"t"}}}]})"),
      parse_json(
          R"({"env":[{"name":"AWS_SECRET_ACCESS_KEY","value":"REDACTED"},
              {"name":"TZ","value":"UTC"},
              {"name":"API_TOKEN","valueFrom":{"secretKeyRef":{"name":"s","key":"t"}}}]})")
          .value_or(nullptr));
}

TEST(Redact, TakesSecretsDataAndTheAnnotationThatRepeatsIt) {
  EXPECT_EQ(
      redacted(R"({"kind":"Secret","data":{"a":"eA=="},"metadata":{"name":"s","managedFields":[],
                   "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","b":"c"}}})"),
      parse_json(R"({"kind":"Secret","metadata":{"name":"s","annotations":{"b":"c"}}})")
          .value_or(nullptr));
}

}  // namespace
}  // namespace lateen::cli
