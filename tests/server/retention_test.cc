#include "server/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "server/collection_controllers.h"
#include "server/schedule_controller.h"
#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::DeleteBackupRequest;
using model::Schedule;
using std::chrono::hours;
using ::testing::UnorderedElementsAre;

class RetentionControllersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.api.create_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}");
    uid_ = read_cluster_uid(cluster_.api.client(), {}).value();
    ASSERT_NE(uid_, "");
  }

  Schedule schedule(std::string retention) {
    Schedule nightly;
    nightly.metadata.name = "nightly";
    nightly.metadata.annotations["lateen.io/retention"] = std::move(retention);
    nightly.spec.schedule = "0 2 * * *";
    nightly.spec.backup_template.storage_location = "default";
    return cluster_.create(nightly);
  }

  // Made so many days ago.
  void backup(std::string name, int days, BackupPhase phase = BackupPhase::Completed) {
    Backup one;
    one.metadata.name = std::move(name);
    one.metadata.labels["velero.io/schedule-name"] = "nightly";
    one.metadata.annotations["lateen.io/cluster-uid"] = made_in_;
    one.spec.storage_location = "default";
    one.status.phase = phase;
    one.status.start_timestamp = cluster_.clock.now() - hours(24) * days;
    one.status.expiration = expiration_;
    cluster_.create(one);
  }

  std::vector<std::string> asked_for() {
    make_gc_controller(cluster_.context)->reconcile({});
    std::vector<std::string> names;
    for (const auto& request : cluster_.list<DeleteBackupRequest>())
      names.push_back(request.spec.backup_name);
    return names;
  }

  samples::VeleroCluster cluster_;
  std::string uid_;
  std::string made_in_;
  std::optional<TimePoint> expiration_ = {};
};

TEST_F(RetentionControllersTest, WhatTheRetentionDoesNotHoldIsDeleted) {
  schedule("daily=2");
  made_in_ = uid_;
  backup("one", 1);
  backup("two", 2);
  backup("three", 3);
  backup("four", 4, BackupPhase::PartiallyFailed);
  backup("running", 0, BackupPhase::InProgress);
  EXPECT_THAT(asked_for(), UnorderedElementsAre("three", "four"));
  EXPECT_THAT(asked_for(), UnorderedElementsAre("three", "four"));
}

TEST_F(RetentionControllersTest, WhatItHoldsStaysPastItsTtl) {
  schedule("daily=1,keepAtLeast=1");
  made_in_ = uid_;
  expiration_ = cluster_.clock.now() - hours(1);
  backup("last-good", 90);
  backup("partial", 1, BackupPhase::PartiallyFailed);
  EXPECT_THAT(asked_for(), UnorderedElementsAre());
}

// They came through the bucket, from another cluster whose schedule has the same name.
TEST_F(RetentionControllersTest, AnotherClustersBackupsGoByTheirTtlAlone) {
  schedule("daily=1");
  made_in_ = "another";
  backup("theirs", 5);
  backup("theirs-too", 6);
  made_in_ = uid_;
  backup("ours", 7);
  EXPECT_THAT(asked_for(), UnorderedElementsAre());
}

TEST_F(RetentionControllersTest, ARetentionThatCannotBeReadDeletesNothingAndIsTold) {
  schedule("daily=many");
  made_in_ = uid_;
  backup("one", 1);
  backup("two", 2);
  EXPECT_THAT(asked_for(), UnorderedElementsAre());
  make_schedule_controller(cluster_.context)->reconcile({});
  const Schedule told = cluster_.get<Schedule>("nightly");
  EXPECT_EQ(told.status.phase, model::SchedulePhase::FailedValidation);
  ASSERT_EQ(told.status.validation_errors.size(), 1U);
  EXPECT_THAT(told.status.validation_errors[0], ::testing::HasSubstr("daily=many"));
}

TEST_F(RetentionControllersTest, AScheduledBackupRemembersItsClusterAndOutlivesItsRetention) {
  Schedule nightly = schedule("23");
  cluster_.clock.advance(hours(48));
  make_schedule_controller(cluster_.context)->reconcile({});
  const auto backups = cluster_.list<Backup>();
  ASSERT_EQ(backups.size(), 1U);
  EXPECT_EQ(backups[0].metadata.annotations.at("lateen.io/cluster-uid"), uid_);
  EXPECT_GT(backups[0].spec.ttl, hours(24 * 365));
  EXPECT_EQ(backups[0].spec.ttl, assurance::RetentionPolicy::parse("23").value().span());
}

TEST_F(RetentionControllersTest, WithoutARetentionTtlDecides) {
  expiration_ = cluster_.clock.now() - hours(1);
  backup("old", 40);
  EXPECT_THAT(asked_for(), UnorderedElementsAre("old"));
}

}  // namespace
}  // namespace lateen::server
