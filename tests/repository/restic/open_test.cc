#include <gtest/gtest.h>

#include "repository/kopia/timed_store.h"
#include "repository/restic/fixture.h"

namespace lateen::repository::restic {
namespace {

class ResticOpen : public ResticFixture {};

TEST_F(ResticOpen, BothVersionsAndBothKeysOpen) {
  for (const int version : {1, 2}) {
    const FilePath path = ResticFixture::repository(version);
    const auto repo = open(path);
    ASSERT_TRUE(repo) << repo.error().message();
    EXPECT_EQ((*repo)->parameters().at("version"), std::to_string(version));
    const auto snapshots = (*repo)->snapshots({}).value();
    ASSERT_EQ(snapshots.size(), 2U);
    EXPECT_EQ(snapshots[0].host, "velero");
    EXPECT_EQ(snapshots[1].paths, std::vector<std::string>{"/tmp/w/fx/src"});
    EXPECT_EQ(snapshots[1].tags, std::vector<std::string>{"second"});
    if (version == 1) continue;
    EXPECT_TRUE(open(path, "second-key-pw"));
  }
}

TEST_F(ResticOpen, AWrongPasswordIsUnauthenticated) {
  const auto repo = open(ResticFixture::repository(2), "wrong");
  ASSERT_FALSE(repo);
  EXPECT_TRUE(repo.error().is(Code::Unauthenticated));
  EXPECT_EQ(repo.error().message(), "wrong password or no key found");
}

TEST_F(ResticOpen, WhereNothingIsNotFound) {
  ASSERT_TRUE(make_dirs(dir() / "empty"));
  const auto repo = open(dir() / "empty");
  ASSERT_FALSE(repo);
  EXPECT_TRUE(repo.error().is(Code::NotFound));
}

TEST_F(ResticOpen, WhatIsCreatedOpensAndIsNotCreatedTwice) {
  for (const int version : {1, 2}) {
    const FilePath path = dir() / fmt::format("new{}", version);
    const auto created = create(path, version);
    ASSERT_TRUE(created);
    const auto opened = open(path, "pw");
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ((*opened)->id(), created->id());
    const auto again = create_repository(dir_store(path), Secret("pw"), {}, access());
    ASSERT_FALSE(again);
    EXPECT_TRUE(again.error().is(Code::AlreadyExists));
  }
}

// Whoever comes second takes the other's repository, and leaves no key that opens nothing.
TEST_F(ResticOpen, OfTwoWhoCreateItAtOnceOneDoesWhereverTheyMeet) {
  const CreateOptions cheap{.cost = {.n = 16, .r = 8, .p = 1}};
  kopia::TestClock clock;
  for (const bool dies : {false, true}) {
    for (int step = 0;; ++step) {
      const auto bucket = std::make_shared<kopia::Bucket>();
      const auto make = [&] {
        return create_repository(kopia::open_bucket(bucket, clock), Secret("pw"), cheap, access());
      };
      int left = step;
      bool met = false;
      bool inside = false;
      bucket->before_change = [&](std::string_view) -> Status {
        if (inside) return {};
        if (met) return dies ? Status(Error(Code::Io, "the machine died")) : Status();
        if (left-- > 0) return {};
        met = inside = true;
        const auto second = make();
        EXPECT_TRUE(second) << second.error().message();
        inside = false;
        return {};
      };
      const auto first = make();
      bucket->before_change = {};
      EXPECT_NE(first.has_value(), met) << "they met at change " << step;
      const auto now =
          open_repository(kopia::open_bucket(bucket, clock), Secret("pw"), {}, access());
      EXPECT_TRUE(now) << "they met at change " << step << ": " << now.error().message();
      if (!dies) {
        EXPECT_EQ(bucket->keys("keys/").size(), 1U) << "they met at change " << step;
      }
      if (!met) break;
      ASSERT_LT(step, 10);
    }
  }
}

TEST_F(ResticOpen, WhoDiedBeforeItWasOneLeavesItToTheNext) {
  const auto bucket = std::make_shared<kopia::Bucket>();
  kopia::TestClock clock;
  const CreateOptions cheap{.cost = {.n = 16, .r = 8, .p = 1}};
  bucket->before_change = [](std::string_view key) {
    return key == "config" ? Status(Error(Code::Io, "the machine died")) : Status();
  };
  ASSERT_FALSE(create_repository(kopia::open_bucket(bucket, clock), Secret("pw"), cheap, access()));
  bucket->before_change = {};
  const auto other =
      create_repository(kopia::open_bucket(bucket, clock), Secret("other"), cheap, access());
  ASSERT_FALSE(other);
  EXPECT_TRUE(other.error().is(Code::AlreadyExists)) << other.error().message();
  const auto next =
      create_repository(kopia::open_bucket(bucket, clock), Secret("pw"), cheap, access());
  EXPECT_TRUE(next) << next.error().message();
}

TEST_F(ResticOpen, KeysAreAddedListedAndRemoved) {
  const FilePath path = dir() / "repo";
  const auto repo = create(path);
  const std::string id =
      repo->add_key(Secret("other"), {.username = "alice", .hostname = "there"}, {}).value();
  std::vector<Error> problems;
  const auto keys = repo->keys(problems, {}).value();
  EXPECT_EQ(keys.size(), 2U);
  EXPECT_TRUE(problems.empty());
  const auto with_other = open(path, "other");
  ASSERT_TRUE(with_other);
  const Status own = (*with_other)->remove_key(id, {});
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().message(), "refusing to remove the key that is in use");
}

TEST_F(ResticOpen, AnExclusiveLockKeepsOthersOut) {
  const FilePath path = dir() / "repo";
  const auto mine = create(path);
  const auto theirs = open(path, "pw").value();
  ASSERT_TRUE(mine->lock(LockMode::Shared, {}));
  EXPECT_TRUE(theirs->lock(LockMode::Shared, {})) << "two readers";
  const auto third = open(path, "pw").value();
  const Status exclusive = third->lock(LockMode::Exclusive, {});
  ASSERT_FALSE(exclusive);
  EXPECT_TRUE(exclusive.error().is(Code::Conflict));
  EXPECT_NE(exclusive.error().message().find("already locked by PID"), std::string::npos)
      << exclusive.error().message();
}

TEST_F(ResticOpen, OnlyStaleLocksAreRemoved) {
  const FilePath path = dir() / "repo";
  const auto mine = create(path);
  const auto theirs = open(path, "pw").value();
  ASSERT_TRUE(theirs->lock(LockMode::Exclusive, {}));
  EXPECT_EQ(mine->remove_locks(false, {}).value(), 0U) << "its process, this one, is alive";
  clock_.advance(std::chrono::minutes(31));
  EXPECT_EQ(mine->remove_locks(false, {}).value(), 1U);
  EXPECT_TRUE(mine->lock(LockMode::Exclusive, {}));
}

TEST_F(ResticOpen, ADamagedSnapshotIsNamedAndTheOthersAreThere) {
  const FilePath path = ResticFixture::repository(2);
  const auto entries = list_dir(path / "snapshots").value();
  ASSERT_EQ(entries.size(), 2U);
  const FilePath victim = path / "snapshots" / entries[0].name;
  Bytes bytes = read_file(victim).value();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
  ASSERT_TRUE(write_file(victim, bytes));
  const auto repo = open(path).value();
  const auto strict = repo->snapshots({});
  ASSERT_FALSE(strict);
  EXPECT_NE(strict.error().message().find(entries[0].name), std::string::npos);
  std::vector<Error> problems;
  EXPECT_EQ(repo->readable_snapshots(problems, {}).value().size(), 1U);
  EXPECT_EQ(problems.size(), 1U);
}

}  // namespace
}  // namespace lateen::repository::restic
