// `lateen repo` on S3 (moto's), in both formats, and the real restic beside it on the same bucket;
// with few requests, with limits, and with a cache that lies.
#include <algorithm>

#include <sys/xattr.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "s3/servers.h"
#include "voyages/testing/repository_voyage.h"

namespace lateen::voyages {
namespace {

using objects::s3::ServerProgram;

class RepositoryOnS3Voyage : public RepositoryVoyage,
                             public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    endpoint_ = objects::s3::moto_url();
    bucket_ = objects::s3::make_bucket(endpoint_);
    make_source();
    if (std::string_view(GetParam()) == "kopia") remove_what_kopia_has_no_place_for();
  }

  // Fifos, hard links, extended attributes, names that are not UTF-8.
  void remove_what_kopia_has_no_place_for() const {
    ASSERT_TRUE(remove_file(source() / "odd \"name\"\n<&>\x01\xff"));
    ASSERT_TRUE(remove_file(source() / "pipe"));
    ASSERT_TRUE(remove_file(source() / "deep/same.log"));
    (void)::removexattr((source() / "nothing").c_str(), "user.color");  // not every system had it
  }

  // restic's form of a location, and AWS' variables.
  std::map<std::string, std::string> environment() const override {
    auto variables = RepositoryVoyage::environment();
    variables["RESTIC_REPOSITORY"] = fmt::format("s3:{}/{}/some/prefix", endpoint_, bucket_);
    variables["AWS_ACCESS_KEY_ID"] = "test:tester";
    variables["AWS_SECRET_ACCESS_KEY"] = "testing";
    variables["AWS_DEFAULT_REGION"] = "us-east-1";
    variables["no_proxy"] = "*";
    return variables;
  }

  // What is restored of the source, a folder: kopia's snapshot is that folder, restic's has the way
  // to it too.
  void expect_brings_back(const std::string& snapshot, const std::string& expected) const {
    const FilePath target = dir() / "restored";
    ASSERT_TRUE(remove_tree(target));
    expect_ok(lateen({"restore", snapshot, "--target", target.string()}));
    const bool is_kopia = std::string_view(GetParam()) == "kopia";
    EXPECT_EQ(listing(is_kopia ? target : target / source().relative_path()), expected);
  }

  void init() const { expect_ok(lateen({"init", "--format", GetParam()})); }

  void back_up() const { expect_ok(lateen({"backup", source().string()})); }

  // From here on requests go through a proxy that notes them.
  void count_requests() {
    proxy_ = objects::s3::start_fault_proxy(endpoint_);
    ASSERT_NE(proxy_, nullptr);
    endpoint_ = proxy_->url();
    forget_requests();
  }

  void forget_requests() const { EXPECT_TRUE(proxy_->ask(R"({"rules": []})")); }

  Words requests() const {
    const auto line = proxy_->ask(R"({"seen": true})");
    Words all;
    if (!line) return all;
    const Json seen = parse_json(*line).value();
    for (const Json& one : seen.get_array())
      all.emplace_back(one.get_string());
    return all;
  }

  // Every file of the cache, by what `change` makes of its bytes.
  void spoil_cache(const std::function<std::string(std::string)>& change) const {
    std::size_t spoilt = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(dir() / "cache")) {
      if (!file.is_regular_file()) continue;
      write_text(file.path(), change(text_of(file.path())));
      ++spoilt;
    }
    EXPECT_GT(spoilt, 0U);
  }

  void expect_all_is_well(const std::string& expected) const {
    expect_brings_back("latest", expected);
    const Outcome listed = lateen({"snapshots", "--json"});
    EXPECT_EQ(parse_json(listed.out).value().get_array().size(), 1U) << listed.story();
  }

 private:
  std::string endpoint_;
  std::string bucket_;
  std::unique_ptr<ServerProgram> proxy_;
};

