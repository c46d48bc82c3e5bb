// Backups and restores while the API server and the storage misbehave: what a person would expect
// to come through comes through, and what does not says why.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

constexpr std::string_view kMixed = R"yaml(
apiVersion: v1
kind: Namespace
metadata: {name: mixed}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk, namespace: mixed}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: files, namespace: mixed}
spec: {storageClassName: sandbox-efs, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: mixed}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox
      command: [sh, -c, "test -e /disk/books || echo books >/disk/books; exec sleep 100000"]
      readinessProbe: {exec: {command: [test, -s, /disk/books]}, periodSeconds: 1}
      volumeMounts: [{name: disk, mountPath: /disk}, {name: files, mountPath: /files}]
  volumes:
    - {name: disk, persistentVolumeClaim: {claimName: disk}}
    - {name: files, persistentVolumeClaim: {claimName: files}}
)yaml";

constexpr std::string_view kShop = R"yaml(
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop}
data: {tea: "3"}
---
apiVersion: v1
kind: Secret
metadata: {name: till, namespace: shop}
stringData: {pin: "1234"}
)yaml";

class FaultsVoyage : public Voyage<FaultsVoyage> {
 protected:
  static Outcome fault(Words args) {
    args.insert(args.begin(), {"sandbox", "fault"});
    args.insert(args.end(), {"--dir", harbour().sandbox_dir().string()});
    return harbour().lateen(args);
  }

  // In force until the test's end. Lateen's own requests are meant, not kubectl's.
  static void add_fault(Words args) {
    args.insert(args.begin(), "add");
    const Outcome added = fault(std::move(args));
    ASSERT_TRUE(added.ok()) << added.story();
  }

  static void make_shop() {
    harbour().apply(kShop);
    wait_until("the claim is bound", [] {
      return string_at(harbour().get({"-n", "shop", "pvc", "data"}), "status.phase") == "Bound";
    });
  }

  static std::int64_t struck() {
    const Outcome listed = fault({"list", "-o", "json"});
    const auto json = parse_json(listed.out);
    const JsonArray* const faults = json ? array_at(*json, "faults") : nullptr;
    EXPECT_NE(faults, nullptr) << listed.story();
    std::int64_t total = 0;
    if (faults == nullptr) return total;
    for (const Json& one : *faults)
      total += int_at(one, "struck").value_or(0);
    return total;
  }

  void TearDown() override {
    (void)fault({"clear"});
    Voyage<FaultsVoyage>::TearDown();
  }
};

struct BadDay {
  std::string name;
  std::vector<Words> faults;

  friend void PrintTo(const BadDay& day, std::ostream* out) { *out << day.name; }
};

class FaultsVoyageBadDays : public FaultsVoyage, public ::testing::WithParamInterface<BadDay> {};

TEST_P(FaultsVoyageBadDays, EndInCompletedBackups) {
  make_shop();
  for (const Words& one : GetParam().faults) {
    Words args = one;
    if (args.front() != "snapshot-failure" && args.front() != "snapshot-delay")
      args.insert(args.end(), {"--user-agents", "lateen*,velero*"});
    add_fault(args);
  }
  const std::string backup = "on-" + replace_all(GetParam().name, "_", "-");
  back_up(backup, {"--include-namespaces", "shop"});
  EXPECT_GT(struck(), 0) << "nothing went wrong at all";
  (void)fault({"clear"});
  const Outcome kept = harbour().lateen({"backup", "describe", backup, "--details"});
  for (const std::string_view object : {"shop/prices", "shop/till", "shop/data"})
    EXPECT_NE(kept.out.find(object), std::string::npos) << object << "\n" << kept.story();
}

