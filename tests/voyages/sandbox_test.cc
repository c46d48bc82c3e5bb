// The sandbox as people use it: started, stopped, killed and reset, with the real kubectl on it.
#include <algorithm>

#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using Names = std::vector<std::string>;

class SandboxVoyage : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { harbour_ = Harbour::open(); }

  static void TearDownTestSuite() { harbour_.reset(); }

  void SetUp() override { ASSERT_NE(harbour_, nullptr) << "there is no sandbox"; }

  static Harbour& harbour() { return *harbour_; }

  static Outcome sandbox(const Words& words) {
    Words args = {"sandbox"};
    args.insert(args.end(), words.begin(), words.end());
    args.insert(args.end(), {"--dir", harbour().sandbox_dir().string()});
    return harbour().lateen(args);
  }

  static std::string new_namespace(const std::string& name) {
    harbour().must_kubectl({"create", "namespace", name});
    return name;
  }

  static inline std::unique_ptr<Harbour> harbour_;
};

void expect_in(const std::string& text, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    EXPECT_NE(text.find(word), std::string::npos) << "no \"" << word << "\" in\n" << text;
}

TEST_F(SandboxVoyage, KeepsWhatItAcknowledgedThroughKillMinusNine) {
  const std::string ns = new_namespace("durable");
  for (int i = 0; i < 5; ++i) {
    const std::string name = fmt::format("c{}", i);
    harbour().must_kubectl({"-n", ns, "create", "configmap", name, "--from-literal=round=1"});
    if (i % 2 == 1) continue;
    harbour().kill9();
    const Outcome gone = harbour().kubectl({"get", "namespaces", "--request-timeout=3s"});
    EXPECT_NE(gone.code, 0);
    const Outcome status = sandbox({"status"});
    EXPECT_EQ(status.code, 1) << status.story();
    expect_in(status.out, {"is not running"});
    const Outcome started = harbour().start();
    ASSERT_TRUE(started.ok()) << started.story();
    EXPECT_EQ(string_at(harbour().get({"-n", ns, "configmap", name}), "data.round"), "1");
  }
  EXPECT_EQ(harbour().names({"-n", ns, "configmaps"}),
            (Names{"c0", "c1", "c2", "c3", "c4", "kube-root-ca.crt"}));
}

TEST_F(SandboxVoyage, StopKeepsItsStateAndItsAddress) {
  const std::string ns = new_namespace("kept");
  const auto server = [] {
    return harbour().must_kubectl(
        {"config", "view", "-o", "jsonpath={.clusters[0].cluster.server}"});
  };
  const std::string address = server();
  const Outcome stopped = sandbox({"stop"});
  EXPECT_TRUE(stopped.ok()) << stopped.story();
  expect_in(stopped.out, {"is stopped"});
  EXPECT_EQ(harbour().pid(), 0);
  expect_in(sandbox({"stop"}).out, {"No sandbox was running"});
  const Outcome started = sandbox({"start"});
  ASSERT_TRUE(started.ok()) << started.story();
  expect_in(started.out, {"export KUBECONFIG="});
  expect_in(sandbox({"status"}).out, {"is running", "https://127.0.0.1:"});
  EXPECT_EQ(server(), address);
  EXPECT_EQ(string_at(harbour().get({"namespace", ns}), "status.phase"), "Active");
}

