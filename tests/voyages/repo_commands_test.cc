// Commands of `lateen repo` that go beyond one backup: copies, rewriting, searching, mounting; and
// that its JSON has what restic's has.
#include <algorithm>
#include <set>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "voyages/testing/repository_voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::minutes;

class RepoCommandsVoyage : public RepositoryVoyage {
 protected:
  FilePath other() const { return dir() / "other"; }

  Outcome lateen_at(const FilePath& place, Words words) const {
    words.insert(words.end(), {"--repo", place.string()});
    return lateen(std::move(words));
  }

  // Every field that restic has is there, and is of the same kind. Not kept, and so not said: names
  // of accounts in `find`, the counts that a policy had left in `forget`.
  static void expect_fields(const Json& ours, const Json& theirs, const std::string& where) {
    static const std::set<std::string> kLeftOut = {"find.matches.user", "find.matches.group",
                                                   "forget.reasons.counters"};
    ASSERT_TRUE(ours.is_object() && theirs.is_object()) << where;
    for (const auto& [key, value] : theirs.get_object()) {
      if (kLeftOut.contains(where + "." + std::string(key))) continue;
      const Json* const mine = ours.get_object().if_contains(key);
      if (mine == nullptr) {
        ADD_FAILURE() << where << " has no \"" << key << "\": " << write_json(ours);
        continue;
      }
      const auto kind = [](const Json& json) {
        return json.is_number() ? 1 : json.is_string() ? 2 : json.is_array() ? 3 : 4;
      };
      EXPECT_EQ(kind(*mine), kind(value)) << where << "." << key;
    }
  }

  // The JSON lines of a program's output; a document of several lines is one.
  static std::vector<Json> lines_of(const Outcome& outcome) {
    std::vector<Json> out;
    if (auto whole = parse_json(trim(outcome.out))) return {std::move(*whole)};
    for (const std::string_view line : split(trim(outcome.out), '\n')) {
      auto json = parse_json(line);
      if (json) out.push_back(std::move(*json));
    }
    EXPECT_FALSE(out.empty()) << outcome.story();
    return out;
  }

  static std::string first_id(const Outcome& snapshots) {
    return std::string(string_at(lines_of(snapshots).at(0).get_array().at(0), "id"));
  }
};

TEST_F(RepoCommandsVoyage, CopiesBetweenRepositoriesOfBothFormats) {
  make_source();
  (void)remove_file(source() / "pipe");  // kopia's format has no place for it
  expect_ok(lateen({"init", "--format", "kopia"}));
  expect_ok(lateen({"backup", source().string(), "--tag", "kept", "--host", "there"}));
  expect_ok(lateen_at(other(), {"init", "--format", "restic"}));
  const Outcome copied = lateen_at(other(), {"copy", "--from-repo", repo().string()});
  expect_ok(copied);
  const Outcome again = lateen_at(other(), {"copy", "--from-repo", repo().string()});
  EXPECT_NE(again.out.find("copied 0 snapshots, 1 were here already"), std::string::npos)
      << again.story();
  if (path_exists(kRestic)) {
    expect_ok(restic({"check", "--read-data", "--repo", other().string()}));
    const FilePath target = dir() / "by restic";
    expect_ok(
        restic({"restore", "latest", "--target", target.string(), "--repo", other().string()}));
    EXPECT_EQ(text_of(target / source().relative_path() / "large.bin"),
              text_of(source() / "large.bin"));
  }
  // And back, with another password.
  const FilePath third = dir() / "third";
  write_text(dir() / "password", "another\n");
  write_text(dir() / "from", "a password\n");
  const Words other_password = {"--password-file", (dir() / "password").string()};
  Words init = {"init", "--format", "kopia"};
  init.insert(init.end(), other_password.begin(), other_password.end());
  expect_ok(lateen_at(third, init));
  Words copy = {"copy",
                "latest",
                "--from-repo",
                other().string(),
                "--from-password-file",
                (dir() / "from").string()};
  copy.insert(copy.end(), other_password.begin(), other_password.end());
  expect_ok(lateen_at(third, copy));
  Words restore = {"restore", "latest", "--target", (dir() / "restored").string()};
  restore.insert(restore.end(), other_password.begin(), other_password.end());
  expect_ok(lateen_at(third, restore));
  EXPECT_EQ(text_of(dir() / "restored/deep/er/f33"), text_of(source() / "deep/er/f33"));
}

