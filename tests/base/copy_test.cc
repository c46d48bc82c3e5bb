#include "base/copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/temp.h"

namespace lateen {
namespace {

class CopyTest : public ::testing::Test {
 protected:
  FilePath in(std::string_view name) const { return dir_.path() / name; }

  TempDir dir_ = TempDir::create().value();
};

struct stat stat_of(const FilePath& path) {
  struct stat s{};
  EXPECT_EQ(::lstat(path.c_str(), &s), 0) << path;
  return s;
}

TEST_F(CopyTest, CopiesAFileWithItsModeAndNeverOverAnother) {
  ASSERT_TRUE(write_file(in("a"), std::string(300'000, 'x')));
  ASSERT_EQ(::chmod(in("a").c_str(), 0750), 0);
  ASSERT_TRUE(copy_regular_file(in("a"), in("b")));
  EXPECT_EQ(read_file(in("b")).value(), std::string(300'000, 'x'));
  EXPECT_EQ(file_info(in("b")).value().mode, 0750U);
  EXPECT_TRUE(copy_regular_file(in("a"), in("b")).error().is(Code::AlreadyExists));
  EXPECT_TRUE(copy_regular_file(in("none"), in("c")).error().is(Code::NotFound));
}

TEST_F(CopyTest, KeepsLinksModesAndTimesOfATree) {
  ASSERT_TRUE(make_dirs(in("from/sub/empty")));
  ASSERT_TRUE(write_file(in("from/sub/data"), "rows"));
  ASSERT_EQ(::chmod(in("from/sub/data").c_str(), 04711), 0);
  ASSERT_EQ(::link(in("from/sub/data").c_str(), in("from/again").c_str()), 0);
  ASSERT_EQ(::symlink("../outside", in("from/sub/link").c_str()), 0);
  ASSERT_EQ(::mkfifo(in("from/fifo").c_str(), 0640), 0);
  const timespec old[] = {{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 2000, .tv_nsec = 6}};
  ASSERT_EQ(::utimensat(AT_FDCWD, in("from/sub").c_str(), old, 0), 0);

  const auto copied = copy_tree(in("from"), in("to"), {});
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(copied->files, 1U);
  EXPECT_EQ(copied->bytes, 4U);
  EXPECT_EQ(copied->skipped, 0U);
  EXPECT_EQ(read_file(in("to/again")).value(), "rows");
  EXPECT_EQ(stat_of(in("to/again")).st_ino, stat_of(in("to/sub/data")).st_ino);
  EXPECT_EQ(stat_of(in("to/sub/data")).st_mode & 07777U, 04711U);
  EXPECT_EQ(std::filesystem::read_symlink(in("to/sub/link")), "../outside");
  EXPECT_TRUE(S_ISFIFO(stat_of(in("to/fifo")).st_mode));
  EXPECT_EQ(stat_of(in("to/sub")).st_mtim.tv_sec, 2000);
  EXPECT_TRUE(list_dir(in("to/sub/empty")).value().empty());
}

TEST_F(CopyTest, KeepsHoles) {
  ASSERT_TRUE(make_dirs(in("from")));
  {
    const UniqueFd fd = open_for_writing(in("from/sparse")).value();
    ASSERT_EQ(::ftruncate(fd.get(), 64 << 20), 0);
    ASSERT_EQ(::pwrite(fd.get(), "middle", 6, 32 << 20), 6);
  }
  ASSERT_TRUE(copy_tree(in("from"), in("to"), {}));
  EXPECT_EQ(stat_of(in("to/sparse")).st_size, 64 << 20);
  EXPECT_LT(stat_of(in("to/sparse")).st_blocks, 1000);
  const UniqueFd fd = open_for_reading(in("to/sparse")).value();
  EXPECT_EQ(read_at(fd.get(), 32 << 20, 6).value(), "middle");
}

TEST_F(CopyTest, NeverFollowsALinkOutOfTheTree) {
  ASSERT_TRUE(make_dirs(in("secret")));
  ASSERT_TRUE(write_file(in("secret/key"), "k"));
  ASSERT_TRUE(make_dirs(in("from")));
  ASSERT_EQ(::symlink(in("secret").c_str(), in("from/way").c_str()), 0);
  ASSERT_TRUE(copy_tree(in("from"), in("to"), {}));
  EXPECT_EQ(file_info(in("to/way")).value().kind, FileKind::Symlink);
  EXPECT_FALSE(copy_tree(in("from/way"), in("elsewhere"), {}));
}

TEST_F(CopyTest, PassesOverSocketsAndSaysHowMany) {
  ASSERT_TRUE(make_dirs(in("from")));
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  in("from/s").native().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(copy_tree(in("from"), in("to"), {}).value().skipped, 1U);
  EXPECT_TRUE(list_dir(in("to")).value().empty());
}

TEST_F(CopyTest, HearsAStop) {
  ASSERT_TRUE(make_dirs(in("from")));
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(copy_tree(in("from"), in("to"), source.get_token()).error().is(Code::Canceled));
}

}  // namespace
}  // namespace lateen
