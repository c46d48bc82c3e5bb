#include "server/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gzip.h"

namespace lateen::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class RunLogTest : public ::testing::Test {
 protected:
  static std::string content_of(RunLog& log) {
    const auto fd = log.finish();
    EXPECT_TRUE(fd);
    Bytes packed;
    char room[4096];
    for (ssize_t n = 0; (n = ::read(*fd, room, sizeof room)) > 0;)
      packed.append(room, static_cast<std::size_t>(n));
    const auto text = gunzip(packed, 64_MiB);
    EXPECT_TRUE(text) << (text ? "" : text.error().message());
    return text ? *text : std::string();
  }

  RunLog log_ = RunLog::create(Log().with("backup", "velero/b1"), LogFormat::Text).value();
};

// The wording of Velero's results: velero-server.md §14, and bookstore-hookfail-results.gz.
TEST_F(RunLogTest, ResultsAreWordedAsVeleroDoes) {
  const Log& log = log_.log();
  log.info("said, and not kept");
  log.warning("one of the server's own");
  log.with({{"resource", "pods"}, {"namespace", "shop"}, {"name", "loner"}})
      .error("Error executing hook",
             {{"error", Error(Code::Internal, "command terminated with exit code 7")}});
  log.with({{"resource", "nodes"}, {"namespace", ""}, {"name", "n1"}})
      .error("Error backing up item");
  EXPECT_EQ(log_.warnings(), 1U);
  EXPECT_EQ(log_.errors(), 2U);
  const model::Results results = log_.results();
  EXPECT_THAT(results.warnings.velero, ElementsAre(" message: /one of the server's own"));
  EXPECT_THAT(results.errors.namespaces,
              ElementsAre(Pair("shop", ElementsAre(" resource: /pods name: /loner message: /Error "
                                                   "executing hook error: /command terminated "
                                                   "with exit code 7"))));
  EXPECT_THAT(results.errors.cluster,
              ElementsAre(" resource: /nodes name: /n1 message: /Error backing up item"));
}

TEST_F(RunLogTest, TheFileHoldsEveryLineAndMayBeAskedForAgain) {
  log_.log().info("first");
  EXPECT_THAT(content_of(log_), HasSubstr("first"));
  log_.log().info("second");
  const std::string all = content_of(log_);
  EXPECT_THAT(all, HasSubstr("first"));
  EXPECT_THAT(all, HasSubstr("second"));
  EXPECT_THAT(all, HasSubstr("backup=velero/b1"));
}

TEST_F(RunLogTest, AnEmptyLogIsAValidFile) {
  EXPECT_EQ(content_of(log_), "");
}

TEST_F(RunLogTest, ManyLinesAreManyMembers) {
  for (int i = 0; i < 5000; ++i)
    log_.log().info("a line that is long enough to fill a member in time", {{"number", i}});
  const std::string all = content_of(log_);
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 5000);
}

}  // namespace
}  // namespace lateen::server
