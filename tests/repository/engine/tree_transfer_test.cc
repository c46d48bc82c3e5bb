// Snapshots copied between repositories and formats, and rewritten without some files.
#include <algorithm>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repository/engine/delete_extra.h"
#include "repository/testing/both_formats.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

using testing::MemoryRepository;
using testing::test_bytes;

struct Formats {
  RepositoryFormat from;
  RepositoryFormat to;
};

class TreeTransferTest : public ::testing::TestWithParam<Formats> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_dirs(source() / "folder/deeper"));
    ASSERT_TRUE(write_file(source() / "folder/deeper/note", "text"));
    ASSERT_TRUE(write_file(source() / "large", test_bytes(3, 19'000'000)));
    ASSERT_TRUE(write_file(source() / "empty", ""));
    ASSERT_EQ(::symlink("folder/deeper", (source() / "link").c_str()), 0);
    ASSERT_EQ(::chmod((source() / "folder").c_str(), 0710), 0);
    here_.format = GetParam().from;
    there_.format = GetParam().to;
  }

  FilePath source() const { return dir_.path() / "source"; }

  Snapshot back_up(Repository& repository) {
    BackupRequest request{.host = "h", .user = "u", .tags = {"daily"}};
    request.upload.paths = {source()};
    Progress progress;
    const auto report = repository.backup(request, progress, {});
    EXPECT_TRUE(report) << report.error().message();
    return repository.snapshots({}).value().back();
  }

  // Path → type, mode, time, content or target.
  static std::map<std::string, std::string> contents_of(Repository& repository,
                                                        const StoredEntry& folder,
                                                        const std::string& path = {}) {
    std::map<std::string, std::string> out;
    Workspace workspace;
    const auto entries =
        repository.trees().read_directory(folder.object, repository.reader(), workspace).value();
    for (const StoredEntry& stored : entries) {
      const Entry& entry = stored.entry;
      const std::string name = path + "/" + entry.name;
      std::string what = fmt::format("{} {:o} {} ", to_string(entry.type), entry.mode,
                                     entry.mtime.time_since_epoch().count());
      if (entry.type == EntryType::File) {
        BytesSink sink;
        EXPECT_TRUE(dump_file(stored, sink, repository.trees(), repository.reader(), {}));
        what += sink.take();
      } else if (entry.type == EntryType::Symlink) {
        what += repository.trees().link_target(stored, repository.reader(), workspace).value();
      }
      out[name] = what;
      if (entry.type == EntryType::Directory) out.merge(contents_of(repository, stored, name));
    }
    return out;
  }

  TempDir dir_ = TempDir::create("lateen-transfer").value();
  MemoryRepository here_;
  MemoryRepository there_;
};

TEST_P(TreeTransferTest, CopiedSnapshotIsTheSameAndWhole) {
  const auto from = here_.create();
  const Snapshot snapshot = back_up(*from);
  auto to = there_.create();
  TransferMemory memory;
  Progress progress;
  const auto report =
      to->copy_snapshot({.source = *from, .snapshot = snapshot, .memory = memory}, progress, {});
  to.reset();  // with its lock
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(progress.problems.count(), 0U);
  const auto reopened = there_.open();
  EXPECT_EQ(testing::check_all(*reopened), "");
  const Snapshot copy = reopened->snapshots({}).value().at(0);
  EXPECT_EQ(copy.id, report->id);
  EXPECT_EQ(copy.time, snapshot.time);
  EXPECT_EQ(copy.host, "h");
  EXPECT_EQ(copy.paths, snapshot.paths);
  EXPECT_EQ(copy.tags, snapshot.tags);
  EXPECT_TRUE(contents_of(*reopened, copy.root) == contents_of(*from, snapshot.root));
}

