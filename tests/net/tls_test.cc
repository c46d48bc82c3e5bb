#include "net/tls.h"

#include "base/file.h"
#include "base/temp.h"
#include "testing/test_server.h"

namespace lateen::net {
namespace {

using testing::Authority;
using testing::FixedClock;
using testing::must;
using testing::run;

class Certificates : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::has_program("openssl")) GTEST_SKIP() << "no openssl(1) here";
  }

  std::string file(const std::string& name, std::string_view content) const {
    const FilePath path = dir_.path() / name;
    must(write_file(path, content));
    return path.string();
  }

  ProcessResult verify(const std::vector<std::string>& options, const CertificatePair& leaf) const {
    std::vector<std::string> argv = {"openssl", "verify", "-CAfile",
                                     file("ca.pem", Authority::get().ca.certificate_pem)};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.push_back(file("leaf.pem", leaf.certificate_pem));
    return run(argv);
  }

  const TempDir dir_ = must(TempDir::create());
};

TEST_F(Certificates, OfAServerSatisfyOpenssl) {
  const auto& server = Authority::get().server;
  EXPECT_TRUE(
      verify({"-x509_strict", "-purpose", "sslserver", "-verify_ip", "127.0.0.1"}, server).ok());
  EXPECT_TRUE(verify({"-verify_hostname", "kubernetes.default.svc"}, server).ok());
  EXPECT_FALSE(verify({"-verify_hostname", "other.example"}, server).ok());
  EXPECT_FALSE(verify({"-purpose", "sslclient"}, server).ok());
}

TEST_F(Certificates, OfAClientNameUserAndGroups) {
  const auto& client = Authority::get().client;
  EXPECT_TRUE(verify({"-x509_strict", "-purpose", "sslclient"}, client).ok());
  const auto shown = run({"openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in",
                          file("client.pem", client.certificate_pem)});
  EXPECT_EQ(shown.out, "subject=CN=alice,O=ops,O=dev\n");
  const auto info = must(read_certificate(client.certificate_pem));
  EXPECT_EQ(info.common_name, "alice");
  EXPECT_EQ(info.organizations, (std::vector<std::string>{"dev", "ops"}));
}

TEST_F(Certificates, HaveAnEcKeyThatOpensslReads) {
  const auto shown = run({"openssl", "pkey", "-noout", "-text"},
                         std::string(Authority::get().server.key_pem.reveal()));
  EXPECT_NE(shown.out.find("NIST CURVE: P-256"), std::string::npos) << shown.out;
}

TEST(Validity, FollowsTheClockAndNeverOutlivesTheAuthority) {
  const TimePoint birth = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1);
  const auto ca = must(make_certificate_authority("old", FixedClock(birth)));
  const FixedClock late(birth + std::chrono::hours(24 * 3640));
  const auto leaf = must(issue_certificate(ca, {.common_name = "x", .for_client = true}, late));
  const auto info = must(read_certificate(leaf.certificate_pem));
  EXPECT_EQ(info.not_before, late.now() - std::chrono::hours(1));
  EXPECT_EQ(info.not_after, must(read_certificate(ca.certificate_pem)).not_after);
}

TEST(Issuing, RefusesWhatIsNoAddressOrNoAuthority) {
  const SystemClock clock;
  const auto bad_ip = issue_certificate(Authority::get().ca,
                                        {.common_name = "x", .ip_addresses = {"1.2.3"}}, clock);
  ASSERT_FALSE(bad_ip);
  EXPECT_EQ(bad_ip.error().message(), "\"1.2.3\" is not an IP address");
  const auto bad_ca =
      issue_certificate({.certificate_pem = "nonsense"}, {.common_name = "x"}, clock);
  ASSERT_FALSE(bad_ca);
  EXPECT_TRUE(bad_ca.error().is(Code::InvalidArgument));
}

// A comma would begin another name in OpenSSL's configuration syntax.
TEST(Issuing, TakesNamesAsTheyAre) {
  const SystemClock clock;
  const auto leaf = must(
      issue_certificate(Authority::get().ca,
                        {.common_name = "a,DNS:evil", .dns_names = {"a.example,DNS:evil"}}, clock));
  EXPECT_EQ(must(read_certificate(leaf.certificate_pem)).common_name, "a,DNS:evil");
}

}  // namespace
}  // namespace lateen::net
