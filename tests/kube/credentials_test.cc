#include "kube/credentials.h"

#include <atomic>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/temp.h"
#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

using namespace std::literals;

class SetClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::seconds(seconds)); }

  std::atomic<std::int64_t> seconds = 1'779'242'401;  // 2026-05-20T02:00:01Z
};

// A cluster whose user is a shell script. Each run appends a line to `runs`.
class PluginTest : public ::testing::Test {
 protected:
  void script(const std::string& body) {
    const FilePath path = dir_.path() / "plugin";
    const std::string runs = (dir_.path() / "runs").string();
    ASSERT_TRUE(write_file(path, "#!/bin/sh\necho run >> '" + runs + "'\n" + body, 0755));
    ExecPlugin plugin;
    plugin.api_version = "client.authentication.k8s.io/v1beta1";
    plugin.command = path.string();
    cluster_.server = "https://10.0.0.1:6443";
    cluster_.identity.name = "eks";
    cluster_.identity.exec = plugin;
  }

  std::size_t runs() const {
    const auto text = read_file(dir_.path() / "runs", 1_MiB);
    return text ? static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n')) : 0;
  }

  static std::string credential(const std::string& status) {
    return R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{},"status":)" +
           status + "}";
  }

  static Result<Credential> current(Credentials& credentials) {
    return credentials.current(Deadline::after(60s), {});
  }

  TempDir dir_ = *TempDir::create();
  ClusterConfig cluster_;
  SetClock clock_;
};

TEST_F(PluginTest, IsAskedOnceUntilItsTokenExpires) {
  script("echo '" +
         credential(R"({"token":"k8s-aws-v1.abc","expirationTimestamp":"2026-05-20T02:14:01Z"})") +
         "'");
  Credentials credentials(cluster_, clock_);
  EXPECT_TRUE(credentials.renewable());
  for (int i = 0; i < 3; ++i) {
    const auto credential = current(credentials);
    ASSERT_TRUE(credential) << credential.error().message();
    EXPECT_EQ(credential->authorization.reveal(), "Bearer k8s-aws-v1.abc");
  }
  EXPECT_EQ(runs(), 1U);
  clock_.seconds += 14 * 60;
  ASSERT_TRUE(current(credentials));
  EXPECT_EQ(runs(), 2U);
}

TEST_F(PluginTest, IsAskedAgainWhenItsTokenIsRefused) {
  script("echo '" + credential(R"({"token":"t"})") + "'");
  Credentials credentials(cluster_, clock_);
  const auto first = current(credentials);
  credentials.refuse(first->generation);
  credentials.refuse(first->generation);
  const auto second = current(credentials);
  EXPECT_NE(first->generation, second->generation);
  // The first one's refusal says nothing of the second.
  credentials.refuse(first->generation);
  ASSERT_TRUE(current(credentials));
  EXPECT_EQ(runs(), 2U);
}

TEST_F(PluginTest, IsToldAboutTheClusterAndItsOwnEnvironment) {
  const std::string seen = (dir_.path() / "seen").string();
  script("printf '%s\\n%s' \"$KUBERNETES_EXEC_INFO\" \"$AWS_PROFILE $1\" > '" + seen + "'\necho '" +
         credential(R"({"token":"t"})") + "'");
  cluster_.ca_pem = "CA";
  cluster_.identity.exec->provide_cluster_info = true;
  cluster_.identity.exec->args = {"get token"};
  cluster_.identity.exec->env = {{"AWS_PROFILE", "prod"}};
  Credentials credentials(cluster_, clock_);
  ASSERT_TRUE(current(credentials));
  const Bytes text = *read_file(seen, 1_MiB);
  const Json info = json(text.substr(0, text.find('\n')));
  EXPECT_EQ(string_at(info, "kind"), "ExecCredential");
  EXPECT_EQ(string_at(info, "apiVersion"), "client.authentication.k8s.io/v1beta1");
  EXPECT_EQ(string_at(info, "spec.cluster.server"), "https://10.0.0.1:6443");
  EXPECT_EQ(string_at(info, "spec.cluster.certificate-authority-data"), base64_encode("CA"));
  EXPECT_EQ(bool_at(info, "spec.interactive"), false);
  EXPECT_EQ(text.substr(text.find('\n') + 1), "prod get token");
}

