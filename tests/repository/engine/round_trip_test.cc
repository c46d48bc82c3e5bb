// Trees through both formats and back.
#include <map>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/temp.h"
#include "repository/engine/cached_store.h"
#include "repository/kopia/kopia.h"
#include "repository/kopia/timed_store.h"
#include "repository/restic/restic.h"
#include "repository/testing/test_stream.h"
#include "repository/tree/directory_reader.h"

namespace lateen::repository {
namespace {

using kopia::Bucket;
using testing::test_bytes;

// Path → type, mode, mtime, content or target.
using Tree = std::map<std::string, std::string>;

void read_tree(const FilePath& folder, const std::string& path, Tree& out) {
  const UniqueFd fd = open_directory(folder).value();
  const DirectoryListing listing = read_directory(fd.get(), path, false).value();
  for (const Entry& entry : listing.entries) {
    const std::string name = path + "/" + entry.name;
    std::string what = fmt::format("{} {:o} {}", to_string(entry.type),
                                   entry.type == EntryType::Symlink ? 0 : entry.mode,
                                   entry.mtime.time_since_epoch().count());
    if (entry.type == EntryType::File) what += read_file(folder / entry.name).value();
    if (entry.type == EntryType::Symlink) what += " to " + entry.link_target;
    out[name] = what;
    if (entry.type == EntryType::Directory) read_tree(folder / entry.name, name, out);
  }
}

Tree tree_of(const FilePath& folder) {
  Tree tree;
  read_tree(folder, "", tree);
  return tree;
}

class RoundTrip : public ::testing::TestWithParam<RepositoryFormat> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_dirs(source() / "deep" / "er"));
    ASSERT_TRUE(make_dirs(source() / "empty folder"));
    ASSERT_TRUE(write_file(source() / "empty", ""));
    ASSERT_TRUE(write_file(source() / "line\nbreak", "x"));
    ASSERT_TRUE(write_file(source() / "deep" / "er" / "noise", test_bytes(1, 9'000'000)));
    ASSERT_TRUE(write_file(source() / "deep" / "zeros", Bytes(3'000'000, '\0') + "end"));
    for (std::uint64_t i = 0; i < 300; ++i) {
      ASSERT_TRUE(write_file(source() / fmt::format("f{}", i), test_bytes(i + 1, 37 * i)));
    }
    ASSERT_EQ(chmod((source() / "f7").c_str(), 0640), 0);
    ASSERT_EQ(symlink("nowhere at all", (source() / "link").c_str()), 0);
    ASSERT_EQ(link((source() / "f9").c_str(), (source() / "deep" / "f9 too").c_str()), 0);
  }

  FilePath source() const { return dir_.path() / "source"; }

  std::unique_ptr<objects::ObjectStore> store() { return kopia::open_bucket(bucket_, clock_); }

  RepositoryAccess access() { return {.clock = clock_, .rng = rng_, .user = "u", .host = "h"}; }

  std::unique_ptr<Repository> create() {
    if (GetParam() == RepositoryFormat::Kopia) {
      return std::move(kopia::create_repository(store(), Secret("pw"), {}, access()).value());
    }
    const restic::CreateOptions options{.cost = {.n = 2, .r = 1, .p = 1}};
    return std::move(restic::create_repository(store(), Secret("pw"), options, access()).value());
  }

  std::unique_ptr<Repository> open() {
    if (GetParam() == RepositoryFormat::Kopia) {
      return std::move(kopia::open_repository(store(), Secret("pw"), access()).value());
    }
    return std::move(restic::open_repository(store(), Secret("pw"), {}, access()).value());
  }

  BackupRequest request() const {
    BackupRequest request{.host = "h", .user = "u"};
    request.upload.paths = {source()};
    return request;
  }

  // The snapshot's tree of `source`, wherever it hangs.
  StoredEntry root_of(Repository& repository, const Snapshot& snapshot) {
    StoredEntry at = snapshot.root;
    Workspace workspace;
    while (true) {
      auto entries =
          repository.trees().read_directory(at.object, repository.reader(), workspace).value();
      if (entries.size() != 1) return at;
      at = entries.front();
    }
  }

  RestoreStats restore(Repository& repository, RestoreOptions options, Progress& progress) {
    const auto snapshots = repository.snapshots({}).value();
    return restore_tree(root_of(repository, snapshots.back()), options, repository.trees(),
                        repository.reader(), progress, {})
        .value();
  }

  TempDir dir_ = TempDir::create().value();
  kopia::TestClock clock_;
  SystemRng rng_;
  std::shared_ptr<Bucket> bucket_ = std::make_shared<Bucket>();
};

