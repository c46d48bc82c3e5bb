// `lateen repo` on bad days, in both formats: each failure is said clearly, with restic's exit
// code, the rest goes on, and nothing is half saved without a word.
#include <algorithm>
#include <map>
#include <random>
#include <set>

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

  std::set<FilePath> index_files() const {
    std::set<FilePath> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(repo())) {
      const std::string name = entry.path().lexically_relative(repo()).string();
      if (entry.is_regular_file() && (name.starts_with("index/") || name.starts_with("x")))
        files.insert(entry.path());
    }
    return files;
  }

  static void replace(const FilePath& path, const std::string& text) {
    ASSERT_TRUE(remove_file(path));  // it may be read-only
    write_text(path, text);
  }

  // Bytes by path.
  static std::map<std::string, std::string> files_below(const FilePath& folder) {
    std::map<std::string, std::string> files;
    if (!path_exists(folder)) return files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file() || entry.is_symlink()) continue;
      files[entry.path().lexically_relative(folder).string()] = text_of(entry.path());
    }
    return files;
  }

  // The file, or a folder that it is in.
  bool names_it(const std::string& said, const std::string& file) const {
    for (FilePath path = file; !path.empty(); path = path.parent_path()) {
      const std::string name = path.filename().string();
      const bool printable =
          std::ranges::all_of(name, [](char c) { return c >= ' ' && c < '\x7f'; });
      if (!printable) return true;  // said in another way
      if (said.find("/" + path.string()) != std::string::npos) return true;
    }
    return false;
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

// Anywhere in the repository: found, named with the files that it touches, and all others come
// back.
TEST_P(RepoFailuresVoyage, AFlippedBitIsFoundAndSparesWhatItDoesNotTouch) {
  ASSERT_TRUE(remove_file(source() / "pipe"));  // kopia's own format has no place for it
  expect_ok(lateen({"backup", source().string()}));
  const std::map<std::string, std::string> saved = files_below(source());
  std::vector<FilePath> objects;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(repo())) {
    if (entry.is_regular_file() && entry.file_size() > 0) objects.push_back(entry.path());
  }
  std::sort(objects.begin(), objects.end());
  std::mt19937 random(20261123);
  for (int round = 0; round < 6 && !HasFailure(); ++round) {
    const FilePath victim = round == 0 ? pack() : objects[random() % objects.size()];
    const std::string whole = text_of(victim);
    const std::size_t at = random() % whole.size();
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    replace(victim, damaged);
    SCOPED_TRACE(fmt::format("{} at {} of {}", victim.string(), at, whole.size()));
    const Outcome checked = lateen({"check", "--read-data", "--no-cache"});
    const FilePath target = dir() / "restored";
    ASSERT_TRUE(remove_tree(target));
    const Outcome restored =
        lateen({"restore", "latest", "--target", target.string(), "--no-cache"});
    const std::map<std::string, std::string> back = files_below(in(target));
    for (const auto& [name, bytes] : saved) {
      const auto found = back.find(name);
      if (found != back.end()) {
        EXPECT_TRUE(found->second == bytes) << name << " came back with wrong bytes";
        continue;
      }
      EXPECT_NE(checked.code, 0) << name << " is lost\n" << checked.story();
      EXPECT_NE(restored.code, 0) << name << " is lost\n" << restored.story();
      // Where anything can be told at all: not without the index or the list of snapshots.
      if (back.empty()) continue;
      EXPECT_TRUE(names_it(checked.err, name)) << name << "\n" << checked.story();
      EXPECT_TRUE(names_it(restored.err, name)) << name << "\n" << restored.story();
    }
    replace(victim, whole);
  }
  expect_ok(lateen({"check", "--read-data", "--no-cache"}));
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

TEST_P(RepoFailuresVoyage, WhatWasInAPackThatIsGoneIsForgottenAndTheRestIsWholeAgain) {
  expect_ok(lateen({"backup", source().string(), "--compression", "off"}));
  const FilePath victim = pack();
  ASSERT_TRUE(remove_file(victim));
  const Outcome repaired = lateen({"repair", "index"});
  expect_ok(repaired);
  EXPECT_NE(repaired.err.find("is gone"), std::string::npos) << repaired.story();
  const Outcome snapshots_repaired = lateen({"repair", "snapshots", "--forget"});
  expect_ok(snapshots_repaired);
  EXPECT_NE(snapshots_repaired.err.find("large.bin"), std::string::npos)
      << snapshots_repaired.story();
  expect_ok(lateen({"check", "--read-data"}));
  expect_ok(lateen({"backup", source().string()}));
  const FilePath target = dir() / "restored";
  expect_ok(lateen({"restore", "latest", "--target", target.string()}));
  EXPECT_TRUE(text_of(in(target) / "large.bin") == text_of(source() / "large.bin"));
  expect_ok(lateen({"check", "--read-data"}));
}

TEST_P(RepoFailuresVoyage, ADamagedIndexLeavesWhatTheOtherKnowsReadable) {
  expect_ok(lateen({"backup", (source() / "deep").string()}));
  const std::set<FilePath> before = index_files();
  expect_ok(lateen({"backup", (source() / "text.log").string()}));
  for (const FilePath& file : index_files()) {
    if (!before.contains(file)) replace(file, "no index at all, but long enough to be one of them");
  }
  const FilePath target = dir() / "restored";
  const Outcome restored = lateen({"restore", "latest", "--path", (source() / "deep").string(),
                                   "--target", target.string(), "--no-cache"});
  expect_ok(restored);
  if (!is_kopia()) {
    EXPECT_NE(restored.err.find("index/"), std::string::npos) << "not said: " << restored.story();
  }
  const FilePath deep = is_kopia() ? target : target / (source() / "deep").relative_path();
  EXPECT_TRUE(text_of(deep / "er/f33") == text_of(source() / "deep/er/f33"));
  expect_ok(lateen({"repair", "index", "--no-cache"}));
  expect_ok(lateen({"check", "--read-data"}));
  EXPECT_EQ(snapshots(), 2U);
}

TEST_P(RepoFailuresVoyage, ASnapshotWhoseOwnFileIsDamagedCanBeForgotten) {
  if (is_kopia()) GTEST_SKIP() << "kopia's snapshots are contents of packs";
  expect_ok(lateen({"backup", source().string()}));
  FilePath file;
  for (const auto& entry : std::filesystem::directory_iterator(repo() / "snapshots"))
    file = entry.path();
  expect_ok(lateen({"backup", (source() / "deep").string()}));
  std::string bytes = text_of(file);
  bytes[40] = static_cast<char>(bytes[40] ^ 1);
  replace(file, bytes);
  EXPECT_EQ(lateen({"check"}).code, 1);
  expect_ok(lateen({"repair", "snapshots", "--forget"}));
  expect_ok(lateen({"check"}));
  EXPECT_EQ(snapshots(), 1U);
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
  // There would be more to come, for all it knows.
  ASSERT_TRUE(child->signal(SIGINT));
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