TEST_F(SandboxVoyage, RunsPodsWithLogsAndExecAndStartsThemAgain) {
  const std::string ns = new_namespace("pods");
  harbour().apply(R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: talker, namespace: pods}
spec:
  replicas: 2
  selector: {matchLabels: {app: talker}}
  template:
    metadata: {labels: {app: talker}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: busybox
          command: [/bin/sh, -c, "echo hello from $HOSTNAME; echo trouble >&2; exec sleep 3600"]
)");
  harbour().must_kubectl({"-n", ns, "rollout", "status", "deployment/talker", "--timeout=120s"});
  const Names pods = harbour().names({"-n", ns, "pods"});
  ASSERT_EQ(pods.size(), 2U);
  EXPECT_EQ(harbour().must_kubectl({"-n", ns, "logs", pods[0]}),
            "hello from " + pods[0] + "\ntrouble\n");
  EXPECT_EQ(harbour().must_kubectl({"-n", ns, "exec", pods[0], "--", "sh", "-c", "echo $((6*7))"}),
            "42\n");
  const Outcome failed =
      harbour().kubectl({"-n", ns, "exec", pods[0], "--", "sh", "-c", "echo oh >&2; exit 3"});
  EXPECT_EQ(failed.code, 3) << failed.story();
  expect_in(failed.err, {"oh\n", "command terminated with exit code 3"});
  EXPECT_EQ(harbour().must_kubectl({"-n", ns, "exec", "-i", pods[0], "--", "cat"}, "through\n"),
            "through\n");

  harbour().must_kubectl({"-n", ns, "delete", "pod", pods[0], "--wait"});
  harbour().must_kubectl({"-n", ns, "rollout", "status", "deployment/talker", "--timeout=120s"});
  const Names after = harbour().names({"-n", ns, "pods"});
  EXPECT_EQ(after.size(), 2U);
  EXPECT_EQ(std::count(after.begin(), after.end(), pods[0]), 0);
  harbour().must_kubectl({"-n", ns, "scale", "deployment/talker", "--replicas=0"});
  wait_until("no pod is left", [&] { return harbour().names({"-n", ns, "pods"}).empty(); });
}

TEST_F(SandboxVoyage, ShowsObjectsAsKubectlUsersKnowThem) {
  const std::string ns = new_namespace("shown");
  harbour().must_kubectl({"-n", ns, "create", "configmap", "one", "--from-literal=a=1"});
  harbour().must_kubectl(
      {"-n", ns, "create", "deployment", "web", "--image=busybox", "--replicas=0"});
  expect_in(harbour().must_kubectl({"-n", ns, "get", "configmaps"}),
            {"NAME", "DATA", "AGE", "one"});
  expect_in(harbour().must_kubectl({"-n", ns, "get", "deployments", "-o", "wide"}),
            {"READY", "UP-TO-DATE", "CONTAINERS", "busybox", "0/0"});
  expect_in(harbour().must_kubectl({"-n", ns, "describe", "configmap", "one"}),
            {"Name:         one", "Namespace:    shown"});
  expect_in(harbour().must_kubectl({"get", "nodes", "-o", "wide"}), {"Ready"});
  expect_in(harbour().must_kubectl({"explain", "deployment.spec.replicas"}),
            {"replicas", "integer"});
  expect_in(harbour().must_kubectl({"api-resources", "--api-group=apps"}),
            {"deployments", "statefulsets", "StatefulSet"});
  harbour().must_kubectl({"-n", ns, "label", "configmap", "one", "tier=front"});
  harbour().must_kubectl({"-n", ns, "annotate", "configmap", "one", "note=here"});
  EXPECT_EQ(harbour().names({"-n", ns, "configmaps", "-l", "tier=front"}), (Names{"one"}));
  EXPECT_EQ(harbour().names({"-n", ns, "configmaps", "--field-selector", "metadata.name=one"}),
            (Names{"one"}));
  expect_in(harbour().must_kubectl({"auth", "can-i", "create", "pods"}), {"yes"});
}

TEST_F(SandboxVoyage, PatchesOfEveryTypeAreTaken) {
  const std::string ns = new_namespace("patched");
  harbour().must_kubectl(
      {"-n", ns, "create", "deployment", "web", "--image=busybox", "--replicas=0"});
  const auto patch = [&](const std::string& type, const std::string& body) {
    harbour().must_kubectl({"-n", ns, "patch", "deployment", "web", "--type", type, "-p", body});
    return harbour().get({"-n", ns, "deployment", "web"});
  };
  Json now = patch("merge", R"({"spec":{"minReadySeconds":3}})");
  EXPECT_EQ(int_at(now, "spec.minReadySeconds"), 3);
  now = patch("json", R"([{"op":"replace","path":"/spec/minReadySeconds","value":4}])");
  EXPECT_EQ(int_at(now, "spec.minReadySeconds"), 4);
  now = patch("strategic",
              R"({"spec":{"template":{"spec":{"containers":[{"name":"side","image":"x"}]}}}})");
  EXPECT_EQ(array_at(now, "spec.template.spec.containers")->size(), 2U)
      << "containers are merged by name";
  const Outcome refused = harbour().kubectl({"-n", ns, "patch", "deployment", "web", "--type",
                                             "merge", "-p", R"({"spec":{"replicas":-1}})"});
  EXPECT_EQ(refused.code, 1);
  expect_in(refused.err, {"must be greater than or equal to 0"});
}

