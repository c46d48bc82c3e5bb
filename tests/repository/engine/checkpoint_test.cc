// Runs that are cut short, and what the next one reads and sends again.
#include <atomic>

#include <gtest/gtest.h>

#include "repository/testing/both_formats.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

using testing::MemoryRepository;
using testing::test_bytes;

constexpr ByteCount kLastSize = 70'000;

class Checkpoint : public ::testing::TestWithParam<RepositoryFormat> {
 protected:
  void SetUp() override {
    repository_.format = GetParam();
    for (std::uint64_t i = 0; i < 30; ++i) {
      const FilePath folder = source() / fmt::format("d{}", i % 6) / "deep";
      ASSERT_TRUE(make_dirs(folder));
      ASSERT_TRUE(write_file(folder / fmt::format("f{}", i), test_bytes(i + 1, 1000 * i)));
    }
    ASSERT_TRUE(write_file(source() / "large", test_bytes(100, 3'000'000)));
    ASSERT_TRUE(make_dirs(source() / "gate"));
    ASSERT_TRUE(write_file(source() / "gate/last", test_bytes(101, kLastSize)));
    total_ = 30 * 29 / 2 * 1000 + 3'000'000 + kLastSize;
  }

  FilePath source() const { return dir_.path() / "source"; }

  BackupRequest request() const {
    BackupRequest request{.host = "h", .user = "u", .tags = {"k=v"}};
    request.upload.paths = {source()};
    request.upload.checkpoint_interval = std::chrono::milliseconds(10);
    return request;
  }

  // From now on nothing is stored any more, as on a machine that died.
  void die() { dead_ = true; }

  void watch_store() {
    repository_.bucket->before_change = [this](std::string_view key) -> Status {
      if (dead_) return Error(Code::Unavailable, "this machine is no more");
      const bool is_index = key.starts_with("xn") || key.starts_with("index/");
      if (is_index) ++indexes_;
      last_is_index_ = is_index;
      return {};
    };
  }

  ByteCount stored_data() const {
    const std::string_view prefix = GetParam() == RepositoryFormat::Kopia ? "p" : "data/";
    Lock lock(repository_.bucket->mu);
    ByteCount bytes = 0;
    for (const auto& [key, object] : repository_.bucket->objects) {
      if (key.starts_with(prefix)) bytes += object.bytes.size();
    }
    return bytes;
  }

  // Waits until everything but the last file is done, and in a checkpoint.
  void wait_for_checkpoint(const Progress& progress) const {
    const Deadline patience = Deadline::after(std::chrono::seconds(60));
    const auto until = [&](const auto& ready) {
      while (!ready() && !patience.expired()) {
        sleep_unless_stopped(std::chrono::milliseconds(1), {});
      }
    };
    until([&] { return progress.done_files >= 31; });
    until([&] { return stored_data() >= total_ - kLastSize && last_is_index_; });
    if (GetParam() == RepositoryFormat::Restic) return;
    // Each checkpoint writes one or two; two may have begun before the last file was done.
    const int before = indexes_;
    until([&] { return indexes_ >= before + 6; });
  }

  // A backup whose machine dies when all is done but the last file.
  void back_up_in_vain(Repository& repository) {
    watch_store();
    Progress progress;
    BackupRequest cut_short = request();
    cut_short.upload.exclude = [&](const std::string& path, const Entry&) {
      if (!path.ends_with("/gate/last")) return false;
      wait_for_checkpoint(progress);
      die();
      return false;
    };
    ASSERT_FALSE(repository.backup(cut_short, progress, {}));
    dead_ = false;
  }

  BackupReport back_up(Repository& repository) {
    Progress progress;
    auto report = repository.backup(request(), progress, {});
    EXPECT_TRUE(report) << report.error().message();
    EXPECT_EQ(progress.problems.count(), 0U);
    return report ? std::move(*report) : BackupReport();
  }

  void expect_restores(Repository& repository, const Snapshot& snapshot) {
    const FilePath target = dir_.path() / "restored";
    Progress progress;
    const auto stats = restore_tree(testing::root_of(repository, snapshot), {.target = target},
                                    repository.trees(), repository.reader(), progress, {});
    ASSERT_TRUE(stats) << stats.error().message();
    EXPECT_EQ(progress.problems.count(), 0U);
    EXPECT_EQ(stats->files, 32U);
    for (const char* name : {"large", "gate/last", "d5/deep/f29"}) {
      EXPECT_TRUE(read_file(target / name).value() == read_file(source() / name).value()) << name;
    }
    ASSERT_TRUE(remove_tree(target));
  }

  TempDir dir_ = TempDir::create("lateen-checkpoint").value();
  MemoryRepository repository_;
  std::atomic<bool> dead_ = false;
  std::atomic<int> indexes_ = 0;
  std::atomic<bool> last_is_index_ = false;
  ByteCount total_ = 0;
};

