#include "repository/restic/lock.h"

#include "objects/forwarding_store.h"
#include "repository/restic/fixture.h"

namespace lateen::repository::restic {
namespace {

// Somebody else locks in the moment before our lock is written.
class LockedByOthers final : public objects::ForwardingStore {
 public:
  LockedByOthers(std::unique_ptr<ObjectStore> store, ResticRepository& others)
      : ForwardingStore(std::move(store)), others_(others) {}

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    if (key.starts_with("locks/")) TRY(others_.lock(LockMode::Exclusive, {}));
    return inner().put(key, bytes, std::move(stop));
  }

 private:
  ResticRepository& others_;
};

class ResticLock : public ResticFixture {
 protected:
  void SetUp() override {
    (void)create(path_);
    theirs_ = open(path_, "pw").value();
  }

  // Neither saw the other's lock before writing his own.
  std::unique_ptr<ResticRepository> open_beside_them() {
    auto store = std::make_unique<LockedByOthers>(dir_store(path_), *theirs_);
    return open_repository(
               std::move(store), Secret("pw"),
               {.new_key_cost = kCheapCost, .lock_settle = std::chrono::milliseconds(1)}, access())
        .value();
  }

  const FilePath path_ = dir() / "repo";
  std::unique_ptr<ResticRepository> theirs_;
};

TEST_F(ResticLock, IsSharedAtOnceAndGivenUpIfAnotherWasExclusive) {
  const auto mine = open_beside_them();
  ASSERT_TRUE(mine->lock(LockMode::Shared, {}));
  const Status settled = mine->settle_lock({});
  ASSERT_FALSE(settled);
  EXPECT_TRUE(settled.error().is(Code::Conflict)) << settled.error().message();
  EXPECT_EQ(theirs_->list(FileType::Lock, {})->size(), 1U) << "theirs";
}

TEST_F(ResticLock, NothingIsWrittenBesideAnotherExclusiveOne) {
  ASSERT_TRUE(make_dirs(dir() / "source"));
  ASSERT_TRUE(write_file(dir() / "source" / "file", "text"));
  const auto mine = open_beside_them();
  BackupRequest request{.host = "h"};
  request.upload.paths = {dir() / "source"};
  Progress progress;
  const auto report = mine->backup(request, progress, {});
  ASSERT_FALSE(report);
  EXPECT_TRUE(report.error().is(Code::Conflict)) << report.error().message();
  for (const FileType type : {FileType::Pack, FileType::Index, FileType::Snapshot})
    EXPECT_TRUE(mine->list(type, {})->empty()) << folder_of(type);
  const auto key = mine->add_key(Secret("other"), {}, {});
  ASSERT_FALSE(key);
  EXPECT_TRUE(key.error().is(Code::Conflict)) << key.error().message();
}

TEST_F(ResticLock, IsNotWaitedForByWhoNeedsItNoMore) {
  auto mine =
      open_repository(dir_store(path_), Secret("pw"),
                      {.new_key_cost = kCheapCost, .lock_settle = std::chrono::hours(1)}, access())
          .value();
  ASSERT_TRUE(mine->lock(LockMode::Shared, {}));
  EXPECT_EQ(theirs_->list(FileType::Lock, {})->size(), 1U);
  mine = nullptr;
  EXPECT_TRUE(theirs_->list(FileType::Lock, {})->empty());
}

}  // namespace
}  // namespace lateen::repository::restic
