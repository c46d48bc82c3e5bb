#include "kube/kubeconfig.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/temp.h"

namespace lateen::kube {
namespace {

const std::string kFolder = std::string(LATEEN_TESTDATA) + "/kube/config/";
const std::string kOne = kFolder + "kubeconfig-one.yaml";
const std::string kTwo = kFolder + "kubeconfig-two.yaml";

ClusterConfig resolve(const std::string& context) {
  auto config = load_cluster_config({.path = kOne, .context = context});
  EXPECT_TRUE(config) << config.error().message();
  return config ? *std::move(config) : ClusterConfig();
}

TEST(Kubeconfig, UsesTheCurrentContextWithFilesBesideIt) {
  const ClusterConfig config = resolve("");
  EXPECT_EQ(config.context, "files");
  EXPECT_EQ(config.server, "https://10.0.0.1:6443");
  EXPECT_EQ(config.ns, "shop");
  EXPECT_EQ(config.ca_pem, "CA-BYTES\n");
  EXPECT_EQ(config.identity.client_certificate_pem.reveal(), "CERT-BYTES\n");
  EXPECT_EQ(config.identity.client_key_pem.reveal(), "KEY-BYTES\n");
}

TEST(Kubeconfig, ReadsEmbeddedDataAndConnectionSettings) {
  const ClusterConfig config = resolve("data");
  EXPECT_EQ(config.server, "https://10.0.0.2:6443/prefix");
  EXPECT_EQ(config.ns, "default");
  EXPECT_EQ(config.ca_pem, "CA-BYTES\n");
  EXPECT_EQ(config.tls_server_name, "kubernetes.default");
  EXPECT_EQ(config.proxy_url, "http://proxy:3128");
  EXPECT_EQ(config.identity.client_key_pem.reveal(), "KEY-BYTES\n");
}

TEST(Kubeconfig, ReadsTokensPasswordsAndInsecureServers) {
  EXPECT_EQ(resolve("open").identity.token.reveal(), "abc123");
  EXPECT_TRUE(resolve("open").insecure_skip_tls_verify);
  EXPECT_EQ(resolve("basic").identity.username, "admin");
  EXPECT_EQ(resolve("basic").identity.password.reveal(), "secret");
}

TEST(Kubeconfig, ReadsExecPlugins) {
  const ExecPlugin aws = *resolve("aws").identity.exec;
  EXPECT_EQ(aws.api_version, "client.authentication.k8s.io/v1beta1");
  EXPECT_EQ(aws.command, "aws");
  EXPECT_EQ(aws.args, (std::vector<std::string>{"--region", "eu-central-1", "eks", "get-token",
                                                "--cluster-name", "prod"}));
  EXPECT_EQ(aws.env, (std::vector<std::pair<std::string, std::string>>{{"AWS_PROFILE", "prod"}}));
  const ExecPlugin local = *resolve("plugin").identity.exec;
  EXPECT_EQ(FilePath(local.command).lexically_normal(), FilePath(kFolder + "bin/plugin"));
  EXPECT_TRUE(local.provide_cluster_info);
  EXPECT_EQ(local.interactive_mode, ExecPlugin::InteractiveMode::Never);
}

TEST(Kubeconfig, MergesListsWithTheFirstFileWinning) {
  const auto config = Kubeconfig::load_list("/nowhere/at/all:" + kOne + ":" + kTwo);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->current_context(), "files");
  EXPECT_EQ(config->resolve("more")->identity.token.reveal(), "second");
  EXPECT_EQ(config->resolve("open")->server, "https://10.0.0.3:6443");
  const auto turned = Kubeconfig::load_list(kTwo + ":" + kOne);
  EXPECT_EQ(turned->current_context(), "more");
  EXPECT_EQ(turned->resolve("open")->server, "https://10.9.9.9:6443");
}

struct BrokenCase {
  std::string yaml;
  std::string context;
  std::string message;  // a part of it
};

TEST(Kubeconfig, SaysWhatIsWrongAndInWhichFile) {
  for (const BrokenCase& c : std::vector<BrokenCase>{
           {"clusters: [\n", "", "the kubeconfig f.yaml is not valid: "},
           {"just text", "", "the kubeconfig f.yaml is not valid: it is not a YAML mapping"},
           {"clusters: 5", "", "the kubeconfig f.yaml is not valid: clusters is not a list"},
           {"clusters: [{cluster: {}}]", "", "an entry of clusters has no name"},
           {"kind: Deployment", "", "its kind is Deployment, not Config"},
           {"", "", "the kubeconfig f.yaml has no current context"},
           {"current-context: a", "", "context \"a\" does not exist in the kubeconfig f.yaml"},
           {"current-context: a", "b", "context \"b\" does not exist in the kubeconfig f.yaml"},
           {"contexts: [{name: a, context: {cluster: c, user: u}}]", "a",
            "cluster \"c\", which context \"a\" of f.yaml uses, does not exist"},
           {"contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: "
            "{}}]",
            "a", "cluster \"c\" of the kubeconfig f.yaml has no server"},
           {"contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: "
            "{server: 'https://x'}}]",
            "a", "user \"u\", which context \"a\" of f.yaml uses, does not exist"},
           {"contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: "
            "{server: 'https://x'}}]\n"
            "users: [{name: u, user: {client-certificate-data: Yg==}}]",
            "a",
            "user \"u\" of the kubeconfig f.yaml: it has a client certificate but no client key"},
           {"contexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: "
            "'https://x', "
            "certificate-authority-data: '!!'}}]",
            "a", "certificate-authority-data is not base64"},
           {"contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: "
            "{server: 'https://x'}}]\n"
            "users: [{name: u, user: {auth-provider: {name: gcp}}}]",
            "a", "auth-provider \"gcp\""},
           {"contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: "
            "{server: 'https://x'}}]\n"
            "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1alpha1, "
            "command: x}}}]",
            "a", "must be client.authentication.k8s.io/v1 or v1beta1"},
           {"contexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: "
            "'https://x', "
            "certificate-authority: /nowhere/ca}}]",
            "a", "reading the certificate-authority that the kubeconfig f.yaml names"}}) {
    SCOPED_TRACE(c.yaml);
    const auto config = Kubeconfig::parse(c.yaml, "f.yaml");
    const auto resolved =
        config ? config->resolve(c.context) : Result<ClusterConfig>(config.error());
    ASSERT_FALSE(resolved);
    EXPECT_NE(resolved.error().message().find(c.message), std::string::npos)
        << resolved.error().message();
  }
}

TEST(Kubeconfig, ListsTheContextsThereAreWhenOneIsUnknown) {
  const auto config = load_cluster_config({.path = kTwo, .context = "typo"});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().hint(), "There are: more.");
}