// The second copy finds everything by what the first one became: nothing is stored but a snapshot.
TEST_P(TreeTransferTest, SecondCopyStoresNoContentsAgain) {
  const auto from = here_.create();
  const Snapshot snapshot = back_up(*from);
  const auto to = there_.create();
  TransferMemory memory;
  Progress first;
  ASSERT_TRUE(
      to->copy_snapshot({.source = *from, .snapshot = snapshot, .memory = memory}, first, {}));
  Progress second;
  const auto again =
      to->copy_snapshot({.source = *from, .snapshot = snapshot, .memory = memory}, second, {});
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(second.done_bytes.load(), 0U) << "of files";
  EXPECT_LT(again->added, 10'000U);
  EXPECT_EQ(testing::check_all(*to), "");
}

TEST_P(TreeTransferTest, DamagedSourceIsAnErrorAndNothingIsSaved) {
  const auto from = here_.create();
  const Snapshot snapshot = back_up(*from);
  {
    Lock lock(here_.bucket->mu);
    for (auto& [key, object] : here_.bucket->objects) {
      const bool pack = key.starts_with("data/") || key.starts_with("p");
      if (pack && object.bytes.size() > 1'000'000) object.bytes[500'000] ^= 1;
    }
  }
  const auto to = there_.create();
  TransferMemory memory;
  Progress progress;
  const auto report =
      to->copy_snapshot({.source = *from, .snapshot = snapshot, .memory = memory}, progress, {});
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message().find("/large"), std::string::npos) << report.error().message();
  EXPECT_TRUE(there_.open()->snapshots({}).value().empty());
}

INSTANTIATE_TEST_SUITE_P(
    ,
    TreeTransferTest,
    ::testing::Values(Formats{RepositoryFormat::Kopia, RepositoryFormat::Kopia},
                      Formats{RepositoryFormat::Kopia, RepositoryFormat::Restic},
                      Formats{RepositoryFormat::Restic, RepositoryFormat::Kopia},
                      Formats{RepositoryFormat::Restic, RepositoryFormat::Restic}),
    [](const auto& tested) {
      return testing::format_name(tested.param.from) + "To" + testing::format_name(tested.param.to);
    });

class RewriteTest : public TreeTransferTest {};

TEST_P(RewriteTest, LeavesOutWhatIsExcludedAndKeepsTheRestAsItIs) {
  auto repository = here_.create();
  const Snapshot snapshot = back_up(*repository);
  TransferMemory memory;
  Progress progress;
  const auto rewrite = [&](const std::string& name) {
    return repository
        ->copy_snapshot({.source = *repository,
                         .snapshot = snapshot,
                         .memory = memory,
                         .exclude =
                             [&name](const std::string& path, const StoredEntry& /*entry*/) {
                               return path.ends_with("/" + name);
                             },
                         .add_tags = {"rewrite"}},
                        progress, {})
        .value();
  };
  EXPECT_TRUE(rewrite("not there").unchanged);
  EXPECT_EQ(repository->snapshots({}).value().size(), 1U);
  const CopyReport report = rewrite("large");
  EXPECT_FALSE(report.unchanged);
  repository.reset();
  const auto reopened = here_.open();
  EXPECT_EQ(testing::check_all(*reopened), "");
  const auto snapshots = reopened->snapshots({}).value();
  ASSERT_EQ(snapshots.size(), 2U);
  const auto copy = std::ranges::find(snapshots, report.id, &Snapshot::id);
  ASSERT_NE(copy, snapshots.end());
  EXPECT_EQ(copy->tags, (std::vector<std::string>{"daily", "rewrite"}));
  auto expected = contents_of(*reopened, testing::root_of(*reopened, snapshot));
  expected.erase("/large");
  EXPECT_TRUE(contents_of(*reopened, testing::root_of(*reopened, *copy)) == expected);
}

TEST_P(RewriteTest, RestoreDeletesWhatTheSnapshotDoesNotHave) {
  const auto repository = here_.create();
  const Snapshot snapshot = back_up(*repository);
  const StoredEntry root = testing::root_of(*repository, snapshot);
  const FilePath target = dir_.path() / "target";
  const FilePath outside = dir_.path() / "outside";
  ASSERT_TRUE(make_dirs(target / "folder/extra folder"));
  ASSERT_TRUE(make_dirs(outside));
  ASSERT_TRUE(write_file(outside / "stays", "x"));
  ASSERT_TRUE(write_file(target / "folder/extra folder/file", "x"));
  ASSERT_TRUE(write_file(target / "extra", "x"));
  ASSERT_TRUE(write_file(target / "not selected", "x"));
  ASSERT_EQ(::symlink(outside.c_str(), (target / "way out").c_str()), 0);
  RestoreOptions options{.target = target};
  options.select = [](const std::string& path, const StoredEntry& /*entry*/) {
    return path != "/not selected";
  };
  Progress progress;
  const auto run = [&](bool dry_run) {
    options.dry_run = dry_run;
    std::vector<std::string> removed;
    EXPECT_TRUE(
        restore_tree(root, options, repository->trees(), repository->reader(), progress, {}));
    EXPECT_TRUE(delete_extra(root, options, repository->trees(), repository->reader(),
                             [&removed](const std::string& path) { removed.push_back(path); },
                             progress, {}));
    std::sort(removed.begin(), removed.end());
    return removed;
  };
  const std::vector<std::string> expected = {"/extra", "/folder/extra folder", "/way out"};
  EXPECT_EQ(run(true), expected);
  EXPECT_TRUE(path_exists(target / "extra")) << "a dry run";
  EXPECT_EQ(run(false), expected);
  EXPECT_FALSE(path_exists(target / "extra"));
  EXPECT_FALSE(path_exists(target / "folder/extra folder"));
  EXPECT_TRUE(path_exists(target / "not selected"));
  EXPECT_TRUE(path_exists(target / "folder/deeper/note"));
  EXPECT_TRUE(path_exists(outside / "stays")) << "a link was followed";
  EXPECT_EQ(progress.problems.count(), 0U);
  EXPECT_TRUE(run(false).empty());
}

// What a dry run of forget and prune says is what comes.
TEST_P(RewriteTest, DryRunOfPruneCountsForgottenSnapshotsAsForgotten) {
  const Snapshot first = back_up(*here_.create());
  here_.clock.advance(std::chrono::hours(1));
  // Nothing of the first is in the second.
  ASSERT_TRUE(remove_tree(source() / "folder"));
  for (const char* name : {"link", "empty"})
    ASSERT_TRUE(remove_file(source() / name));
  ASSERT_TRUE(write_file(source() / "large", test_bytes(4, 19'000'000)));
  (void)back_up(*here_.open());
  here_.clock.advance(std::chrono::hours(50));
  const auto repository = here_.open();
  Progress progress;
  const PruneRequest plain{.dry_run = true, .unsafe_no_grace = true};
  const auto nothing = repository->prune(plain, progress, {});
  ASSERT_TRUE(nothing) << nothing.error().message();
  EXPECT_LT(nothing->bytes_removed, 1'000'000U);
  PruneRequest simulated = plain;
  simulated.without = {first.id};
  const auto expected = repository->prune(simulated, progress, {});
  ASSERT_TRUE(expected) << expected.error().message();
  EXPECT_GT(expected->bytes_removed, 15'000'000U);
  EXPECT_EQ(repository->snapshots({}).value().size(), 2U);
  ASSERT_TRUE(repository->forget(std::vector<std::string>{first.id}, {}));
  const auto done = repository->prune({.unsafe_no_grace = true}, progress, {});
  ASSERT_TRUE(done) << done.error().message();
  const auto difference = static_cast<std::int64_t>(done->bytes_removed) -
                          static_cast<std::int64_t>(expected->bytes_removed);
  EXPECT_LT(std::abs(difference), 100'000) << done->bytes_removed;
  EXPECT_EQ(testing::check_all(*repository), "");
}

INSTANTIATE_TEST_SUITE_P(
    ,
    RewriteTest,
    ::testing::Values(Formats{RepositoryFormat::Kopia, RepositoryFormat::Kopia},
                      Formats{RepositoryFormat::Restic, RepositoryFormat::Restic}),
    [](const auto& tested) { return testing::format_name(tested.param.from); });

}  // namespace
}  // namespace lateen::repository