TEST_P(RepositoryOnS3Voyage, ADayAndTheNextAreSavedCheckedForgottenAndRestored) {
  init();
  back_up();
  const std::string first = listing(source());
  change_source(5);
  back_up();
  expect_brings_back("latest", listing(source()));
  expect_ok(lateen({"check", "--read-data"}));
  const Outcome listed = lateen({"snapshots", "--json"});
  const Json snapshots = parse_json(listed.out).value();
  ASSERT_EQ(snapshots.get_array().size(), 2U) << listed.story();
  expect_brings_back(std::string(string_at(snapshots.get_array()[0], "id")), first);

  expect_ok(lateen({"forget", "--keep-last", "1", "--prune"}));
  expect_brings_back("latest", listing(source()));
  expect_ok(lateen({"check", "--read-data"}));
}

TEST_P(RepositoryOnS3Voyage, AWrongPasswordAndAnEmptyPrefixAreToldApart) {
  const Outcome nothing = lateen({"snapshots"});
  EXPECT_EQ(nothing.code, 10) << nothing.story();
  init();
  auto variables = environment();
  variables["RESTIC_PASSWORD"] = "another";
  const Outcome wrong = run_program({LATEEN_BINARY, "repo", "snapshots"}, {.env = variables});
  EXPECT_EQ(wrong.code, 12) << wrong.story();
  const Outcome twice = lateen({"init", "--format", GetParam()});
  EXPECT_EQ(twice.code, 1) << twice.story();
}

TEST_P(RepositoryOnS3Voyage, ALittleChangeTakesFewRequests) {
  init();
  back_up();
  write_text(source() / "one more", "a line\n");
  count_requests();
  back_up();
  // Kopia's format needs no locks: what is there, a marker, two packs, an index, and whether the
  // epoch is still the same. Restic's adds two looks for kopia's names, at the same time as the
  // one for its own, and whether the index that it relied on is still there.
  const std::size_t limit = std::string_view(GetParam()) == "kopia" ? 10 : 19;
  EXPECT_LE(requests().size(), limit) << join(requests(), "\n");
}

TEST_P(RepositoryOnS3Voyage, RestoringFetchesEveryPackOnceAndInWideRanges) {
  init();
  back_up();
  count_requests();
  expect_brings_back("latest", listing(source()));
  const Words seen = requests();
  // Some 8 MB in a pack of data and one of folders.
  const auto packs = std::ranges::count_if(seen, [](const std::string& request) {
    return request.find("/data/") != std::string::npos ||
           request.find("/prefix/p") != std::string::npos;
  });
  EXPECT_GE(packs, 1) << join(seen, "\n");
  EXPECT_LE(packs, 3) << join(seen, "\n");
}

TEST_P(RepositoryOnS3Voyage, ADamagedCacheIsFetchedAnewAndNeverBelieved) {
  init();
  back_up();
  const std::string expected = listing(source());
  expect_all_is_well(expected);
  spoil_cache([](std::string bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 97)
      bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
    return bytes;
  });
  expect_all_is_well(expected);
  spoil_cache([](const std::string& bytes) { return bytes.substr(0, bytes.size() / 2); });
  expect_all_is_well(expected);
  spoil_cache([](const std::string& /*bytes*/) { return std::string(); });
  expect_all_is_well(expected);
  expect_ok(lateen({"check", "--read-data"}));
}

TEST_P(RepositoryOnS3Voyage, ACacheOfYesterdayShowsWhatIsThereToday) {
  init();
  back_up();
  expect_ok(lateen({"snapshots"}));
  std::filesystem::rename(dir() / "cache", dir() / "kept");
  change_source(6);
  back_up();
  expect_ok(lateen({"forget", "--keep-last", "1", "--prune"}));
  std::filesystem::remove_all(dir() / "cache");
  std::filesystem::rename(dir() / "kept", dir() / "cache");
  expect_all_is_well(listing(source()));
}

