// `lateen repo` on bad days, in both formats: each failure is said clearly, with restic's exit
// code, the rest goes on, and nothing is half saved without a word.
#include <signal.h>

#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "voyages/testing/repository_voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::minutes;

class RepoFailuresVoyage : public RepositoryVoyage,
                           public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    make_source();
    expect_ok(lateen({"init", "--format", GetParam()}));
  }

  bool is_kopia() const { return std::string_view(GetParam()) == "kopia"; }

  // Where `restore --target` puts the source.
  FilePath in(const FilePath& target) const {
    return is_kopia() ? target : target / source().relative_path();
  }

  // Under a shell's limits or another program's care.
  Outcome lateen_under(Words prefix, const Words& words) const {
    prefix.insert(prefix.end(), {LATEEN_BINARY, "repo"});
    prefix.insert(prefix.end(), words.begin(), words.end());
    return run_program(prefix, {.env = environment(), .within = minutes(2)});
  }

  // No file may become larger than so many KiB, as on a disk that is full then.
  Outcome lateen_within(int kib, const Words& words) const {
    return lateen_under(
        {"bash", "-c", fmt::format("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kib), "bash"}, words);
  }

  std::size_t snapshots() const {
    const Outcome listed = lateen({"snapshots", "--json"});
    const auto json = parse_json(listed.out);
    EXPECT_TRUE(json && json->is_array()) << listed.story();
    return json && json->is_array() ? json->get_array().size() : 0;
  }

  // The largest file of the repository: a pack.
  FilePath pack() const {
    FilePath found;
    ByteCount largest = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(repo())) {
      if (!entry.is_regular_file() || entry.file_size() <= largest) continue;
      largest = entry.file_size();
      found = entry.path();
    }
    return found;
  }

  static std::string pack_name(const FilePath& pack) {
    return pack.filename().string().substr(0, 20);
  }
};

TEST_P(RepoFailuresVoyage, FullDiskIsSaidAndLeavesTheRepositoryWhole) {
  const Outcome full = lateen_within(1000, {"backup", source().string()});
  EXPECT_EQ(full.code, 1) << full.story();
  EXPECT_NE(full.err.find("File too large"), std::string::npos) << full.story();
  EXPECT_EQ(snapshots(), 0U);
  expect_ok(lateen({"check", "--read-data"}));
  expect_ok(lateen({"backup", source().string()}));
  expect_ok(lateen({"check", "--read-data"}));
  EXPECT_EQ(snapshots(), 1U);
}

TEST_P(RepoFailuresVoyage, FullDiskOfARestoreNamesTheFilesAndRestoresTheOthers) {
  expect_ok(lateen({"backup", source().string()}));
  const FilePath target = dir() / "restored";
  const Outcome full =
      lateen_within(2000, {"restore", "latest", "--target", target.string(), "--no-cache"});
  EXPECT_EQ(full.code, 1) << full.story();
  EXPECT_NE(full.err.find("large.bin"), std::string::npos) << full.story();
  EXPECT_NE(full.err.find("File too large"), std::string::npos) << full.story();
  EXPECT_EQ(text_of(in(target) / "deep/er/f33"), text_of(source() / "deep/er/f33"));
  EXPECT_EQ(text_of(in(target) / "zeros.img"), text_of(source() / "zeros.img"));
}

// Root without its capabilities may not read what nobody may.
TEST_P(RepoFailuresVoyage, UnreadableFileIsNamedAndTheRestIsSaved) {
  ASSERT_EQ(::chmod((source() / "text.log").c_str(), 0), 0);
  ASSERT_EQ(::chmod((source() / "deep/er").c_str(), 0), 0);
  Words prefix;
  if (::geteuid() == 0) prefix = {"setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"};
  const Outcome partly = lateen_under(prefix, {"backup", source().string()});
  ASSERT_EQ(::chmod((source() / "deep/er").c_str(), 0755), 0);
  EXPECT_EQ(partly.code, 3) << partly.story();
  for (const char* name : {"/text.log", "/deep/er"})
    EXPECT_NE(partly.err.find(source().string() + name), std::string::npos) << partly.story();
  EXPECT_NE(partly.err.find("Permission denied"), std::string::npos) << partly.story();
  expect_ok(lateen({"check", "--read-data"}));
  const FilePath target = dir() / "restored";
  expect_ok(lateen({"restore", "latest", "--target", target.string()}));
  EXPECT_EQ(text_of(in(target) / "large.bin"), text_of(source() / "large.bin"));
  EXPECT_FALSE(path_exists(in(target) / "text.log"));
}

TEST_P(RepoFailuresVoyage, TruncatedPackIsNamedWithItsFilesAndTheRestComesBack) {
  expect_ok(lateen({"backup", source().string(), "--compression", "off"}));
  const FilePath victim = pack();
  const std::string whole = text_of(victim);
  ASSERT_TRUE(remove_file(victim));
  write_text(victim, whole.substr(0, 500'000));
  const Outcome checked = lateen({"check", "--read-data", "--no-cache"});
  EXPECT_EQ(checked.code, 1) << checked.story();
  EXPECT_NE(checked.err.find(pack_name(victim)), std::string::npos) << checked.story();
  EXPECT_NE(checked.err.find("large.bin"), std::string::npos) << checked.story();
  const FilePath target = dir() / "restored";
  const Outcome restored = lateen({"restore", "latest", "--target", target.string(), "--no-cache"});
  EXPECT_EQ(restored.code, 1) << restored.story();
  EXPECT_NE(restored.err.find("large.bin"), std::string::npos) << restored.story();
  EXPECT_FALSE(path_exists(in(target) / "large.bin")) << "half a file is worse than none";
  // Links and folders do not lie in that pack.
  EXPECT_EQ(std::filesystem::read_symlink(in(target) / "link"), "nowhere/at/all");
}

TEST_P(RepoFailuresVoyage, MissingIndexIsSaidAndRebuilt) {
  expect_ok(lateen({"backup", source().string()}));
  for (const auto& entry : std::filesystem::directory_iterator(repo())) {
    const std::string name = entry.path().filename().string();
    const bool index = name == "index" || name.starts_with("xn") || name.starts_with("xs") ||
                       name.starts_with("x");
    if (!index) continue;
    ASSERT_TRUE(remove_tree(entry.path()));
    if (name == "index") {
      ASSERT_TRUE(make_dirs(entry.path()));
    }
  }
  const FilePath target = dir() / "restored";
  const Outcome restored = lateen({"restore", "latest", "--target", target.string(), "--no-cache"});
  EXPECT_EQ(restored.code, 1) << restored.story();
  EXPECT_NE(restored.err.find("index"), std::string::npos) << restored.story();
  EXPECT_EQ(lateen({"check", "--no-cache"}).code, 1);
  expect_ok(lateen({"repair", "index", "--no-cache"}));
  expect_ok(lateen({"check", "--read-data"}));
  expect_ok(lateen({"restore", "latest", "--target", target.string()}));
  EXPECT_EQ(text_of(in(target) / "large.bin"), text_of(source() / "large.bin"));
}

TEST_P(RepoFailuresVoyage, ExitCodesSayWhatHappened) {
  expect_ok(lateen({"backup", source().string()}));
  EXPECT_EQ(lateen({"snapshots", "--repo", (dir() / "nowhere").string()}).code, 10);
  write_text(dir() / "wrong", "wrong\n");
  const Outcome wrong = lateen({"snapshots", "--password-file", (dir() / "wrong").string()});
  EXPECT_EQ(wrong.code, 12) << wrong.story();
  EXPECT_NE(wrong.err.find("password"), std::string::npos) << wrong.story();
  EXPECT_EQ(lateen({"backup", (dir() / "not there").string()}).code, 1);
  EXPECT_EQ(lateen({"backup", source().string(), (dir() / "not there").string()}).code, 3);
  EXPECT_EQ(lateen({"restore", "abcdef", "--target", dir().string()}).code, 1);
}

TEST_P(RepoFailuresVoyage, InterruptedBackupEndsWith130AndHarmsNothing) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment())
    variables.push_back(name + "=" + value);
  auto child = Child::spawn({.argv = {LATEEN_BINARY, "repo", "backup", "--stdin"},
                             .env = variables,
                             .in = Stdio::pipe()});
  ASSERT_TRUE(child);
  // Once it has taken more than a pipe holds, it is at work.
  ASSERT_TRUE(write_all(child->in().get(), noise(300'000, 5)));
  ASSERT_TRUE(child->signal(SIGINT));
  child->in().reset();
  const auto end = child->wait(Deadline::after(minutes(1)), {});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, 130) << end->describe_end();
  EXPECT_EQ(snapshots(), 0U);
  expect_ok(lateen({"backup", source().string()}));
  expect_ok(lateen({"check", "--read-data"}));
}

TEST_P(RepoFailuresVoyage, UnknownFormatIsRefusedByName) {
  if (!is_kopia()) GTEST_SKIP() << "restic's version is sealed: ResticDocuments tests it";
  const FilePath file = repo() / "kopia.repository.f";
  auto json = parse_json(text_of(file)).value();
  json.as_object()["encryption"] = "AES512-OF-TOMORROW";
  ASSERT_TRUE(remove_file(file));
  write_text(file, write_json(json));
  const Outcome refused = lateen({"snapshots"});
  EXPECT_EQ(refused.code, 1) << refused.story();
  EXPECT_NE(refused.err.find("AES512-OF-TOMORROW"), std::string::npos) << refused.story();
}

INSTANTIATE_TEST_SUITE_P(,
                         RepoFailuresVoyage,
                         ::testing::Values("kopia", "restic"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace lateen::voyages
