#include "server/cancel_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/backup.h"
#include "model/names.h"
#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using model::Backup;

class CancelWatchTest : public ::testing::Test {
 protected:
  Backup backup(model::StringMap annotations = {}) {
    Backup one;
    one.metadata.name = "b1";
    one.metadata.annotations = std::move(annotations);
    return cluster_.create(one);
  }

  std::unique_ptr<CancelWatch> watch(const Backup& one, std::stop_token stop = {}) {
    return std::make_unique<CancelWatch>(cluster_.context,
                                         cluster_.context.cluster.path<Backup>(one.metadata.name),
                                         one.metadata.uid, std::move(stop));
  }

  static bool stops(const CancelWatch& watch) {
    return !sleep_unless_stopped(std::chrono::seconds(60), watch.token());
  }

  samples::VeleroCluster cluster_;
};

TEST_F(CancelWatchTest, HearsTheAnnotation) {
  const Backup one = backup({{std::string(model::annotations::kCancel), "true"}});
  const auto canceled = watch(one);
  EXPECT_TRUE(stops(*canceled));
  EXPECT_TRUE(canceled->is_canceled());
  EXPECT_EQ(canceled->reason(), "canceled by annotation lateen.io/cancel");
}

TEST_F(CancelWatchTest, HearsThatTheObjectIsGone) {
  const Backup one = backup();
  EXPECT_TRUE(cluster_.context.cluster.remove<Backup>("b1"));
  const auto canceled = watch(one);
  EXPECT_TRUE(stops(*canceled));
  EXPECT_EQ(canceled->reason(), "canceled: the object was deleted");
}

TEST_F(CancelWatchTest, AnotherObjectOfTheNameIsNotTheOne) {
  const Backup first = backup();
  EXPECT_TRUE(cluster_.context.cluster.remove<Backup>("b1"));
  backup();
  EXPECT_TRUE(stops(*watch(first)));
}

TEST_F(CancelWatchTest, AStopIsNoCancellation) {
  std::stop_source stop;
  const auto stopped =
      watch(backup({{std::string(model::annotations::kCancel), "false"}}), stop.get_token());
  stop.request_stop();
  EXPECT_TRUE(stops(*stopped));
  EXPECT_FALSE(stopped->is_canceled());
}

}  // namespace
}  // namespace lateen::server
