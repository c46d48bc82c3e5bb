#include "volumes/volume_repository.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/process.h"
#include "base/temp.h"
#include "base/text.h"
#include "base/thread.h"
#include "objects/forwarding_store.h"
#include "objects/fs_store.h"
#include "objects/store_factory.h"
#include "repository/engine/progress.h"
#include "repository/repository.h"
#include "volumes/checkpoints.h"

namespace lateen::volumes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Of bookstore-full in tests/testdata/velero-bucket: claim catalog-data.
constexpr std::string_view kCatalogSource =
    "snapshot-pod-volume/kopia/bookstore/catalog-777b7cf6cf-kkn4j/catalog-data";

class VolumeRepositoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_dirs(dir_.path() / "bucket"));
    ASSERT_TRUE(make_dirs(volume()));
  }

  BucketOpener bucket() const {
    return [this]() -> Result<std::unique_ptr<objects::ObjectStore>> {
      return objects::StoreFactory::with_built_in().open(
          {.provider = "filesystem",
           .bucket = "bucket",
           .config = {{"path", dir_.path().string()}}});
    };
  }

  Result<std::unique_ptr<VolumeRepository>> open(const std::string& key, bool create = true) const {
    return VolumeRepository::open(bucket(),
                                  {.type = type_,
                                   .ns = "shop",
                                   .prefix = "backups-of/eu",
                                   .key = Secret(key),
                                   .create = create},
                                  {});
  }

  FilePath volume() const { return dir_.path() / "volume"; }

  FilePath target() const { return dir_.path() / "target"; }

  VolumeSource source() const {
    return {.path = volume(),
            .name = "shop/db-0/data",
            .tags = {{"ns", "shop"}, {"pod", "db-0"}, {"volume", "data"}}};
  }

  SavedVolume save(VolumeRepository& repository) const {
    repository::Progress progress;
    auto saved = repository.save(source(), progress, {});
    EXPECT_TRUE(saved) << saved.error().message();
    return saved ? *saved : SavedVolume();
  }

  Status restore(VolumeRepository& repository, const std::string& id) const {
    repository::Progress progress;
    return repository.restore(id, {.target = target()}, progress, {});
  }

  void write(const std::string& name, std::string_view text) const {
    ASSERT_TRUE(make_dirs((volume() / name).parent_path()));
    ASSERT_TRUE(write_file(volume() / name, text));
  }

  const TempDir dir_ = TempDir::create("volume-repository").value();
  std::string type_ = "kopia";
};

TEST_F(VolumeRepositoryTest, AVolumeComesBackAsItWasSaved) {
  write("books/faust.txt", "Habe nun, ach!");
  write("empty", "");
  const auto repository = open("key").value();
  const SavedVolume saved = save(*repository);
  EXPECT_EQ(saved.snapshot_id.size(), 32U);
  EXPECT_EQ(saved.total, 14U);
  EXPECT_THAT(saved.unsteady, ElementsAre());
  ASSERT_TRUE(restore(*repository, saved.snapshot_id));
  EXPECT_EQ(read_file(target() / "books/faust.txt").value(), "Habe nun, ach!");
  EXPECT_EQ(read_file(target() / "empty").value(), "");
  EXPECT_TRUE(path_exists(dir_.path() / "bucket/backups-of/eu/kopia/shop/kopia.repository"));
  EXPECT_TRUE(path_exists(dir_.path() / "bucket/backups-of/eu/kopia/shop/udmrepo.Repository"));
}