TEST_F(RepoCommandsVoyage, RewritesAndRestoresWithoutWhatIsExcluded) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  expect_ok(lateen({"backup", source().string()}));
  expect_ok(lateen({"rewrite", "--exclude", "*.log", "--forget"}));
  if (path_exists(kRestic)) expect_clean();
  const Outcome listed = lateen({"ls", "latest"});
  EXPECT_EQ(listed.out.find("text.log"), std::string::npos) << listed.story();
  EXPECT_NE(listed.out.find("large.bin"), std::string::npos) << listed.story();
  EXPECT_EQ(lateen({"rewrite"}).code, 1);

  const FilePath target = dir() / "target";
  const FilePath inside = target / source().relative_path();
  ASSERT_TRUE(make_dirs(inside));
  write_text(inside / "extra", "x");
  const Words restore = {"restore", "latest", "--target", target.string(), "--delete"};
  Words dry = restore;
  dry.insert(dry.end(), {"--dry-run", "-v"});
  const Outcome said = lateen(dry);
  EXPECT_NE(said.out.find("would delete " + (source() / "extra").string()), std::string::npos)
      << said.story();
  EXPECT_TRUE(path_exists(inside / "extra"));
  Words verified = restore;
  verified.emplace_back("--verify");
  expect_ok(lateen(verified));
  EXPECT_FALSE(path_exists(inside / "extra"));
  EXPECT_EQ(lateen({"restore", "latest", "--target", "/", "--delete"}).code, 1);
}

// Paths are in the tree as they were named.
TEST_F(RepoCommandsVoyage, RelativePathsAreKeptAsResticKeepsThem) {
  if (!path_exists(kRestic)) GTEST_SKIP() << "restic is not installed: tools/setup.sh test";
  make_source();
  const auto here = [this](const Words& words) {
    return run_program(words, {.env = environment(), .cwd = source() / "deep"});
  };
  expect_ok(lateen({"init", "--format", "restic"}));
  expect_ok(lateen_at(other(), {"init", "--format", "restic"}));
  const std::vector<Words> sources = {
      {"er"}, {"./er/f01", "er/f02"}, {"../nothing", "../deep/er/f03"}, {"."}};
  for (const Words& paths : sources) {
    Words ours = {LATEEN_BINARY, "repo", "backup"};
    ours.insert(ours.end(), paths.begin(), paths.end());
    expect_ok(here(ours));
    Words theirs = {kRestic, "backup", "--repo", other().string()};
    theirs.insert(theirs.end(), paths.begin(), paths.end());
    expect_ok(here(theirs));
    const auto listed = [](const Outcome& outcome) {
      return std::string(cut(outcome.out, "\n").after);
    };
    EXPECT_EQ(listed(restic({"ls", "latest"})),
              listed(restic({"ls", "latest", "--repo", other().string()})))
        << join(paths, " ");
  }
}

