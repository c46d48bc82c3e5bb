// A mounted repository without a kernel: where snapshots stand, and what requests are answered.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/stat.h>

#include "base/random.h"
#include "base/temp.h"
#include "base/time.h"
#include "cli/repo/fuse_server.h"
#include "objects/fs_store.h"
#include "repository/restic/restic.h"

namespace lateen::cli::repo {
namespace {

using repository::Snapshot;

Snapshot snapshot(std::string id, const char* time, std::vector<std::string> tags) {
  return {.id = std::move(id),
          .time = parse_rfc3339(time).value(),
          .zone = std::chrono::hours(1),
          .host = "a/b",
          .user = "u",
          .tags = std::move(tags)};
}

std::string describe(const MountEntry& entry, const std::string& path = {}) {
  std::string out;
  for (const auto& [name, below] : entry.entries) {
    const std::string at = path + "/" + name;
    if (below.snapshot) out += fmt::format("{} = {}\n", at, *below.snapshot);
    if (!below.link.empty()) out += fmt::format("{} -> {}\n", at, below.link);
    if (below.is_folder()) out += below.entries.empty() ? at + "/\n" : describe(below, at);
  }
  return out;
}

TEST(MountNames, AreResticsWithLinksToTheLatest) {
  const std::vector<Snapshot> snapshots = {
      snapshot("11112222333", "2026-11-21T09:00:00Z", {"daily", ".."}),
      snapshot("aaaabbbbccc", "2026-11-22T10:09:21Z", {}),
      snapshot("ddddeeeefff", "2026-11-22T10:09:21Z", {})};
  EXPECT_EQ(describe(lay_out_snapshots(snapshots, {})),
            "/hosts/a_b/2026-11-21T10:00:00+01:00 = 0\n"
            "/hosts/a_b/2026-11-22T11:09:21+01:00 = 1\n"
            "/hosts/a_b/2026-11-22T11:09:21+01:00-1 = 2\n"
            "/hosts/a_b/latest -> 2026-11-22T11:09:21+01:00-1\n"
            "/ids/11112222 = 0\n"
            "/ids/aaaabbbb = 1\n"
            "/ids/ddddeeee = 2\n"
            "/snapshots/2026-11-21T10:00:00+01:00 = 0\n"
            "/snapshots/2026-11-22T11:09:21+01:00 = 1\n"
            "/snapshots/2026-11-22T11:09:21+01:00-1 = 2\n"
            "/snapshots/latest -> 2026-11-22T11:09:21+01:00-1\n"
            "/tags/__/2026-11-21T10:00:00+01:00 = 0\n"
            "/tags/__/latest -> 2026-11-21T10:00:00+01:00\n"
            "/tags/daily/2026-11-21T10:00:00+01:00 = 0\n"
            "/tags/daily/latest -> 2026-11-21T10:00:00+01:00\n");
  EXPECT_EQ(describe(lay_out_snapshots({}, {})), "/hosts/\n/ids/\n/snapshots/\n/tags/\n");
  EXPECT_EQ(describe(lay_out_snapshots(
                {snapshots[1]}, {.paths = {"%u/%I on %h, %T"}, .time = "02.01.2006 15-04-05"})),
            "/u/aaaabbbbccc on a_b, 22.11.2026 11-09-21 = 0\n");
}

class FuseServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_dirs(dir_.path() / "source/folder"));
    ASSERT_TRUE(write_file(dir_.path() / "source/folder/note", "0123456789"));
    const FilePath place = dir_.path() / "repo";
    auto store = objects::FsStore::open({.root = place, .create = true}).value();
    const repository::RepositoryAccess access{.clock = clock_, .rng = rng_, .threads = 2};
    repository_ = repository::restic::create_repository(std::move(store), Secret("pw"),
                                                        {.cost = {.n = 2, .r = 1, .p = 1}}, access)
                      .value();
    repository::BackupRequest request{.host = "h", .user = "u"};
    request.upload.paths = {dir_.path() / "source"};
    repository::Progress progress;
    ASSERT_TRUE(repository_->backup(request, progress, {}));
    auto snapshots = repository_->snapshots({}).value();
    MountEntry layout = lay_out_snapshots(snapshots, {});
    tree_ = std::make_unique<MountTree>(*repository_, std::move(snapshots), std::move(layout),
                                        MountTree::Options{});
    server_ = std::make_unique<FuseServer>(*tree_, [](const Error&) {});
  }

  struct Answer {
    int error = 0;
    Bytes body = {};

    template <typename Struct>
    Struct as() const {
      Struct out{};
      std::memcpy(&out, body.data(), std::min(sizeof out, body.size()));
      return out;
    }
  };

  Answer ask(std::uint32_t opcode, std::uint64_t node, BytesView body) {
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + body.size());
    header.opcode = opcode;
    header.unique = ++unique_;
    header.nodeid = node;
    const Bytes request =
        Bytes(reinterpret_cast<const char*>(&header), sizeof header) + Bytes(body);
    const FuseReply reply = server_->answer(request, workspace_);
    EXPECT_TRUE(reply.expected);
    fuse_out_header out{};
    std::memcpy(&out, reply.bytes.data(), sizeof out);
    EXPECT_EQ(out.unique, unique_);
    EXPECT_EQ(out.len, reply.bytes.size());
    return {.error = -out.error, .body = reply.bytes.substr(sizeof out)};
  }

  template <typename Struct>
  Answer ask(std::uint32_t opcode, std::uint64_t node, const Struct& body)
    requires std::is_standard_layout_v<Struct> && (!std::is_convertible_v<Struct, BytesView>)
  {
    return ask(opcode, node, BytesView(reinterpret_cast<const char*>(&body), sizeof body));
  }

  fuse_entry_out look_up(std::uint64_t folder, const std::string& name) {
    const Answer answer = ask(FUSE_LOOKUP, folder, BytesView(name.c_str(), name.size() + 1));
    EXPECT_EQ(answer.error, 0) << name;
    return answer.as<fuse_entry_out>();
  }

  // The folder `source` of the only snapshot.
  std::uint64_t source() {
    const std::uint64_t node = look_up(FUSE_ROOT_ID, "ids").nodeid;
    const std::string id = repository_->snapshots({}).value().at(0).id;
    return look_up(node, id.substr(0, 8)).nodeid;
  }

  TempDir dir_ = TempDir::create("lateen-mount").value();
  SystemClock clock_;
  SystemRng rng_;
  std::unique_ptr<repository::Repository> repository_;
  std::unique_ptr<MountTree> tree_;
  std::unique_ptr<FuseServer> server_;
  repository::Workspace workspace_;
  std::uint64_t unique_ = 0;
};