TEST_P(Checkpoint, WhatWasSentIsNotSentAgain) {
  back_up_in_vain(*repository_.create());
  repository_.clock.advance(std::chrono::hours(1));
  EXPECT_EQ(testing::check_all(*repository_.open()), "");
  const BackupReport report = back_up(*repository_.open());
  if (GetParam() == RepositoryFormat::Kopia) {
    EXPECT_EQ(report.stats.bytes_read, kLastSize);
    EXPECT_EQ(report.data_blobs, 1U);
  } else {
    EXPECT_LT(report.data_added, 500'000U) << "the large file was sent again";
  }
  EXPECT_EQ(testing::check_all(*repository_.open()), "");
  const auto last = repository_.open();
  expect_restores(*last, last->snapshots({}).value().back());
}

TEST_P(Checkpoint, AWholeSnapshotLeavesNoUnfinishedOne) {
  back_up_in_vain(*repository_.create());
  const auto left = repository_.open()->snapshots({}).value();
  if (GetParam() == RepositoryFormat::Kopia) {
    ASSERT_EQ(left.size(), 1U) << "each checkpoint takes the place of the one before";
    EXPECT_EQ(left.front().incomplete, "checkpoint");
    EXPECT_EQ(left.front().tags, std::vector<std::string>{"k=v"});
    EXPECT_EQ(left.front().stats.size, total_ - kLastSize);
  } else {
    EXPECT_TRUE(left.empty());
  }
  repository_.clock.advance(std::chrono::hours(1));
  back_up(*repository_.open());
  const auto snapshots = repository_.open()->snapshots({}).value();
  ASSERT_EQ(snapshots.size(), 1U);
  EXPECT_EQ(snapshots.front().incomplete, "");
}

// A run that goes on from another and is cut short itself loses neither.
TEST_P(Checkpoint, SeveralRunsThatEndedEarlyAddUp) {
  if (GetParam() == RepositoryFormat::Restic) GTEST_SKIP() << "it has no unfinished snapshots";
  const auto first = repository_.create();
  back_up_in_vain(*first);
  repository_.clock.advance(std::chrono::hours(1));
  const auto second = repository_.open();
  watch_store();
  BackupRequest request = this->request();
  request.upload.checkpoint_interval = std::chrono::hours(1);
  request.upload.exclude = [&](const std::string&, const Entry&) {
    die();
    return false;
  };
  Progress progress;
  ASSERT_FALSE(second->backup(request, progress, {}));
  dead_ = false;
  repository_.clock.advance(std::chrono::hours(1));
  EXPECT_EQ(back_up(*repository_.open()).stats.bytes_read, kLastSize);
}

// What changed after it was read is read again, also the part of a large file.
TEST_P(Checkpoint, WhatChangedSinceIsReadAgain) {
  back_up_in_vain(*repository_.create());
  repository_.clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(write_file(source() / "large", test_bytes(102, 3'000'000)));
  ASSERT_TRUE(write_file(source() / "d5/deep/f29", "other"));
  const auto next = repository_.open();
  const BackupReport report = back_up(*next);
  if (GetParam() == RepositoryFormat::Kopia) {
    EXPECT_EQ(report.stats.bytes_read, 3'000'000 + kLastSize + 5);
  }
  expect_restores(*next, next->snapshots({}).value().back());
}

// Killed at any of its changes of the store, whatever is going on then: what the last checkpoint
// has, parts of large files included, is what the next run need not read.
TEST(CheckpointOfLargeFiles, EveryByteIsInTheCheckpointOrReadAgain) {
  const TempDir dir = TempDir::create("lateen-checkpoint").value();
  constexpr ByteCount kSize = 12'000'000;
  ASSERT_TRUE(make_dirs(dir.path() / "source"));
  for (std::uint64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(write_file(dir.path() / fmt::format("source/f{}", i), test_bytes(i + 7, kSize)));
  }
  BackupRequest request{.host = "h", .user = "u"};
  request.upload.paths = {dir.path() / "source"};
  request.upload.checkpoint_interval = std::chrono::milliseconds(2);
  request.upload.memory = 12_MiB;
  for (const int changes : {5, 9, 14}) {
    MemoryRepository repository;
    (void)kopia::create_repository(repository.store(), Secret("pw"), {.splitter = "FIXED-1M"},
                                   repository.access())
        .value();
    std::atomic<int> left = changes;
    repository.bucket->before_change = [&left](std::string_view) -> Status {
      return left-- > 0 ? Status() : Error(Code::Unavailable, "this machine is no more");
    };
    Progress progress;
    const auto report = repository.open()->backup(request, progress, {});
    repository.bucket->before_change = {};
    repository.clock.advance(std::chrono::hours(1));
    EXPECT_EQ(testing::check_all(*repository.open()), "");
    const auto next = repository.open();
    const auto snapshots = next->snapshots({}).value();
    const ByteCount kept = snapshots.empty() ? 0 : snapshots.back().root.summary->size;
    Progress again;
    const auto second = next->backup(request, again, {});
    ASSERT_TRUE(second) << second.error().message();
    EXPECT_EQ(second->stats.bytes_read + kept, 2 * kSize) << "killed at change " << changes;
    EXPECT_EQ(testing::check_all(*repository.open()), "");
  }
}

INSTANTIATE_TEST_SUITE_P(,
                         Checkpoint,
                         ::testing::Values(RepositoryFormat::Kopia, RepositoryFormat::Restic),
                         testing::format_case_name);

}  // namespace
}  // namespace lateen::repository
