#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/temp.h"

namespace lateen {
namespace {

class FileTest : public ::testing::Test {
 protected:
  FilePath in(std::string_view name) const { return dir_.path() / name; }

  TempDir dir_ = TempDir::create().value();
};

std::vector<std::string> names_in(const FilePath& path) {
  std::vector<std::string> names;
  const auto entries = list_dir(path).value();
  for (const DirEntry& entry : entries)
    names.push_back(entry.name);
  return names;
}

TEST_F(FileTest, ReadsBackWhatWasWritten) {
  ASSERT_TRUE(write_file(in("a"), "one"));
  ASSERT_TRUE(write_file(in("a"), "two"));
  EXPECT_EQ(read_file(in("a")).value(), "two");
}

TEST_F(FileTest, SaysWhichFileIsNotThere) {
  const auto read = read_file(in("missing"));
  EXPECT_TRUE(read.error().is(Code::NotFound));
  EXPECT_EQ(read.error().message(),
            "opening " + in("missing").native() + ": No such file or directory");
}

TEST_F(FileTest, RefusesAFileThatIsLongerThanAcceptable) {
  ASSERT_TRUE(write_file(in("a"), std::string(100, 'x')));
  EXPECT_TRUE(read_file(in("a"), 100));
  const auto read = read_file(in("a"), 99);
  EXPECT_TRUE(read.error().is(Code::Corrupt));
  EXPECT_EQ(read.error().message(),
            "reading " + in("a").native() + ": longer than the 99 bytes that are acceptable here");
}

TEST_F(FileTest, ReadsARangeOrSaysWhereTheFileEnds) {
  ASSERT_TRUE(write_file(in("a"), "0123456789"));
  const UniqueFd fd = open_for_reading(in("a")).value();
  EXPECT_EQ(read_at(fd.get(), 3, 4).value(), "3456");
  EXPECT_EQ(read_at(fd.get(), 8, 4).error().message(), "ends at byte 10, before byte 12");
}

TEST_F(FileTest, ReplacesAtomicallyWithTheGivenMode) {
  ASSERT_TRUE(write_file_atomic(in("a"), "old"));
  ASSERT_TRUE(write_file_atomic(in("a"), "new", 0600));
  EXPECT_EQ(read_file(in("a")).value(), "new");
  EXPECT_EQ(file_info(in("a")).value().mode, 0600U);
  EXPECT_EQ(names_in(dir_.path()), std::vector<std::string>{"a"});
}

TEST_F(FileTest, LeavesNothingOfAnAtomicFileThatWasNotCommitted) {
  {
    AtomicFile file = AtomicFile::create(in("a")).value();
    ASSERT_TRUE(file.write("half"));
    EXPECT_FALSE(path_exists(in("a")));
    AtomicFile moved = std::move(file);
    ASSERT_EQ(names_in(dir_.path()).size(), 1U);
    EXPECT_TRUE(names_in(dir_.path())[0].starts_with(kTemporaryPrefix));
  }
  EXPECT_TRUE(names_in(dir_.path()).empty());
}

TEST_F(FileTest, KeepsTheOldFileWhenANewOneIsAbandoned) {
  ASSERT_TRUE(write_file(in("a"), "old"));
  (void)AtomicFile::create(in("a")).value().write("new");
  EXPECT_EQ(read_file(in("a")).value(), "old");
}

TEST_F(FileTest, MakesFoldersOnTheWay) {
  ASSERT_TRUE(make_dirs(in("x/y/z/")));
  ASSERT_TRUE(make_dirs(in("x/y")));
  EXPECT_EQ(file_info(in("x/y/z")).value().kind, FileKind::Directory);
  ASSERT_TRUE(write_file(in("file"), ""));
  EXPECT_TRUE(make_dirs(in("file")).error().is(Code::AlreadyExists));
  EXPECT_FALSE(make_dirs(in("file/below")));
}

TEST_F(FileTest, ListsFoldersSortedWithTheirKinds) {
  ASSERT_TRUE(make_dirs(in("b")));
  ASSERT_TRUE(write_file(in("c"), ""));
  ASSERT_EQ(::symlink("nowhere", in("a").c_str()), 0);
  const auto entries = list_dir(dir_.path()).value();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].kind, FileKind::Symlink);
  EXPECT_EQ(entries[1].kind, FileKind::Directory);
  EXPECT_EQ(entries[2].kind, FileKind::Regular);
  EXPECT_TRUE(list_dir(in("none")).error().is(Code::NotFound));
}

TEST_F(FileTest, RemovesTreesWithoutFollowingSymbolicLinks) {
  ASSERT_TRUE(make_dirs(in("precious")));
  ASSERT_TRUE(write_file(in("precious/data"), "keep"));
  ASSERT_TRUE(make_dirs(in("tree/deep/er")));
  ASSERT_TRUE(write_file(in("tree/deep/file"), ""));
  ASSERT_EQ(::symlink(in("precious").c_str(), in("tree/deep/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(in("tree")));
  EXPECT_FALSE(path_exists(in("tree")));
  EXPECT_EQ(read_file(in("precious/data")).value(), "keep");
}

TEST_F(FileTest, RemovesALinkToAFolderEvenIfNamedWithASlash) {
  ASSERT_TRUE(make_dirs(in("precious")));
  ASSERT_TRUE(write_file(in("precious/data"), "keep"));
  ASSERT_EQ(::symlink(in("precious").c_str(), in("link").c_str()), 0);
  ASSERT_TRUE(remove_tree(in("link/")));
  EXPECT_FALSE(path_exists(in("link")));
  EXPECT_EQ(read_file(in("precious/data")).value(), "keep");
}

TEST_F(FileTest, DoesNotMindRemovingWhatIsNotThereButRefusesTheRoot) {
  EXPECT_TRUE(remove_tree(in("none")));
  EXPECT_FALSE(remove_tree("/"));
  EXPECT_FALSE(remove_tree(""));
  EXPECT_FALSE(remove_tree(in("..")));
  EXPECT_TRUE(remove_file(in("none")).error().is(Code::NotFound));
}

TEST_F(FileTest, HoldsALockOnceAtATime) {
  {
    const auto first = FileLock::try_acquire(in("lock"));
    ASSERT_TRUE(first);
    EXPECT_TRUE(FileLock::try_acquire(in("lock")).error().is(Code::AlreadyExists));
  }
  EXPECT_TRUE(FileLock::try_acquire(in("lock")));
}

TEST(SafeJoin, StaysInItsFolder) {
  EXPECT_EQ(safe_join("/root", "a/b").value(), "/root/a/b");
  EXPECT_EQ(safe_join("/root", "a..b").value(), "/root/a..b");
  for (const std::string_view bad :
       {"", "/etc", "..", "../x", "a/../../x", "a/..", "./a", "a/./b"}) {
    EXPECT_TRUE(safe_join("/root", bad).error().is(Code::InvalidArgument)) << bad;
  }
  EXPECT_FALSE(safe_join("/root", std::string_view("a\0b", 3)));
}

TEST(UniqueFd, ClosesWhatItOwns) {
  int raw = -1;
  {
    UniqueFd fd(::dup(0));
    raw = fd.get();
    UniqueFd moved = std::move(fd);
    EXPECT_EQ(moved.get(), raw);
  }
  EXPECT_EQ(::close(raw), -1);
}

}  // namespace
}  // namespace lateen
