#include "cli/wait_progress.h"

#include <gtest/gtest.h>

namespace lateen::cli {
namespace {

TEST(WaitLine, SaysThePhaseBeforeAnythingIsKnown) {
  EXPECT_EQ(wait_line({.elapsed = std::chrono::seconds(1)}), "New 0:01");
}

TEST(WaitLine, SaysItemsAndWhatIsLeftOfTheTime) {
  EXPECT_EQ(wait_line({.phase = "InProgress",
                       .elapsed = std::chrono::seconds(12),
                       .items_done = 300,
                       .items_total = 1200}),
            "InProgress 0:12  300 of 1200 items  ETA 0:36");
}

TEST(WaitLine, GoesByTheBytesOfVolumesWhereTheyAreSlower) {
  EXPECT_EQ(wait_line({.phase = "InProgress",
                       .elapsed = std::chrono::seconds(60),
                       .items_done = 9,
                       .items_total = 10,
                       .volumes_done = 1,
                       .volumes_total = 3,
                       .bytes_done = 1 << 30,
                       .bytes_total = std::int64_t{4} << 30}),
            "InProgress 1:00  9 of 10 items  1 of 3 volumes, 1.000 GiB of 4.000 GiB  ETA 3:00");
}

TEST(WaitLine, PromisesNothingInTheFirstSeconds) {
  EXPECT_EQ(wait_line({.phase = "InProgress",
                       .elapsed = std::chrono::seconds(2),
                       .items_done = 1,
                       .items_total = 2}),
            "InProgress 0:02  1 of 2 items");
}

}  // namespace
}  // namespace lateen::cli