TEST_F(RepoCommandsVoyage, NoFolderIsMadeInWhichNothingIsIncluded) {
  make_source();
  for (const char* format : {"kopia", "restic"}) {
    const FilePath place = dir() / format;
    expect_ok(lateen_at(place, {"init", "--format", format}));
    expect_ok(lateen_at(place, {"backup", source().string()}));
    const FilePath target = dir() / "target";
    ASSERT_TRUE(remove_tree(target));
    expect_ok(
        lateen_at(place, {"restore", "latest", "--target", target.string(), "--include", "f33"}));
    const FilePath inside =
        std::string(format) == "kopia" ? target : target / source().relative_path();
    EXPECT_TRUE(text_of(inside / "deep/er/f33") == text_of(source() / "deep/er/f33"));
    EXPECT_FALSE(path_exists(inside / "empty folder")) << format;
    EXPECT_FALSE(path_exists(inside / "deep/er/still")) << format;
    EXPECT_EQ(std::filesystem::status(inside / "deep").permissions(),
              std::filesystem::status(source() / "deep").permissions());
  }
}

TEST_F(RepoCommandsVoyage, FindsFilesByBlobTreeAndPackAsResticDoes) {
  if (!path_exists(kRestic)) GTEST_SKIP() << "restic is not installed: tools/setup.sh test";
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  expect_ok(lateen({"backup", source().string()}));
  const std::string pack = largest_pack().filename().string();
  const auto snapshots = parse_json(restic({"snapshots", "--json"}).out);
  ASSERT_TRUE(snapshots);
  const std::string root(string_at(snapshots->get_array().front(), "tree"));
  const Outcome blobs = restic({"list", "blobs"});
  std::string data;
  std::string tree;
  for (const std::string_view line : split(trim(blobs.out), '\n')) {
    if (line.starts_with("data ")) data = line.substr(5);
    // Restic does not find the tree of "/" itself.
    if (line.starts_with("tree ") && line.substr(5) != root) tree = line.substr(5);
  }
  const auto sorted = [](const Outcome& outcome) {
    std::vector<std::string> out;
    for (const std::string_view line : split(trim(outcome.out), '\n')) {
      // Restic 0.14 prints a name that would harm a terminal as it is, in two lines.
      if (line.find("odd") == line.npos && line.find("<&>") == line.npos) out.emplace_back(line);
    }
    std::sort(out.begin(), out.end());
    return out;
  };
  const std::vector<Words> searches = {{"find", "--blob", data},
                                       {"find", "--tree", tree},
                                       {"find", "--blob", data.substr(0, 8)},
                                       {"find", "--pack", pack}};
  for (const Words& words : searches) {
    const std::vector<std::string> ours = sorted(lateen(words));
    const std::vector<std::string> theirs = sorted(restic(words));
    // Restic stops at the first place of a tree; we name all.
    EXPECT_FALSE(theirs.empty());
    EXPECT_TRUE(std::includes(ours.begin(), ours.end(), theirs.begin(), theirs.end()))
        << join(words, " ") << "\nrestic:\n"
        << join(theirs, "\n") << "\nours:\n"
        << join(ours, "\n");
  }
  EXPECT_EQ(lateen({"find", "--pack", "ffffffff"}).code, 1);
  EXPECT_EQ(lateen({"find", "--pack", "--blob", "ffffffff"}).code, 1);
}

TEST_F(RepoCommandsVoyage, DumpsFoldersAsTarAndZip) {
  make_source();
  for (const char* format : {"kopia", "restic"}) {
    const FilePath place = dir() / format;
    expect_ok(lateen_at(place, {"init", "--format", format}));
    expect_ok(lateen_at(place, {"backup", source().string()}));
    const std::string folder = std::string(format) == "kopia" ? "/" : source().string();
    const FilePath zip = dir() / "dump.zip";
    expect_ok(
        lateen_at(place, {"dump", "latest", folder, "--archive", "zip", "--target", zip.string()}));
    const Outcome read = run_program({"python3", "-c",
                                      "import sys, zipfile\n"
                                      "z = zipfile.ZipFile(sys.argv[1])\n"
                                      "assert z.testzip() is None\n"
                                      "sys.stdout.buffer.write(z.read('large.bin'))\n"
                                      "assert z.read('link') == b'nowhere/at/all'\n"
                                      "assert 'empty folder/' in z.namelist()\n",
                                      zip.string()});
    EXPECT_TRUE(read.ok()) << read.err;
    EXPECT_TRUE(read.out == text_of(source() / "large.bin")) << format;
    const FilePath tar = dir() / "dump.tar";
    expect_ok(lateen_at(place, {"dump", "latest", folder, "--target", tar.string()}));
    const Outcome link = run_program({"tar", "-tvf", tar.string(), "link"});
    EXPECT_NE(link.out.find("link -> nowhere/at/all"), std::string::npos) << link.story();
    EXPECT_EQ(lateen_at(place, {"dump", "latest", folder, "--archive", "cpio"}).code, 1);
  }
}

