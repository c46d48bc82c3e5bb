#include "server/volume_repositories.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/backup_repository.h"
#include "repository/repository.h"
#include "server/repository_controller.h"
#include "server/repository_keys.h"
#include "server/testing/velero_cluster.h"
#include "server/volume_snapshots.h"

namespace lateen::server {
namespace {

using model::BackupRepository;
using model::RepositoryPhase;
using ::testing::HasSubstr;

class VolumeRepositoriesTest : public ::testing::Test {
 protected:
  void repository(const std::string& ns, const std::string& location = "default") {
    BackupRepository made;
    made.metadata.name = ns + "-default-kopia";
    made.spec.volume_namespace = ns;
    made.spec.backup_storage_location = location;
    made.spec.repository_type = "kopia";
    made.spec.maintenance_frequency = std::chrono::hours(1);
    cluster_.create(made);
  }

  samples::VeleroCluster cluster_;
};

TEST_F(VolumeRepositoriesTest, ABackupRepositoryIsMadeReady) {
  ASSERT_TRUE(ensure_repository_key(cluster_.context, {}));
  repository("shop");
  make_repository_controller(cluster_.context)->reconcile({});
  const auto now = cluster_.get<BackupRepository>("shop-default-kopia");
  EXPECT_EQ(now.status.phase, RepositoryPhase::Ready) << now.status.message;
  EXPECT_TRUE(now.status.last_maintenance_time);
  EXPECT_TRUE(path_exists(cluster_.bucket() / "kopia/shop/kopia.repository"));
}

TEST_F(VolumeRepositoriesTest, OneThatCannotBeOpenedSaysWhy) {
  ASSERT_TRUE(ensure_repository_key(cluster_.context, {}));
  repository("shop", "nowhere");
  make_repository_controller(cluster_.context)->reconcile({});
  const auto now = cluster_.get<BackupRepository>("shop-default-kopia");
  EXPECT_EQ(now.status.phase, RepositoryPhase::NotReady);
  EXPECT_THAT(now.status.message, HasSubstr("backup storage location nowhere"));
}

// Of the real Velero's backup: three snapshots in its own repository.
TEST_F(VolumeRepositoriesTest, TheSnapshotsOfABackupAreForgottenAndNoOthers) {
  ASSERT_TRUE(ensure_repository_key(cluster_.context, {}));
  cluster_.fill_bucket();
  const model::Backup backup = cluster_.store()->get_metadata("bookstore-full").value();
  const auto store = cluster_.store();
  const auto snapshots = volume_snapshots_of(backup, *store, cluster_.context, {}).value();
  ASSERT_EQ(snapshots.size(), 3U);
  EXPECT_EQ(snapshots.front().volume_namespace, "bookstore");
  const auto count = [this] {
    const auto opened = open_volume_repository(
        cluster_.context, {.location = "default", .volume_namespace = "bookstore"}, {});
    return opened.value()->repository().snapshots({}).value().size();
  };
  const std::size_t before = count();
  const model::StringList errors =
      forget_volume_snapshots(backup, *store, cluster_.context, Log(), {});
  EXPECT_TRUE(errors.empty()) << errors.front();
  EXPECT_EQ(count(), before - 3);
}

TEST_F(VolumeRepositoriesTest, WithoutTheKeyNothingCountsAsForgotten) {
  cluster_.fill_bucket();
  const model::Backup backup = cluster_.store()->get_metadata("bookstore-full").value();
  const model::StringList errors =
      forget_volume_snapshots(backup, *cluster_.store(), cluster_.context, Log(), {});
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors.front(), HasSubstr("Secret velero/velero-repo-credentials"));
}

}  // namespace
}  // namespace lateen::server