TEST_P(RoundTrip, GivesBackWhatWasSaved) {
  Progress saving;
  const auto report = create()->backup(request(), saving, {});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->stats.failed, 0U);
  for (const bool sparse : {false, true}) {
    const FilePath target = dir_.path() / (sparse ? "sparse" : "plain");
    Progress progress;
    const RestoreStats stats = restore(*open(), {.target = target, .sparse = sparse}, progress);
    EXPECT_EQ(stats.failed, 0U);
    EXPECT_EQ(progress.problems.count(), 0U);
    EXPECT_EQ(tree_of(target), tree_of(source()));
  }
  struct stat info{};
  ASSERT_EQ(stat((dir_.path() / "sparse" / "deep" / "zeros").c_str(), &info), 0);
  EXPECT_LT(info.st_blocks * 512, 1'000'000);
}

TEST_P(RoundTrip, ReadsNothingAgainThatDidNotChange) {
  Progress progress;
  ASSERT_TRUE(create()->backup(request(), progress, {}));
  clock_.advance(std::chrono::hours(1));
  ASSERT_TRUE(write_file(source() / "f5", "changed"));
  const auto second = open()->backup(request(), progress, {});
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->stats.files_changed, 1U);
  EXPECT_EQ(second->stats.files_new, 0U);
  EXPECT_EQ(second->stats.bytes_read, 7U);
}

TEST_P(RoundTrip, LeavesOutWhatIsExcluded) {
  BackupRequest request = this->request();
  request.upload.exclude = [](const std::string& path, const Entry&) {
    return path.ends_with("/deep");
  };
  Progress progress;
  ASSERT_TRUE(create()->backup(request, progress, {}));
  restore(*open(), {.target = dir_.path() / "out"}, progress);
  Tree expected = tree_of(source());
  std::erase_if(expected, [](const auto& entry) { return entry.first.starts_with("/deep"); });
  EXPECT_EQ(tree_of(dir_.path() / "out"), expected);
}

TEST_P(RoundTrip, LeavesWhatIsThereIfToldTo) {
  Progress progress;
  ASSERT_TRUE(create()->backup(request(), progress, {}));
  const FilePath target = dir_.path() / "out";
  ASSERT_TRUE(make_dirs(target));
  ASSERT_TRUE(write_file(target / "f5", "mine"));
  restore(*open(), {.target = target, .overwrite = Overwrite::Never}, progress);
  EXPECT_EQ(read_file(target / "f5").value(), "mine");
  restore(*open(), {.target = target}, progress);
  EXPECT_EQ(read_file(target / "f5").value(), read_file(source() / "f5").value());
}

TEST_P(RoundTrip, SaysWhichPackCouldNotBeStoredAndStaysOpenable) {
  auto repository = create();
  {
    Lock lock(bucket_->mu);
    bucket_->before_change = [](std::string_view key) -> Status {
      const bool pack = key.starts_with("data/") || key.starts_with("p") || key.starts_with("q");
      return pack ? Status(Error(Code::Io, "no space left on device")) : Status();
    };
  }
  Progress progress;
  const auto report = repository->backup(request(), progress, {});
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message().find("storing pack "), std::string::npos);
  EXPECT_NE(report.error().message().find("no space left on device"), std::string::npos);
  {
    Lock lock(bucket_->mu);
    bucket_->before_change = {};
  }
  repository.reset();
  EXPECT_TRUE(open()->snapshots({}).value().empty());
}

TEST_P(RoundTrip, StopsWhenToldTo) {
  std::stop_source stop;
  stop.request_stop();
  Progress progress;
  const auto report = create()->backup(request(), progress, stop.get_token());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), Code::Canceled);
}

INSTANTIATE_TEST_SUITE_P(Engine,
                         RoundTrip,
                         ::testing::Values(RepositoryFormat::Kopia, RepositoryFormat::Restic),
                         [](const auto& tested) {
                           return tested.param == RepositoryFormat::Kopia ? "Kopia" : "Restic";
                         });

TEST(CachedStore, AnswersFromTheFolderAndSurvivesDamageThere) {
  const TempDir dir = TempDir::create().value();
  kopia::TestClock clock;
  const auto bucket = std::make_shared<Bucket>();
  ASSERT_TRUE(kopia::open_bucket(bucket, clock)->put("index/a", "some index", {}));
  const auto open = [&] {
    return make_cached_store(kopia::open_bucket(bucket, clock),
                             {.dir = dir.path(), .keep = [](std::string_view key) {
                                return key.starts_with("index/");
                              }});
  };
  EXPECT_EQ(open()->get_range("index/a", 5, 100, {}).value(), "index");
  const std::uint64_t gets = bucket->requests();
  EXPECT_EQ(open()->get_range("index/a", 0, 4, {}).value(), "some");
  EXPECT_EQ(open()->get("index/a", 100, {}).value(), "some index");
  EXPECT_EQ(bucket->requests(), gets);
  const std::vector<DirEntry> all_kept = list_dir(dir.path()).value();
  for (const DirEntry& kept : all_kept) {
    ASSERT_TRUE(write_file(dir.path() / kept.name, "rubbish"));
  }
  EXPECT_EQ(open()->get_range("index/a", 5, 100, {}).value(), "index");
  EXPECT_EQ(bucket->requests(), gets + 1);
}

}  // namespace
}  // namespace lateen::repository
