// Repositories of real kopia, read to the last byte and restored.
#include <algorithm>
#include <set>

#include <unistd.h>

#include "base/text.h"
#include "repository/kopia/fixture.h"

namespace lateen::repository::kopia {
namespace {

class KopiaGolden : public KopiaFixture {
 protected:
  std::unique_ptr<KopiaRepository> must_open(std::string_view name) {
    auto repository = open(unpack(name));
    EXPECT_TRUE(repository) << repository.error().message();
    return repository ? std::move(*repository) : nullptr;
  }

  static Snapshot snapshot(KopiaRepository& repository, std::string_view id) {
    const auto all = repository.snapshots({});
    EXPECT_TRUE(all) << all.error().message();
    for (const Snapshot& one : *all) {
      if (one.id.starts_with(id)) return one;
    }
    ADD_FAILURE() << "no snapshot " << id;
    return {};
  }

  // Restores and compares with the listing: all but owners, which only root can set.
  void expect_restored(KopiaRepository& repository, const StoredEntry& root, Listing expected) {
    Progress progress;
    const FilePath target = dir() / "restored";
    const auto stats = restore_tree(root, {.target = target, .ownership = geteuid() == 0},
                                    repository.trees(), repository.reader(), progress, {});
    ASSERT_TRUE(stats) << stats.error().message();
    for (const Problem& problem : progress.problems.take()) {
      ADD_FAILURE() << problem.path << ": " << problem.error.message();
    }
    Listing restored = list_folder(target);
    if (geteuid() != 0) {
      for (Listing* listing : {&restored, &expected}) {
        for (auto& [_, entry] : *listing)
          entry.owner.clear();
      }
    }
    EXPECT_EQ(restored, expected);
  }
};

TEST_F(KopiaGolden, DefaultRepositoryGivesBothStates) {
  const auto repository = must_open("kopia-repo");
  ASSERT_TRUE(repository);
  EXPECT_EQ(repository->snapshots({})->size(), 2U);
  const Snapshot first = snapshot(*repository, "f86f3849040fa32008d4756db1b345b2");
  EXPECT_EQ(first.root.object, "ke2238199d50fc25c6e8489e7d8ba2558");
  EXPECT_EQ(first.description, "first, zstd");
  EXPECT_EQ(first.paths, std::vector<std::string>{"/tmp/w/fx/src"});
  EXPECT_EQ(first.tags, std::vector<std::string>{"tag:volume=data"});
  EXPECT_EQ(list_stored(first.root, *repository), as_kopia_keeps(read_listing("source.list")));
  const Snapshot second = snapshot(*repository, "9671b564fff0f2a4f418bada36394858");
  EXPECT_EQ(second.root.object, "k27a1fb21d04ee380c3a3701179a60e73");
  EXPECT_EQ(second.pins, std::vector<std::string>{"keep-me"});
  EXPECT_EQ(list_stored(second.root, *repository), as_kopia_keeps(read_listing("source-2.list")));
}

TEST_F(KopiaGolden, DefaultRepositoryIsRestoredWithAllMetadata) {
  const auto repository = must_open("kopia-repo");
  ASSERT_TRUE(repository);
  const Snapshot second = snapshot(*repository, "9671b564");
  expect_restored(*repository, second.root, as_kopia_keeps(read_listing("source-2.list")));
}

TEST_F(KopiaGolden, VelerosRepositoryIsRestoredWithAllMetadata) {
  const auto repository = must_open("kopia-velero-repo");
  ASSERT_TRUE(repository);
  const Snapshot only = snapshot(*repository, "3b0dc42441f6852de77db2db5aba3c24");
  EXPECT_EQ(only.host, "default");
  EXPECT_EQ(only.user, "default");
  EXPECT_EQ(only.paths, std::vector<std::string>{"snapshot-pod-volume/kopia/app/web-0/data"});
  EXPECT_EQ(only.pins, std::vector<std::string>{"velero-pin"});
  EXPECT_EQ(only.description, "Kopia Uploader");
  EXPECT_TRUE(std::ranges::count(only.tags, "snapshot-requester=snapshot-pod-volume"));
  EXPECT_EQ(*repository->maintenance_owner({}), "default@default");
  expect_restored(*repository, only.root, as_kopia_keeps(read_listing("kopia-velero.list")));
}

TEST_F(KopiaGolden, FormatVersionOneWithCompressedObjectsIsRestored) {
  const auto repository = must_open("kopia-v1-repo");
  ASSERT_TRUE(repository);
  EXPECT_EQ(repository->parameters()["format version"], "1");
  EXPECT_EQ(repository->snapshots({})->size(), 2U);
  const Snapshot second = snapshot(*repository, "c3a73326fa0e16bedbf18e3a28211444");
  EXPECT_EQ(second.root.object, "k1bb9017f6d3b94b62bfd0ba008ed04d7");
  expect_restored(*repository, second.root, as_kopia_keeps(read_listing("kopia-v1.list")));
}

TEST_F(KopiaGolden, EveryCompressorIsRead) {
  const auto repository = must_open("kopia-compressors-repo");
  ASSERT_TRUE(repository);
  const Listing expected = read_listing("kopia-compressors.list");
  const auto snapshots = repository->snapshots({});
  ASSERT_EQ(snapshots->size(), 12U);
  for (const Snapshot& one : *snapshots) {
    const Listing found = list_stored(one.root, *repository);
    ASSERT_TRUE(found.contains("text")) << one.description;
    EXPECT_EQ(found.at("text").extra, expected.at(one.description + "/text").extra)
        << one.description;
  }
}

TEST_F(KopiaGolden, ManyEpochsAreOneIndexWithoutWhatWasDropped) {
  const auto repository = must_open("kopia-epochs-repo");
  ASSERT_TRUE(repository);
  const auto snapshots = repository->snapshots({});
  ASSERT_TRUE(snapshots) << snapshots.error().message();
  EXPECT_EQ(snapshots->size(), 10U);
  for (const Snapshot& one : *snapshots) {
    EXPECT_GT(list_stored(one.root, *repository).size(), 1U) << one.id;
  }
  // As many as `kopia content list --deleted-only` shows: those at or below the watermark are gone.
  std::size_t deleted = 0;
  const ContentIndex& index = repository->reader().index();
  for (RowNumber row = 0; row < index.rows(); ++row)
    deleted += index.row(row).deleted ? 1U : 0U;
  EXPECT_EQ(deleted, 21U);
}

TEST_F(KopiaGolden, EveryFixtureIsFoundWhole) {
  for (const std::string name : {"kopia-repo", "kopia-velero-repo", "kopia-compressors-repo",
                                 "kopia-epochs-repo", "kopia-v1-repo"}) {
    const auto repository = must_open(name);
    ASSERT_TRUE(repository);
    Progress progress;
    CheckRequest request;
    request.verify.read_data = true;
    request.verify.include_deleted = true;
    const auto report = repository->check(request, progress, {});
    ASSERT_TRUE(report) << name << ": " << report.error().message();
    for (const Problem& problem : progress.problems.take()) {
      ADD_FAILURE() << name << ": " << problem.path << ": " << problem.error.message();
    }
    EXPECT_GT(report->packs.contents, 0U) << name;
  }
}

TEST_F(KopiaGolden, WrongPasswordIsSaidToBeWrong) {
  const auto repository = open(unpack("kopia-epochs-repo"), Secret("another"));
  ASSERT_FALSE(repository);
  EXPECT_EQ(repository.error().code(), Code::Unauthenticated);
  EXPECT_EQ(repository.error().message(), "the password is wrong for this repository");
  EXPECT_NE(repository.error().hint().find("KOPIA_PASSWORD"), std::string::npos);
}

}  // namespace
}  // namespace lateen::repository::kopia