TEST_F(FuseServerTest, ReadsFilesAndFoldersAndRefusesToWrite) {
  const std::uint64_t folder = look_up(source(), "folder").nodeid;
  const fuse_entry_out note = look_up(folder, "note");
  EXPECT_EQ(note.attr.size, 10U);
  EXPECT_TRUE(S_ISREG(note.attr.mode));
  const auto opened = ask(FUSE_OPEN, note.nodeid, fuse_open_in{}).as<fuse_open_out>();
  fuse_read_in read{};
  read.fh = opened.fh;
  read.offset = 3;
  read.size = 4;
  EXPECT_EQ(ask(FUSE_READ, note.nodeid, read).body, "3456");
  read.offset = 8;
  EXPECT_EQ(ask(FUSE_READ, note.nodeid, read).body, "89");
  read.offset = 10;
  EXPECT_EQ(ask(FUSE_READ, note.nodeid, read).body, "");
  fuse_release_in release{};
  release.fh = opened.fh;
  EXPECT_EQ(ask(FUSE_RELEASE, note.nodeid, release).error, 0);

  fuse_open_in writing{};
  writing.flags = O_RDWR;
  EXPECT_EQ(ask(FUSE_OPEN, note.nodeid, writing).error, EROFS);
  EXPECT_EQ(ask(FUSE_UNLINK, folder, BytesView("note", 5)).error, EROFS);
  EXPECT_EQ(ask(FUSE_LOOKUP, folder, BytesView("nothing", 8)).error, ENOENT);
  EXPECT_EQ(ask(FUSE_GETATTR, 4711, fuse_getattr_in{}).error, ENOENT);
  EXPECT_EQ(ask(FUSE_GETXATTR, note.nodeid, BytesView("\0\0\0\0\0\0\0\0user.x", 15)).error,
            ENODATA);
  EXPECT_EQ(ask(9999, note.nodeid, BytesView()).error, ENOSYS);
}

TEST_F(FuseServerTest, ListsFoldersFromAnyPlace) {
  const std::uint64_t folder = look_up(source(), "folder").nodeid;
  fuse_read_in read{};
  read.size = 4096;
  const Bytes all = ask(FUSE_READDIR, folder, read).body;
  EXPECT_NE(all.find("note"), Bytes::npos);
  read.offset = 2;
  const Bytes rest = ask(FUSE_READDIR, folder, read).body;
  EXPECT_TRUE(all.ends_with(rest));
  EXPECT_EQ(rest.substr(FUSE_NAME_OFFSET, 4), "note");
  read.offset = 3;
  EXPECT_EQ(ask(FUSE_READDIR, folder, read).body, "");
  read.offset = 0;
  read.size = 8;
  EXPECT_EQ(ask(FUSE_READDIR, folder, read).body, "") << "no room for a name";
}

TEST_F(FuseServerTest, ForgetsWhatTheKernelForgets) {
  const fuse_entry_out first = look_up(FUSE_ROOT_ID, "ids");
  EXPECT_EQ(look_up(FUSE_ROOT_ID, "ids").nodeid, first.nodeid) << "the same while it is known";
  tree_->forget(first.nodeid, 2);
  EXPECT_EQ(ask(FUSE_GETATTR, first.nodeid, fuse_getattr_in{}).error, ENOENT);
  const fuse_entry_out again = look_up(FUSE_ROOT_ID, "ids");
  EXPECT_NE(again.nodeid, first.nodeid);
  EXPECT_EQ(again.attr.ino, first.attr.ino);
}

TEST_F(FuseServerTest, RequestsThatAreCutOffHarmNothing) {
  for (std::uint32_t opcode = 0; opcode < 60; ++opcode) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{20}}) {
      const Bytes body(size, '\xff');
      fuse_in_header header{};
      header.opcode = opcode;
      header.nodeid = FUSE_ROOT_ID;
      (void)server_->answer(Bytes(reinterpret_cast<const char*>(&header), sizeof header) + body,
                            workspace_);
    }
  }
  EXPECT_FALSE(server_->answer("short", workspace_).expected);
}

}  // namespace
}  // namespace lateen::cli::repo
