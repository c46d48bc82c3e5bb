// A server that is not cluster-admin: it reads the cluster, backs it up, and may write to it only
// while a restore runs.
#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

constexpr std::string_view kServerIdentity = "--as=system:serviceaccount:velero:velero";

class LeastPrivilegeVoyage : public ::testing::Test {
 protected:
  void SetUp() override {
    harbour_ = Harbour::open();
    ASSERT_NE(harbour_, nullptr);
  }

  void TearDown() override {
    if (harbour_ != nullptr && HasFailure())
      std::cerr << harbour_->kubectl({"-n", "velero", "logs", "deploy/velero"}).story() << "\n";
    harbour_.reset();
  }

  std::string phase_of(const std::string& plural, const std::string& name) const {
    const auto object = harbour_->find({"-n", "velero", plural + ".velero.io", name});
    return object ? std::string(string_at(*object, "status.phase")) : std::string();
  }

  // `kubectl auth can-i`, as the server.
  bool may(Words what) const {
    what.insert(what.begin(), {"auth", "can-i"});
    what.emplace_back(kServerIdentity);
    return trim(harbour_->kubectl(what).out) == "yes";
  }

  bool is_bound() const {
    return harbour_->find({"clusterrolebinding", "velero-restore"}).has_value();
  }

  std::unique_ptr<Harbour> harbour_;
};

TEST_F(LeastPrivilegeVoyage, TheServerWritesOutsideItsNamespaceOnlyWhileARestoreRuns) {
  const FilePath buckets = harbour_->dir() / "buckets";
  harbour_->must_lateen(
      {"install", "--provider", "filesystem", "--bucket", "lateen", "--backup-location-config",
       fmt::format("path={},createBucket=true", buckets.string()), "--least-privilege", "--wait"});
  wait_until("the location is Available",
             [this] { return phase_of("backupstoragelocations", "default") == "Available"; });
  EXPECT_FALSE(harbour_->find({"clusterrolebinding", "velero"}).has_value());
  harbour_->apply(R"(
apiVersion: v1
kind: Namespace
metadata: {name: notes}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: paper, namespace: notes}
data: {note: remember}
)");

  EXPECT_TRUE(may({"get", "secrets", "-n", "notes"}));
  EXPECT_FALSE(may({"create", "configmaps", "-n", "notes"}));
  EXPECT_FALSE(may({"delete", "namespaces"}));
  EXPECT_TRUE(may({"create", "configmaps", "-n", "velero"}));
  harbour_->must_lateen({"backup", "create", "notes", "--include-namespaces", "notes", "--wait"});
  EXPECT_EQ(phase_of("backups", "notes"), "Completed")
      << harbour_->lateen({"backup", "logs", "notes"}).story();

  harbour_->must_kubectl({"delete", "namespace", "notes", "--wait", "--timeout=120s"});
  harbour_->must_lateen({"restore", "create", "back", "--from-backup", "notes", "--wait"});
  EXPECT_EQ(phase_of("restores", "back"), "Completed")
      << harbour_->lateen({"restore", "logs", "back"}).story();
  EXPECT_EQ(harbour_->must_kubectl(
                {"-n", "notes", "get", "configmap", "paper", "-o", "jsonpath={.data.note}"}),
            "remember");
  wait_until("the rights are given back", [this] { return !is_bound(); });
  EXPECT_FALSE(may({"create", "configmaps", "-n", "notes"}));

  // What a server that died in a restore has left.
  harbour_->apply(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: velero-restore}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: velero-restore}
subjects: [{kind: ServiceAccount, name: velero, namespace: velero}]
)");
  EXPECT_TRUE(may({"create", "configmaps", "-n", "notes"}));
  harbour_->must_kubectl({"-n", "velero", "rollout", "restart", "deployment/velero"});
  wait_until("the next server has removed it", [this] { return !is_bound(); });

  harbour_->must_lateen({"uninstall", "--force"});
  for (const char* kind : {"clusterrole", "clusterrolebinding"}) {
    for (const char* name : {"velero", "velero-backup", "velero-restore"})
      EXPECT_FALSE(harbour_->find({kind, name}).has_value()) << kind << " " << name;
  }
}

}  // namespace
}  // namespace lateen::voyages