// A device is any file whose size can be told: its bytes come back, and what is zero takes no room.
TEST_F(VolumeRepositoryTest, ABlockDeviceComesBackByteForByte) {
  const FilePath device = dir_.path() / "device";
  std::string bytes(3 << 20, '\0');
  bytes.replace(1 << 20, 5, "Faust");
  bytes.replace(bytes.size() - 3, 3, "end");
  ASSERT_TRUE(write_file(device, bytes));
  for (const char* type : {"kopia", "restic"}) {
    type_ = type;
    const auto repository = open("key").value();
    VolumeSource block = source();
    block.path = device;
    block.block = true;
    repository::Progress progress;
    const auto saved = repository->save(block, progress, {});
    ASSERT_TRUE(saved) << saved.error().message();
    EXPECT_EQ(saved->total, bytes.size());
    EXPECT_EQ(progress.total_bytes.load(), bytes.size());
    const FilePath other = dir_.path() / "other";
    ASSERT_TRUE(write_file(other, std::string(bytes.size(), 'x')));
    ASSERT_TRUE(
        repository->restore(saved->snapshot_id, {.target = other, .block = true}, progress, {}));
    EXPECT_EQ(read_file(other).value(), bytes);
    ASSERT_TRUE(write_file(other, "small"));
    const Status small =
        repository->restore(saved->snapshot_id, {.target = other, .block = true}, progress, {});
    ASSERT_FALSE(small);
    EXPECT_THAT(small.error().message(), HasSubstr("has 5 bytes, and 3145728 are to be restored"));
  }
}

// The real one named the snapshot's one file by the path of the device that it read.
TEST_F(VolumeRepositoryTest, VelerosCopyOfABlockDeviceComesBack) {
  const FilePath bucket = dir_.path() / "bucket/backups-of/eu";
  ASSERT_TRUE(make_dirs(bucket));
  const FilePath archive = FilePath(LATEEN_TESTDATA) / "kopia/kopia-velero-block-repo.tar";
  const auto unpacked =
      run_process({.argv = {"tar", "-xf", archive.string(), "-C", bucket.string()}},
                  Deadline::after(std::chrono::seconds(30)), {});
  ASSERT_TRUE(unpacked && unpacked->ok());
  const auto repository = open("static-passw0rd", false).value();
  const FilePath target = dir_.path() / "target-device";
  ASSERT_TRUE(write_file(target, std::string(24576, 'x')));
  repository::Progress progress;
  const Status restored = repository->restore("ec47a2ee574f45c47f1af10cda12dd68",
                                              {.target = target, .block = true}, progress, {});
  ASSERT_TRUE(restored) << restored.error().message();
  EXPECT_EQ(sha256_hex(read_file(target).value()),
            "2507999f6c9310af45084eb380cff2261b0d2d95031ab43f50121e902d7f0cbf");
  EXPECT_EQ(progress.done_bytes.load(), 24576U);
}

// What Velero's restore needs: a directory, and one file in it.
TEST_F(VolumeRepositoryTest, ABlockDeviceIsTheOneFileOfADirectory) {
  write("device", "bytes");
  const auto repository = open("key").value();
  VolumeSource block = source();
  block.path = volume() / "device";
  block.block = true;
  repository::Progress progress;
  const auto saved = repository->save(block, progress, {});
  ASSERT_TRUE(saved) << saved.error().message();
  const auto root = repository->find(saved->snapshot_id, {}).value().root;
  EXPECT_EQ(root.entry.type, repository::EntryType::Directory);
  ASSERT_NE(root.summary, nullptr);
  EXPECT_EQ(root.summary->size, 5U);
  EXPECT_EQ(root.summary->files, 1U);
}

TEST_F(VolumeRepositoryTest, TheNextCopyReadsOnlyWhatIsNew) {
  write("old", std::string(5000, 'o'));
  const auto repository = open("key").value();
  save(*repository);
  write("new", "new");
  const SavedVolume second = save(*repository);
  EXPECT_EQ(second.total, 5003U);
  EXPECT_EQ(second.read, 3U);
}

