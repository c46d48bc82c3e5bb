#include "base/temp.h"

#include <gtest/gtest.h>

namespace lateen {
namespace {

TEST(TempDir, GoesWithAllThatIsInIt) {
  FilePath path;
  {
    const TempDir dir = TempDir::create("lateen-test").value();
    path = dir.path();
    EXPECT_EQ(file_info(path).value().mode, 0700U);
    ASSERT_TRUE(make_dirs(path / "a/b"));
    ASSERT_TRUE(write_file(path / "a/b/c", "x"));
  }
  EXPECT_FALSE(path_exists(path));
}

TEST(TempDir, CanBeMoved) {
  TempDir first = TempDir::create().value();
  const FilePath path = first.path();
  {
    const TempDir second = std::move(first);
    EXPECT_EQ(second.path(), path);
    EXPECT_TRUE(path_exists(path));
  }
  EXPECT_FALSE(path_exists(path));
}

TEST(TempDir, InAPlaceThatIsNotThereSaysSo) {
  EXPECT_TRUE(TempDir::create("x", "/nonexistent").error().is(Code::NotFound));
}

TEST(TempFile, HasNoNameAndReadsBackWhatWasWritten) {
  const TempDir dir = TempDir::create().value();
  TempFile file = TempFile::create(dir.path()).value();
  ASSERT_TRUE(file.write("hello"));
  EXPECT_EQ(file.size().value(), 5U);
  EXPECT_TRUE(list_dir(dir.path()).value().empty());
  ASSERT_TRUE(file.seek(1));
  EXPECT_EQ(read_all(file.fd(), 100).value(), "ello");
}

}  // namespace
}  // namespace lateen
