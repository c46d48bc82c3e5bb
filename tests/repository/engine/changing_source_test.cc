// Sources that change while they are saved: what was listed is gone, shorter, longer or something
// else when it is read. The rest is saved, the repository is whole, and what is missing is named.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repository/testing/both_formats.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

using testing::MemoryRepository;
using testing::test_bytes;

class ChangingSource : public ::testing::TestWithParam<RepositoryFormat> {
 protected:
  void SetUp() override {
    repository_.format = GetParam();
    ASSERT_TRUE(make_dirs(source() / "folder"));
    ASSERT_TRUE(write_file(source() / "before", "first"));
    ASSERT_TRUE(write_file(source() / "folder/inside", "second"));
    ASSERT_TRUE(write_file(source() / "small", test_bytes(1, 40'000)));
    ASSERT_TRUE(write_file(source() / "large", test_bytes(2, 21'000'000)));
  }

  FilePath source() const { return dir_.path() / "source"; }

  struct Saved {
    std::map<std::string, std::string> problems = {};  // path below the source → message
    std::uint64_t failed = 0;
  };

  // Backs up; `change` happens when `name` has been looked at and before it is opened.
  Saved save(const std::string& name, const std::function<void(const FilePath&)>& change) {
    BackupRequest request{.host = "h", .user = "u"};
    request.upload.paths = {source()};
    request.upload.exclude = [&, this](const std::string& path, const Entry& /*entry*/) {
      if (path == (source() / name).string()) change(path);
      return false;
    };
    Progress progress;
    const auto report = repository_.create()->backup(request, progress, {});
    EXPECT_TRUE(report) << report.error().message();
    Saved saved;
    if (!report) return saved;
    saved.failed = report->stats.failed;
    for (const Problem& problem : progress.problems.take()) {
      saved.problems[problem.path.substr(source().string().size())] = problem.error.message();
    }
    return saved;
  }

  // What comes back, after a check of everything.
  std::map<std::string, Bytes> restore() {
    const auto repository = repository_.open();
    EXPECT_EQ(testing::check_all(*repository), "");
    const Snapshot snapshot = repository->snapshots({}).value().back();
    const FilePath target = dir_.path() / "restored";
    Progress progress;
    const auto stats = restore_tree(testing::root_of(*repository, snapshot), {.target = target},
                                    repository->trees(), repository->reader(), progress, {});
    EXPECT_TRUE(stats && stats->failed == 0 && progress.problems.count() == 0);
    std::map<std::string, Bytes> files;
    add_files(target, "", files);
    return files;
  }

  static void add_files(const FilePath& folder,
                        const std::string& path,
                        std::map<std::string, Bytes>& files) {
    const std::vector<DirEntry> entries = list_dir(folder).value();
    for (const DirEntry& entry : entries) {
      const std::string name = path + "/" + entry.name;
      if (entry.kind == FileKind::Directory) {
        add_files(folder / entry.name, name, files);
      } else if (entry.kind == FileKind::Regular) {
        files[name] = read_file(folder / entry.name).value();
      }
    }
  }

  // Everything but `missing` is as it is in the source.
  void expect_all_but(const std::string& missing) {
    const std::map<std::string, Bytes> files = restore();
    for (const char* name : {"/before", "/folder/inside", "/small", "/large"}) {
      if (std::string(name).starts_with(missing)) {
        EXPECT_FALSE(files.contains(name)) << name;
      } else if (files.contains(name)) {
        EXPECT_TRUE(files.at(name) == read_file(source() / std::string(name).substr(1)).value());
      } else {
        ADD_FAILURE() << name << " is missing";
      }
    }
  }

  TempDir dir_ = TempDir::create("lateen-changing").value();
  MemoryRepository repository_;
};

TEST_P(ChangingSource, VanishedFileIsNamed) {
  const Saved saved = save("small", [](const FilePath& path) { (void)remove_file(path); });
  EXPECT_EQ(saved.failed, 1U);
  ASSERT_TRUE(saved.problems.contains("/small"));
  EXPECT_NE(saved.problems.at("/small").find("No such file"), std::string::npos);
  expect_all_but("/small");
}

TEST_P(ChangingSource, VanishedLargeFileIsNamed) {
  const Saved saved = save("large", [](const FilePath& path) { (void)remove_file(path); });
  EXPECT_EQ(saved.failed, 1U);
  EXPECT_TRUE(saved.problems.contains("/large"));
  expect_all_but("/large");
}

TEST_P(ChangingSource, VanishedFolderIsNamed) {
  const Saved saved = save("folder", [](const FilePath& path) { (void)remove_tree(path); });
  EXPECT_EQ(saved.failed, 1U);
  EXPECT_TRUE(saved.problems.contains("/folder"));
  expect_all_but("/folder");
}

TEST_P(ChangingSource, FileThatBecameAPipeStopsNothing) {
  const Saved saved = save("small", [](const FilePath& path) {
    (void)remove_file(path);
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  });
  EXPECT_EQ(saved.failed, 1U);
  EXPECT_TRUE(saved.problems.contains("/small"));
  ASSERT_TRUE(remove_file(source() / "small"));
  expect_all_but("/small");
}

TEST_P(ChangingSource, FileThatBecameALinkIsNotFollowed) {
  const Saved saved = save("small", [this](const FilePath& path) {
    (void)remove_file(path);
    EXPECT_EQ(::symlink((source() / "large").c_str(), path.c_str()), 0);
  });
  EXPECT_EQ(saved.failed, 1U);
  EXPECT_TRUE(saved.problems.contains("/small"));
  ASSERT_TRUE(remove_file(source() / "small"));
  expect_all_but("/small");
}

// A file may be cut off or grow at any time (logs do): what was read is saved, whole in itself, or
// the file is named. Never does the snapshot say more than it has.
TEST_P(ChangingSource, TruncatedFileIsSavedAsItWasReadOrNamed) {
  for (const char* name : {"small", "large"}) {
    SetUp();
    repository_.bucket = std::make_shared<kopia::Bucket>();
    const Bytes whole = read_file(source() / name).value();
    const Saved saved = save(name, [&whole](const FilePath& path) {
      EXPECT_EQ(::truncate(path.c_str(), static_cast<off_t>(whole.size() / 3)), 0);
    });
    const std::map<std::string, Bytes> files = restore();
    const std::string path = std::string("/") + name;
    if (saved.problems.contains(path)) {
      EXPECT_FALSE(files.contains(path));
    } else {
      ASSERT_TRUE(files.contains(path));
      EXPECT_TRUE(files.at(path) == whole.substr(0, whole.size() / 3)) << files.at(path).size();
    }
    ASSERT_TRUE(remove_tree(dir_.path() / "restored"));
  }
}

TEST_P(ChangingSource, FileThatGrewIsWholeInItself) {
  for (const char* name : {"small", "large"}) {
    SetUp();
    repository_.bucket = std::make_shared<kopia::Bucket>();
    const Bytes whole = read_file(source() / name).value();
    const Saved saved = save(name, [](const FilePath& path) {
      const UniqueFd fd = open_for_appending(path).value();
      EXPECT_TRUE(write_all(fd.get(), test_bytes(9, 5'000'000)));
    });
    EXPECT_EQ(saved.failed, 0U);
    const Bytes restored = restore()[std::string("/") + name];
    EXPECT_GE(restored.size(), whole.size());
    EXPECT_TRUE((whole + test_bytes(9, 5'000'000)).starts_with(restored)) << restored.size();
    ASSERT_TRUE(remove_tree(dir_.path() / "restored"));
  }
}

TEST_P(ChangingSource, MissingRootIsAnError) {
  ASSERT_TRUE(remove_tree(source()));
  BackupRequest request{.host = "h", .user = "u"};
  request.upload.paths = {source()};
  Progress progress;
  const auto repository = repository_.create();
  const auto report = repository->backup(request, progress, {});
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message().find(source().string()), std::string::npos);
  EXPECT_TRUE(repository_.open()->snapshots({}).value().empty());
}

INSTANTIATE_TEST_SUITE_P(,
                         ChangingSource,
                         ::testing::Values(RepositoryFormat::Kopia, RepositoryFormat::Restic),
                         testing::format_case_name);

}  // namespace
}  // namespace lateen::repository
