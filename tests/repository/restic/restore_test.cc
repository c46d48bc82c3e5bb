// What restic saved comes back as it was: every byte, time, owner, link, device and attribute.
#include <algorithm>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "repository/restic/fixture.h"

namespace lateen::repository::restic {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x21 && byte <= 0x7e && c != '%') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

char letter_of(mode_t mode) {
  if (S_ISDIR(mode)) return 'd';
  if (S_ISLNK(mode)) return 'l';
  if (S_ISFIFO(mode)) return 'p';
  if (S_ISCHR(mode)) return 'c';
  return S_ISBLK(mode) ? 'b' : 'f';
}

std::string extra_of(const FilePath& path, const struct stat& info) {
  if (S_ISREG(info.st_mode)) return sha256_hex(read_file(path).value());
  if (S_ISLNK(info.st_mode)) return escaped(std::filesystem::read_symlink(path).native());
  if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
    return fmt::format("{}:{}", major(info.st_rdev), minor(info.st_rdev));
  }
  return "-";
}

// In the format of source.list.
void add_listing(const FilePath& path, const std::string& name, std::vector<std::string>& out) {
  struct stat info = {};
  ASSERT_EQ(::lstat(path.c_str(), &info), 0) << path;
  const bool sized = S_ISREG(info.st_mode) || S_ISLNK(info.st_mode);
  const std::int64_t mtime = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  if (!name.empty()) {
    out.push_back(fmt::format("{} {:04o} {} {} {} {} {} {}", letter_of(info.st_mode),
                              info.st_mode & 07777U, info.st_uid, info.st_gid, mtime,
                              sized ? info.st_size : 0, extra_of(path, info), escaped(name)));
  }
  if (!S_ISDIR(info.st_mode)) return;
  const std::vector<DirEntry> entries = list_dir(path).value();
  for (const DirEntry& entry : entries) {
    add_listing(path / entry.name, name.empty() ? entry.name : name + "/" + entry.name, out);
  }
}

// Who is not root can neither make devices nor give files away: these are left out then.
std::vector<std::string> comparable(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  if (::geteuid() == 0) return lines;
  std::erase_if(lines, [](const std::string& line) {
    return line.starts_with("c ") || line.starts_with("b ") || line.find(" modes/") != line.npos;
  });
  return lines;
}

std::vector<std::string> expected_listing(const std::string& file, bool without_semi) {
  const Bytes text = read_file(fixture_path(file)).value();
  std::vector<std::string> lines;
  for (const std::string_view line : split(trim(text), '\n')) {
    if (line.ends_with(" .") || (without_semi && line.ends_with("semi.bin"))) continue;
    lines.emplace_back(line);
  }
  return comparable(std::move(lines));
}

class ResticRestore : public ResticFixture {
 protected:
  std::vector<std::string> restored(ResticRepository& repo,
                                    const Snapshot& snapshot,
                                    const FilePath& target) {
    Progress progress;
    const auto stats =
        restore_tree(snapshot.root, {.target = target}, repo.trees(), repo.reader(), progress, {});
    EXPECT_TRUE(stats) << (stats ? "" : stats.error().message());
    for (const Problem& problem : progress.problems.take()) {
      if (::geteuid() == 0) ADD_FAILURE() << problem.path << ": " << problem.error.message();
    }
    // The first snapshot has the folder's own entries at the top, the second leads to them.
    const FilePath inner = target / "tmp/w/fx/src";
    std::vector<std::string> lines;
    add_listing(path_exists(inner) ? inner : target, "", lines);
    return comparable(std::move(lines));
  }

  void expect_fixture(int version) {
    const auto repo = open(repository(version)).value();
    const auto snapshots = repo->snapshots({}).value();
    ASSERT_EQ(snapshots.size(), 2U);
    const bool without = version == 1;
    EXPECT_EQ(restored(*repo, snapshots[0], dir() / "one"),
              expected_listing("source.list", without));
    EXPECT_EQ(restored(*repo, snapshots[1], dir() / "two"),
              expected_listing("source-2.list", without));
    if (::geteuid() == 0) {
      const FilePath links = dir() / "one/links";
      EXPECT_TRUE(std::filesystem::equivalent(links / "hard1", links / "hard2"));
    }
  }
};

TEST_F(ResticRestore, Version2ComesBackAsItWas) {
  expect_fixture(2);
}

TEST_F(ResticRestore, Version1ComesBackAsItWas) {
  expect_fixture(1);
}

TEST_F(ResticRestore, ResticsRepositoriesPassOurCheckWithAllDataRead) {
  for (const int version : {1, 2}) {
    const auto repo = open(repository(version)).value();
    Progress progress;
    const auto report = repo->check({.verify = {.read_data = true}}, progress, {});
    ASSERT_TRUE(report) << report.error().message();
    for (const Problem& problem : progress.problems.take())
      ADD_FAILURE() << problem.path << ": " << problem.error.message();
    EXPECT_TRUE(report->hints.empty());
    EXPECT_GT(report->packs.contents, 50U);
  }
}

}  // namespace
}  // namespace lateen::repository::restic