TEST_F(PluginTest, MayAnswerWithACertificate) {
  script("echo '" + credential(R"({"clientCertificateData":"C","clientKeyData":"K"})") + "'");
  Credentials credentials(cluster_, clock_);
  const auto credential = current(credentials);
  ASSERT_TRUE(credential) << credential.error().message();
  EXPECT_EQ(credential->client_certificate_pem.reveal(), "C");
  EXPECT_EQ(credential->client_key_pem.reveal(), "K");
  EXPECT_TRUE(credential->authorization.empty());
}

TEST_F(PluginTest, FailsWithItsOwnWordsAndTheInstallHint) {
  script("echo 'Unable to locate credentials' >&2\nexit 255");
  cluster_.identity.exec->install_hint = "Run aws configure.";
  Credentials credentials(cluster_, clock_);
  const auto credential = current(credentials);
  ASSERT_FALSE(credential);
  EXPECT_EQ(credential.error().code(), Code::Unauthenticated);
  EXPECT_NE(credential.error().message().find("exit code 255: Unable to locate credentials"),
            std::string::npos)
      << credential.error().message();
  EXPECT_EQ(credential.error().hint(), "Run aws configure.");
}

TEST_F(PluginTest, IsSaidToBeMissingWithWhatToDo) {
  script("");
  cluster_.identity.exec->command = "no-such-plugin-anywhere";
  Credentials credentials(cluster_, clock_);
  const auto credential = current(credentials);
  ASSERT_FALSE(credential);
  EXPECT_NE(
      credential.error().message().find("user \"eks\" with the plugin no-such-plugin-anywhere"),
      std::string::npos)
      << credential.error().message();
  EXPECT_FALSE(credential.error().hint().empty());
}

TEST_F(PluginTest, NeverHasItsTokenRepeatedInAnError) {
  script("echo 'secret-token-not-json'");
  Credentials credentials(cluster_, clock_);
  const auto credential = current(credentials);
  ASSERT_FALSE(credential);
  EXPECT_EQ(credential.error().describe().find("secret-token"), std::string::npos);
}

TEST(ExecCredential, MustBeOfTheConfiguredVersion) {
  const auto answer = parse_exec_credential(
      R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}})",
      "client.authentication.k8s.io/v1beta1");
  ASSERT_FALSE(answer);
  EXPECT_EQ(
      answer.error().message(),
      "exec plugin is configured to use API version client.authentication.k8s.io/v1beta1, plugin "
      "returned version client.authentication.k8s.io/v1");
}

TEST(ExecCredential, MustHoldSomething) {
  EXPECT_FALSE(parse_exec_credential(
      R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{}})",
      "client.authentication.k8s.io/v1"));
}

TEST(TokenFile, IsReadAgainAfterAMinute) {
  const TempDir dir = *TempDir::create();
  SetClock clock;
  ClusterConfig cluster;
  cluster.identity.token_file = (dir.path() / "token").string();
  Credentials credentials(cluster, clock);
  EXPECT_FALSE(credentials.current(Deadline::after(1s), {}));
  ASSERT_TRUE(write_file(dir.path() / "token", "one"));
  EXPECT_EQ(credentials.current(Deadline::after(1s), {})->authorization.reveal(), "Bearer one");
  ASSERT_TRUE(write_file(dir.path() / "token", "two"));
  EXPECT_EQ(credentials.current(Deadline::after(1s), {})->authorization.reveal(), "Bearer one");
  clock.seconds += 61;
  EXPECT_EQ(credentials.current(Deadline::after(1s), {})->authorization.reveal(), "Bearer two");
}

}  // namespace
}  // namespace lateen::kube
