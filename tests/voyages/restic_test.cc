// `lateen repo` beside the real restic, on the same repositories: each reads, continues and checks
// what the other wrote, whatever became of it in between.
#include <algorithm>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "voyages/testing/repository_voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

class ResticVoyage : public RepositoryVoyage {
 protected:
  void SetUp() override {
    if (!path_exists(kRestic)) GTEST_SKIP() << "restic is not installed: tools/setup.sh test";
  }
};

TEST_F(ResticVoyage, ResticReadsWhatLateenWrote) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  expect_ok(lateen({"backup", source().string(), "--tag", "a,b", "--host", "there"}));
  const std::string before = listing(source());
  expect_clean();
  expect_restores(with_restic(), "latest", before);
  expect_restores(with_lateen(), "latest", before);
  const auto snapshots = parse_json(restic({"snapshots", "--json"}).out).value();
  const Json& snapshot = snapshots.get_array().at(0);
  EXPECT_EQ(string_at(snapshot, "hostname"), "there");
  EXPECT_EQ(write_json(*find(snapshot, "tags")), R"(["a","b"])");
  EXPECT_EQ(string_at(snapshot, "username").empty(), false);
}

TEST_F(ResticVoyage, LateenReadsAndContinuesWhatResticWrote) {
  make_source();
  expect_ok(restic({"init"}));
  expect_ok(restic({"backup", source().string(), "--host", "h"}));
  const std::string before = listing(source());
  expect_restores(with_lateen(), "latest", before);
  expect_ok(lateen({"check", "--read-data"}));

  const Outcome unchanged = lateen({"backup", source().string(), "--host", "h", "--json"});
  expect_ok(unchanged);
  const auto lines = split(trim(unchanged.out), '\n');
  const Json summary = parse_json(lines.back()).value();
  EXPECT_EQ(int_at(summary, "files_new"), 0) << unchanged.out;
  EXPECT_EQ(int_at(summary, "files_changed"), 0);
  EXPECT_EQ(int_at(summary, "data_blobs"), 0) << "restic's chunks are ours";
  // But for the folders above, which others write into meanwhile.
  EXPECT_LE(int_at(summary, "tree_blobs"), 2) << "restic's trees are ours";

  change_source(3);
  expect_ok(lateen({"backup", source().string(), "--host", "h"}));
  const std::string after = listing(source());
  expect_ok(restic({"backup", source().string(), "--host", "h"}));
  expect_clean();
  expect_restores(with_restic(), "latest", after);
  EXPECT_EQ(snapshot_count(), 4U);
}

TEST_F(ResticVoyage, RepositoriesOfVersion1AreWrittenToo) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic", "--repository-version", "1"}));
  expect_ok(lateen({"backup", source().string()}));
  const std::string before = listing(source());
  change_source(4);
  expect_ok(restic({"backup", source().string()}));
  expect_ok(lateen({"forget", "latest", "--prune"}));
  expect_clean();
  expect_restores(with_restic(), "latest", before);
}

TEST_F(ResticVoyage, ForgetAndPruneLeaveACleanRepository) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  for (unsigned i = 0; i < 4; ++i) {
    change_source(20 + i);
    expect_ok(i % 2 == 0 ? lateen({"backup", source().string()})
                         : restic({"backup", source().string()}));
  }
  const std::string newest = listing(source());
  const Outcome plan = lateen({"forget", "--keep-last", "2", "--group-by", "", "--dry-run"});
  expect_ok(plan);
  EXPECT_EQ(snapshot_count(), 4U) << "a dry run";
  expect_ok(lateen({"forget", "--keep-last", "2", "--group-by", ""}));
  EXPECT_EQ(snapshot_count(), 2U);
  expect_clean();
  expect_ok(lateen({"prune", "--max-unused", "0"}));
  expect_clean();
  expect_restores(with_restic(), "latest", newest);
  expect_ok(restic({"forget", "latest", "--prune"}));
  expect_ok(lateen({"check", "--read-data"}));
}

