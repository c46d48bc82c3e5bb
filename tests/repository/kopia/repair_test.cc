// What is left of a kopia repository after a repair refers to nothing that is lost: kopia's own
// maintenance stops at contents that it cannot read, also at those that are marked deleted.
#include <algorithm>
#include <set>

#include "repository/testing/both_formats.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository::kopia {
namespace {

class KopiaRepair : public ::testing::Test {
 protected:
  // Each in a pack of its own.
  void SetUp() override {
    opened_ = repository_.create();
    for (const char* name : {"first", "second"}) {
      repository_.clock.advance(std::chrono::minutes(1));
      const std::vector<std::string> before = repository_.bucket->keys("p");
      Bytes bytes = repository::testing::test_bytes(repository_.bucket->keys().size(), 300'000);
      ViewSource source(bytes);
      BackupRequest request{.host = "h", .user = "u"};
      request.stdin_source = &source;
      request.stdin_name = name;
      Progress progress;
      ASSERT_TRUE(opened_->backup(request, progress, {}));
      for (const std::string& pack : repository_.bucket->keys("p")) {
        if (std::ranges::find(before, pack) == before.end()) pack_ = pack;
      }
    }
    opened_ = repository_.open();
  }

  std::set<std::string> packs_of_index() const {
    std::set<std::string> packs;
    const ContentIndex& index = opened_->reader().index();
    EXPECT_TRUE(index.for_each([&](const ContentEntry& entry) {
      packs.emplace(index.packs().name(entry.pack));
      return Status();
    }));
    return packs;
  }

  // Snapshots without what is lost, and then maintenance that finds everything.
  void expect_whole_without_the_second() {
    Progress progress;
    const auto repaired = opened_->repair_snapshots(true, progress, {});
    ASSERT_TRUE(repaired) << repaired.error().message();
    opened_ = repository_.open();
    EXPECT_EQ(repository::testing::check_all(*opened_), "");
    const auto pruned = opened_->prune({.unsafe_no_grace = true}, progress, {});
    ASSERT_TRUE(pruned) << pruned.error().message();
    opened_ = repository_.open();
    EXPECT_EQ(repository::testing::check_all(*opened_), "");
    const std::vector<Snapshot> snapshots = opened_->snapshots({}).value();
    ASSERT_EQ(snapshots.size(), 2U);
    Workspace workspace;
    const auto names = [&](const Snapshot& snapshot) {
      const auto entries = opened_->trees()
                               .read_directory(snapshot.root.object, opened_->reader(), workspace)
                               .value();
      std::string all;
      for (const StoredEntry& entry : entries)
        all += entry.entry.name + " ";
      return all;
    };
    EXPECT_EQ(names(snapshots.front()), "first ");
    EXPECT_EQ(names(snapshots.back()), "");
  }

  repository::testing::MemoryRepository repository_{.format = RepositoryFormat::Kopia};
  std::unique_ptr<Repository> opened_;
  std::string pack_;  // of the second
};

TEST_F(KopiaRepair, ContentsOfAPackThatIsGoneLeaveTheIndex) {
  {
    const Lock lock(repository_.bucket->mu);
    repository_.bucket->objects.erase(pack_);
  }
  Progress progress;
  const auto repaired = opened_->repair_index(progress, {});
  ASSERT_TRUE(repaired) << repaired.error().message();
  EXPECT_FALSE(repaired->lost.empty());
  EXPECT_FALSE(packs_of_index().contains(pack_));
  opened_ = repository_.open();
  EXPECT_FALSE(packs_of_index().contains(pack_));
  EXPECT_EQ(opened_->snapshots({}).value().size(), 2U);
  expect_whole_without_the_second();
}

TEST_F(KopiaRepair, ContentsThatCannotBeReadAnyMoreLeaveTheIndex) {
  {
    const Lock lock(repository_.bucket->mu);
    Bytes& bytes = repository_.bucket->objects.find(pack_)->second.bytes;
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  }
  Progress progress;
  const std::vector<std::string> packs = {pack_};
  const auto repaired = opened_->repair_packs(packs, progress, {});
  ASSERT_TRUE(repaired) << repaired.error().message();
  EXPECT_EQ(repaired->lost.size(), 1U);
  EXPECT_FALSE(packs_of_index().contains(pack_));
  // It is not found again, either.
  ASSERT_TRUE(opened_->repair_index(progress, {}));
  EXPECT_FALSE(packs_of_index().contains(pack_));
  expect_whole_without_the_second();
}

}  // namespace
}  // namespace lateen::repository::kopia