TEST_P(RepositoryOnS3Voyage, WithoutACacheNothingIsKept) {
  init();
  std::filesystem::remove_all(dir() / "cache");
  expect_ok(lateen({"backup", source().string(), "--no-cache"}));
  expect_ok(lateen({"check", "--no-cache"}));
  EXPECT_FALSE(path_exists(dir() / "cache"));
  const FilePath other = dir() / "another cache";
  expect_ok(lateen({"snapshots", "--cache-dir", other.string()}));
  EXPECT_TRUE(path_exists(other));
  EXPECT_FALSE(path_exists(dir() / "cache"));
}

// What a limit allows is a least time, however fast the machine is.
TEST_P(RepositoryOnS3Voyage, LimitsHoldBackWhatGoesUpAndWhatComesDown) {
  init();
  write_text(dir() / "noise", noise(1'500'000, 9));
  auto started = monotonic_now();
  expect_ok(lateen({"backup", (dir() / "noise").string(), "--limit-upload", "1000"}));
  EXPECT_GE(monotonic_now() - started, std::chrono::milliseconds(1400));
  started = monotonic_now();
  expect_ok(lateen(
      {"restore", "latest", "--target", (dir() / "back").string(), "--limit-download", "1000"}));
  EXPECT_GE(monotonic_now() - started, std::chrono::milliseconds(1400));
}

INSTANTIATE_TEST_SUITE_P(,
                         RepositoryOnS3Voyage,
                         ::testing::Values("kopia", "restic"),
                         [](const auto& one) { return std::string(one.param); });

// Restic's own client of S3 and ours, on one repository.
class RepositoryOnS3VoyageWithRestic : public RepositoryOnS3Voyage {
 protected:
  void SetUp() override {
    if (!path_exists(kRestic)) GTEST_SKIP() << "restic is not installed: tools/setup.sh test";
    RepositoryOnS3Voyage::SetUp();
  }
};

TEST_P(RepositoryOnS3VoyageWithRestic, WhatOneWritesTheOtherReadsContinuesAndChecks) {
  if (std::string_view(GetParam()) == "ours") {
    expect_ok(lateen({"init", "--format", "restic"}));
  } else {
    expect_ok(restic({"init"}));
  }
  expect_ok(lateen({"backup", source().string()}));
  expect_restores(with_restic(), "latest", listing(source()));
  change_source(5);
  expect_ok(restic({"backup", source().string()}));
  expect_restores(with_lateen(), "latest", listing(source()));
  expect_clean();
  change_source(6);
  expect_ok(lateen({"backup", source().string()}));
  EXPECT_EQ(snapshot_count(), 3U);
  expect_ok(restic({"forget", "--keep-last", "2", "--prune"}));
  expect_restores(with_lateen(), "latest", listing(source()));
  expect_ok(lateen({"forget", "--keep-last", "1", "--prune"}));
  expect_restores(with_restic(), "latest", listing(source()));
  EXPECT_EQ(snapshot_count(), 1U);
  expect_clean();
}

TEST_P(RepositoryOnS3VoyageWithRestic, ALockOfTheOthersIsRespectedAndACheckCanDoWithout) {
  if (std::string_view(GetParam()) == "ours") GTEST_SKIP() << "the lock is restic's in any case";
  expect_ok(restic({"init"}));
  expect_ok(lateen({"backup", source().string()}));
  // Holds its lock as long as there may be more to read.
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment())
    variables.push_back(name + "=" + value);
  auto child = Child::spawn({.argv = {kRestic, "backup", "--stdin"},
                             .env = variables,
                             .in = Stdio::pipe(),
                             .out = Stdio::null(),
                             .err = Stdio::null()});
  ASSERT_TRUE(child);
  wait_until("restic holds its lock", [this] { return lateen({"list", "locks"}).out.size() > 10; });
  const Outcome locked = lateen({"check"});
  EXPECT_EQ(locked.code, 11) << locked.story();
  expect_ok(lateen({"check", "--no-lock"}));
  child->in().reset();
  EXPECT_TRUE(child->wait(Deadline::after(std::chrono::minutes(1)), {}));
}

INSTANTIATE_TEST_SUITE_P(,
                         RepositoryOnS3VoyageWithRestic,
                         ::testing::Values("ours", "theirs"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace lateen::voyages
