// Where credentials are found, against an STS, a container's endpoint and an instance's metadata on
// loopback that answer as AWS documents. tests/s3 asks moto's STS.
#include "net/aws/credentials.h"

#include <map>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/temp.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/time.h"
#include "net/testing/test_server.h"
#include "net/url.h"

namespace lateen::net::aws {
namespace {

using net::testing::must;
using net::testing::TestServer;

class MovedClock final : public Clock {
 public:
  TimePoint now() const override { return SystemClock().now() + Duration(ahead_.load()); }

  void advance(Duration by) { ahead_ += by.count(); }

 private:
  std::atomic<Duration::rep> ahead_ = 0;
};

std::string sts_answer(std::string_view action, std::string_view id, TimePoint expires) {
  return fmt::format(
      "<{0}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{0}Result><Credentials>"
      "<AccessKeyId>{1}</AccessKeyId><SecretAccessKey>sk-{1}</SecretAccessKey><SessionToken>st-{1}"
      "</SessionToken><Expiration>{2}</Expiration></Credentials></{0}Result></{0}Response>",
      action, id, format_rfc3339(expires));
}

class AwsCredentials : public ::testing::Test {
 protected:
  AwsCredentials()
      : dir_(must(TempDir::create())),
        server_([this](ServerExchange& exchange) { serve(exchange); }) {
    environment_["HOME"] = dir_.path();
    environment_["AWS_ENDPOINT_URL_STS"] = server_.url();
    environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server_.url();
    environment_["AWS_REGION"] = "eu-west-1";
  }

  // Records what was asked, and answers with what the test has laid ready for the path.
  void serve(ServerExchange& exchange) {
    HttpResponse response{.status = 404};
    {
      const Lock lock(mu_);
      const std::string target(exchange.request().target);
      asked_.push_back(fmt::format("{} {}", exchange.request().method, target));
      last_headers_ = exchange.request().headers;
      last_body_ = exchange.request().body;
      const auto found = answers_.find(target);
      if (found != answers_.end()) response = found->second;
    }
    (void)exchange.respond(std::move(response));
  }

  void answer(const std::string& target, int status, std::string body) {
    const Lock lock(mu_);
    answers_[target] = {.status = status, .body = std::move(body)};
  }

  std::string file(const std::string& name, std::string_view content) {
    const FilePath path = dir_.path() / name;
    EXPECT_TRUE(make_dirs(path.parent_path()));
    EXPECT_TRUE(write_file(path, content));
    return path;
  }

  CredentialsOptions options() {
    CredentialsOptions options{.clock = clock_};
    options.environment =
        [values = environment_](const std::string& name) -> std::optional<std::string> {
      const auto found = values.find(name);
      if (found == values.end()) return std::nullopt;
      return found->second;
    };
    return options;
  }

  std::unique_ptr<CredentialsProvider> provider() { return must(make_credentials(options())); }

  std::size_t times_asked() {
    const Lock lock(mu_);
    return asked_.size();
  }

  // A form's field of the last request.
  std::string asked_for(std::string_view field) {
    const Lock lock(mu_);
    return std::string(must(QueryValues::parse(last_body_)).get(field));
  }