TEST_F(ResticVoyage, ForgetKeepsWhatResticKeeps) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  for (const char* time : {"2026-01-01 18:00:00", "2026-01-04 10:00:00", "2026-02-28 10:00:00",
                           "2026-03-01 00:30:00", "2026-03-01 01:30:00", "2027-01-01 10:00:00"}) {
    expect_ok(lateen({"backup", (source() / "deep").string(), "--time", time, "--tag",
                      std::string(time).substr(5, 2)}));
  }
  // Restic 0.14 does not know yet that the oldest snapshot stays while counts are left.
  const std::vector<Words> policies = {{"--keep-last", "3", "--keep-tag", "02"},
                                       {"--keep-daily", "4", "--keep-monthly", "2"},
                                       {"--keep-weekly", "3"},
                                       {"--keep-within", "1m"},
                                       {"--keep-hourly", "3", "--keep-within-weekly", "1d"}};
  for (Words words : policies) {
    words.insert(words.begin(), {"forget", "--dry-run", "--json"});
    const auto kept = [](const Outcome& outcome) {
      std::string out;
      const auto json = parse_json(split(trim(outcome.out), '\n').front());
      if (!json || !json->is_array()) return "no JSON: " + outcome.story();
      for (const Json& group : json->get_array()) {
        for (const Json& reason : *array_at(group, "reasons")) {
          out += fmt::format("{} {}\n", string_at(reason, "snapshot.time"),
                             write_json(*find(reason, "matches")));
        }
      }
      return out;
    };
    std::string ours = kept(lateen(words));
    std::string theirs = kept(restic(words));
    // Restic lists the newest first.
    auto lines = split(trim(theirs), '\n');
    std::sort(lines.begin(), lines.end());
    auto our_lines = split(trim(ours), '\n');
    std::sort(our_lines.begin(), our_lines.end());
    EXPECT_EQ(our_lines, lines) << words[3];
  }
}

TEST_F(ResticVoyage, KilledAtAnyMomentItLeavesAWholeRepository) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  expect_ok(lateen({"backup", source().string()}));
  const std::string first = listing(source());
  std::mt19937 random(20261122);
  for (unsigned round = 0; round < 4; ++round) {
    change_source(50 + round);
    kill_after({"backup", source().string()}, milliseconds(random() % 700));
    expect_ok(restic({"unlock"}));
    expect_ok(restic({"check", "--read-data"}));
  }
  expect_ok(lateen({"backup", source().string()}));
  const std::string last = listing(source());
  for (unsigned round = 0; round < 3; ++round) {
    kill_after({"prune", "--max-unused", "0"}, milliseconds(random() % 900));
    expect_ok(lateen({"unlock"}));
    expect_ok(restic({"check", "--read-data"}));
  }
  expect_ok(lateen({"prune", "--max-unused", "0"}));
  expect_clean();
  expect_restores(with_restic(), "latest", last);
}

TEST_F(ResticVoyage, WritersAtTheSameTimeDoNotHarmEachOther) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  std::vector<Outcome> outcomes(4);
  {
    std::vector<std::jthread> writers;
    for (unsigned i = 0; i < outcomes.size(); ++i) {
      writers.emplace_back([this, i, &outcomes] {
        const Words words = {"backup", source().string(), "--host", fmt::format("h{}", i)};
        outcomes[i] = i == 0 ? restic(words) : lateen(words);
      });
    }
  }
  for (const Outcome& outcome : outcomes)
    expect_ok(outcome);
  EXPECT_EQ(snapshot_count(), 4U);
  expect_clean();
  expect_restores(with_lateen(), "latest", listing(source()));
}