TEST_F(RepoCommandsVoyage, ForgetWithPruneSaysBeforeWhatWillGo) {
  for (const char* format : {"kopia", "restic"}) {
    const FilePath place = dir() / format;
    make_source();
    expect_ok(lateen_at(place, {"init", "--format", format}));
    expect_ok(lateen_at(place, {"backup", source().string()}));
    write_text(source() / "large.bin", noise(5'000'000, 77));
    expect_ok(lateen_at(place, {"backup", source().string()}));
    const auto removed = [&](Words more) {
      Words words = {"forget", "--keep-last",  "1", "--prune",
                     "--json", "--max-unused", "0", "--unsafe-no-grace"};
      words.insert(words.end(), more.begin(), more.end());
      const Outcome outcome = lateen_at(place, words);
      expect_ok(outcome);
      return int_at(lines_of(outcome).back(), "bytes.remove_total");
    };
    const auto expected = removed({"--dry-run"});
    ASSERT_TRUE(expected);
    EXPECT_GT(*expected, 3'000'000);
    const auto gone = removed({});
    ASSERT_TRUE(gone);
    EXPECT_LT(std::abs(*gone - *expected), 300'000) << format << " " << *gone;
    expect_ok(lateen_at(place, {"check", "--read-data"}));
    ASSERT_TRUE(remove_tree(source()));
  }
}

TEST_F(RepoCommandsVoyage, JsonHasEveryFieldThatResticsHas) {
  if (!path_exists(kRestic)) GTEST_SKIP() << "restic is not installed: tools/setup.sh test";
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  const auto backup_of = [this](const std::function<Outcome(Words)>& program) {
    return lines_of(program({"backup", source().string(), "--json", "--tag", "t"})).back();
  };
  expect_fields(backup_of(with_lateen()), backup_of(with_restic()), "backup");
  const Outcome listed = restic({"snapshots", "--json"});
  const std::string id = first_id(listed);
  for (const Words& words :
       {Words{"snapshots"}, Words{"find", "large.bin"}, Words{"forget", "--keep-last", "1", "-n"},
        Words{"stats"}, Words{"diff", id, id}}) {
    Words asked = words;
    asked.emplace_back("--json");
    const std::vector<Json> ours = lines_of(lateen(asked));
    const std::vector<Json> theirs = lines_of(restic(asked));
    ASSERT_FALSE(ours.empty() || theirs.empty()) << words.front();
    const auto first = [](const Json& json) {
      return json.is_array() ? json.get_array().at(0) : json;
    };
    expect_fields(first(ours.back()), first(theirs.back()), words.front());
    if (words.front() == "find") {
      expect_fields(first(*find(first(ours.back()), "matches")),
                    first(*find(first(theirs.back()), "matches")), "find.matches");
    }
    if (words.front() == "forget") {
      expect_fields(first(*find(first(ours.back()), "reasons")),
                    first(*find(first(theirs.back()), "reasons")), "forget.reasons");
    }
  }
  const std::vector<Json> our_nodes = lines_of(lateen({"ls", "latest", "--json"}));
  const std::vector<Json> their_nodes = lines_of(restic({"ls", "latest", "--json"}));
  ASSERT_EQ(our_nodes.size(), their_nodes.size());
  for (std::size_t i = 0; i < their_nodes.size(); ++i)
    expect_fields(our_nodes[i], their_nodes[i], "ls");
}

TEST_F(RepoCommandsVoyage, DamagedSnapshotIsNamedAndTheOthersAreListed) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  expect_ok(lateen({"backup", source().string(), "--host", "a"}));
  expect_ok(lateen({"backup", (source() / "deep").string(), "--host", "b"}));
  const std::string id = first_id(lateen({"snapshots", "--json", "--host", "a"}));
  const FilePath file = repo() / "snapshots" / id;
  std::string bytes = text_of(file);
  bytes[40] = static_cast<char>(bytes[40] ^ 1);
  ASSERT_TRUE(remove_file(file));
  write_text(file, bytes);
  const Outcome listed = lateen({"snapshots"});
  EXPECT_EQ(listed.code, 3) << listed.story();
  EXPECT_NE(listed.err.find(id.substr(0, 8)), std::string::npos) << listed.story();
  EXPECT_NE(listed.out.find(" b "), std::string::npos) << listed.story();
  EXPECT_EQ(lateen({"check"}).code, 1);
}