  TempDir dir_;
  std::map<std::string, std::string> environment_;
  std::shared_ptr<MovedClock> clock_ = std::make_shared<MovedClock>();
  Mutex mu_;
  std::map<std::string, HttpResponse> answers_ LATEEN_GUARDED_BY(mu_);
  std::vector<std::string> asked_ LATEEN_GUARDED_BY(mu_);
  Headers last_headers_ LATEEN_GUARDED_BY(mu_);
  Bytes last_body_ LATEEN_GUARDED_BY(mu_);
  TestServer server_;  // last: it uses all of the above
};

TEST_F(AwsCredentials, TheEnvironmentsKeysComeFirst) {
  environment_["AWS_ACCESS_KEY_ID"] = "AKID";
  environment_["AWS_SECRET_ACCESS_KEY"] = "secret";
  environment_["AWS_SESSION_TOKEN"] = "token";
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/none";
  const Credentials got = must(provider()->get({}));
  EXPECT_EQ(got.access_key_id, "AKID");
  EXPECT_EQ(got.secret_access_key.reveal(), "secret");
  EXPECT_EQ(got.session_token.reveal(), "token");
  EXPECT_EQ(times_asked(), 0U);
}

TEST_F(AwsCredentials, ALocationsFileExcludesAllOthers) {
  environment_["AWS_ACCESS_KEY_ID"] = "AKID";
  environment_["AWS_SECRET_ACCESS_KEY"] = "secret";
  CredentialsOptions with_file = options();
  with_file.file = Secret(
      "[default]\naws_access_key_id=MINE\naws_secret_access_key=s\n"
      "[other]\naws_access_key_id=OTHER\naws_secret_access_key=s\n");
  EXPECT_EQ(must(must(make_credentials(with_file))->get({})).access_key_id, "MINE");
  with_file.profile = "other";
  EXPECT_EQ(must(must(make_credentials(with_file))->get({})).access_key_id, "OTHER");
  with_file.profile = "none";
  const auto missing = must(make_credentials(with_file))->get({});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "the credentials file: no profile none");
}

TEST_F(AwsCredentials, IrsaTradesTheTokenForTheRole) {
  environment_["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/velero";
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = file("token", "jwt-1\n");
  answer("/", 200,
         sts_answer("AssumeRoleWithWebIdentity", "ASIA1", clock_->now() + std::chrono::hours(1)));
  const auto kept = provider();
  EXPECT_EQ(must(kept->get({})).access_key_id, "ASIA1");
  EXPECT_EQ(asked_for("Action"), "AssumeRoleWithWebIdentity");
  EXPECT_EQ(asked_for("RoleArn"), "arn:aws:iam::123456789012:role/velero");
  EXPECT_EQ(asked_for("WebIdentityToken"), "jwt-1");
  EXPECT_TRUE(asked_for("RoleSessionName").starts_with("lateen-"));
  {
    const Lock lock(mu_);
    EXPECT_FALSE(last_headers_.contains("Authorization"));
  }
  // Kept while they are good, renewed before they end, with the token as it is then.
  EXPECT_EQ(must(kept->get({})).access_key_id, "ASIA1");
  EXPECT_EQ(times_asked(), 1U);
  file("token", "jwt-2");
  clock_->advance(std::chrono::minutes(56));
  answer("/", 200,
         sts_answer("AssumeRoleWithWebIdentity", "ASIA2", clock_->now() + std::chrono::hours(1)));
  EXPECT_EQ(must(kept->get({})).access_key_id, "ASIA2");
  EXPECT_EQ(asked_for("WebIdentityToken"), "jwt-2");
  EXPECT_EQ(times_asked(), 2U);
}

TEST_F(AwsCredentials, RefusedOnesAreRenewedOnce) {
  environment_["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/velero";
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = file("token", "jwt");
  answer("/", 200,
         sts_answer("AssumeRoleWithWebIdentity", "ASIA1", clock_->now() + std::chrono::hours(1)));
  const auto kept = provider();
  const Credentials first = must(kept->get({}));
  EXPECT_TRUE(kept->refuse(first));
  answer("/", 200,
         sts_answer("AssumeRoleWithWebIdentity", "ASIA2", clock_->now() + std::chrono::hours(1)));
  EXPECT_EQ(must(kept->get({})).access_key_id, "ASIA2");
  // Another call that still had the old ones does not cost the new.
  EXPECT_TRUE(kept->refuse(first));
  EXPECT_EQ(must(kept->get({})).access_key_id, "ASIA2");
  EXPECT_EQ(times_asked(), 2U);
}

TEST_F(AwsCredentials, WhatIsStillGoodOutlivesAFailingSource) {
  environment_["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/velero";
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = file("token", "jwt");
  answer("/", 200,
         sts_answer("AssumeRoleWithWebIdentity", "ASIA1", clock_->now() + std::chrono::hours(1)));
  const auto kept = provider();
  ASSERT_TRUE(kept->get({}));
  answer("/", 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
  clock_->advance(std::chrono::minutes(57));
  EXPECT_EQ(must(kept->get({})).access_key_id, "ASIA1");
  clock_->advance(std::chrono::minutes(4));
  EXPECT_FALSE(kept->get({}));
}

TEST_F(AwsCredentials, ATokenFileThatIsNotMountedIsExplained) {
  environment_["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/velero";
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = dir_.path() / "no-token";
  const auto got = provider()->get({});
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message().find("no-token: No such file"), std::string::npos)
      << got.error().message();
  EXPECT_EQ(got.error().hint(),
            "The token file is not mounted: is the ServiceAccount annotated with "
            "eks.amazonaws.com/role-arn, and was the pod made after that?");
}

TEST_F(AwsCredentials, ARefusedTokenIsExplainedByWhatItClaims) {
  environment_["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/velero";
  const std::string token =
      "e30." +
      base64url_encode(
          R"({"sub":"system:serviceaccount:velero:velero","iss":"https://oidc.eks/id/1","aud":["sts.amazonaws.com"]})") +
      ".signature";
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = file("token", token);
  answer("/", 403,
         "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to perform "
         "sts:AssumeRoleWithWebIdentity</Message></Error><RequestId>r</RequestId></ErrorResponse>");
  const auto got = provider()->get({});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message(),
            "web identity (IRSA): assuming role arn:aws:iam::123456789012:role/velero: sts "
            "AssumeRoleWithWebIdentity: AccessDenied: Not authorized to perform "
            "sts:AssumeRoleWithWebIdentity (request r); the token is for "
            "\"system:serviceaccount:velero:velero\", issued by \"https://oidc.eks/id/1\", for the "
            "audience [\"sts.amazonaws.com\"]");
  EXPECT_NE(got.error().hint().find("trust policy"), std::string::npos);
  EXPECT_EQ(got.error().describe().find("signature"), std::string::npos);
}

TEST_F(AwsCredentials, RolesAreChainedThroughProfiles) {
  file(".aws/config",
       "[profile base]\naws_access_key_id=BASE\naws_secret_access_key=s\n"
       "[profile middle]\nrole_arn=arn:aws:iam::1:role/middle\nsource_profile=base\n"
       "[profile top]\nrole_arn=arn:aws:iam::2:role/top\nsource_profile=middle\nexternal_id=ext\n"
       "duration_seconds=900\nrole_session_name=mine\n"
       "[profile loop]\nrole_arn=arn:aws:iam::2:role/x\nsource_profile=pool\n"
       "[profile pool]\nrole_arn=arn:aws:iam::2:role/y\nsource_profile=loop\n");
  environment_["AWS_PROFILE"] = "top";
  answer("/", 200, sts_answer("AssumeRole", "ASIA1", clock_->now() + std::chrono::hours(1)));
  EXPECT_EQ(must(provider()->get({})).access_key_id, "ASIA1");
  EXPECT_EQ(times_asked(), 2U);
  EXPECT_EQ(asked_for("RoleArn"), "arn:aws:iam::2:role/top");
  EXPECT_EQ(asked_for("ExternalId"), "ext");
  EXPECT_EQ(asked_for("DurationSeconds"), "900");
  EXPECT_EQ(asked_for("RoleSessionName"), "mine");
  {
    const Lock lock(mu_);
    EXPECT_NE(last_headers_.get("Authorization").find("Credential=ASIA1/"), std::string::npos);
  }
  environment_["AWS_PROFILE"] = "loop";
  const auto endless = provider()->get({});
  ASSERT_FALSE(endless);
  EXPECT_NE(endless.error().message().find("source_profile leads back"), std::string::npos)
      << endless.error().message();
}

TEST_F(AwsCredentials, AnotherProgramMayGiveThem) {
  const std::string program =
      file("give.sh",
           "#!/bin/sh\necho \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"P-$1\\\","
           "\\\"SecretAccessKey\\\":\\\"s\\\"}\"\n");
  file(".aws/config", fmt::format("[default]\ncredential_process = /bin/sh {} \"a b\"\n", program));
  EXPECT_EQ(must(provider()->get({})).access_key_id, "P-a b");
  file(".aws/config", "[default]\ncredential_process = /bin/sh -c 'echo no >&2; exit 3'\n");
  const auto failed = provider()->get({});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(),
            "shared files: profile default: credential_process /bin/sh: exit code 3: no");
}

TEST_F(AwsCredentials, PodIdentityIsAskedWithItsToken) {
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.url("/v1/credentials");
  environment_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = file("pod-token", "pod-jwt\n");
  answer(
      "/v1/credentials", 200,
      R"({"AccessKeyId":"POD","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"})");
  EXPECT_EQ(must(provider()->get({})).access_key_id, "POD");
  {
    const Lock lock(mu_);
    EXPECT_EQ(last_headers_.get("Authorization"), "pod-jwt");
  }
  answer("/v1/credentials", 400, R"({"code":"x","message":"no association"})");
  EXPECT_EQ(provider()->get({}).error().message(),
            "container endpoint: the container's endpoint: HTTP status 400: no association");
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/x";
  EXPECT_NE(provider()->get({}).error().message().find("neither https nor this machine"),
            std::string::npos);
}

TEST_F(AwsCredentials, TheInstancesRoleIsLast) {
  answer("/latest/api/token", 200, "session");
  answer("/latest/meta-data/iam/security-credentials/", 200, "node-role");
  answer(
      "/latest/meta-data/iam/security-credentials/node-role", 200,
      R"({"Code":"Success","AccessKeyId":"EC2","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"})");
  EXPECT_EQ(must(provider()->get({})).access_key_id, "EC2");
  const Lock lock(mu_);
  EXPECT_EQ(asked_.at(0), "PUT /latest/api/token");
  EXPECT_EQ(last_headers_.get("X-aws-ec2-metadata-token"), "session");
}

TEST_F(AwsCredentials, WithoutAnyEverySourceIsNamed) {
  environment_["AWS_EC2_METADATA_DISABLED"] = "true";
  const auto got = provider()->get({});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::Unauthenticated);
  EXPECT_EQ(got.error().message(),
            fmt::format("no AWS credentials: environment: AWS_ACCESS_KEY_ID is not set; web "
                        "identity (IRSA): AWS_WEB_IDENTITY_TOKEN_FILE is not set (is the "
                        "ServiceAccount annotated?); shared files: there are none in {}/.aws; "
                        "container endpoint: AWS_CONTAINER_CREDENTIALS_FULL_URI is not set (EKS "
                        "Pod Identity: has the ServiceAccount an association?); instance metadata: "
                        "AWS_EC2_METADATA_DISABLED is set",
                        dir_.path().native()));
}

}  // namespace
}  // namespace lateen::net::aws
