#include "repository/tree/restore_target.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/temp.h"
#include "repository/tree/directory_reader.h"

namespace lateen::repository {
namespace {

class RestoreTargetTest : public ::testing::Test {
 protected:
  FilePath root() const { return dir_.path() / "target"; }

  FilePath outside() const { return dir_.path() / "outside"; }

  RestoreTarget target() {
    EXPECT_TRUE(make_dirs(outside()));
    return RestoreTarget::open(root()).value();
  }

  TempDir dir_ = TempDir::create().value();
};

TEST_F(RestoreTargetTest, NeverLeavesItsFolderThroughAPlantedLink) {
  const RestoreTarget target = this->target();
  ASSERT_EQ(symlink(outside().c_str(), (root() / "link").c_str()), 0);
  EXPECT_FALSE(target.open_directory("link"));
  EXPECT_FALSE(target.open_directory("link/below"));
  EXPECT_FALSE(target.make_directory("link/below", true));
  EXPECT_FALSE(target.open_directory(".."));
  EXPECT_FALSE(target.open_directory("../outside"));
  EXPECT_FALSE(path_exists(outside() / "below"));
}

TEST_F(RestoreTargetTest, ReplacesALinkRatherThanFollowIt) {
  const RestoreTarget target = this->target();
  ASSERT_TRUE(write_file(outside() / "victim", "precious"));
  ASSERT_EQ(symlink((outside() / "victim").c_str(), (root() / "name").c_str()), 0);
  const UniqueFd folder = target.open_directory("").value();
  {
    const auto file = target.create_file(folder.get(), "name");
    ASSERT_TRUE(file);
    ASSERT_TRUE(write_all(file->get(), "new"));
  }
  EXPECT_EQ(read_file(outside() / "victim").value(), "precious");
  EXPECT_EQ(read_file(root() / "name").value(), "new");
  ASSERT_EQ(symlink(outside().c_str(), (root() / "folder").c_str()), 0);
  ASSERT_TRUE(target.make_directory("folder", true));
  EXPECT_EQ(file_info(root() / "folder").value().kind, FileKind::Directory);
}

TEST_F(RestoreTargetTest, RefusesNamesThatAreNone) {
  const RestoreTarget target = this->target();
  const UniqueFd folder = target.open_directory("").value();
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"),
        std::string("a\0b", 3), std::string(256, 'x')}) {
    EXPECT_EQ(target.create_file(folder.get(), name).error().code(), Code::Corrupt);
    EXPECT_FALSE(target.make_symlink(folder.get(), name, "x"));
  }
}

TEST_F(RestoreTargetTest, ReplacesAFolderWithAllInIt) {
  const RestoreTarget target = this->target();
  ASSERT_TRUE(make_dirs(root() / "x" / "y"));
  ASSERT_TRUE(write_file(root() / "x" / "y" / "f", "1"));
  const UniqueFd folder = target.open_directory("").value();
  EXPECT_TRUE(target.create_file(folder.get(), "x"));
  EXPECT_EQ(file_info(root() / "x").value().kind, FileKind::Regular);
}

TEST_F(RestoreTargetTest, SetsModeAttributesAndTimesThatReadingGivesBack) {
  const RestoreTarget target = this->target();
  const UniqueFd folder = target.open_directory("").value();
  const auto file = target.create_file(folder.get(), "f").value();
  Entry entry{.name = "f",
              .type = EntryType::File,
              .mode = 04711,
              .mtime = TimePoint(std::chrono::nanoseconds(-1'234'567'891)),
              .xattrs = {{.name = "user.colour", .value = "blue"}}};
  ASSERT_TRUE(target.set_metadata(file.get(), entry, {.ownership = false}));
  const DirectoryListing listing = read_directory(folder.get(), "target", true).value();
  ASSERT_EQ(listing.entries.size(), 1U);
  EXPECT_EQ(listing.entries[0].mode, 04711);
  EXPECT_EQ(listing.entries[0].mtime, entry.mtime);
  // Where the file system has attributes.
  if (!listing.entries[0].xattrs.empty()) {
    EXPECT_EQ(listing.entries[0].xattrs, entry.xattrs);
  }
}

TEST(DirectoryReader, FindsTheDataBetweenHoles) {
  const TempDir dir = TempDir::create().value();
  const UniqueFd fd = open_for_writing(dir.path() / "sparse").value();
  ASSERT_EQ(ftruncate(fd.get(), 4'000'000), 0);
  ASSERT_EQ(pwrite(fd.get(), "data", 4, 2'000'000), 4);
  const auto first = next_extent(fd.get(), 0, 4'000'000);
  ASSERT_TRUE(first);
  EXPECT_LE(first->offset, 2'000'000U);
  EXPECT_GE(first->offset + first->length, 2'000'004U);
}

}  // namespace
}  // namespace lateen::repository