TEST_F(VolumeRepositoryTest, SnapshotsAreCalledAndMarkedAsVeleroDoes) {
  write("a", "a");
  const auto repository = open("key").value();
  const SavedVolume saved = save(*repository);
  const repository::Snapshot snapshot = repository->find(saved.snapshot_id, {}).value();
  EXPECT_EQ(snapshot.user, "default");
  EXPECT_EQ(snapshot.host, "default");
  EXPECT_THAT(snapshot.paths, ElementsAre("snapshot-pod-volume/kopia/shop/db-0/data"));
  EXPECT_EQ(snapshot.description, "Kopia Uploader");
  EXPECT_THAT(snapshot.pins, ElementsAre("velero-pin"));
  EXPECT_THAT(snapshot.tags,
              ::testing::UnorderedElementsAre("ns=shop", "pod=db-0", "volume=data",
                                              "snapshot-requester=snapshot-pod-volume",
                                              "snapshot-uploader=kopia"));
}

TEST_F(VolumeRepositoryTest, AnEmptyVolumeMakesNoSnapshot) {
  const auto repository = open("key").value();
  EXPECT_EQ(save(*repository).snapshot_id, "");
  EXPECT_THAT(repository->repository().snapshots({}).value(), ElementsAre());
}

TEST(Checkpoints, AreKeptForWhoMayGoOnFromThem) {
  const TimePoint now = TimePoint(std::chrono::hours(100'000));
  const auto snapshot = [now](std::string id, std::string incomplete, int begun, int written) {
    repository::Snapshot one;
    one.id = std::move(id);
    one.incomplete = std::move(incomplete);
    one.time = now - std::chrono::hours(begun);
    if (written > 0) one.end = now - std::chrono::hours(written);
    return one;
  };
  const std::vector<repository::Snapshot> all = {
      snapshot("whole", "", 900, 899), snapshot("at work", "checkpoint", 900, 1),
      snapshot("left", "checkpoint", 900, 80), snapshot("canceled", "canceled", 80, 0),
      snapshot("tried again tonight", "checkpoint", 30, 29)};
  EXPECT_THAT(abandoned_checkpoints(all, now), ElementsAre("left", "canceled"));
}

TEST_F(VolumeRepositoryTest, AForgottenSnapshotIsGoneAndMayBeForgottenAgain) {
  write("a", "a");
  const auto repository = open("key").value();
  const std::vector<std::string> ids = {save(*repository).snapshot_id, "0123"};
  ASSERT_TRUE(repository->forget(ids, {}));
  ASSERT_TRUE(repository->forget(ids, {}));
  const Status restored = restore(*repository, ids.front());
  ASSERT_FALSE(restored);
  EXPECT_TRUE(restored.error().is(Code::NotFound));
}

TEST_F(VolumeRepositoryTest, ResticsFormatHoldsTheSameFiles) {
  type_ = "restic";
  write("books/faust.txt", "Habe nun, ach!");
  const auto repository = open("key").value();
  const SavedVolume first = save(*repository);
  write("more", "more");
  const SavedVolume second = save(*repository);
  EXPECT_EQ(second.read, 4U) << "the tags tell which snapshot it follows";
  ASSERT_TRUE(restore(*repository, second.snapshot_id.substr(0, 8)));
  EXPECT_EQ(read_file(target() / "books/faust.txt").value(), "Habe nun, ach!");
  const repository::Snapshot snapshot = repository->find(first.snapshot_id, {}).value();
  EXPECT_EQ(snapshot.host, "velero");
  EXPECT_TRUE(path_exists(dir_.path() / "bucket/backups-of/eu/restic/shop/config"));
}

// Notes what is fetched.
class NotingStore final : public objects::ForwardingStore {
 public:
  NotingStore(std::unique_ptr<ObjectStore> store, std::vector<std::string>& fetched)
      : ForwardingStore(std::move(store)), fetched_(fetched) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    {
      const Lock lock(mu_);
      fetched_.emplace_back(key);
    }
    return inner().get(key, max, std::move(stop));
  }

 private:
  Mutex mu_;
  std::vector<std::string>& fetched_;
};

// A node agent opens it for each of its volumes; what was read for one is near for the next.
TEST_F(VolumeRepositoryTest, ResticsDocumentsAreFetchedOnce) {
  type_ = "restic";
  write("a", "one");
  save(*open("key").value());
  std::vector<std::string> fetched;
  const auto noting = [&]() -> Result<std::unique_ptr<objects::ObjectStore>> {
    auto store = TRY(bucket()());
    return std::make_unique<NotingStore>(std::move(store), fetched);
  };
  const auto list_snapshots = [&] {
    const auto repository = VolumeRepository::open(noting,
                                                   {.type = type_,
                                                    .ns = "shop",
                                                    .prefix = "backups-of/eu",
                                                    .key = Secret("key"),
                                                    .cache_dir = dir_.path() / "cache"},
                                                   {})
                                .value();
    EXPECT_EQ(repository->repository().snapshots({})->size(), 1U);
    return std::ranges::count_if(fetched, [](const std::string& key) {
      return key.find("/snapshots/") != std::string::npos ||
             key.find("/index/") != std::string::npos;
    });
  };
  const auto first = list_snapshots();
  EXPECT_GE(first, 2);
  EXPECT_EQ(list_snapshots(), first);
}

TEST_F(VolumeRepositoryTest, AnotherKeyIsRefusedWithWhereTheRightOneIs) {
  ASSERT_TRUE(open("key"));
  const auto wrong = open("other");
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().is(Code::Unauthenticated)) << wrong.error().message();
  EXPECT_THAT(wrong.error().hint(), HasSubstr("Secret velero-repo-credentials"));
}

