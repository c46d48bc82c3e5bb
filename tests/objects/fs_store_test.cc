#include "objects/fs_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/temp.h"

namespace lateen::objects {
namespace {

class FsStoreTest : public ::testing::Test {
 protected:
  FsStoreTest() : dir_(*TempDir::create()), root_(dir_.path() / "bucket") {
    EXPECT_TRUE(make_dirs(root_));
    store_ = std::move(*FsStore::open({.root = root_}));
  }

  TempDir dir_;
  FilePath root_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(FsStoreTest, KeysAreFiles) {
  ASSERT_TRUE(store_->put("backups/b/velero-backup.json", "{}"));
  EXPECT_EQ(*read_file(root_ / "backups/b/velero-backup.json"), "{}");
}

TEST_F(FsStoreTest, LeavesNothingButTheObjects) {
  ASSERT_TRUE(store_->put("a/b/c", "x"));
  {
    const auto dropped = store_->begin_upload("a/d");
  }
  ASSERT_TRUE(store_->remove("a/b/c"));
  EXPECT_TRUE(list_dir(root_)->empty());
}

TEST_F(FsStoreTest, ABucketThatIsNotThereIsSaidSo) {
  const auto missing = FsStore::open({.root = dir_.path() / "none"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::NotFound);
  EXPECT_NE(missing.error().describe().find("Is it mounted?"), std::string::npos);
  EXPECT_TRUE(FsStore::open({.root = dir_.path() / "new", .create = true}));
}

TEST_F(FsStoreTest, SymbolicLinksLeadNowhere) {
  ASSERT_TRUE(write_file(dir_.path() / "secret", "s"));
  ASSERT_TRUE(make_dirs(dir_.path() / "outside"));
  ASSERT_EQ(symlink("../secret", (root_ / "file").c_str()), 0);
  ASSERT_EQ(symlink("../outside", (root_ / "folder").c_str()), 0);
  EXPECT_FALSE(store_->get("file"));
  EXPECT_FALSE(store_->put("folder/x", "y"));
  EXPECT_FALSE(exists(dir_.path() / "outside/x"));
  EXPECT_TRUE(store_->list("")->objects.empty());
  EXPECT_TRUE(store_->list_prefixes("")->empty());
  // An object takes the place of a link, and leaves alone what the link named.
  ASSERT_TRUE(store_->put("file", "mine"));
  EXPECT_EQ(*read_file(dir_.path() / "secret"), "s");
}

TEST_F(FsStoreTest, AFifoInTheBucketHangsNobody) {
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(store_->get("fifo").error().code(), Code::NotFound);
}

TEST_F(FsStoreTest, ObjectsBeingWrittenAreOutOfReach) {
  const auto upload = store_->begin_upload("k");
  ASSERT_TRUE(upload);
  ASSERT_TRUE((*upload)->write("half"));
  const std::string name = list_dir(root_ / ".lateen-tmp")->at(0).name;
  EXPECT_EQ(store_->get(".lateen-tmp/" + name).error().code(), Code::InvalidArgument);
  EXPECT_TRUE(store_->list("")->objects.empty());
}

TEST_F(FsStoreTest, RemovesUploadsThatAKilledProcessLeftADayAgo) {
  const FilePath temporary = root_ / ".lateen-tmp";
  ASSERT_TRUE(make_dirs(temporary));
  ASSERT_TRUE(write_file(temporary / "9999999-0", "old"));
  ASSERT_TRUE(write_file(temporary / "9999999-1", "young"));
  const timespec two_days_ago[2] = {{.tv_sec = time(nullptr) - 2 * 86400, .tv_nsec = 0},
                                    {.tv_sec = time(nullptr) - 2 * 86400, .tv_nsec = 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (temporary / "9999999-0").c_str(), two_days_ago, 0), 0);
  ASSERT_TRUE(store_->put("k", "v"));
  EXPECT_FALSE(exists(temporary / "9999999-0"));
  EXPECT_TRUE(exists(temporary / "9999999-1"));
}

TEST_F(FsStoreTest, StepsOverTheTemporaryNamesOfOtherProcessesWithItsNumber) {
  ASSERT_TRUE(make_dirs(root_ / ".lateen-tmp"));
  ASSERT_TRUE(write_file(root_ / ".lateen-tmp" / fmt::format("{}-0", getpid()), "theirs"));
  ASSERT_TRUE(store_->put("k", "mine"));
  EXPECT_EQ(*store_->get("k"), "mine");
  EXPECT_EQ(*read_file(root_ / ".lateen-tmp" / fmt::format("{}-0", getpid())), "theirs");
}

TEST_F(FsStoreTest, HasNoSignedUrls) {
  EXPECT_EQ(store_->signed_url("k", std::chrono::minutes(10)).error().code(), Code::Unsupported);
}

}  // namespace
}  // namespace lateen::objects