TEST_F(ResticVoyage, ExitCodesAreRestics) {
  make_source();
  EXPECT_EQ(lateen({"snapshots"}).code, 10) << "no repository";
  expect_ok(lateen({"init", "--format", "restic"}));
  EXPECT_EQ(lateen({"init", "--format", "restic"}).code, 1) << "there already";
  write_text(dir() / "wrong", "wrong\n");
  EXPECT_EQ(lateen({"snapshots", "--password-file", (dir() / "wrong").string()}).code, 12);
  const Outcome partly = lateen({"backup", source().string(), (dir() / "not there").string()});
  EXPECT_EQ(partly.code, 3) << partly.story();
  EXPECT_EQ(lateen({"backup", (dir() / "not there").string()}).code, 1);
  EXPECT_EQ(lateen({"restore", "abcdef", "--target", dir().string()}).code, 1);

  // A restic that waits for its input holds a lock.
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment())
    variables.push_back(name + "=" + value);
  auto holder =
      Child::spawn({.argv = {kRestic, "backup", "--stdin"}, .env = variables, .in = Stdio::pipe()});
  ASSERT_TRUE(holder);
  wait_until("restic holds its lock", [this] {
    const auto locks = list_dir(repo() / "locks");
    return locks && locks->size() == 1;
  });
  const Outcome locked = lateen({"prune"});
  EXPECT_EQ(locked.code, 11) << locked.story();
  EXPECT_NE(locked.err.find("already locked"), std::string::npos) << locked.story();
  expect_ok(lateen({"backup", source().string()}));
  ASSERT_TRUE(write_all(holder->in().get(), "input at last"));
  holder->in().reset();
  const auto ended = holder->wait(Deadline::after(minutes(1)), {});
  EXPECT_TRUE(ended && ended->ok()) << (ended ? ended->describe_end() : ended.error().message());
}

TEST_F(ResticVoyage, StandardInputListsDumpsAndDifferencesAreRestics) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  expect_ok(lateen({"backup", "--stdin", "--stdin-filename", "dump.sql"}, "select 1;\n"));
  EXPECT_EQ(lateen({"dump", "latest", "dump.sql"}).out, "select 1;\n");
  EXPECT_EQ(restic({"dump", "latest", "dump.sql"}).out, "select 1;\n");

  expect_ok(lateen({"backup", source().string()}));
  EXPECT_EQ(lateen({"ls", "latest"}).out.substr(0, 8), "snapshot");
  const auto paths = [](const Outcome& outcome) {
    std::string out;
    for (const std::string_view line : split(trim(outcome.out), '\n')) {
      const auto json = parse_json(line);
      if (json && string_at(*json, "struct_type") == "node") {
        out += fmt::format("{} {} {} {}\n", string_at(*json, "path"), string_at(*json, "type"),
                           string_at(*json, "mtime"), string_at(*json, "permissions"));
      }
    }
    return out;
  };
  EXPECT_EQ(paths(lateen({"ls", "latest", "--json"})), paths(restic({"ls", "latest", "--json"})));

  const auto id = [this] {
    const auto json = parse_json(restic({"snapshots", "--json", "--latest", "1"}).out).value();
    return std::string(string_at(json.get_array().back(), "short_id"));
  };
  const std::string before = id();
  change_source(9);
  expect_ok(lateen({"backup", source().string()}));
  const std::string after = id();
  EXPECT_EQ(lateen({"diff", before, after}).out, restic({"diff", before, after}).out);
  EXPECT_EQ(lateen({"stats", "--json"}).code, 0);
}

TEST_F(ResticVoyage, DamageIsNamedAndRepaired) {
  make_source();
  expect_ok(lateen({"init", "--format", "restic"}));
  expect_ok(lateen({"backup", source().string()}));
  expect_ok(lateen({"backup", (source() / "deep").string(), "--compression", "off"}));
  const FilePath victim = largest_pack();
  const Bytes whole = text_of(victim);
  write_text(victim, whole.substr(0, whole.size() - 100'000));
  const Outcome checked = lateen({"check", "--read-data"});
  EXPECT_EQ(checked.code, 1);
  EXPECT_NE(checked.err.find(victim.filename().string()), std::string::npos) << checked.story();
  EXPECT_NE(checked.err.find("/source/"), std::string::npos) << "no file is named\n"
                                                             << checked.story();
  expect_ok(lateen({"repair", "packs", victim.filename().string()}));
  expect_ok(lateen({"repair", "snapshots", "--forget"}));
  expect_clean();

  // Without any index all is found again.
  ASSERT_TRUE(remove_tree(repo() / "index"));
  ASSERT_TRUE(make_dirs(repo() / "index"));
  EXPECT_EQ(lateen({"check"}).code, 1);
  expect_ok(lateen({"repair", "index"}));
  expect_clean();
}

}  // namespace
}  // namespace lateen::voyages