TEST_F(SandboxVoyage, ServerSideApplyKnowsWhoOwnsAField) {
  const std::string ns = new_namespace("owned");
  const auto apply = [&](const std::string& manager, const std::string& level, Words more) {
    Words args = {"apply", "--server-side", "--field-manager", manager, "-f", "-"};
    args.insert(args.end(), more.begin(), more.end());
    return harbour().kubectl(args,
                             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tide, "
                             "namespace: owned}\ndata: {level: " +
                                 level + "}\n");
  };
  EXPECT_TRUE(apply("alice", "high", {}).ok());
  const Outcome conflict = apply("bob", "low", {});
  EXPECT_EQ(conflict.code, 1) << conflict.story();
  expect_in(conflict.err, {"conflict with \"alice\"", ".data.level"});
  EXPECT_TRUE(apply("bob", "low", {"--force-conflicts"}).ok());
  EXPECT_EQ(string_at(harbour().get({"-n", ns, "configmap", "tide"}), "data.level"), "low");
}

TEST_F(SandboxVoyage, AWatchTellsOfChanges) {
  const std::string ns = new_namespace("watched");
  const FilePath seen = harbour().dir() / "seen";
  auto file = open_for_writing(seen);
  ASSERT_TRUE(file);
  auto watch = Child::spawn({.argv = {"kubectl", "--kubeconfig", harbour().kubeconfig().string(),
                                      "-n", ns, "get", "configmaps", "-w", "-o", "name"},
                             .out = Stdio::to(file->get()),
                             .err = Stdio::to(file->get())});
  ASSERT_TRUE(watch);
  const auto has_seen = [&](const std::string& name) {
    wait_until("the watch has told of " + name,
               [&] { return text_of(seen).find("configmap/" + name) != std::string::npos; });
  };
  has_seen("kube-root-ca.crt");
  harbour().must_kubectl({"-n", ns, "create", "configmap", "later"});
  has_seen("later");
}

TEST_F(SandboxVoyage, CustomResourcesAreCheckedByTheirSchema) {
  const std::string ns = new_namespace("custom");
  const std::string shop = LATEEN_SOURCE_DIR "/examples/bookstore";
  harbour().must_kubectl({"apply", "-f", shop + "/00-cluster.yaml"});
  harbour().must_kubectl(
      {"wait", "--for=condition=Established", "crd", "tenantclaims.platform.bookstore.example"});
  const auto claim = [](const std::string& spec) {
    return "apiVersion: platform.bookstore.example/v1\nkind: TenantClaim\nmetadata: {name: a, "
           "namespace: custom}\nspec: " +
           spec + "\n";
  };
  // Old kubectls check it themselves, and stop at the first fault: the server is asked here.
  const Outcome refused =
      harbour().kubectl({"apply", "--validate=false", "-f", "-"}, claim("{tier: wooden}"));
  EXPECT_EQ(refused.code, 1);
  expect_in(refused.err, {"spec.owner", "spec.tier", "wooden"});
  harbour().apply(claim("{owner: alice}"));
  EXPECT_EQ(string_at(harbour().get({"-n", ns, "tc", "a"}), "spec.tier"), "bronze");
  expect_in(harbour().must_kubectl({"-n", ns, "get", "tenantclaims"}),
            {"OWNER", "TIER", "alice", "bronze"});
}

