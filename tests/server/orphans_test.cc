#include "server/orphans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Lines final : public LogSink {
 public:
  void write(const LogEntry& entry) override {
    all.push_back(format_log_entry(entry, LogFormat::Text));
  }

  std::vector<std::string> all;
};

class OrphanReportTest : public ::testing::Test {
 protected:
  OrphanReportTest() {
    ServerContext context = cluster_.context;
    context.log = Log(lines_, std::make_shared<SystemClock>());
    context_.emplace(context);
    EXPECT_TRUE(make_dirs(cluster_.bucket() / "backups" / "b1"));
    EXPECT_TRUE(write_file(cluster_.bucket() / "backups" / "b1" / "b1.tar.gz", "half", 0600));
    model::NativeSnapshot snapshot;
    snapshot.status.provider_snapshot_id = "snap-1";
    EXPECT_TRUE(cluster_.store()->put_volume_snapshots("b1", {snapshot}));
  }

  void look_at(Duration after_the_last_write) {
    cluster_.clock.set(SystemClock().now() + after_the_last_write);
    report_.look_at("b1", "default", *cluster_.store(), *context_, {});
  }

  samples::VeleroCluster cluster_;
  std::shared_ptr<Lines> lines_ = std::make_shared<Lines>();
  std::optional<ServerContext> context_;
  OrphanReport report_;
};

TEST_F(OrphanReportTest, SaysNothingOfOneThatMayStillBeWritten) {
  look_at(std::chrono::hours(23));
  EXPECT_THAT(lines_->all, IsEmpty());
}

TEST_F(OrphanReportTest, TellsOnceOfWhatIsLeftAndOfItsSnapshotsAndTouchesNothing) {
  look_at(std::chrono::hours(25));
  look_at(std::chrono::hours(26));
  EXPECT_THAT(lines_->all, ElementsAre(::testing::AllOf(HasSubstr("folder=backups/b1/"),
                                                        HasSubstr("snapshots=snap-1"))));
  EXPECT_TRUE(exists(cluster_.bucket() / "backups" / "b1" / "b1.tar.gz"));
}

}  // namespace
}  // namespace lateen::server