// Seeds are fixed: these are the same bad days each time, as far as requests come in the same
// order.
INSTANTIATE_TEST_SUITE_P(
    ,
    FaultsVoyageBadDays,
    ::testing::Values(
        BadDay{"errors", {{"error", "--verbs", "get,list,watch", "--probability", "0.05"}}},
        BadDay{"throttling", {{"throttle", "--probability", "0.05", "--retry-after", "0s"}}},
        BadDay{"resets",
               {{"reset", "--verbs", "get,list,watch", "--probability", "0.05"},
                {"reset", "--verbs", "get,list", "--probability", "0.05", "--when", "during"}}},
        BadDay{"latency", {{"latency", "--delay", "5ms", "--jitter", "30ms"}}},
        BadDay{"dropped_watches", {{"watch-drop", "--events", "3"}}},
        BadDay{"expired_watches", {{"gone"}, {"watch-drop", "--events", "2"}}},
        BadDay{"conflicts", {{"conflict", "--every", "2", "--count", "4"}}},
        BadDay{"failing_snapshots", {{"snapshot-failure", "--count", "2"}}},
        BadDay{"late_snapshots", {{"snapshot-delay", "--delay", "500ms"}}}),
    [](const auto& day) { return day.param.name; });

TEST_F(FaultsVoyage, ThatStayLeaveABackupThatSaysWhatItLacks) {
  make_shop();
  add_fault({"error", "--verbs", "list", "--resources", "secrets", "--message",
             "etcdserver: no leader", "--user-agents", "lateen*,velero*"});
  back_up("lacking", {"--include-namespaces", "shop"}, "PartiallyFailed");
  const std::string said = harbour().must_lateen({"backup", "describe", "lacking", "--details"});
  EXPECT_NE(said.find("secrets"), std::string::npos) << said;
  EXPECT_NE(said.find("etcdserver: no leader"), std::string::npos) << said;
}

TEST_F(FaultsVoyage, KubectlHearsThemAsFromARealServer) {
  add_fault({"error", "--resources", "configmaps", "--verbs", "get", "--message", "etcd is away",
             "--user-agents", "kubectl*"});
  const Outcome failed =
      harbour().kubectl({"-n", "default", "get", "configmap", "kube-root-ca.crt"});
  EXPECT_NE(failed.err.find("Internal error occurred: etcd is away"), std::string::npos)
      << failed.story();
  (void)fault({"clear"});
  add_fault({"throttle", "--resources", "configmaps", "--count", "1", "--user-agents", "kubectl*"});
  const Outcome waited =
      harbour().kubectl({"-n", "default", "get", "configmap", "kube-root-ca.crt"});
  EXPECT_TRUE(waited.ok()) << waited.story();  // it asks again after the second that it is told
  EXPECT_EQ(struck(), 1);
  (void)fault({"clear"});
  add_fault({"node-lost"});
  wait_until("the node is not ready", [] {
    return harbour().must_kubectl({"get", "nodes"}).find("NotReady") != std::string::npos;
  });
}

// A namespace as many clusters have them: one volume that can be a snapshot, and one that cannot.
TEST_F(FaultsVoyage, AMixedNamespaceKeepsWhatItCanAndSaysWhatItCannot) {
  harbour().apply(kMixed);
  harbour().must_kubectl(
      {"-n", "mixed", "wait", "pod/web", "--for=condition=Ready", "--timeout=120s"});
  back_up("mixed", {"--include-namespaces", "mixed"}, "PartiallyFailed");
  const std::string said = harbour().must_lateen({"backup", "describe", "mixed", "--details"});
  EXPECT_NE(said.find("no VolumeSnapshotClass for CSI driver shared.sandbox.lateen.dev"),
            std::string::npos)
      << said;
  harbour().must_kubectl({"delete", "namespace", "mixed", "--wait=true"});
  restore("mixed", {"--from-backup", "mixed"}, "Completed");
  wait_until("the volume that was a snapshot is back", [] {
    return string_at(harbour().get({"-n", "mixed", "pvc", "disk"}), "status.phase") == "Bound";
  });
  const Json disk = harbour().get({"-n", "mixed", "pvc", "disk"});
  EXPECT_EQ(text_of(harbour().sandbox_dir() / "volumes" /
                    std::string(string_at(disk, "spec.volumeName")) / "data" / "books"),
            "books\n");
}

}  // namespace
}  // namespace lateen::voyages