TEST_F(SandboxVoyage, ResetLeavesNothing) {
  const pid_t pid = harbour().pid();
  EXPECT_GT(pid, 0);
  const Outcome reset = sandbox({"reset"});
  EXPECT_TRUE(reset.ok()) << reset.story();
  EXPECT_FALSE(path_exists(harbour().sandbox_dir()));
  EXPECT_FALSE(run_program({"readlink", fmt::format("/proc/{}/exe", pid)}).ok())
      << "its process goes on";
  const Outcome refused =
      harbour().lateen({"sandbox", "reset", "--dir", (harbour().dir() / "home").string()});
  EXPECT_EQ(refused.code, 1) << "a folder that is no sandbox's was removed";
  EXPECT_TRUE(path_exists(harbour().dir() / "home"));
  const Outcome started = harbour().start();
  ASSERT_TRUE(started.ok()) << started.story();
  EXPECT_EQ(harbour().find({"namespace", "kept"}), std::nullopt);
}

// The port that `kubectl port-forward :9090` says it listens on; "" when it does not say so in
// time.
std::string forwarded_port(Child& kubectl) {
  std::string said;
  wait_until("kubectl forwards", [&] {
    const auto more = read_some(kubectl.out().get(), 4096);
    if (more) said += *more;
    return said.find(" -> ") != std::string::npos || !more || more->empty();
  });
  const Cut from = cut(said, "127.0.0.1:");
  return std::string(cut(from.after, " ").before);
}

TEST_F(SandboxVoyage, ForwardsPortsOfPods) {
  if (!path_exists("/usr/bin/perl")) GTEST_SKIP() << "needs perl";
  const std::string ns = new_namespace("forwarded");
  harbour().apply(R"(
apiVersion: v1
kind: Pod
metadata: {name: echo, namespace: forwarded}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: perl
      env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
      command: [perl, -MIO::Socket::INET, -e]
      args: ['$l = IO::Socket::INET->new(LocalAddr => $ENV{POD_IP}, LocalPort => 9090, Listen => 9, ReuseAddr => 1) or die; while ($c = $l->accept) { $w = <$c>; print $c "you said $w"; close $c }']
      readinessProbe: {tcpSocket: {port: 9090}, periodSeconds: 1}
)");
  harbour().must_kubectl({"-n", ns, "wait", "--for=condition=Ready", "pod/echo", "--timeout=120s"});
  auto kubectl = Child::spawn({.argv = {"kubectl", "--kubeconfig", harbour().kubeconfig().string(),
                                        "-n", ns, "port-forward", "pod/echo", ":9090"},
                               .out = Stdio::pipe(),
                               .err = Stdio::null()});
  ASSERT_TRUE(kubectl) << kubectl.error().describe();
  const std::string port = forwarded_port(*kubectl);
  ASSERT_FALSE(port.empty());
  for (const std::string word : {"ahoy", "again"}) {
    const Outcome asked = run_program(
        {"bash", "-c",
         fmt::format("exec 3<>/dev/tcp/127.0.0.1/{}; echo {} >&3; cat <&3", port, word)});
    EXPECT_EQ(asked.out, "you said " + word + "\n") << asked.story();
  }
}

TEST_F(SandboxVoyage, ARestrictedAccountIsReallyRestricted) {
  const std::string ns = new_namespace("restricted");
  harbour().must_kubectl({"-n", ns, "create", "serviceaccount", "reader"});
  harbour().must_kubectl({"-n", ns, "create", "rolebinding", "reader", "--clusterrole=view",
                          "--serviceaccount=restricted:reader"});
  const std::string reader = "--as=system:serviceaccount:restricted:reader";
  expect_in(harbour().must_kubectl({"-n", ns, "auth", "can-i", "--list", reader}),
            {"configmaps", "[get list watch]"});
  EXPECT_EQ(harbour().kubectl({"-n", ns, "auth", "can-i", "get", "secrets", reader}).out, "no\n");
  EXPECT_EQ(harbour().kubectl({"-n", ns, "auth", "can-i", "list", "pods", reader}).out, "yes\n");
  harbour().must_kubectl({"-n", ns, "get", "configmaps", reader});
  const Outcome refused = harbour().kubectl({"get", "namespaces", reader});
  EXPECT_EQ(refused.code, 1);
  expect_in(refused.err,
            {"Error from server (Forbidden): namespaces is forbidden: User "
             "\"system:serviceaccount:restricted:reader\" cannot list resource \"namespaces\" in "
             "API group \"\" at the cluster scope"});
}

}  // namespace
}  // namespace lateen::voyages
