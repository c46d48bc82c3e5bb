#include "base/pace.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/memory.h"
#include "base/temp.h"

namespace lateen {
namespace {

TEST(Pace, WithoutALimitNobodyWaits) {
  Pace pace;
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(pace.take(ByteCount{1} << 40U, {}));
}

TEST(Pace, BytesHaveTheirTimeBeforeTheCallerGoesOn) {
  Pace pace(1'000'000);
  const auto start = monotonic_now();
  ASSERT_TRUE(pace.take(20'000, {}));
  ASSERT_TRUE(pace.take(20'000, {}));
  EXPECT_GE(monotonic_now() - start, std::chrono::milliseconds(39));
}

TEST(Pace, AWaitHearsAStop) {
  Pace pace(1);
  std::stop_source stop;
  stop.request_stop();
  const Status taken = pace.take(1'000'000, stop.get_token());
  ASSERT_FALSE(taken);
  EXPECT_TRUE(taken.error().is(Code::Canceled));
}

// Somebody waits for a week; then the night begins, and there is no limit.
TEST(Pace, AChangeReachesThoseWhoWait) {
  Pace pace(1);
  Status taken = Error(Code::Internal, "not yet");
  {
    const std::jthread waits([&] { taken = pace.take(600'000, {}); });
    pace.set(0);
  }
  EXPECT_TRUE(taken);
}

TEST(CpuPace, WhoUsedTooMuchWaits) {
  CpuPace pace;
  EXPECT_TRUE(pace.wait({})) << "there is no limit";
  pace.set(0.001);
  volatile std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < 3'000'000; ++i)
    sum = sum + i;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(pace.wait(stop.get_token())) << "it owes seconds, and was told to stop";
  pace.set(0);
  EXPECT_TRUE(pace.wait({}));
}

TEST(MemoryLimit, IsTheLeastOfAllGroups) {
  const TempDir root = TempDir::create("cgroups").value();
  const FilePath groups = root.path() / "sys/fs/cgroup/kubepods/pod1/c1";
  ASSERT_TRUE(make_dirs(groups));
  ASSERT_TRUE(make_dirs(root.path() / "proc/self"));
  ASSERT_TRUE(write_file(root.path() / "proc/self/cgroup", "0::/kubepods/pod1/c1\n"));
  EXPECT_EQ(memory_limit(root.path()), std::nullopt);
  ASSERT_TRUE(write_file(groups / "memory.max", "max\n"));
  EXPECT_EQ(memory_limit(root.path()), std::nullopt);
  ASSERT_TRUE(write_file(groups.parent_path() / "memory.max", "536870912\n"));
  EXPECT_EQ(memory_limit(root.path()), 512_MiB);
  ASSERT_TRUE(write_file(groups / "memory.max", "268435456\n"));
  EXPECT_EQ(memory_limit(root.path()), 256_MiB);
}

TEST(MemoryLimit, IsReadFromTheFirstVersionOfGroups) {
  const TempDir root = TempDir::create("cgroups").value();
  const FilePath group = root.path() / "sys/fs/cgroup/memory/docker/c1";
  ASSERT_TRUE(make_dirs(group));
  ASSERT_TRUE(make_dirs(root.path() / "proc/self"));
  ASSERT_TRUE(write_file(root.path() / "proc/self/cgroup", "5:cpu:/x\n7:memory:/docker/c1\n"));
  ASSERT_TRUE(write_file(group / "memory.limit_in_bytes", "9223372036854771712\n"));
  EXPECT_EQ(memory_limit(root.path()), std::nullopt) << "that number is none";
  ASSERT_TRUE(write_file(group / "memory.limit_in_bytes", "1073741824\n"));
  EXPECT_EQ(memory_limit(root.path()), 1_GiB);
}

}  // namespace
}  // namespace lateen
