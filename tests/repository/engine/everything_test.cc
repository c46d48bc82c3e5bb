// One tree with all that a file can have, through both formats and back.
#include <map>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "repository/testing/both_formats.h"
#include "repository/testing/test_stream.h"
#include "repository/tree/directory_reader.h"

namespace lateen::repository {
namespace {

using testing::MemoryRepository;
using testing::test_bytes;

// Path → everything about it, but for what differs between any two copies.
using Manifest = std::map<std::string, std::string>;

std::string describe(const Entry& entry) {
  std::string what = fmt::format("{} {:o} {}:{} {}", to_string(entry.type),
                                 entry.type == EntryType::Symlink ? 0 : entry.mode, entry.uid,
                                 entry.gid, entry.mtime.time_since_epoch().count());
  if (entry.type == EntryType::File) what += fmt::format(" {} bytes", entry.size);
  if (entry.rdevice != 0) {
    what += fmt::format(" device {}:{}", major(entry.rdevice), minor(entry.rdevice));
  }
  if (entry.sparse) what += " sparse";
  if (entry.links > 1 && entry.type != EntryType::Directory)
    what += fmt::format(" {} names", entry.links);
  for (const ExtendedAttribute& one : entry.xattrs)
    what += fmt::format(" {}={}", one.name, one.value);
  return what + " " + entry.link_target;
}

void add_folder(const FilePath& folder,
                const std::string& path,
                std::map<std::uint64_t, std::string>& first_names,
                Manifest& out) {
  const UniqueFd fd = open_directory(folder).value();
  const DirectoryListing listing = read_directory(fd.get(), path, true).value();
  for (const Entry& entry : listing.entries) {
    const std::string name = path + "/" + entry.name;
    std::string what = describe(entry);
    if (entry.links > 1 && entry.type != EntryType::Directory)
      what += " as " + first_names.emplace(entry.inode, name).first->second;
    if (entry.type == EntryType::File && entry.size < 1_MiB)
      what += " " + read_file(folder / entry.name).value();
    out[name] = what;
    if (entry.type == EntryType::Directory) add_folder(folder / entry.name, name, first_names, out);
  }
}

Manifest manifest_of(const FilePath& folder) {
  Manifest out;
  out["/"] = describe(stat_path(folder, true, true).value());
  std::map<std::uint64_t, std::string> first_names;
  add_folder(folder, "", first_names, out);
  return out;
}

void set_attribute(const FilePath& path, const char* name, BytesView value) {
  ASSERT_EQ(lsetxattr(path.c_str(), name, value.data(), value.size(), 0), 0) << path << " " << name;
}

// user::rw-, user:7:rwx, group::r--, mask::rwx, other::---
Bytes access_list() {
  const std::vector<std::array<std::uint32_t, 3>> rows = {{0x01, 6, 0xffffffff},
                                                          {0x02, 7, 7},
                                                          {0x04, 4, 0xffffffff},
                                                          {0x10, 7, 0xffffffff},
                                                          {0x20, 0, 0xffffffff}};
  Bytes list("\x02\0\0\0", 4);
  for (const auto& [tag, permissions, id] : rows) {
    for (const std::uint32_t half : {tag, permissions}) {
      list += static_cast<char>(half);
      list += '\0';
    }
    for (unsigned shift = 0; shift < 32; shift += 8)
      list += static_cast<char>(id >> shift);
  }
  return list;
}

class Everything : public ::testing::TestWithParam<RepositoryFormat> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "devices and owners are root's";
    repository_.format = GetParam();
    const FilePath s = source();
    ASSERT_TRUE(make_dirs(s / "empty"));
    ASSERT_TRUE(make_dirs(s / "\xff\xfe folder" / "deep"));
    ASSERT_TRUE(write_file(s / "\xff\xfe folder" / "caf\xe9", "latin"));
    ASSERT_TRUE(write_file(s / "caf\xc3\xa9", "utf8"));
    ASSERT_TRUE(write_file(s / "new\nline \"quote\"", "x"));
    ASSERT_TRUE(write_file(s / "setuid", "#!"));
    ASSERT_TRUE(write_file(s / "listed", "acl"));
    ASSERT_TRUE(write_file(s / "attributes", "xattr"));
    ASSERT_TRUE(write_file(s / "one", "one file of three names"));
    ASSERT_EQ(link((s / "one").c_str(), (s / "two").c_str()), 0);
    ASSERT_EQ(link((s / "one").c_str(), (s / "\xff\xfe folder" / "deep" / "three").c_str()), 0);
    make_specials(s);
    make_sparse(s / "sparse");
    ASSERT_EQ(chown((s / "setuid").c_str(), 1234, 5678), 0);
    ASSERT_EQ(chmod((s / "setuid").c_str(), 06711), 0);
    ASSERT_EQ(chmod((s / "empty").c_str(), 01700), 0);
    set_attribute(s / "attributes", "user.plain", "value");
    set_attribute(s / "attributes", "user.bytes", BytesView("\0\x01\xff", 3));
    set_attribute(s / "attributes", "trusted.mine", "root's");
    set_attribute(s / "listed", "system.posix_acl_access", access_list());
    set_attribute(s / "empty", "system.posix_acl_default", access_list());
    set_attribute(s, "user.root", "of the volume itself");
    set_times(s / "setuid", 1'000'000'000, 123'456'789);
    set_times(s / "fifo", -100, 1);
    set_times(s / "link", 1'234'567'890, 987'654'321);
    set_times(s / "empty", 2'000'000'000, 7);
    set_times(s, 1'700'000'000, 3);
  }

  static void make_specials(const FilePath& s) {
    ASSERT_EQ(symlink("no\xffwhere", (s / "link").c_str()), 0);
    ASSERT_EQ(lchown((s / "link").c_str(), 7, 8), 0);
    ASSERT_EQ(mkfifo((s / "fifo").c_str(), 0640), 0);
    if (mknod((s / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0)
      GTEST_SKIP() << "no devices can be made here";
    ASSERT_EQ(mknod((s / "disk").c_str(), S_IFBLK | 0660, makedev(259, 300)), 0);
    ASSERT_EQ(link((s / "fifo").c_str(), (s / "same fifo").c_str()), 0);
  }

  static void make_sparse(const FilePath& path) {
    ASSERT_TRUE(write_file(path, "begin"));
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(pwrite(fd, "end", 3, 40'000'000), 3);
    EXPECT_EQ(close(fd), 0);
  }

  static void set_times(const FilePath& path, std::int64_t seconds, std::int64_t nanoseconds) {
    const std::array<timespec, 2> times = {
        {{.tv_sec = seconds, .tv_nsec = nanoseconds}, {.tv_sec = seconds, .tv_nsec = nanoseconds}}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW), 0) << path;
  }

  FilePath source() const { return dir_.path() / "source"; }

  BackupReport back_up(Repository& repository) {
    BackupRequest request{.host = "h", .user = "u", .with_xattrs = true};
    request.upload.paths = {source()};
    Progress progress;
    auto report = repository.backup(request, progress, {});
    EXPECT_TRUE(report) << report.error().message();
    EXPECT_EQ(progress.problems.count(), 0U);
    return report ? std::move(*report) : BackupReport();
  }

  TempDir dir_ = TempDir::create("lateen-everything").value();
  MemoryRepository repository_;
};

TEST_P(Everything, ComesBackAsItWas) {
  EXPECT_EQ(back_up(*repository_.create()).stats.passed_over, 0U);
  const auto repository = repository_.open();
  EXPECT_EQ(testing::check_all(*repository), "");
  const FilePath target = dir_.path() / "target";
  Progress progress;
  const Snapshot snapshot = repository->snapshots({}).value().back();
  const auto stats = restore_tree(snapshot.root, {.target = target, .sync = true},
                                  repository->trees(), repository->reader(), progress, {});
  ASSERT_TRUE(stats) << stats.error().message();
  for (const Problem& problem : progress.problems.take())
    ADD_FAILURE() << problem.path << ": " << problem.error.message();
  Manifest expected = manifest_of(source());
  Manifest restored = manifest_of(target);
  // Restic's format does not say which files have holes, nor which pipes are one, and keeps nothing
  // of the root itself.
  if (GetParam() == RepositoryFormat::Restic) {
    for (const char* const path : {"/", "/sparse", "/fifo", "/same fifo"}) {
      expected.erase(path);
      restored.erase(path);
    }
  }
  EXPECT_EQ(restored, expected);
}

TEST_P(Everything, IsUnchangedWhenItIsSavedAgain) {
  const BackupReport first = back_up(*repository_.create());
  repository_.clock.advance(std::chrono::hours(1));
  const BackupReport second = back_up(*repository_.open());
  EXPECT_EQ(second.stats.bytes_read, 0U);
  EXPECT_EQ(second.stats.files_unchanged, first.stats.files_new);
  EXPECT_EQ(second.snapshot.root.object, first.snapshot.root.object);
}

INSTANTIATE_TEST_SUITE_P(,
                         Everything,
                         ::testing::Values(RepositoryFormat::Kopia, RepositoryFormat::Restic),
                         testing::format_case_name);

}  // namespace
}  // namespace lateen::repository