TEST_F(RepoCommandsVoyage, MountShowsSnapshotsAsFiles) {
  if (::geteuid() != 0 || ::access("/dev/fuse", R_OK | W_OK) != 0) {
    GTEST_SKIP() << "mounting needs /dev/fuse and root";
  }
  make_source();
  const FilePath point = dir() / "mount point";
  ASSERT_TRUE(make_dirs(point));
  for (const char* format : {"kopia", "restic"}) {
    const FilePath place = dir() / format;
    expect_ok(lateen_at(place, {"init", "--format", format}));
    expect_ok(lateen_at(place, {"backup", source().string(), "--host", "there", "--tag", "x"}));
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment())
      variables.push_back(name + "=" + value);
    auto child = Child::spawn(
        {.argv = {LATEEN_BINARY, "repo", "mount", point.string(), "--repo", place.string()},
         .env = variables,
         .out = Stdio::inherit(),
         .err = Stdio::pipe()});
    ASSERT_TRUE(child);
    const bool mounted = wait_until("it is mounted or has ended", [&] {
      return path_exists(point / "ids") || child->poll().has_value();
    });
    ASSERT_TRUE(mounted);
    if (!path_exists(point / "ids")) {
      const std::string why = read_all(child->err().get(), 1_MiB).value_or("");
      if (why.find("FUSE cannot be used here") != std::string::npos) GTEST_SKIP() << why;
      FAIL() << why;
    }
    FilePath inside = point / "hosts/there/latest";
    if (std::string(format) == "restic") inside /= source().relative_path();
    for (const char* name : {"large.bin", "zeros.img", "nothing", "deep/er/f33"}) {
      EXPECT_TRUE(text_of(inside / name) == text_of(source() / name)) << format << " " << name;
    }
    EXPECT_EQ(std::filesystem::read_symlink(inside / "link"), "nowhere/at/all");
    EXPECT_EQ(list_dir(inside / "deep/er").value().size(), 61U);
    EXPECT_EQ(list_dir(point / "ids").value().size(), 1U);
    EXPECT_TRUE(path_exists(point / "tags/x/latest/."));
    EXPECT_FALSE(write_file(inside / "new", "x"));
    const std::string whole = text_of(source() / "large.bin");
    const UniqueFd fd = open_for_reading(inside / "large.bin").value();
    EXPECT_EQ(read_at(fd.get(), 4'000'000, 500).value(), whole.substr(4'000'000, 500));
    ASSERT_TRUE(child->signal(SIGINT));
    const auto end = child->wait(Deadline::after(minutes(1)), {});
    EXPECT_TRUE(end && end->ok()) << (end ? end->describe_end() : end.error().message());
    EXPECT_FALSE(path_exists(point / "ids")) << "it is still mounted";
  }
}

}  // namespace
}  // namespace lateen::voyages
