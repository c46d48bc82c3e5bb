#include "net/aws/fault.h"

#include <gtest/gtest.h>

#include "net/aws/profile_file.h"

namespace lateen::net::aws {
namespace {

HttpResponse answer(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}

TEST(ServiceFault, ReadsEachProtocolsDocument) {
  const ServiceFault s3 = read_fault(
      answer(404,
             "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>The specified key "
             "does not exist.</Message><Key>k</Key><RequestId>4442587FB7D0A2F9</RequestId>"
             "</Error>"));
  EXPECT_EQ(s3.code, "NoSuchKey");
  EXPECT_EQ(s3.request_id, "4442587FB7D0A2F9");
  const ServiceFault sts = read_fault(
      answer(403,
             "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
             "<Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform "
             "sts:AssumeRoleWithWebIdentity</Message></Error><RequestId>r-1</RequestId>"
             "</ErrorResponse>"));
  EXPECT_EQ(sts.code, "AccessDenied");
  EXPECT_EQ(sts.request_id, "r-1");
  const ServiceFault ec2 = read_fault(
      answer(400,
             "<Response><Errors><Error><Code>InvalidSnapshot.NotFound</Code><Message>The "
             "snapshot 'snap-1' does not exist.</Message></Error></Errors><RequestID>r-2"
             "</RequestID></Response>"));
  EXPECT_EQ(ec2.code, "InvalidSnapshot.NotFound");
  EXPECT_EQ(ec2.request_id, "r-2");
  const ServiceFault kms = read_fault(
      answer(400, R"({"__type":"NotFoundException","message":"Key 'x' does not exist"})"));
  EXPECT_EQ(kms.code, "NotFoundException");
  EXPECT_EQ(read_fault(answer(403, "")).code, "Forbidden");
  EXPECT_EQ(read_fault(answer(502, "<html>not a fault")).code, "");
}

TEST(ServiceFault, SaysWhatItIsAndWhetherToTryAgain) {
  const auto error = [](int status, std::string code) {
    return error_of_fault({.status = status, .code = std::move(code)}, "x");
  };
  EXPECT_EQ(error(503, "SlowDown").code(), Code::TooManyRequests);
  EXPECT_TRUE(error(503, "SlowDown").retryable());
  EXPECT_TRUE(error(500, "InternalError").retryable());
  EXPECT_TRUE(error(400, "RequestTimeout").retryable());
  EXPECT_EQ(error(400, "InvalidSnapshot.NotFound").code(), Code::NotFound);
  EXPECT_EQ(error(403, "AccessDenied").code(), Code::Forbidden);
  EXPECT_EQ(error(403, "UnauthorizedOperation").code(), Code::Forbidden);
  EXPECT_EQ(error(403, "SignatureDoesNotMatch").code(), Code::Unauthenticated);
  EXPECT_EQ(error(400, "ExpiredToken").code(), Code::Unauthenticated);
  EXPECT_EQ(error(412, "PreconditionFailed").code(), Code::Conflict);
  EXPECT_FALSE(error(403, "AccessDenied").retryable());
  EXPECT_FALSE(error(501, "NotImplemented").retryable());
  EXPECT_EQ(
      error_of_fault(
          {.status = 403, .code = "AccessDenied", .message = "Access Denied", .request_id = "R"},
          "s3://b/k")
          .message(),
      "s3://b/k: AccessDenied: Access Denied (request R)");
}

TEST(ServiceFault, AClockIsWrongWhenItIsMinutesOff) {
  HttpResponse response{.status = 403};
  response.headers.set("Date", "Sun, 22 Nov 2026 10:09:21 GMT");
  const TimePoint then{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) +
                       std::chrono::hours(10)};
  EXPECT_EQ(*clock_skew(response, then), std::chrono::minutes(9) + std::chrono::seconds(21));
  EXPECT_FALSE(clock_skew(response, then + std::chrono::minutes(8)));
  EXPECT_FALSE(clock_skew({}, then));
}

TEST(ProfileFile, ReadsBothKindsOfSections) {
  const auto profiles = parse_profiles(
      "# made by hand\n[default]\naws_access_key_id = AKID # mine\nAWS_SECRET_ACCESS_KEY=a#b=c\r\n"
      "s3 =\n  addressing_style = path\n\n[profile ops]\nrole_arn=arn:aws:iam::1:role/r\n"
      "[sso-session x]\nsso_region = y\n; the end\n");
  ASSERT_TRUE(profiles) << profiles.error().message();
  EXPECT_EQ(value_of(profiles->at("default"), "aws_access_key_id"), "AKID");
  EXPECT_EQ(value_of(profiles->at("default"), "aws_secret_access_key"), "a#b=c");
  EXPECT_EQ(value_of(profiles->at("default"), "addressing_style"), "");
  EXPECT_EQ(value_of(profiles->at("ops"), "role_arn"), "arn:aws:iam::1:role/r");
  EXPECT_EQ(profiles->size(), 2U);
}

TEST(ProfileFile, SaysWhichLineIsWrongAndShowsNone) {
  const auto profiles = parse_profiles("[default]\nsecretsecret\n");
  ASSERT_FALSE(profiles);
  EXPECT_EQ(profiles.error().message(), "line 2: a key needs an = after it");
  EXPECT_EQ(parse_profiles("a = b\n").error().message(), "line 1: a [profile] must come first");
  EXPECT_FALSE(parse_profiles("[default\n"));
}

TEST(ProfileFile, CommandsAreSplitAsAShellWould) {
  EXPECT_EQ(*split_command(R"(/opt/x "a b" c\ d 'e "f"' "")"),
            (std::vector<std::string>{"/opt/x", "a b", "c d", "e \"f\"", ""}));
  EXPECT_FALSE(split_command("x 'y"));
  EXPECT_TRUE(split_command("")->empty());
}

}  // namespace
}  // namespace lateen::net::aws
