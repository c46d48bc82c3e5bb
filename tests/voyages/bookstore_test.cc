// The main job: examples/bookstore with its real PostgreSQL is backed up, lost and brought back.
#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

constexpr const char* kKinds =
    "configmaps,secrets,services,serviceaccounts,deployments,replicasets,statefulsets,"
    "persistentvolumeclaims,roles,rolebindings,networkpolicies,poddisruptionbudgets,"
    "tenantclaims.platform.bookstore.example";

class BookstoreVoyage : public Voyage<BookstoreVoyage> {
 protected:
  static void open_the_shop() {
    const std::string shop = LATEEN_SOURCE_DIR "/examples/bookstore";
    // kubectl asks the cluster for every kind of a command before it creates the first object.
    harbour().must_kubectl({"apply", "-f", shop + "/00-cluster.yaml"});
    harbour().must_kubectl(
        {"wait", "--for=condition=Established", "crd", "tenantclaims.platform.bookstore.example"});
    harbour().must_kubectl({"apply", "-f", shop});
    wait_for_pods();
  }

  static void wait_for_pods() {
    wait_until("the bookstore has its six pods",
               [] { return harbour().names({"-n", "bookstore", "pods"}).size() >= 6; });
    harbour().must_kubectl(
        {"-n", "bookstore", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s"});
  }

  static std::string sql(const std::string& statement) {
    return harbour().must_kubectl({"-n", "bookstore", "exec", "postgres-0", "--", "psql", "-h",
                                   "/run/postgresql", "-U", "bookstore", "-d", "bookstore", "-qAtc",
                                   statement});
  }

  static std::string rows_and_checksum() {
    return sql(
        "SELECT count(*) || ' books, checksum ' || md5(string_agg(b::text, '' ORDER BY id)) FROM "
        "books b");
  }

  static Json objects(const std::string& ns = "bookstore") {
    return harbour().get({"-n", ns, kKinds});
  }

  static Json claim() { return harbour().get({"-n", "bookstore", "pvc", "data-postgres-0"}); }
};

bool has_postgres() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    if (std::filesystem::exists(entry.path() / "bin/initdb")) return true;
  }
  return false;
}

TEST_F(BookstoreVoyage, EveryObjectAndEveryRowIsThereAgainAfterTheNamespaceWasDeleted) {
  ASSERT_TRUE(has_postgres()) << "the bookstore needs PostgreSQL in /usr/lib/postgresql/*/bin "
                                 "(Debian: postgresql)";
  open_the_shop();
  ASSERT_FALSE(HasFailure());
  const std::string rows = rows_and_checksum();
  EXPECT_EQ(rows.substr(0, rows.find(',')), "5000 books");
  const Json before = objects();
  const std::string volume(string_at(claim(), "spec.volumeName"));
  const Json ns_before = harbour().get({"namespace", "bookstore"});
  harbour().must_kubectl({"apply", "-f", LATEEN_SOURCE_DIR "/examples/bookstore/backup"});
  // What the schedules' template says, with its CHECKPOINT hook, not waiting for two o'clock.
  back_up("nightly", {"--from-schedule", "bookstore-daily"});
  ASSERT_FALSE(HasFailure());
  const Json backup = velero("backups", "nightly");
  EXPECT_EQ(int_at(backup, "status.hookStatus.hooksAttempted"), 1);
  EXPECT_EQ(int_at(backup, "status.csiVolumeSnapshotsCompleted"), 1);
  wait_until("no snapshot object is left",
             [] { return harbour().names({"-A", "volumesnapshots"}).empty(); });

  sql("DELETE FROM books WHERE id > 10");
  harbour().must_kubectl({"delete", "namespace", "bookstore", "--wait", "--timeout=120s"});
  EXPECT_EQ(harbour().find({"namespace", "bookstore"}), std::nullopt);
  wait_until("the old volume is gone", [&] { return !harbour().find({"pv", volume}).has_value(); });

  restore("nightly-back", {"--from-backup", "nightly"});
  wait_for_pods();
  EXPECT_EQ(as_written_text(objects()), as_written_text(before));
  const Json ns_after = harbour().get({"namespace", "bookstore"});
  EXPECT_NE(string_at(ns_after, "metadata.uid"), string_at(ns_before, "metadata.uid"));
  EXPECT_EQ(write_json(as_written(ns_after)), write_json(as_written(ns_before)));
  EXPECT_EQ(string_at(claim(), "status.phase"), "Bound");
  EXPECT_NE(string_at(claim(), "spec.volumeName"), volume);
  EXPECT_EQ(rows_and_checksum(), rows);
  const std::string details =
      harbour().must_lateen({"restore", "describe", "nightly-back", "--details"});
  EXPECT_NE(details.find("Phase:                       Completed"), std::string::npos) << details;
  EXPECT_NE(details.find("bookstore/payments-config"), std::string::npos) << details;
}

TEST_F(BookstoreVoyage, ASecondShopOpensBesideTheFirstFromTheSameBackup) {
  open_the_shop();
  ASSERT_FALSE(HasFailure());
  const std::string rows = rows_and_checksum();
  back_up("twin", {"--include-namespaces", "bookstore"});
  restore("twin-copy", {"--from-backup", "twin", "--namespace-mappings", "bookstore:twin"});
  harbour().must_kubectl(
      {"-n", "twin", "wait", "--for=condition=Ready", "pod/postgres-0", "--timeout=120s"});
  EXPECT_EQ(harbour().must_kubectl({"-n", "twin", "exec", "postgres-0", "--", "psql", "-h",
                                    "/run/postgresql", "-U", "bookstore", "-d", "bookstore",
                                    "-qAtc", "SELECT count(*) FROM books"}),
            "5000\n");
  EXPECT_EQ(rows_and_checksum(), rows) << "the first shop was touched";
  EXPECT_EQ(kinds_and_names(objects("twin")), kinds_and_names(objects()));
}

}  // namespace
}  // namespace lateen::voyages