TEST(Kubeconfig, NamesAMissingFileThatWasAskedFor) {
  const auto config = load_cluster_config({.path = "/nowhere/config", .context = {}});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), Code::NotFound);
  EXPECT_NE(config.error().message().find("reading the kubeconfig /nowhere/config"),
            std::string::npos);
}

TEST(Kubeconfig, RefusesACertificateAuthorityThatIsNotToBeLookedAt) {
  const auto config = Kubeconfig::parse(
      "contexts: [{name: a, context: {cluster: c}}]\n"
      "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: Yg==, "
      "insecure-skip-tls-verify: true}}]",
      "f.yaml");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->resolve("a"));
}

TEST(InCluster, IsTheServiceAccountOfThePod) {
  const TempDir dir = *TempDir::create();
  ASSERT_TRUE(write_file(dir.path() / "token", "tok"));
  ASSERT_TRUE(write_file(dir.path() / "ca.crt", "CA"));
  ASSERT_TRUE(write_file(dir.path() / "namespace", "velero\n"));
  const auto config = in_cluster_config(dir.path().string(), "fd00::1", "443");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->ca_pem, "CA");
  EXPECT_EQ(config->ns, "velero");
  EXPECT_EQ(config->identity.token_file, (dir.path() / "token").string());
}

TEST(InCluster, IsNotFoundOutsideOfAPod) {
  const auto config = in_cluster_config("/nowhere", "", "");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), Code::NotFound);
}

}  // namespace
}  // namespace lateen::kube