TEST_F(VolumeRepositoryTest, NothingIsMadeUnasked) {
  const auto missing = open("key", false);
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().is(Code::NotFound));
}

TEST_F(VolumeRepositoryTest, ARepositoryThatLostItsFormatIsNotWrittenOver) {
  ASSERT_TRUE(open("key"));
  ASSERT_TRUE(remove_file(dir_.path() / "bucket/backups-of/eu/kopia/shop/kopia.repository"));
  const auto lost = open("key");
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().message(), HasSubstr("found existing data in storage location"));
}

// "mode owner size path" lines, then "sha256  path" lines.
std::map<std::string, std::string> sums_of(const std::string& listing) {
  std::map<std::string, std::string> sums;
  for (const std::string& line : split_trimmed(listing, '\n')) {
    const Cut parts = cut(line, "  ");
    if (parts.found && parts.before.size() == 64) sums[std::string(parts.after)] = parts.before;
  }
  return sums;
}

TEST_F(VolumeRepositoryTest, WhatTheRealVeleroSavedComesBack) {
  const FilePath fixture = FilePath(LATEEN_TESTDATA) / "velero-bucket";
  // Opening may note that it was opened: the fixture is not ours to write to.
  std::filesystem::copy(fixture / "bucket/kopia", dir_.path() / "bucket/kopia",
                        std::filesystem::copy_options::recursive);
  const auto repository =
      VolumeRepository::open(bucket(),
                             {.type = "kopia", .ns = "bookstore", .key = Secret("our own")}, {})
          .value();
  EXPECT_TRUE(repository->has_well_known_key());
  std::string newest;
  const std::vector<repository::Snapshot> all = repository->repository().snapshots({}).value();
  for (const repository::Snapshot& one : all) {
    if (one.paths.front() == kCatalogSource && newest.empty()) newest = one.id;
  }
  ASSERT_NE(newest, "");
  ASSERT_TRUE(restore(*repository, newest));
  std::size_t compared = 0;
  for (const auto& [path, sum] : sums_of(read_file(fixture / "volumes-expected.txt").value())) {
    if (!path.starts_with("catalog/")) continue;
    ++compared;
    EXPECT_EQ(sha256_hex(read_file(target() / path.substr(8)).value_or("")), sum) << path;
  }
  EXPECT_EQ(compared, 3U);
  EXPECT_EQ(std::filesystem::read_symlink(target() / "link"), "a/b/deep.txt");
  EXPECT_TRUE(path_exists(target() / "empty"));
}

}  // namespace
}  // namespace lateen::volumes
