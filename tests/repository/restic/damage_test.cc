// Damage of every kind: always found, never restored as if it were whole.
#include <algorithm>
#include <cstdint>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/environment.h"
#include "base/text.h"
#include "repository/restic/fixture.h"

namespace lateen::repository::restic {
namespace {

using Contents = std::map<std::string, Bytes>;

void add_contents(const FilePath& path, const std::string& name, Contents& out) {
  const std::vector<DirEntry> entries = list_dir(path).value();
  for (const DirEntry& entry : entries) {
    const std::string child = name + "/" + entry.name;
    if (entry.kind == FileKind::Directory) {
      add_contents(path / entry.name, child, out);
    } else if (entry.kind == FileKind::Regular) {
      out[child] = read_file(path / entry.name).value();
    }
  }
}

class ResticDamage : public ResticFixture {
 protected:
  void SetUp() override {
    std::mt19937 random(1);
    ASSERT_TRUE(make_dirs(dir() / "source/sub/deeper"));
    for (int i = 0; i < 12; ++i) {
      Bytes bytes(static_cast<std::size_t>(i) * 1700, 'x');
      for (std::size_t at = 0; at < bytes.size() / 2; ++at)
        bytes[at] = static_cast<char>(random());
      const char* const folder = i % 3 == 0 ? "" : i % 3 == 1 ? "sub" : "sub/deeper";
      ASSERT_TRUE(write_file(dir() / "source" / folder / fmt::format("file{}", i), bytes));
    }
    {
      const auto repo = create(repo_dir());
      Progress progress;
      const auto report = repo->backup(
          {.upload = {.paths = {dir() / "source"}, .threads = 1}, .host = "h"}, progress, {});
      ASSERT_TRUE(report) << report.error().message();
    }
    add_contents(repo_dir(), "", whole_);
    add_contents(dir() / "source", "", source_);
  }

  FilePath repo_dir() const { return dir() / "repo"; }

  Status put_back(const std::string& name) const {
    return write_file(repo_dir() / name.substr(1), whole_.at(name));
  }

  // Whether something says that it is damaged; never that wrong bytes come back unsaid.
  bool is_found() {
    const auto repo = open(repo_dir(), "pw");
    if (!repo) return true;
    Progress checked;
    const auto report = (*repo)->check({.verify = {.read_data = true, .threads = 1}}, checked, {});
    const bool found = !report || checked.problems.count() > 0;
    expect_no_wrong_bytes();
    return found;
  }

  void expect_no_wrong_bytes() {
    const auto repo = open(repo_dir(), "pw");
    if (!repo) return;
    const auto snapshots = (*repo)->snapshots({});
    if (!snapshots || snapshots->empty()) return;
    const FilePath target = dir() / "restored";
    ASSERT_TRUE(remove_tree(target));
    Progress progress;
    const auto stats = restore_tree(snapshots->front().root, {.target = target, .threads = 1},
                                    (*repo)->trees(), (*repo)->reader(), progress, {});
    if (!stats || progress.problems.count() > 0) return;  // it was said
    Contents restored;
    add_contents(target, "", restored);
    EXPECT_EQ(restored, source_) << "wrong bytes, and nothing was said";
  }

  Contents whole_;   // the repository's files
  Contents source_;  // what was saved
};

// LATEEN_BIT_FLIPS asks for more of them.
TEST_F(ResticDamage, AFlippedBitAnywhereIsFound) {
  const auto wanted = parse_int(env("LATEEN_BIT_FLIPS").value_or(""));
  const std::int64_t flips = wanted ? *wanted : 250;
  ByteCount total = 0;
  for (const auto& [name, bytes] : whole_)
    total += bytes.size();
  std::mt19937_64 random(20261122);
  std::int64_t missed = 0;
  for (std::int64_t i = 0; i < flips; ++i) {
    ByteCount at = random() % total;
    auto file = whole_.begin();
    while (at >= file->second.size())
      at -= (file++)->second.size();
    Bytes damaged = file->second;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    ASSERT_TRUE(write_file(repo_dir() / file->first.substr(1), damaged));
    if (!is_found()) {
      // A key file has a name and a date that nothing depends on: other keys would open as well.
      const bool harmless = file->first.starts_with("/keys/");
      if (!harmless) ADD_FAILURE() << file->first << " at " << at << " was missed";
      ++missed;
    }
    ASSERT_TRUE(put_back(file->first));
  }
  EXPECT_FALSE(missed > flips / 20) << "a few bits of the key file at most";
}

TEST_F(ResticDamage, AMissingOrShortFileIsFoundAndNamed) {
  for (const auto& [name, bytes] : whole_) {
    if (name.starts_with("/keys/") || name == "/config") continue;
    const FilePath path = repo_dir() / name.substr(1);
    if (!name.starts_with("/snapshots/")) {
      ASSERT_TRUE(remove_file(path));
      EXPECT_TRUE(is_found()) << name << " is missing";
      ASSERT_TRUE(make_dirs(path.parent_path()));
    }
    for (const std::size_t length : {std::size_t{0}, std::size_t{31}, bytes.size() - 1}) {
      ASSERT_TRUE(write_file(path, bytes.substr(0, length)));
      EXPECT_TRUE(is_found()) << name << " has only " << length << " bytes";
    }
    ASSERT_TRUE(write_file(path, bytes + "x"));
    EXPECT_TRUE(is_found()) << name << " has a byte too many";
    ASSERT_TRUE(put_back(name));
  }
  EXPECT_FALSE(is_found());
}

TEST_F(ResticDamage, ALostIndexIsRebuiltFromThePacks) {
  ASSERT_TRUE(remove_tree(repo_dir() / "index"));
  EXPECT_TRUE(is_found());
  {
    const auto repo = open(repo_dir(), "pw").value();
    Progress progress;
    const auto report = repo->repair_index(progress, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->done.size(), 1U);
  }
  EXPECT_FALSE(is_found());
}

TEST_F(ResticDamage, PruneRemovesNothingWhileSomethingIsMissing) {
  FilePath pack;
  for (const auto& [name, bytes] : whole_) {
    if (name.starts_with("/data/")) pack = repo_dir() / name.substr(1);
  }
  ASSERT_TRUE(remove_file(pack));
  const auto repo = open(repo_dir(), "pw").value();
  Progress progress;
  const auto report = repo->prune({}, progress, {});
  ASSERT_FALSE(report);
  EXPECT_TRUE(report.error().is(Code::Corrupt)) << report.error().message();
  EXPECT_NE(report.error().message().find("nothing was removed"), std::string::npos)
      << report.error().message();
}

TEST_F(ResticDamage, OnlyGarbageIsPruned) {
  {
    const auto repo = open(repo_dir(), "pw").value();
    Progress progress;
    const auto report = repo->prune({}, progress, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->packs_removed, 0U);
    const auto snapshots = repo->snapshots({}).value();
    const std::vector<std::string> ids = {snapshots.front().id};
    ASSERT_TRUE(repo->forget(ids, {}));
    const auto again = repo->prune({}, progress, {});
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->packs_kept, 0U);
    EXPECT_GT(again->packs_removed, 0U);
  }
  Contents left;
  add_contents(repo_dir(), "", left);
  EXPECT_TRUE(std::none_of(left.begin(), left.end(), [](const auto& file) {
    return file.first.starts_with("/data/") || file.first.starts_with("/index/");
  }));
}

}  // namespace
}  // namespace lateen::repository::restic
